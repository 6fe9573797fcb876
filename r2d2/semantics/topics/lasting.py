"""Ids of topics that last: a topic of this run is the one of the last run whose datasets it mostly holds."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

#: Of the datasets of two topics together, so many must be in both.
_ALIKE = 0.5


def lasting_ids(topics: Mapping[int, Sequence[str]], before: Mapping[str, Sequence[str]]) -> dict[int, str]:
    """The id of each node.

    Args:
        topics: the datasets below each node, the root included.
        before: the datasets below each topic of the run before, by id.
    """
    found: dict[int, str] = {}
    taken: set[str] = set()
    for share, node, known in sorted(_overlaps(topics, before), key=lambda row: (-row[0], row[1], row[2])):
        if share >= _ALIKE and node not in found and known not in taken:
            found[node] = known
            taken.add(known)
    for node, members in topics.items():
        if node not in found:
            found[node] = _new(members, taken | before.keys())
            taken.add(found[node])
    return {node: found[node] for node in topics}


def _overlaps(topics: Mapping[int, Sequence[str]], before: Mapping[str, Sequence[str]]) -> list[tuple[float, int, str]]:
    """(share of both together that is in both, node, id before) of all that have a dataset in common."""
    of_dataset: dict[str, list[str]] = defaultdict(list)
    for known, members in before.items():
        for dataset in members:
            of_dataset[dataset].append(known)
    found = []
    for node, members in topics.items():
        common = Counter(known for dataset in members for known in of_dataset.get(dataset, ()))
        for known, both in common.items():
            found.append((both / (len(members) + len(before[known]) - both), node, known))
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
