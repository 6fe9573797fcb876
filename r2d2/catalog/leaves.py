"""Leaves of a dataset from those of its files: families, null counts and bounds put together without claiming more than
all the files say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce

from r2d2.errors import UnsupportedData
from r2d2.lake import text_summary
from r2d2.lake.json_shape import Shape
from r2d2.lake.parquet_bounds import merge
from r2d2.lake.parquet_types import shown
from r2d2.model import family as families
from r2d2.model.dataset import Bounds, FileSummary, Leaf, LeafPath
from r2d2.model.names import fold


@dataclass(frozen=True)
class FileLeaves:
    """The leaves of one file by folded path, and its rows."""

    rows: int
    leaves: Mapping[LeafPath, Leaf]


def by_path(leaves: Iterable[Leaf], case_sensitive: bool) -> dict[LeafPath, Leaf]:
    """Leaves by folded path.

    Raises:
        UnsupportedData: two columns, or two fields of one column, have names that are the same when folded.
    """
    found: dict[LeafPath, Leaf] = {}
    spelled: dict[LeafPath, LeafPath] = {}
    for leaf in leaves:
        for end in range(1, len(leaf.path) + 1):
            prefix = leaf.path[:end]
            other = spelled.setdefault(fold(prefix, case_sensitive), prefix)
            if other != prefix:
                raise UnsupportedData(f"columns {shown(other)} and {shown(prefix)} differ only in case")
        if fold(leaf.path, case_sensitive) in found:
            raise UnsupportedData(f"column {shown(leaf.path)} is there twice")
        found[fold(leaf.path, case_sensitive)] = leaf
    return found


def merge_leaf(path: LeafPath, files: Sequence[FileLeaves]) -> Leaf:
    """One leaf over all files; a file that lacks it holds NULL there in all rows, or no object for a presence leaf.

    Args:
        path: folded.
        files: at least one of them has the leaf.

    Raises:
        UnsupportedData: no family admits the leaf in all files.
    """
    present = [(file.rows, file.leaves[path]) for file in files if path in file.leaves]
    first = present[0][1]
    if len(files) == 1 and _stands_alone(*present[0]):
        return first
    common = _common_families(first, [leaf for _, leaf in present])
    bounds = {family: merged for family in common if (merged := _merged_bounds(family, present)) is not None}
    if common == (families.PRESENCE,):
        return replace(first, nulls=0, bounds={})
    counts = [file.leaves[path].nulls if path in file.leaves else file.rows for file in files]
    nulls = None if None in counts else sum(count for count in counts if count is not None)
    return replace(first, families=common, nulls=nulls, bounds=bounds, shape=_merged_shape(present))


def merged(parts: Sequence[FileSummary]) -> FileSummary:
    """The summary of rows that were read in parts, all by the same reader; of those that failed the first one's."""
    failed = next((part for part in parts if part.status != "ok"), None)
    if failed is not None:
        return failed
    files = [FileLeaves(part.rows, by_path(part.leaves, case_sensitive=True)) for part in parts]
    leaves = tuple(merge_leaf(path, files) for path in files[0].leaves)
    rows, size = sum(part.rows for part in parts), sum(part.bytes_read for part in parts)
    return replace(parts[0], rows=rows, leaves=leaves, bytes_read=size)


def partition_leaf(
    name: str, values: Sequence[tuple[int, str | None]], typed: str | None = None, kind: str = "partition column"
) -> Leaf:
    """The leaf of a partition column, whose values are known exactly.

    Args:
        values: (rows, text) of each file, None for NULL.
        typed: the one family that the table's log gives it; None where its values are plain text.
        kind: its type, for people.

    Raises:
        UnsupportedData: a value is no text that can be encoded (JSON logs can hold half a character), or can't be read
            exactly as the family that the log gives.
    """
    if any("\ud800" <= character <= "\udfff" for _, text in values for character in text or ""):
        raise UnsupportedData(f"partition column {shown((name,))} holds a value that is no valid Unicode")
    admitted, bounds = _summarized(frozenset(text for rows, text in values if rows > 0 and text is not None))
    nulls = sum(rows for rows, text in values if text is None)
    if typed is None:
        return Leaf((name,), tuple(admitted), kind, nulls, dict(bounds))
    if typed not in admitted:
        raise UnsupportedData(f"partition column {shown((name,))} holds a value that can't be read exactly as {typed}")
    return Leaf((name,), (typed,), kind, nulls, {typed: bounds[typed]} if typed in bounds else {})


@lru_cache(maxsize=4096)
def _summarized(values: frozenset[str]) -> tuple[tuple[str, ...], Mapping[str, Bounds]]:
    """Tables of a lake tend to be partitioned alike, and each look at values starts a DuckDB."""
    return text_summary.summarize_values(sorted(values))


def _stands_alone(rows: int, leaf: Leaf) -> bool:
    """Whether a leaf of one file is that of a dataset of this file: as most are, of which a lake has millions."""
    return (
        rows > 0
        and leaf.nulls != rows
        and not leaf.shape
        and len(leaf.families) == 1
        and leaf.families[0] != families.PRESENCE
    )


def _common_families(first: Leaf, leaves: Sequence[Leaf]) -> tuple[str, ...]:
    common = set(first.families).intersection(*(leaf.families for leaf in leaves))
    if not common:
        other = next(leaf for leaf in leaves if not set(leaf.families) & set(first.families))
        kinds = f"{'/'.join(first.families)} and {'/'.join(other.families)}"
        raise UnsupportedData(f"column {shown(first.path)} is of different types in its files: {kinds}")
    if families.BINARY in common and families.STRING in common and any(leaf.nulls is None for leaf in leaves):
        # no values in any file but tokens for NULL (``lake.null_tokens``), which then are the texts that they are
        return (families.STRING,)
    known = [family for family in families.NARROWEST_FIRST if family in common]
    return (*known, *sorted(common.difference(known)))


def _merged_shape(present: Sequence[tuple[int, Leaf]]) -> str:
    """Empty where a file has values that are no lists."""
    shapes = [leaf.shape for rows, leaf in present if rows > 0 and leaf.nulls != rows]
    if not shapes or not all(shapes):
        return ""
    return reduce(Shape.merged, map(Shape.from_json, shapes)).to_json()


def _merged_bounds(family: str, present: Sequence[tuple[int, Leaf]]) -> Bounds | None:
    """Files in which the leaf holds no value add nothing; one that has values and no bounds takes them all away."""
    found = [leaf.bounds.get(family) for rows, leaf in present if rows > 0 and leaf.nulls != rows]
    known = [bounds for bounds in found if bounds is not None]
    return reduce(merge, known) if known and len(known) == len(found) else None
