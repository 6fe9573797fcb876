"""A tree over pieces, bottom-up in stages, and its cuts.

Each stage joins what the one before left to about half as many groups, by average linkage of their centroids (scipy);
then centroids are taken anew: those of larger groups tell better what they are about, above all where two camps share
no word. From the second stage on a part of what both groups have with their nearest is taken off a similarity (as in
cross-domain similarity local scaling), so that general groups, which are near to all, don't draw everything together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from r2d2.semantics.base_relations import Relations
from r2d2.semantics.hierarchy.pieces import pieces as pieces_of
from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.similarity.graph import graph_of
from r2d2.semantics.similarity.near import near
from r2d2.semantics.tree import Floats, Ints, numbered

#: Rows of (node, node): pieces are 0 to n - 1, the merge of row i makes node n + i.
Merges = npt.NDArray[np.int64]

#: Groups that a stage leaves, as a share of those that it begins with; when there are so few, it is the last one.
_LEFT, _FEW = 0.55, 8
#: Groups that are compared with each other at once: 25 bytes for each two.
_AT_ONCE = 5_000
#: Meaning counts more for groups than for entities: their vectors are means of many.
_MEANING = 4.0
#: Nearest groups that say what is usual for one, and the share of it that is taken off. All of it parted families with
#: messy names (an ARI of .93 where half gives .96), and nothing of it took two camps of one family for two.
_NEAREST, _USUAL = 10, 0.5


@dataclass(frozen=True, eq=False)
class Linkage:
    """All merges of pieces to one group, the closest first within each stage.

    Attributes:
        pieces: how many there are.
        merges: shape (pieces - 1, 2).
    """

    pieces: int
    merges: Merges

    def cut(self, parts: int) -> Ints:
        """The tree in so many parts, or as many as there are pieces: the part of each piece, numbered from 0."""
        above = np.arange(2 * self.pieces - 1)
        for row in range(self.pieces - min(max(parts, 1), self.pieces)):
            above[self.merges[row]] = self.pieces + row
        for node in range(len(above) - 1, -1, -1):  # what lies above has a higher number
            above[node] = above[above[node]]
        return numbered(above[: self.pieces])


def linkage_of(entities: Blended, pieces: Ints) -> Linkage:
    """The tree over pieces.

    Memory grows with the square of the groups of a stage; of more than 5,000 only those are joined that lie in one
    block of near ones, which are parted anew before each stage.

    Args:
        pieces: of each entity, its piece, numbered from 0.
    """
    count = int(pieces.max()) + 1
    found: list[Merges] = []
    nodes = np.arange(count)
    groups = np.arange(count, dtype=np.int32)
    while len(nodes) > 1:
        left = 1 if len(nodes) <= _FEW else int(len(nodes) * _LEFT)
        merges = _stage(entities.centroids(groups[pieces]), len(nodes) - left, scaled=len(nodes) < count)
        first = count + sum(map(len, found))
        found.append(np.concatenate([nodes, first + np.arange(len(merges))])[merges])
        joined = Linkage(len(nodes), merges).cut(len(nodes) - len(merges))
        nodes = _tops(nodes, joined, first, merges)
        groups = joined[groups]
    return Linkage(count, np.concatenate([np.empty((0, 2), np.int64), *found]))


def linkage_within(entities: Blended, pieces: Ints, levels: Sequence[Ints]) -> Linkage:
    """A tree over pieces whose cuts hold given levels: first all merges within groups of the finest, and so on.

    Args:
        levels: the group of each entity on each level, the finest first, the root last; pieces lie within groups.
    """
    count = int(pieces.max()) + 1
    found: list[tuple[int, int]] = []
    tops = {piece: piece for piece in range(count)}  # of each part of the level below, its node
    below = pieces
    for level in levels:
        parts: dict[int, list[int]] = {}
        for part, group in dict(zip(below.tolist(), level.tolist(), strict=True)).items():
            parts.setdefault(group, []).append(part)
        centroids = entities.centroids(below)
        steps = [step for group, members in parts.items() for step in _within(centroids, group, members, scaled=False)]
        tops = _merged(sorted(steps, key=lambda step: step.height), tops, parts, found, count)
        below = level
    return Linkage(count, np.asarray(found, np.int64).reshape(-1, 2))


class _Step(NamedTuple):
    """A merge of two parts of a group, each named by one of the parts it was made of; ``left`` names both then."""

    height: float
    group: int
    left: int
    right: int


def _within(centroids: Blended, group: int, members: Sequence[int], scaled: bool) -> Iterator[_Step]:
    """Average linkage of the parts of one group."""
    if len(members) < 2:
        return
    some, names = np.asarray(members, np.int32), list(members)
    between = _similarities(Blended(centroids.dense[some], centroids.lexical[some]), scaled)
    for left, right, height, _ in _average(between):
        yield _Step(float(height), group, names[int(left)], names[int(right)])
        names.append(names[int(left)])


def _merged(
    steps: Sequence[_Step],
    tops: dict[int, int],
    parts: dict[int, list[int]],
    found: list[tuple[int, int]],
    pieces: int,
) -> dict[int, int]:
    """Adds the merges of one level; the node of each group then."""
    result = {group: tops[members[0]] for group, members in parts.items()}
    for step in steps:
        found.append((tops[step.left], tops[step.right]))
        tops[step.left] = result[step.group] = pieces + len(found) - 1
    return result


def _tops(nodes: Merges, joined: Ints, first: int, merges: Merges) -> Merges:
    """The node that each part of a stage has become, in the order of the parts' numbers."""
    here = np.concatenate([nodes, first + np.arange(len(merges))])
    part = np.concatenate([joined, np.empty(len(merges), np.int32)])
    for row, (left, _) in enumerate(merges.tolist()):
        part[len(nodes) + row] = part[left]
    found = np.empty(int(joined.max()) + 1, np.int64)
    found[part] = here  # the last one counts, and of a part that is its last merge
    return found


def _similarities(centroids: Blended, scaled: bool) -> Floats:
    spelled = (centroids.lexical @ centroids.lexical.T).toarray()
    found = np.asarray(_MEANING * centroids.dense @ centroids.dense.T + spelled, np.float32)
    if not scaled or len(found) <= _NEAREST:
        return found
    np.fill_diagonal(found, -np.inf)
    usual = np.partition(found, -_NEAREST, axis=1)[:, -_NEAREST:].mean(axis=1)
    return np.asarray(found - _USUAL * (usual[:, None] + usual[None]) / 2, np.float32)


def _stage(centroids: Blended, number: int, scaled: bool) -> Merges:
    """The first merges of average linkage; of many groups, those of each block."""
    if len(centroids) <= _AT_ONCE:
        return np.asarray(_average(_similarities(centroids, scaled))[:number, :2], np.int64)
    blocks = {block: members.tolist() for block, members in enumerate(_blocks(centroids))}
    steps: list[_Step] = []
    for block, members in blocks.items():
        steps.extend(islice(_within(centroids, block, members, scaled), number * len(members) // len(centroids)))
    found: list[tuple[int, int]] = []
    tops = {group: group for group in range(len(centroids))}
    _merged(sorted(steps, key=lambda step: step.height), tops, blocks, found, len(centroids))
    return np.asarray(found, np.int64).reshape(-1, 2)


def _blocks(centroids: Blended) -> list[npt.NDArray[np.intp]]:
    """Groups that are near each other, so many at most in each block: several pieces, of which few are cut in two."""
    graph = graph_of(len(centroids), *near(centroids, _NEAREST), Relations.none())
    order = np.argsort(pieces_of(graph, max(2, _AT_ONCE // 4), seed=0), kind="stable")
    return np.array_split(order, -(-len(order) // _AT_ONCE))


def _average(between: Floats) -> npt.NDArray[np.float64]:
    """Average linkage (scipy): rows of two nodes, their height and size."""
    apart = between[~np.eye(len(between), dtype=bool)].max() - between
    np.fill_diagonal(apart, 0)
    found = linkage(squareform(np.maximum((apart + apart.T) / 2, 0), checks=False), method="average")
    return np.asarray(found, np.float64)
