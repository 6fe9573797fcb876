"""A leaf has the same halves alone and among many: parents of many columns hold children of few."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from r2d2.containment import wide
from r2d2.containment.hashing import canonical, hashed_leaves
from r2d2.containment.wide import Value, hashed_values
from r2d2.lake.layout import Column
from r2d2.lake.relation import locked_connection
from r2d2.model.family import BINARY, BOOLEAN, DATE, FLOATING, INSTANT, JSON, NUMBER, PRESENCE, STRING, TIMESTAMP

#: Kind, family, SQL of values.
CASES = [
    ("INTEGER", NUMBER, ["1", "-7", "NULL"]),
    ("BIGINT", NUMBER, ["1", "9223372036854775807", "NULL"]),
    ("UBIGINT", NUMBER, ["0", "18446744073709551615", "NULL"]),
    ("DECIMAL(38,10)", NUMBER, ["1.5", "-0.0000000001", "12345678901234567890.5", "NULL"]),
    ("DOUBLE", FLOATING, ["0.1", "'-0.0'", "'nan'", "NULL"]),
    ("VARCHAR", STRING, ["''", "'x'", "'a much longer text than eight bytes'", "NULL"]),
    ("BLOB", BINARY, ["'\\x00'", "'a longer blob of bytes'", "NULL"]),
    ("DATE", DATE, ["'2024-02-29'", "NULL"]),
    ("BOOLEAN", BOOLEAN, ["true", "false", "NULL"]),
    ("BOOLEAN", PRESENCE, ["true", "false"]),
    ("TIMESTAMP", TIMESTAMP, ["'2024-02-29 12:00:00.123456'", "NULL"]),
    ("TIMESTAMP_NS", TIMESTAMP, ["'2024-02-29 12:00:00.123456789'", "'2024-02-29 12:00:00'", "NULL"]),
    ("TIMESTAMPTZ", INSTANT, ["'2024-02-29 12:00:00+02'", "NULL"]),
    ("TEXT", NUMBER, ["'1'", "'1e3'", "'-0.5'", "'12345678901234567890.123456789'", "NULL"]),
    ("TEXT", FLOATING, ["'0.1'", "'1e300'", "'NaN'", "NULL"]),
    ("TEXT", INSTANT, ["'2024-02-29T12:00:00.123456789Z'", "NULL"]),
    ("TEXT", STRING, ["''", "'x'", "NULL"]),
    ("TEXT", BINARY, ["NULL", "NULL"]),
    ("JSON", STRING, ["'\"x\"'", "NULL"]),
    ("JSON", JSON, ["'{\"a\":[1]}'", "NULL"]),
]


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with locked_connection(tmp_path_factory.mktemp("scratch")) as connection:
        yield connection


@pytest.mark.parametrize(("kind", "family", "values"), CASES)
def test_each_leaf_has_the_same_halves_in_a_list_as_alone(
    con: duckdb.DuckDBPyConnection, kind: str, family: str, values: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wide, "FEWEST_OF_FIXED", wide.FEWEST)
    count = wide.FEWEST
    stored = "VARCHAR" if kind in ("TEXT", "JSON") else kind
    columns = [f"{values[i % len(values)]}::{stored} AS c{i}" for i in range(count)]
    table = f"(SELECT {', '.join(columns)} UNION ALL SELECT {', '.join(['NULL'] * count)})"
    if family == PRESENCE:
        table = f"(SELECT {', '.join(columns)})"
    leaves: list[tuple[Value, str]] = [((f"c{i}", Column("x", kind)), family) for i in range(count)]
    alone = hashed_leaves([canonical(*value, family) for value, _ in leaves if value], {"other": "7"}, table)
    listed = hashed_values(leaves, {"other": "7"}, table)
    assert (family == BINARY and kind == "TEXT") or "list_transform" in listed
    names = ", ".join(["other", *(f"l{i}, k{i}" for i in range(count))])
    rows = [sorted(con.execute(f"SELECT {names} FROM ({sql})").fetchall()) for sql in (alone, listed)]
    assert rows[0] == rows[1]


def test_lists_are_no_longer_than_they_may_be_and_leaves_keep_their_order(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wide, "FEWEST_OF_FIXED", 4)
    monkeypatch.setattr(wide, "MOST", 3)
    kinds = ["INTEGER", "VARCHAR", "INTEGER", "INTEGER", "DATE", "INTEGER", "INTEGER"]
    families = {"INTEGER": NUMBER, "VARCHAR": STRING, "DATE": DATE}
    columns = [
        f"'2024-01-0{i + 1}'::DATE AS c{i}" if k == "DATE" else f"'{i}'::{k} AS c{i}" for i, k in enumerate(kinds)
    ]
    leaves: list[tuple[Value, str]] = [((f"c{i}", Column("x", kind)), families[kind]) for i, kind in enumerate(kinds)]
    leaves.append((None, NUMBER))
    table = f"(SELECT {', '.join(columns)})"
    listed = hashed_values(leaves, {}, table)
    assert listed.count("lambda z:") == 2
    alone = hashed_leaves([wide._canonical(*leaf, general=True) for leaf in leaves], {}, table)
    names = ", ".join(f"l{i}, k{i}" for i in range(len(leaves)))
    assert con.execute(f"SELECT {names} FROM ({alone})").fetchall() == (
        con.execute(f"SELECT {names} FROM ({listed})").fetchall()
    )


@pytest.mark.parametrize("fewest", [1, 10])
def test_numbers_too_large_for_what_was_expected_end_the_scan_in_a_list_as_alone(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, fewest: int
) -> None:
    monkeypatch.setattr(wide, "FEWEST_OF_FIXED", fewest)
    leaves: list[tuple[Value, str]] = [(("c0", Column("x", "BIGINT")), NUMBER), (("c1", Column("x", "BIGINT")), NUMBER)]
    totals = []
    for last in (10**12 - 1, 10**12):
        table = f"(SELECT i AS c0, {last} - i AS c1 FROM range(3) t(i))"
        sql = hashed_values(leaves, {}, table, general=False)
        assert ("list_transform" in sql) == (fewest == 1)
        if last == 10**12:
            with pytest.raises(duckdb.ConversionException):
                con.execute(sql).fetchall()
        else:
            totals = [sorted(con.execute(each).fetchall()) for each in (sql, hashed_values(leaves, {}, table))]
    assert totals[0] == totals[1]
