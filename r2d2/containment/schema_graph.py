"""The schema graph (the paper's schema graph builder, section 4.1), exact and on classes of equal schemas.

A child class fits a parent class if the parent has every leaf of the child, and each pair of leaves admits a common
family. Leaves are numbered as tokens such that this is containment of sets, which ``schema_index`` joins.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, count

import numpy as np

from r2d2.containment.schema_index import Ints, PairBlock, TokenLists, containments, spans
from r2d2.model.dataset import Dataset, LeafPath
from r2d2.model.edge import Projection
from r2d2.model.family import narrowest_common
from r2d2.model.names import fold

#: The leaves of a class: folded path and the families that it admits, sorted by path.
Schema = tuple[tuple[LeafPath, tuple[str, ...]], ...]
_Leaf = tuple[LeafPath, tuple[str, ...]]


@dataclass(frozen=True)
class SchemaClass:
    """All datasets with the same leaves and families; ``members`` are indexes into the list of datasets."""

    schema: Schema
    members: tuple[int, ...]


@dataclass(frozen=True)
class ClassPair:
    """A child class that fits a parent class (indexes), and the projection under which their datasets are compared."""

    parent: int
    child: int
    projection: Projection


def schema_of(dataset: Dataset, case_sensitive: bool) -> Schema:
    """The dataset's leaves as they are matched."""
    return tuple(sorted(_matched(leaf.path, leaf.families, case_sensitive) for leaf in dataset.leaves))


@lru_cache(maxsize=2**16)
def _matched(path: LeafPath, families: tuple[str, ...], case_sensitive: bool) -> _Leaf:
    """Equal leaves are folded once, which else took twice the time of the join, and are one object."""
    return fold(path, case_sensitive), families


def schema_classes(datasets: Sequence[Dataset], case_sensitive: bool) -> list[SchemaClass]:
    """Groups datasets that are ``ok`` and have leaves by schema, in the order of their first member."""
    members: dict[Schema, list[int]] = defaultdict(list)
    for index, dataset in enumerate(datasets):
        if dataset.status == "ok" and dataset.leaves:
            members[schema_of(dataset, case_sensitive)].append(index)
    return [SchemaClass(schema, tuple(indexes)) for schema, indexes in members.items()]


def fitting_classes(classes: Sequence[SchemaClass]) -> Iterator[ClassPair]:
    """Every (parent, child) pair of classes that fits, a class with itself among them if it has several members."""
    previous, settled = -1, None
    for block in fitting_blocks(classes):
        for parent, child in zip(block.parents.tolist(), block.children.tolist(), strict=True):
            if child != previous:
                previous, settled = child, _settled(classes[child].schema)
            yield ClassPair(parent, child, settled or _projection(classes[child].schema, classes[parent].schema))


def fitting_blocks(classes: Sequence[SchemaClass]) -> Iterator[PairBlock]:
    """The pairs of ``fitting_classes`` as arrays of indexes, in blocks; memory grows with the leaves, not the pairs.

    All pairs of a child come one after the other. The order is not that of the classes, and is the same each time.
    """
    asked, admitted, tokens = token_lists(classes)
    alone = np.fromiter((len(entry.members) < 2 for entry in classes), np.bool_, len(classes))
    for block in containments(asked, admitted, tokens):
        pairs = (block.parents != block.children) | ~alone[block.children]
        yield PairBlock(block.parents[pairs], block.children[pairs])


def token_lists(classes: Sequence[SchemaClass]) -> tuple[TokenLists, TokenLists, int]:
    """What each class asks for as a child, one token a leaf; what it admits as a parent; the number of tokens.

    A child class fits a parent class exactly if the parent admits all tokens that the child asks for.
    """
    numbers: defaultdict[_Leaf, int] = defaultdict(count().__next__)
    widths = np.fromiter((len(entry.schema) for entry in classes), np.int64, len(classes))
    every = chain.from_iterable(entry.schema for entry in classes)
    leaves = np.fromiter(map(numbers.__getitem__, every), np.int64, int(widths.sum()))
    token_of, admitted = _tokens(list(numbers))
    asked = TokenLists(np.append(0, np.cumsum(widths)), token_of[leaves])
    return asked, _expanded(asked, admitted), len(admitted)


def _tokens(leaves: Sequence[_Leaf]) -> tuple[Ints, TokenLists]:
    """The token that each leaf asks for as a child's, and the tokens that a leaf of each token admits as a parent's.

    A leaf admits the tokens of its path that share a family with it. A family that only one leaf has decides nothing
    if that leaf has another: leaves that differ in such families alone (JSON lists of many shapes) share a token.
    """
    holders = Counter((path, family) for path, families in leaves for family in set(families))
    numbers: defaultdict[tuple[LeafPath, frozenset[str]], int] = defaultdict(count().__next__)
    token_of = []
    for path, families in leaves:
        deciding = frozenset(family for family in families if holders[path, family] > 1)
        token_of.append(numbers[path, deciding or frozenset(families[:1])])
    by_family: defaultdict[tuple[LeafPath, str], list[int]] = defaultdict(list)
    for (path, shared), token in numbers.items():
        for family in shared:
            by_family[path, family].append(token)
    admitted = [sorted(set().union(*(by_family[path, family] for family in shared))) for path, shared in numbers]
    starts = np.append(0, np.cumsum([len(tokens) for tokens in admitted], dtype=np.int64))
    return np.array(token_of, np.int64), TokenLists(starts, np.fromiter(chain.from_iterable(admitted), np.int64))


def _expanded(asked: TokenLists, admitted: TokenLists) -> TokenLists:
    """What each list admits: what its tokens do. Its leaves have different paths, so that nothing comes twice."""
    counts = np.diff(admitted.starts)[asked.tokens]
    ends = np.append(0, np.cumsum(counts))
    return TokenLists(ends[asked.starts], admitted.tokens[spans(admitted.starts[asked.tokens], counts)])


def _settled(child: Schema) -> Projection | None:
    """The projection under which it is compared with any parent that it fits; None if that depends on the parent."""
    if any(len(families) > 1 for _, families in child):
        return None
    return tuple((path, families[0]) for path, families in child)


def _projection(child: Schema, parent: Schema) -> Projection:
    held = dict(parent)
    projection = []
    for path, admitted in child:
        family = narrowest_common(admitted, held[path])
        assert family is not None, "only classes with a common family for each leaf fit"
        projection.append((path, family))
    return tuple(projection)
