"""Which nested families of typed datasets the lists of JSON datasets can be compared as (EXACTNESS 4).

A JSON list admits more nested families than could be listed, so a leaf gets those that a typed dataset of the lake asks
for at the same path.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from r2d2.lake.json_shape import Shape
from r2d2.model.dataset import TEXT_FORMATS, Dataset, Leaf, LeafPath
from r2d2.model.family import PRESENCE, is_nested
from r2d2.model.names import fold

Asked = Mapping[LeafPath, set[str]]


def with_nested_views(datasets: Sequence[Dataset], case_sensitive: bool) -> tuple[Dataset, ...]:
    """The datasets, with the nested families that leaves of text admit among those that typed leaves are of."""
    asked: dict[LeafPath, set[str]] = defaultdict(set)
    for dataset in datasets:
        for leaf in dataset.leaves:
            if len(leaf.families) == 1 and is_nested(leaf.families[0]):
                asked[fold(leaf.path, case_sensitive)].add(leaf.families[0])
    return tuple(
        _with_views(dataset, asked, case_sensitive) if asked and dataset.format in TEXT_FORMATS else dataset
        for dataset in datasets
    )


def _with_views(dataset: Dataset, asked: Asked, case_sensitive: bool) -> Dataset:
    leaves = tuple(
        _widened(leaf, asked.get(fold(leaf.path, case_sensitive), set()), dataset.rows) for leaf in dataset.leaves
    )
    return dataset if leaves == dataset.leaves else replace(dataset, leaves=leaves)


def _widened(leaf: Leaf, asked: set[str], rows: int | None) -> Leaf:
    """A leaf without values admits whatever is asked."""
    if not asked or PRESENCE in leaf.families:
        return leaf
    shape = Shape.from_json(leaf.shape) if leaf.shape else Shape() if leaf.nulls == rows else None
    admitted = sorted(family for family in asked if shape is not None and shape.admits(family))
    return replace(leaf, families=(*leaf.families, *admitted)) if admitted else leaf
