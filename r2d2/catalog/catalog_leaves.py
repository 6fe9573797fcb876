"""The leaves of a catalog's table of Parquet files: the catalog says which columns it has, and of which types."""

from __future__ import annotations

from collections.abc import Sequence

from r2d2.catalog.delta_leaves import delta_leaves
from r2d2.catalog.leaves import FileLeaves
from r2d2.catalog.listing import Candidate
from r2d2.errors import UnsupportedData
from r2d2.lake.parquet_types import shown
from r2d2.model.dataset import DataFile, Leaf
from r2d2.model.names import fold


def catalog_leaves(
    candidate: Candidate, files: Sequence[DataFile], parts: Sequence[FileLeaves], case_sensitive: bool
) -> tuple[Leaf, ...]:
    """Leaves as the catalog gives them, whose schema is spelled as a Delta log spells it.

    Raises:
        UnsupportedData: a column of the files is none of the table's. Nobody sees it, and it would be lost with them.
    """
    leaves = delta_leaves(candidate, files, parts, case_sensitive)
    declared = {fold(leaf.path, case_sensitive) for leaf in leaves}
    more = next((leaf for part in parts for path, leaf in part.leaves.items() if path not in declared), None)
    if more is not None:
        raise UnsupportedData(f"its files have a column {shown(more.path)} that the table has not")
    return leaves
