"""Base relations on every level of a tree, with bridges between what they leave apart, and how much of it is real."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from r2d2.semantics.base_relations import Kind, Relations
from r2d2.semantics.relations.bridges import Near, bridges, islands
from r2d2.semantics.relations.lift import lift
from r2d2.semantics.relations.lifted import Lifted
from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.tree import Floats, Ints, Tree


@dataclass(frozen=True)
class Layer:
    """One level below the root, in figures.

    Attributes:
        nodes: of this level.
        islands: components of the level before bridges; 1 where all of it is joined by what was found.
        bridges: what was added: one less than there are islands.
        edges: pairs of nodes that anything but a bridge joins.
        base: relations between entities, all in all, by kind.
        lifted: those of them that run between two nodes of this level; the others run inside of one.
    """

    level: int
    nodes: int
    islands: int
    bridges: int
    edges: int
    base: Mapping[Kind, int]
    lifted: Mapping[Kind, int]

    def share(self, kinds: Collection[Kind] = tuple(Kind)) -> float:
        """Of the base relations of some kinds, how many are lifted to this level as relations of two nodes; 0 to 1."""
        base = sum(self.base.get(kind, 0) for kind in kinds)
        return sum(self.lifted.get(kind, 0) for kind in kinds) / base if base else 0.0

    @property
    def real(self) -> float:
        """Of the pairs that are joined, how many are so by what was found; 0 to 1."""
        return self.edges / (self.edges + self.bridges) if self.edges + self.bridges else 1.0


def relate(
    tree: Tree, base: Relations, entities: Blended, near: Near, exemplars: int = 3, volume: Floats | None = None
) -> tuple[Lifted, tuple[Layer, ...]]:
    """All relations of all levels; each level is one component.

    Args:
        base: between leaves.
        entities: what the leaves are like.
        near: their neighbours (``similarity.near``).
        exemplars, volume: as ``lift`` takes them.
    """
    found = lift(tree, base, exemplars, volume)
    layers, added = zip(*(_layer(tree, found, level, entities, near) for level in range(tree.height)), strict=True)
    one, far, alike = (np.concatenate(part) for part in zip(*added, strict=True))
    return _with_bridges(found, one, far, alike), layers


def _layer(
    tree: Tree, found: Lifted, level: int, entities: Blended, near: Near
) -> tuple[Layer, tuple[Ints, Ints, Floats]]:
    """A level in figures, and its bridges, with how alike they are."""
    nodes = tree.of_level(level)
    between = (tree.level[found.source] == level) & (found.source != found.target)
    source, target = found.source[between] - nodes.start, found.target[between] - nodes.start
    island = islands(len(nodes), source, target)
    centroids = entities.centroids(tree.at[level] - nodes.start) if level else entities
    one, far, alike = bridges(island, centroids, None if level else near)
    pairs = np.sort(np.minimum(source, target).astype(np.int64) * len(nodes) + np.maximum(source, target))
    edges = int(np.count_nonzero(np.diff(pairs, prepend=-1)))
    base, lifted = _by_kind(found.base.kind), _by_kind(found.kind[between], found.count[between])
    layer = Layer(level, len(nodes), int(island.max()) + 1, len(one), edges, base, lifted)
    return layer, (one + nodes.start, far + nodes.start, alike)


def _by_kind(kinds: Ints, counts: Ints | None = None) -> dict[Kind, int]:
    """How many there are of each kind that there is."""
    numbers = np.bincount(kinds, counts, len(Kind)).astype(int).tolist()
    return {kind: numbers[kind] for kind in Kind if numbers[kind]}


def _with_bridges(found: Lifted, one: Ints, far: Ints, alike: Floats) -> Lifted:
    """Rows for bridges in their places; no base relation is behind them, and no other row joins their nodes."""
    low, high = np.minimum(one, far), np.maximum(one, far)
    order = np.lexsort((high, low))
    low, high, alike = low[order], high[order], alike[order]
    span = max(int(found.target.max(initial=0)), int(high.max(initial=0))) + 1
    at = np.searchsorted(found.source.astype(np.int64) * span + found.target, low.astype(np.int64) * span + high)
    return replace(
        found,
        source=np.insert(found.source, at, low),
        target=np.insert(found.target, at, high),
        kind=np.insert(found.kind, at, Kind.BRIDGE),
        count=np.insert(found.count, at, 0),
        weight=np.insert(found.weight, at, alike),
        strength=np.insert(found.strength, at, alike),
        first=np.insert(found.first, at, found.first[at]),
    )
