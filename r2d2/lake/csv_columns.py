"""Small CSV files as Arrow columns, as DuckDB reads them (``csv_text.relation``), without a query to plan.

Only for files whose every byte ``csv_grammar`` has accepted: on those pyarrow is tested to give the same fields.
"""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from r2d2.errors import UnreadableData
from r2d2.lake.layout import Reader


def is_read_alike(reader: Reader) -> bool:
    """Whether pyarrow reads the dialect: it takes a backslash for an escape outside of quotes, too."""
    return reader.options["escape"] == '"'


def columns(reader: Reader, path: Path) -> pa.Table:
    """The columns ``c0 .. cN``, all strings; an unquoted empty field is NULL.

    Args:
        reader: how ``csv_text.inspect`` said that the file is read; in a dialect that ``is_read_alike``.
        path: of the file, which is not compressed and fits into memory.

    Raises:
        UnreadableData: it is not the file that was inspected.
    """
    data = _ended(path.read_bytes(), reader.options["newline"].encode())
    names = [f"c{i}" for i in range(len(reader.columns))]
    try:
        table = _read(reader, data, names)
    except pa.ArrowInvalid as error:  # it cites the row, which holds cell values
        row = re.search(r"\bRow #([0-9]+)", str(error))
        what = f"record {row[1]} of it" if row else "it"
        raise UnreadableData(f"Arrow can't read {what}; the file may be damaged") from None
    return table.slice(1) if reader.options["header"] == "true" else table


def _read(reader: Reader, data: bytes, names: list[str]) -> pa.Table:
    return csv.read_csv(
        pa.BufferReader(data),
        csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
        csv.ParseOptions(
            delimiter=reader.options["delimiter"],
            newlines_in_values=True,
            ignore_empty_lines=len(names) > 1,  # in one column an empty line is a NULL
        ),
        csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _ended(data: bytes, end: bytes) -> bytes:
    """*Seen*: of an empty field at the end of a file pyarrow believes that it is quoted if the one before it was."""
    return data if data.endswith(end) else data + end
