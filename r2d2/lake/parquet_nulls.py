"""Column chunks whose footer says that they hold nothing but NULLs: is that so?

*Seen*: DuckDB does not read such a chunk, it gives NULLs; whatever the rows hold, they would be compared as NULLs.
A chunk that says so in truth is a few bytes long, so it is read here, by pyarrow, which does not believe the claim.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.errors import UnreadableData
from r2d2.lake.parquet_footer import Chunk, Footer
from r2d2.lake.parquet_types import shown


def refuse_false_nulls(path: Path, footer: Footer) -> None:
    """Reads the chunks that claim to hold only NULLs.

    Raises:
        UnreadableData: one of them holds a value, or can't be read.
    """
    claims = claims_of_nulls(footer)
    if not claims:
        return
    try:
        with pq.ParquetFile(path) as file:
            for group, places in claims.items():
                rows = file.reader.read_row_group(group, column_indices=places, use_threads=False)
                for name, column in zip(rows.column_names, rows.columns, strict=True):
                    if any(map(_holds_value, column.chunks)):
                        told = "its footer says that a column holds only NULLs, and the column holds values"
                        raise UnreadableData(f"{told}: {shown((name,))}")
    except (pa.ArrowException, OSError) as error:
        raise UnreadableData("a column of NULLs can't be read: the file is damaged") from error


def claims_of_nulls(footer: Footer) -> dict[int, list[int]]:
    """By row group: places of the chunks that claim to hold only NULLs."""
    return {group: places for group, places in enumerate(map(_claims, footer.row_groups)) if places}


def _claims(group: tuple[int, tuple[Chunk, ...]]) -> list[int]:
    """Places of the chunks that claim to hold only NULLs."""
    return [
        place
        for place, chunk in enumerate(group[1])
        if chunk.statistics is not None and chunk.values > 0 and chunk.statistics.nulls == chunk.values
    ]


def _holds_value(array: pa.Array) -> bool:
    """Whether there is a value that is no struct, list or map."""
    if isinstance(array, pa.StructArray):
        return any(map(_holds_value, array.flatten()))
    if isinstance(array, pa.MapArray):
        return _holds_value(array.keys) or _holds_value(array.items)
    if isinstance(array, pa.ListArray | pa.LargeListArray | pa.FixedSizeListArray):
        return _holds_value(array.flatten())
    if isinstance(array, pa.ExtensionArray):
        return _holds_value(array.storage)
    return bool(array.null_count < len(array))
