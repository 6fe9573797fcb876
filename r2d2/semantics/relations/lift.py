"""Each base relation lifts to the parents of its endpoints, up to the root, in one pass from the leaves.

A level is folded from the rows of the level below, which are far fewer than the base relations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from r2d2.semantics.base_relations import Kind, Relations
from r2d2.semantics.relations.lifted import Lifted
from r2d2.semantics.tree import Floats, Ints, Tree

_KINDS = len(Kind)
_DIRECTED = np.asarray([kind.directed for kind in Kind])


@dataclass(frozen=True, eq=False)
class _Level:
    """Rows of one level, and the base relations that are exemplars: those of row i have it as ``owner``."""

    source: Ints
    target: Ints
    kind: Ints
    count: Ints
    weight: Floats
    owner: Ints
    rank: Ints


def lift(tree: Tree, base: Relations, exemplars: int = 3, volume: Floats | None = None) -> Lifted:
    """Relations between nodes of each level, and inside of them.

    Args:
        base: between leaves.
        exemplars: base relations that a row names, at most: with τ or more, a row of at most τ names all of them.
        volume: of each leaf, shape (leaves,); 1 without it.
    """
    by_weight = np.argsort(-base.weight, kind="stable").astype(np.int32)  # ranks: what is heavier comes first
    ones = np.ones(len(base), np.int32)
    rows = base.source[by_weight], base.target[by_weight], base.kind[by_weight]
    number = np.arange(len(base), dtype=np.int32)
    levels = [_folded(tree.nodes, _Level(*rows, ones, base.weight[by_weight], number, number), exemplars)]
    for _ in range(tree.height):
        levels.append(_folded(tree.nodes, _raised(levels[-1], tree.parent), exemplars))
    return _joined(base, levels, by_weight, _volumes(tree, volume))


def _raised(level: _Level, parent: Ints) -> _Level:
    return _Level(
        parent[level.source], parent[level.target], level.kind, level.count, level.weight, level.owner, level.rank
    )


def _folded(nodes: int, level: _Level, exemplars: int) -> _Level:
    """One row for each source, target and kind."""
    low, high = np.minimum(level.source, level.target), np.maximum(level.source, level.target)
    directed = _DIRECTED[level.kind]
    source, target = np.where(directed, level.source, low), np.where(directed, level.target, high)
    key = (source.astype(np.int64) * nodes + target) * _KINDS + level.kind
    keys, row = np.unique(key, return_inverse=True)
    between, kind = np.divmod(keys, _KINDS)
    owner, rank = _heaviest(row[level.owner], level.rank, exemplars)
    return _Level(
        (between // nodes).astype(np.int32),
        (between % nodes).astype(np.int32),
        kind.astype(np.int32),
        np.bincount(row, level.count, len(keys)).astype(np.int32),
        np.bincount(row, level.weight, len(keys)).astype(np.float32),
        owner,
        rank,
    )


def _heaviest(owner: Ints, rank: Ints, most: int) -> tuple[Ints, Ints]:
    """The ``most`` lowest ranks of each owner, sorted by owner and rank."""
    if not len(owner):
        return owner, rank
    span = int(rank.max()) + 1
    owner, rank = np.divmod(np.sort(owner.astype(np.int64) * span + rank), span)
    position = np.arange(len(owner)) - np.searchsorted(owner, owner)
    kept = position < most
    return owner[kept].astype(np.int32), rank[kept].astype(np.int32)


def _joined(base: Relations, levels: list[_Level], by_weight: Ints, volume: Floats) -> Lifted:
    source, target, kind, count, weight = (
        np.concatenate([getattr(level, name) for level in levels])
        for name in ("source", "target", "kind", "count", "weight")
    )
    behind = np.concatenate([np.bincount(level.owner, minlength=len(level.source)) for level in levels])
    first = np.concatenate([[0], np.cumsum(behind)]).astype(np.int32)
    rows = by_weight[np.concatenate([level.rank for level in levels])]
    strength = (weight / np.sqrt(volume[source] * volume[target])).astype(np.float32)
    return Lifted(base, source, target, kind, count, weight, strength, first, rows)


def _volumes(tree: Tree, of_leaves: Floats | None) -> Floats:
    """Of each node, the volume of all leaves below it."""
    volume = np.zeros(tree.nodes, np.float32)
    volume[: tree.leaves] = 1 if of_leaves is None else of_leaves
    for level in range(tree.height):
        nodes = tree.of_level(level)
        inside = slice(nodes.start, nodes.stop)
        volume += np.bincount(tree.parent[inside], volume[inside], tree.nodes).astype(np.float32)
    return volume
