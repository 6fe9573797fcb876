"""Rows of which it is known what contains what, and Parquet files around a table that show it.

For a table NAME that holds rows R, there are ``NAME.copy`` (R in another order), ``NAME.more`` (R and a row besides),
``NAME.less`` (all of R but one row) and ``NAME.changed`` (R with one value changed, neither contains the other).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.conformance.copies import with_one_change

ROWS = 24


def base_rows(name: str) -> pa.Table:
    """Rows of several types with NULLs and a repeated value; the first column's name is no other table's."""
    numbers = range(ROWS)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return pa.table(
        {
            f"{name}_id": pa.array(numbers, pa.int64()),
            "name": [None if i % 7 == 5 else f"n{i % 5}é" for i in numbers],
            "amount": pa.array([None if i % 9 == 4 else Decimal(i * 125 - 700).scaleb(-2) for i in numbers]).cast(
                pa.decimal128(10, 2)
            ),
            "at": pa.array([start + timedelta(hours=i, microseconds=i) for i in numbers], pa.timestamp("us", "UTC")),
            "x": [float(i) / 3 for i in numbers],
            "day": [date(1999, 12, 31) + timedelta(days=i % 3) for i in numbers],
        }
    )


def write_relatives(lake: Path, name: str, rows: pa.Table) -> None:
    """Writes the files beside the table ``name`` that holds ``rows``."""
    last = rows.num_rows - 1
    other = with_one_change(rows, 0, last)
    order = [*range(1, rows.num_rows), 0]
    relatives = {
        "copy": rows.take(order),
        "more": pa.concat_tables([rows, other.slice(last)]),
        "less": rows.slice(1),
        "changed": with_one_change(rows, rows.num_columns - 1, 2),
    }
    for kind, table in relatives.items():
        pq.write_table(table, lake / f"{name}.{kind}.parquet")


def relations(name: str) -> set[tuple[str, str]]:
    """(parent, child) of the proven pairs that the table and its relatives make."""
    copy, more, less = (f"{name}.{kind}.parquet" for kind in ("copy", "more", "less"))
    return {(name, copy), (copy, name), (name, less), (copy, less), (more, name), (more, copy), (more, less)}
