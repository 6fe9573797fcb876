"""Copies that stand for each other, when one of them turns out not to be readable as one version (EXACTNESS 1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np

from r2d2.containment.pairs import Ints, Pairs, Standing


def without(group_of: Ints, apart: Collection[int], order: Sequence[int]) -> Ints:
    """The groups without some datasets, each of which then stands for itself.

    Args:
        group_of: for each dataset the one that stands for it.
        apart: datasets that leave their group.
        order: all datasets; of each group the first one stands for it.
    """
    members: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index in order:
        members[int(group_of[index]), index if index in apart else -1].append(index)
    found = group_of.copy()
    for group in members.values():
        found[group] = group[0]
    return found


def same_pairs(before: Pairs, group_of: Ints, after: Pairs) -> Ints:
    """For each of the pairs ``after`` the position ``before`` of the one that stood for it and has a verdict, else -1.

    Args:
        group_of: the groups ``before``.
    """
    known = before.parent * len(group_of) + before.child
    wanted = group_of[after.parent] * len(group_of) + group_of[after.child]
    if not len(known):
        return np.full(len(wanted), -1)
    order = np.argsort(known)
    found = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
    return np.where((known[found] == wanted) & (before.standing[found] != Standing.UNREAD), found, -1)
