"""A planted catalog: datasets as discovery would find them, what was proven of them, and what they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from benchmarks.planted.columns import leaf
from benchmarks.planted.drafts import Draft
from r2d2.model.dataset import Dataset, Leaf
from r2d2.model.usage import Usage

_DIRECTORIES = ("raw", "staging", "dwh", "archive", "landing", "users/anna", "users/tom", "users/li", "team-blue",
                "mart", "team-red", "sandbox", "export", "backup", "projects/apollo", "projects/zeus", "lake/bronze",
                "lake/silver", "lake/gold", "shared", "tmp", "legacy/as400", "legacy/oracle", "migration")  # fmt: skip
_OWNERS = tuple(f"{kind}-{word}" for kind in ("team", "user") for word in
                ("ash", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine", "rowan",
                 "yew"))  # fmt: skip
_FORMATS = (("parquet", 50), ("delta", 25), ("csv", 15), ("jsonl", 10))
_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, eq=False)
class Planted:
    """Datasets in no order, and the truth about each, by position.

    Attributes:
        datasets: as discovery gives them.
        pairs: ids of parent and child, for every proven containment, the implied ones too, but those of duplicates.
        duplicates: groups of ids that hold the same rows over the same columns.
        usages: by dataset id: owners of most, lineage of few.
        family, group, domain: what it is about, finest first.
        camp: which words its people use.
        meanings: concepts of its columns in their order; empty where a name says nothing.
    """

    datasets: tuple[Dataset, ...]
    pairs: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, ...], ...]
    usages: Mapping[str, Usage]
    family: tuple[str, ...]
    group: tuple[str, ...]
    domain: tuple[str, ...]
    camp: tuple[int, ...]
    meanings: tuple[tuple[str, ...], ...]


def planted(drafts: Sequence[Draft], random: Random) -> Planted:
    """Drafts as a catalog; nothing but names, columns and proofs tells what a dataset is about."""
    order = list(range(len(drafts)))
    random.shuffle(order)
    datasets = _datasets(drafts, random)
    ids = [dataset.id for dataset in datasets]
    holders = _holders(drafts)
    shuffled = [drafts[at] for at in order]
    return Planted(
        datasets=tuple(datasets[at] for at in order),
        pairs=tuple(sorted((ids[parent], ids[child]) for child, found in holders.items() for parent in found)),
        duplicates=_duplicates(drafts, ids),
        usages=_usages(drafts, ids, random),
        family=tuple(draft.subject.name for draft in shuffled),
        group=tuple(draft.subject.group for draft in shuffled),
        domain=tuple(draft.subject.domain for draft in shuffled),
        camp=tuple(draft.camp for draft in shuffled),
        meanings=tuple(tuple(column.meaning for column in draft.columns) for draft in shuffled),
    )


def _datasets(drafts: Sequence[Draft], random: Random) -> list[Dataset]:
    found: list[Dataset] = []
    taken: set[str] = set()
    for draft in drafts:
        form = random.choices([name for name, _ in _FORMATS], [weight for _, weight in _FORMATS])[0]
        id_ = _free(_path(draft.name, form, random), taken)
        size = int(draft.rows * len(draft.columns) * random.uniform(2, 30))
        moment = int((19_000 + random.randrange(1500)) * _DAY_NS)
        leaves = tuple(leaf(column, form, random) for column in draft.columns)
        dataset = Dataset(
            id_, form, f"/lake/{id_}", "v1", leaves=leaves, rows=draft.rows, bytes=size, modified_ns=moment
        )
        if draft.held:  # the same column of the same rows has one type
            dataset = replace(dataset, leaves=_as_in(found[draft.made_from], draft))
        found.append(dataset)
    return found


def _as_in(parent: Dataset, draft: Draft) -> tuple[Leaf, ...]:
    types = {leaf_.path: leaf_ for leaf_ in parent.leaves}
    return tuple(types[column.path] for column in draft.columns)


def _path(name: str, form: str, random: Random) -> str:
    parts = [random.choice(_DIRECTORIES)]
    if random.random() < 0.4:
        parts.append(str(random.randrange(2015, 2026)))
    ending = f".{form}" if form in ("csv", "jsonl") or random.random() < 0.3 else ""
    return "/".join([*parts, name + ending])


def _free(path: str, taken: set[str]) -> str:
    """The path, or the first like it that no other dataset has."""
    found, number = path, 2
    while found in taken:
        found, number = f"{path}~{number}", number + 1
    taken.add(found)
    return found


def _copied(drafts: Sequence[Draft], at: int) -> int:
    """The first of the drafts that hold exactly the same."""
    while drafts[at].how == "copy":
        at = drafts[at].made_from
    return at


def _holders(drafts: Sequence[Draft]) -> dict[int, list[int]]:
    """Of each draft, all that hold its rows and are no duplicates of it: those it was made from, and their copies."""
    alike: dict[int, list[int]] = {}
    for at in range(len(drafts)):
        alike.setdefault(_copied(drafts, at), []).append(at)
    found: dict[int, list[int]] = {}
    for at in range(len(drafts)):
        above = _copied(drafts, at)
        while drafts[above].held:
            above = _copied(drafts, drafts[above].made_from)
            found.setdefault(at, []).extend(alike[above])
    return found


def _duplicates(drafts: Sequence[Draft], ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    groups: dict[int, list[str]] = {}
    for at, id_ in enumerate(ids):
        groups.setdefault(_copied(drafts, at), []).append(id_)
    return tuple(sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1))


def _usages(drafts: Sequence[Draft], ids: Sequence[str], random: Random) -> dict[str, Usage]:
    """Owners of seven in ten, drawn; what one in four of the copies was made from, and one in twenty of the others."""
    near = _by_domain(drafts)
    found = {}
    for at, (draft, id_) in enumerate(zip(drafts, ids, strict=True)):
        owner = random.choice(_OWNERS) if random.random() < 0.7 else ""
        upstream: tuple[str, ...] = ()
        if draft.made_from >= 0 and random.random() < 0.25:
            upstream = (ids[draft.made_from],)
        elif random.random() < 0.05:
            upstream = tuple(
                ids[other] for other in random.sample(near[draft.subject.domain, draft.camp], 2) if other != at
            )
        if owner or upstream:
            found[id_] = Usage(id_, owner=owner, upstream=upstream)
    return found


def _by_domain(drafts: Sequence[Draft]) -> dict[tuple[str, int], list[int]]:
    found: dict[tuple[str, int], list[int]] = {}
    for at, draft in enumerate(drafts):
        found.setdefault((draft.subject.domain, draft.camp), []).append(at)
    return found
