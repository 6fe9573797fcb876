"""Refuted pairs that came nearest to a proof: chosen from the columns of millions, of which few become edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from r2d2.catalog.records import edge_of
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge, Grade

#: Refuted pairs in a report; the ``edges`` command lists all.
MAX_NEAR_MISSES = 100
#: The later a way decides, the nearer the pair came to being proven.
_NEAREST_FIRST = ("values", "join", "sketch", "box", "digest", "sample")


@dataclass(frozen=True)
class NearMisses:
    """The nearest refuted pairs, nearest first, at most ``MAX_NEAR_MISSES``; and how many refuted pairs there are."""

    nearest: tuple[Edge, ...] = ()
    count: int = 0


def near_misses(edges: pa.Table, datasets: Sequence[Dataset]) -> NearMisses:
    """The near misses among rows of the state's ``edges``: by way, then largest child first, then by names.

    Args:
        edges: of any grade; texts may be dictionaries.
        datasets: both sides of all edges among them.
    """
    refuted = edges.filter(pc.equal(edges["grade"].cast(pa.string()), Grade.REFUTED.value))
    ways = {how: rank for rank, how in enumerate(_NEAREST_FIRST)}
    sizes = {dataset.id: -dataset.bytes for dataset in datasets}
    how, ways_used = _codes(refuted["how"])
    child, children = _codes(refuted["child"])
    parent, parents = _codes(refuted["parent"])
    rank = np.asarray([ways.get(way, len(ways)) for way in ways_used], np.int64)
    size = np.asarray([sizes.get(name, 0) for name in children], np.int64)
    keys = _order(parents)[parent], _order(children)[child], size[child], rank[how]
    nearest = refuted.take(pa.array(np.lexsort(keys)[:MAX_NEAR_MISSES]))
    return NearMisses(tuple(map(edge_of, nearest.to_pylist())), refuted.num_rows)


def _codes(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int32], list[str]]:
    """A column of texts as numbers of distinct ones."""
    whole = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    coded = whole.combine_chunks().dictionary_encode()
    return coded.indices.to_numpy(), coded.dictionary.to_pylist()


def _order(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """The place of each text among all, sorted."""
    found = np.empty(len(texts), np.int64)
    found[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
    return found
