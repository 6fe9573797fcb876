"""The virtual tree of anchors: all nodes on their paths up to where they meet, and what relates any two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from r2d2.semantics.base_relations import Kind
from r2d2.semantics.relations.lifted import LiftedRelation
from r2d2.semantics.retrieval.index import Index
from r2d2.semantics.tree import Tree

#: What is told: proofs and lineage; of aggregates also that they share columns, which datasets near each other all do.
_TOLD, _TOLD_OF_TOPICS = (Kind.CONTAINS, Kind.FEEDS), (Kind.CONTAINS, Kind.FEEDS, Kind.SHARES)


@dataclass(frozen=True)
class VirtualTree:
    """Part of a tree.

    Attributes:
        nodes: entities and aggregates, each with how many anchors share it: it and those below; the most first.
        relations: between any two of them.
    """

    nodes: dict[int, int]
    relations: tuple[LiftedRelation, ...]


def virtual_tree(index: Index, anchors: Sequence[int]) -> VirtualTree:
    """That of some anchors; ancestors that hold much of the lake are cut, the anchors themselves never."""
    tree = index.tree
    meet = lowest_common_ancestor(tree, anchors) if anchors else tree.root
    counts: dict[int, int] = {}
    for anchor in anchors:
        for node in tree.path(anchor):
            counts[node] = counts.get(node, 0) + 1
            if node == meet:
                break
    told = frozenset((*index.narrow, *anchors))
    kept = [node for node in counts if node in told and not _repeated(index, node, counts)]
    kept.sort(key=lambda node: (-counts[node], node))
    relations = filter(lambda row: _telling(row, tree), index.relations.between(kept)) if kept else ()
    return VirtualTree({node: counts[node] for node in kept}, tuple(relations))


def _telling(row: LiftedRelation, tree: Tree) -> bool:
    return row.kind in (_TOLD_OF_TOPICS if row.source >= tree.leaves else _TOLD)


def _repeated(index: Index, node: int, counts: Mapping[int, int]) -> bool:
    """Whether it is an aggregate of one, which is told."""
    children = index.tree.children[node] if node >= index.tree.leaves else ()
    return len(children) == 1 and children[0] in counts


def lowest_common_ancestor(tree: Tree, nodes: Sequence[int]) -> int:
    """The lowest node that all of at least one node lie below, or are."""
    return reduce(lambda one, other: _meeting(tree, one, other), nodes)


def _meeting(tree: Tree, one: int, other: int) -> int:
    above = set(tree.path(one))
    return next(node for node in tree.path(other) if node in above)
