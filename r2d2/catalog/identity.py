"""Files have owners (EXACTNESS 1): several names of one dataset are merged, datasets with common files are marked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Sequence
from dataclasses import replace
from itertools import combinations

from r2d2.catalog.listing import Candidate

#: Identity of a file → positions of the candidates that hold it, claim it or refer to it.
Owners = dict[str, tuple[int, ...]]


def merge_aliases(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """One candidate for each dataset, sorted by id, with its other names and the datasets that it shares files with.

    The same dataset: the same format, the same files with the same partition values, as often, and for a table format
    the same log; catalogs that say different things of the same files have different ones. Everything else that has a
    file in common, or refers to a file of another one, is shared. Runs in time linear in the number of files, besides
    the pairs that it finds. What was found by an earlier run is found again.
    Candidates of status ``hidden`` (tables that are left out) are not in the result, only among those shared with.
    """
    groups: dict[Hashable, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        groups[_sameness(candidate)].append(candidate)
    alike = (one for group in groups.values() for one in _told_alike(group))
    merged = sorted(map(_merged, alike), key=lambda candidate: candidate.id)
    owners = _owners(merged)
    shared: dict[int, set[int]] = defaultdict(set)
    for together in {positions for positions in owners.values() if len(positions) > 1}:
        for one, other in combinations(together, 2):
            shared[one].add(other)
            shared[other].add(one)
    return tuple(
        _with_shared(candidate, [merged[other] for other in shared[position]], owners)
        for position, candidate in enumerate(merged)
        if candidate.status != "hidden"
    )


def _with_shared(candidate: Candidate, others: Sequence[Candidate], owners: Owners) -> Candidate:
    outsiders = {*candidate.outsiders, *(other.id for other in others if other.status == "hidden")}
    return replace(
        candidate,
        shared_with=tuple(sorted({*(other.id for other in others), *outsiders})),
        outsiders=tuple(sorted(outsiders)),
        pins=_pins(candidate, owners),
    )


def _sameness(candidate: Candidate) -> Hashable:
    """Equal for two names of one dataset. Files count as often as they are in it: each time is its rows again."""
    files = tuple(sorted((file.identity, _ordered(file.partition)) for file in candidate.files))
    if not files and not candidate.claimed:
        return candidate.id
    return candidate.format, candidate.status, files, tuple(sorted(candidate.claimed))


def _told_alike(group: Sequence[Candidate]) -> Collection[Sequence[Candidate]]:
    """Names of the same files by what is told of them; files of which nothing is told are what the only one tells."""
    by_told: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in group:
        by_told[candidate.told].append(candidate)
    return by_told.values() if len(by_told.keys() - {""}) > 1 else [group]


def _ordered(partition: tuple[tuple[str, str | None], ...]) -> tuple[tuple[str, bool, str], ...]:
    """Partition values in an order that NULL takes part in."""
    return tuple((column, value is None, value or "") for column, value in partition)


def _merged(group: Sequence[Candidate]) -> Candidate:
    """The one with the plainest name: a real path before a link, a path before a catalog's name, the shortest."""
    if len(group) == 1:
        return group[0]
    main = min(group, key=lambda c: (c.linked, c.id.startswith("catalog:"), len(c.id), c.id))
    names = {name for candidate in group for name in (candidate.id, *candidate.names)} - {main.id}
    described = next((candidate for candidate in group if candidate.schema), main)  # a catalog knows the columns' types
    return replace(described, id=main.id, linked=main.linked, names=tuple(sorted(names)))


def _owners(candidates: Sequence[Candidate]) -> Owners:
    owners: dict[str, list[int]] = defaultdict(list)
    for position, candidate in enumerate(candidates):
        for identity in {*(file.identity for file in candidate.files), *candidate.claimed, *candidate.pins}:
            owners[identity].append(position)
    return {identity: tuple(positions) for identity, positions in owners.items()}


def _pins(candidate: Candidate, owners: Owners) -> tuple[str, ...]:
    """What its log refers to outside, and those of its files that another dataset has too."""
    own = {*(file.identity for file in candidate.files), *candidate.claimed}
    return tuple(sorted({*candidate.pins, *(identity for identity in own if len(owners[identity]) > 1)}))
