"""TPC-H tables and 16 derivations of each larger one: copies, slices, snapshots, random rows, near misses."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.truth import Pair, write_truth
from benchmarks.writing import Writer
from r2d2.demo.catalogue import BASE_TABLES
from r2d2.demo.lake import generate_tpch


@dataclass(frozen=True)
class _Shape:
    """What is derived from a table: its key, a column to cut ranges by, one of categories, and two sets of columns."""

    key: str
    ordered: str
    category: str
    some: tuple[str, ...]
    others: tuple[str, ...]


_SHAPES = {
    "lineitem": _Shape(
        "l_orderkey",
        "l_shipdate",
        "l_shipmode",
        ("l_orderkey", "l_linenumber", "l_partkey", "l_suppkey", "l_quantity", "l_extendedprice", "l_discount"),
        ("l_orderkey", "l_shipdate", "l_returnflag", "l_linestatus", "l_comment"),
    ),
    "orders": _Shape(
        "o_orderkey",
        "o_orderdate",
        "o_orderpriority",
        ("o_orderkey", "o_custkey", "o_totalprice", "o_orderdate"),
        ("o_orderkey", "o_orderstatus", "o_clerk", "o_comment"),
    ),
    "partsupp": _Shape(
        "ps_partkey",
        "ps_supplycost",
        "ps_suppkey % 7",
        ("ps_partkey", "ps_suppkey", "ps_supplycost"),
        ("ps_partkey", "ps_comment"),
    ),
    "customer": _Shape(
        "c_custkey",
        "c_acctbal",
        "c_mktsegment",
        ("c_custkey", "c_name", "c_phone", "c_mktsegment"),
        ("c_custkey", "c_address", "c_acctbal"),
    ),
    "part": _Shape(
        "p_partkey",
        "p_retailprice",
        "p_mfgr",
        ("p_partkey", "p_name", "p_brand", "p_retailprice"),
        ("p_partkey", "p_type", "p_size", "p_container", "p_comment"),
    ),
    "supplier": _Shape(
        "s_suppkey",
        "s_acctbal",
        "s_nationkey",
        ("s_suppkey", "s_name", "s_phone"),
        ("s_suppkey", "s_address", "s_acctbal", "s_comment"),
    ),
}
#: Tables of which derivations are derived from once more.
_TWICE = ("lineitem", "orders", "partsupp", "customer")
#: These derivations.
_SOURCES = ("_10_snapshot", "_01_copy", "_02_columns", "_08_snapshot")


@dataclass
class _Lake:
    connection: duckdb.DuckDBPyConnection
    writer: Writer
    rng: np.random.Generator
    must: set[Pair] = field(default_factory=set)
    must_not: set[Pair] = field(default_factory=set)

    def keep(self, name: str, query: str, parent: str = "", near_miss: bool = False) -> None:
        """Writes a query's rows as dataset ``name``; what others are derived from stays a table of that name."""
        rows = self.connection.sql(query).to_arrow_table()
        self.writer.write(name, rows)
        if name in BASE_TABLES or name.endswith(_SOURCES):
            self.connection.register("incoming", rows)
            self.connection.execute(f'CREATE TABLE "{name}" AS FROM incoming')
            self.connection.unregister("incoming")
        if parent:
            pair = (self.writer.ids[parent], self.writer.ids[name])
            (self.must_not if near_miss else self.must).add(pair)


def build_tpch(lake: Path, scale: float, seed: int) -> None:
    """Writes 120 datasets below ``lake`` and the truth beside it: 8 tables, 96 derivations, 16 of derivations.

    Args:
        lake: an empty directory.
        scale: TPC-H scale factor; 0.25 makes about 1 GB.
        seed: of random rows, ranges and what is changed.
    """
    rng = np.random.default_rng(seed)
    made = _Lake(duckdb.connect(), Writer(lake, rng), rng)
    with tempfile.TemporaryDirectory() as scratch:
        generate_tpch(Path(scratch), scale)
        for name in BASE_TABLES:
            made.keep(name, f"FROM read_parquet('{scratch}/{name}.parquet')")
    for table, shape in _SHAPES.items():
        for number, (operation, query, near_miss) in enumerate(_derived(table, shape, made)):
            made.keep(f"{table}_{number:02}_{operation}", query, table, near_miss)
    for table in _TWICE:
        for operation, source, query in _derived_twice(table, _SHAPES[table], made):
            made.keep(f"{table}_2_{operation}", query, source)
    made.connection.close()
    write_truth(lake.parent, made.must, made.must_not)


def _derived(table: str, shape: _Shape, lake: _Lake) -> Iterator[tuple[str, str, bool]]:
    """(operation, query, whether it is a near miss) of 16 derivations."""
    key, some, others = shape.key, ", ".join(shape.some), ", ".join(shape.others)
    yield "copy", f"FROM {table} ORDER BY {shape.ordered}", False
    yield "copy", f"FROM {table} ORDER BY hash({key}, {_salt(lake)})", False
    yield "columns", f"SELECT {some} FROM {table}", False
    yield "columns", f"SELECT {others} FROM {table} ORDER BY {shape.others[1]}", False
    yield "distinct", f"SELECT DISTINCT {', '.join(shape.some[1:3])} FROM {table} ORDER BY ALL", False
    yield "range", f"FROM {table} WHERE {_between(lake, table, key, 0.4)}", False
    yield "range", f"SELECT {some} FROM {table} WHERE {_between(lake, table, shape.ordered, 0.5)}", False
    yield "slice", f"FROM {table} WHERE {_category(lake, table, shape)}", False
    for share in (0.6, 0.8, 0.95):
        yield "snapshot", f"FROM {table} WHERE {shape.ordered} <= {_quantile(table, shape.ordered, share)}", False
    yield "sample", f"FROM {table} WHERE {_random(lake, key, 4)}", False
    yield "sample", f"SELECT {some} FROM {table} WHERE {_random(lake, shape.some[1], 2)}", False
    yield "changed", _changed(lake, table, shape.some[1]), True
    part = f"SELECT * FROM {table} WHERE {_random(lake, key, 3)}"
    yield "doubled", f"{part} UNION ALL (FROM ({part}) ORDER BY ALL LIMIT 1)", True
    yield "shuffled", _shuffled(table, shape.others[-1]), True


def _derived_twice(table: str, shape: _Shape, lake: _Lake) -> Iterator[tuple[str, str, str]]:
    """(operation, source, query) of 4 derivations of derivations."""
    snapshot, copy, columns, other = (f"{table}{source}" for source in _SOURCES)
    yield "range", snapshot, f'FROM "{snapshot}" WHERE {_between(lake, snapshot, shape.key, 0.7)}'
    yield "columns", other, f'SELECT {", ".join(shape.others)} FROM "{other}"'
    yield "sample", copy, f'FROM "{copy}" WHERE {_random(lake, shape.key, 2)}'
    yield "sample_columns", columns, f'FROM "{columns}" WHERE {_random(lake, shape.key, 3)}'


def _salt(lake: _Lake) -> int:
    return int(lake.rng.integers(1 << 30))


def _random(lake: _Lake, column: str, one_in: int) -> str:
    return f"hash({column}, {_salt(lake)}) % {one_in} = 0"


def _quantile(table: str, column: str, share: float) -> str:
    return f'(SELECT quantile_disc({column}, {share}) FROM "{table}")'


def _between(lake: _Lake, table: str, column: str, width: float) -> str:
    start = float(lake.rng.uniform(0, 1 - width))
    return f"{column} BETWEEN {_quantile(table, column, start)} AND {_quantile(table, column, start + width)}"


def _category(lake: _Lake, table: str, shape: _Shape) -> str:
    values = lake.connection.execute(f"SELECT DISTINCT {shape.category} FROM {table} ORDER BY ALL").fetchall()
    chosen = lake.rng.choice(len(values), max(1, len(values) // 3), replace=False)
    return f"({shape.category})::VARCHAR IN ({', '.join(repr(str(values[i][0])) for i in sorted(chosen))})"


def _changed(lake: _Lake, table: str, column: str) -> str:
    """The rows with one cell changed, to a value within the column's bounds."""
    row = int(lake.rng.integers(lake.connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]))
    other = f"(SELECT max({column}) FROM {table} WHERE {column} <> (SELECT {column} FROM {table} WHERE rowid = {row}))"
    return f"SELECT * REPLACE (CASE WHEN rowid = {row} THEN {other} ELSE {column} END AS {column}) FROM {table}"


def _shuffled(table: str, column: str) -> str:
    """One column's values move down by a row: each is still there, the rows are not."""
    moved = f"lag({column}, 1, (SELECT max({column}) FROM {table})) OVER (ORDER BY rowid)"
    return f"SELECT * REPLACE ({moved} AS {column}) FROM {table}"
