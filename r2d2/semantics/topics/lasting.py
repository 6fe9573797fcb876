"""Ids of topics that last: a topic of this run is the one of the last run whose datasets it mostly holds."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

#: Of the datasets of two topics together, so many must be in both.
_ALIKE = 0.5


class Extent(NamedTuple):
    """What a topic covers.

    Attributes:
        level: in its tree; of two topics with the same datasets the one of the same level is the same.
        datasets: below it, sorted.
    """

    level: int
    datasets: Sequence[str]


def lasting_ids(topics: Mapping[int, Extent], before: Mapping[str, Extent]) -> dict[int, str]:
    """The id of each node.

    Args:
        topics: of each node, the root included.
        before: of each topic of the run before, by id.
    """
    found: dict[int, str] = {}
    taken: set[str] = set()
    for share, _, node, known in sorted(_overlaps(topics, before), key=lambda row: (-row[0], *row[1:])):
        if share >= _ALIKE and node not in found and known not in taken:
            found[node] = known
            taken.add(known)
    for node, (_, members) in topics.items():
        if node not in found:
            found[node] = _new(members, taken | before.keys())
            taken.add(found[node])
    return {node: found[node] for node in topics}


def _overlaps(topics: Mapping[int, Extent], before: Mapping[str, Extent]) -> list[tuple[float, bool, int, str]]:
    """(share of both together that is in both, on other levels, node, id before) of all with a dataset in common."""
    of_dataset: dict[str, list[str]] = defaultdict(list)
    for known, extent in before.items():
        for dataset in extent.datasets:
            of_dataset[dataset].append(known)
    found = []
    for node, (level, members) in topics.items():
        common = Counter(known for dataset in members for known in of_dataset.get(dataset, ()))
        for known, both in common.items():
            either = len(members) + len(before[known].datasets) - both
            found.append((both / either, level != before[known].level, node, known))
    return found


def _new(members: Sequence[str], taken: set[str]) -> str:
    """Eight hexadecimal digits of a hash of the datasets; of what is taken, the next."""
    number = 0
    while True:
        text = "\n".join((str(number), *members)).encode("utf-8", "surrogatepass")
        new = f"t-{hashlib.blake2b(text, digest_size=4).hexdigest()}"
        if new not in taken:
            return new
        number += 1
