"""The same rows in few datasets or in many: parts of TPC-H lineitem, each with what was derived from it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.truth import write_truth
from benchmarks.writing import Writer
from r2d2.demo.lake import generate_tpch

#: Rows of lineitem at scale 1; of one part and its derivations, in rows of the part.
_LINEITEM, _FAMILY = 6_000_000, 4.6
#: What is made of each part; shares of its rows as in ``_FAMILY``.
_MADE = (
    ("base", "FROM part"),
    ("copy", "FROM part ORDER BY l_shipdate"),
    ("columns", "SELECT l_orderkey, l_linenumber, l_partkey, l_quantity FROM part"),
    ("range", "FROM part WHERE l_shipdate <= DATE '1995-06-17'"),
    ("slice", "FROM part WHERE l_shipmode IN ('AIR', 'RAIL')"),
    ("sample", "FROM part WHERE hash(l_orderkey, l_linenumber, {salt}) % 4 = 0"),
    ("sample_columns", "SELECT l_orderkey, l_linenumber, l_partkey FROM part WHERE hash(l_partkey, {salt}) % 3 = 0"),
    (
        "changed",
        "SELECT * REPLACE (CASE WHEN row_number() OVER (ORDER BY l_orderkey, l_linenumber) = 2 "
        "THEN l_quantity % 50 + 1 ELSE l_quantity END AS l_quantity) FROM part WHERE l_linenumber <= 2",
    ),
)


def build_split(lake: Path, rows: int, count: int, seed: int) -> None:
    """Writes ``count`` datasets of ``rows`` rows in all.

    Args:
        lake: an empty directory.
        rows: of all datasets together, nearly.
        count: of datasets; each run of 8 is a part of the orders and what was derived from it.
        seed: of random rows.
    """
    rng = np.random.default_rng(seed)
    writer = Writer(lake, rng)
    parts = -(-count // len(_MADE))
    base = max(int(rows / _FAMILY), 20 * parts)
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
        generate_tpch(Path(scratch), max(1.05 * base / _LINEITEM, 0.001), ("lineitem",))
        connection.execute(
            f"CREATE TABLE line AS SELECT *, row_number() OVER (ORDER BY l_orderkey, l_linenumber) - 1 AS n "
            f"FROM read_parquet('{scratch}/lineitem.parquet') QUALIFY n < {base}"
        )
        for number in range(count):
            part, (operation, query) = number // len(_MADE), _MADE[number % len(_MADE)]
            if operation == "base":
                within = f"n * {parts} // {base} = {part}"
                connection.execute(
                    f"CREATE OR REPLACE TABLE part AS SELECT * EXCLUDE (n) FROM line WHERE {within} ORDER BY n"
                )
            table = connection.sql(query.format(salt=int(rng.integers(1 << 30)))).to_arrow_table()
            writer.write(f"line_{part:04}_{operation}", table)
    write_truth(lake.parent)
