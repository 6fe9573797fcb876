"""What is told of a dataset: itself, what it holds and what holds it, and what the plan says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from r2d2.model.dataset import Dataset


@dataclass(frozen=True)
class Verdict:
    """What the plan says of a dataset.

    Attributes:
        text: in words.
        goes: whether its own bytes are to go.
        parent: the dataset that it comes back from; empty for none.
        back: how soon, in words.
    """

    text: str
    goes: bool
    parent: str = ""
    back: str = ""

    def told(self, called: Callable[[str], str]) -> str:
        """All of it, with the parent as it is called."""
        return f"{self.text}, back from {called(self.parent)} in {self.back}" if self.parent else self.text


@dataclass(frozen=True)
class Source:
    """A dataset, for evidence.

    Attributes:
        container: the dataset that holds all its rows and that no other one holds; itself where none does.
        holds: ids of the datasets that are folded into this one, sorted.
        verdict: the plan's; None without a plan.
    """

    dataset: Dataset
    container: str
    holds: tuple[str, ...] = ()
    verdict: Verdict | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it is known to hold no row."""
        return self.dataset.rows == 0


def sources_of(
    datasets: Iterable[Dataset],
    contained: Iterable[tuple[str, str]],
    duplicates: Iterable[Sequence[str]],
    verdicts: Mapping[str, Verdict],
) -> dict[str, Source]:
    """All of them, by id.

    Args:
        contained: (parent, child) of proven pairs, the implied ones or not.
        duplicates: groups that hold the same rows; the first one that stays, as the plan says, stands for all.
        verdicts: the plan's, of ids.
    """
    known = {dataset.id: dataset for dataset in datasets}
    stay = [sorted(group, key=lambda name: name in verdicts and verdicts[name].goes) for group in duplicates]
    container = _containers(known, contained, stay)
    folded: dict[str, list[str]] = defaultdict(list)
    for name, top in sorted(container.items()):
        if name != top:
            folded[top].append(name)
    return {
        name: Source(dataset, container[name], tuple(folded[name]), verdicts.get(name))
        for name, dataset in known.items()
    }


def _containers(
    known: Mapping[str, Dataset], contained: Iterable[tuple[str, str]], duplicates: Iterable[Sequence[str]]
) -> dict[str, str]:
    """Of each dataset the top above it; where there are several, the one with most rows."""
    first: dict[str, str] = {}
    for group in duplicates:
        members = [name for name in group if name in known]
        first.update(dict.fromkeys(members, members[0]) if members else {})
    above: dict[str, set[str]] = defaultdict(set)
    for parent, child in contained:
        ends = first.get(parent, parent), first.get(child, child)
        if ends[0] in known and ends[1] in known and ends[0] != ends[1]:
            above[ends[1]].add(ends[0])
    tops = _tops(above, known)
    return {name: tops[first.get(name, name)] for name in known}


def _tops(above: Mapping[str, set[str]], known: Mapping[str, Dataset]) -> dict[str, str]:
    """Of each dataset where the walk up by the parent with most rows ends; each is visited once, as chains are long."""
    circle = _circles(above, known)
    found: dict[str, str] = {}
    for name in known:
        path = [name]
        while (last := path[-1]) not in found:
            further = _further(last, above, known, circle)
            if circle[further] == circle[last]:
                found[last] = further
            else:
                path.append(further)
        found.update(dict.fromkeys(path, found[path[-1]]))
    return found


def _further(name: str, above: Mapping[str, set[str]], known: Mapping[str, Dataset], circle: Mapping[str, int]) -> str:
    """The next one above that is not in the circle of ``name``, or the one of these where the walk ends."""
    start, seen = name, {name}
    while circle[name] == circle[start] and (further := above.get(name, set()) - seen):
        name = min(further, key=lambda other: (-(known[other].rows or 0), other))
        seen.add(name)
    return name


def _circles(above: Mapping[str, set[str]], known: Iterable[str]) -> dict[str, int]:
    """Of each dataset the number of the circle that it is in, if proofs go in a circle; else one of its own."""
    place = {name: number for number, name in enumerate(known)}
    links = [(place[child], place[parent]) for child, parents in above.items() for parent in parents]
    rows, columns = np.asarray(links, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(place), len(place)))
    _, found = connected_components(graph, connection="strong")
    return dict(zip(place, found.tolist(), strict=True))
