"""Brute force: which datasets of a lake are contained in which, decided without any code of r2d2.

Two ways that share only the loading of files: ``duckdb`` (``EXCEPT ALL`` over canonical types, for scalar leaves;
nested pairs fall back to Python) and ``python`` (``Counter`` over canonical values). Rules: EXACTNESS 2 to 4.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from tests.oracle_files import load_lake
from tests.oracle_values import TEXT_ORDER, Key, Leaf, Table, stored_values

Pair = tuple[str, str]

__all__ = ["Pair", "contained_pairs", "load_lake"]


def contained_pairs(lake: Path, engine: str = "duckdb") -> set[Pair]:
    """Every (parent, child) of distinct physical datasets, of at least one row each, that holds as bags."""
    tables = load_lake(lake)
    judge = _DuckDB(tables) if engine == "duckdb" else _Python()
    pairs = set()
    for parent in tables:
        for child in tables:
            if parent is child or child.rows > parent.rows:
                continue
            projection = _projection(parent, child)
            if projection is not None and judge.holds(parent, child, projection):
                pairs.add((parent.id, child.id))
    return pairs


def _projection(parent: Table, child: Table) -> dict[Key, str] | None:
    """The child's leaves with the family that each is compared as, or None if the schema does not fit."""
    chosen = {}
    for name, leaf in child.leaves.items():
        other = parent.leaves.get(name)
        common = set(leaf.families) & set(other.families) if other else set()
        if not common:
            return None
        chosen[name] = min(common, key=lambda f: TEXT_ORDER.index(f) if f in TEXT_ORDER else 99)
    return chosen


class _Python:
    def holds(self, parent: Table, child: Table, projection: dict[Key, str]) -> bool:
        return not _bag(child, projection) - _bag(parent, projection)


def _bag(table: Table, projection: dict[Key, str]) -> Counter[tuple[Any, ...]]:
    columns = [table.leaves[name].keys(family) for name, family in projection.items()]
    return Counter(zip(*columns, strict=True))


class _DuckDB:
    """Each leaf of each dataset lies once, under each family asked for, in a table of canonical types."""

    def __init__(self, tables: list[Table]) -> None:
        self.python = _Python()
        self.connection = duckdb.connect(config={"preserve_insertion_order": False})
        self.numbers = _number_types(tables)
        self.stored: dict[str, dict[tuple[Key, str], str]] = {}
        self.tables = {table.id: f"t{index}" for index, table in enumerate(tables)}
        wanted: dict[str, set[tuple[Key, str]]] = {table.id: set() for table in tables}
        for parent in tables:
            for child in tables:
                projection = _projection(parent, child) if parent is not child and child.rows <= parent.rows else None
                if projection and self._scalar(projection):
                    wanted[parent.id] |= set(projection.items())
                    wanted[child.id] |= set(projection.items())
        for table in tables:
            self._store(table, sorted(wanted[table.id]))

    def _scalar(self, projection: dict[Key, str]) -> bool:
        return all(
            family in (*TEXT_ORDER, "binary", "presence") and (family != "number" or self.numbers.get(name))
            for name, family in projection.items()
        )

    def _store(self, table: Table, wanted: list[tuple[Key, str]]) -> None:
        if not wanted:
            return
        columns = {f"c{i}": self._arrow(table.leaves[name], family) for i, (name, family) in enumerate(wanted)}
        casts = ", ".join(f"{self._cast(name, family, f'c{i}')} AS c{i}" for i, (name, family) in enumerate(wanted))
        self.connection.register("incoming", pa.table(columns))
        self.connection.execute(f"CREATE TABLE {self.tables[table.id]} AS SELECT {casts} FROM incoming")
        self.connection.unregister("incoming")
        self.stored[table.id] = {column: f"c{i}" for i, column in enumerate(wanted)}

    @staticmethod
    def _arrow(leaf: Leaf, family: str) -> pa.ChunkedArray | pa.Array:
        if leaf.typed is not None:
            moment = pa.types.is_timestamp(leaf.typed.type)
            return pa.chunked_array([pa.array(stored_values(leaf.typed), pa.int64())]) if moment else leaf.typed
        keys = leaf.keys(family)
        if family == "number":
            return pa.array([None if k is None else format(k, "f") for k in keys], pa.string())
        if family == "floating":
            return pa.array([None if k is None else _double(k) for k in keys], pa.float64())
        if family in ("timestamp", "instant"):
            return pa.array(keys, pa.int64())
        return pa.array(keys, {"boolean": pa.bool_(), "date": pa.date32(), "string": pa.string()}[family])

    def _cast(self, name: Key, family: str, column: str) -> str:
        if family == "floating":
            return f"({column}::DOUBLE + 0.0)"
        return f"{column}::{self.numbers[name]}" if family == "number" else column

    def holds(self, parent: Table, child: Table, projection: dict[Key, str]) -> bool:
        if not self._scalar(projection):
            return self.python.holds(parent, child, projection)
        left, right = self.tables[child.id], self.tables[parent.id]
        ours = ", ".join(self.stored[child.id][column] for column in projection.items())
        theirs = ", ".join(self.stored[parent.id][column] for column in projection.items())
        step = max(1, child.rows // 200)
        some = f"SELECT {ours} FROM {left} WHERE rowid % {step} = 0"
        if self._left_over(f"({some}) EXCEPT (SELECT {theirs} FROM {right})"):
            return False  # a part of the child that is not held, not even as a set
        return not self._left_over(f"(SELECT {ours} FROM {left}) EXCEPT ALL (SELECT {theirs} FROM {right})")

    def _left_over(self, query: str) -> bool:
        found = self.connection.execute(f"SELECT count(*) FROM ({query})").fetchall()
        return bool(found[0][0])


def _double(key: Any) -> float:
    return math.nan if key == "nan" else float(key)


def _number_types(tables: list[Table]) -> dict[Key, str]:
    """For each number leaf a DECIMAL that holds all its values in the lake; none where 38 digits don't do."""
    digits: dict[Key, list[tuple[int, int]]] = {}
    for table in tables:
        for name, leaf in table.leaves.items():
            if "number" in leaf.families:
                digits.setdefault(name, []).append(_digits(leaf))
    kinds = {}
    for name, found in digits.items():
        whole, scale = max(1, *(w for w, _ in found)), max(0, *(s for _, s in found))
        if whole + scale <= 38:
            kinds[name] = f"DECIMAL({18 if whole + scale <= 18 else 38},{scale})"
    return kinds


def _digits(leaf: Leaf) -> tuple[int, int]:
    """The most digits before and behind the point."""
    if leaf.typed is None:
        numbers = [k for k in set(leaf.keys("number")) if k is not None]
        exponents = [n.as_tuple().exponent for n in numbers]
        scale = max((-e for e in exponents if isinstance(e, int)), default=0)
        return max((n.adjusted() + 1 for n in numbers), default=1), scale
    if pa.types.is_decimal(leaf.typed.type):
        return leaf.typed.type.precision - leaf.typed.type.scale, max(leaf.typed.type.scale, 0)
    extremes = pc.min_max(leaf.typed).as_py()
    return max(len(str(abs(extremes["min"] or 0))), len(str(abs(extremes["max"] or 0)))), 0
