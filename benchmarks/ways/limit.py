"""The limit: what it takes to read and hash all rows once, with nothing proven."""

from __future__ import annotations

from collections import defaultdict

import duckdb

from benchmarks.inventory import Table, candidate_pairs, quoted
from benchmarks.meter import window
from benchmarks.staging import open_tables
from benchmarks.task import Finding, Task, Way


def measure(task: Task) -> list[Finding]:
    """Times ``sum(hash(all columns))`` over every dataset of a candidate pair; finding those is not timed."""
    tables = open_tables(task)
    pairs = candidate_pairs(tables)
    wanted = [tables[i] for i in sorted(set(pairs.ravel().tolist()))]
    queries = _queries(wanted)
    with duckdb.connect(config={"threads": task.threads}) as connection, window() as measured:
        for query in queries:
            connection.execute(query).fetchall()
    notes = {"datasets": len(wanted), "bytes": sum(table.bytes for table in wanted), "candidates": len(pairs)}
    return [Finding("limit", measured, None, notes=notes)]


def _queries(tables: list[Table]) -> list[str]:
    """One query for each run of files of one schema, so that small files cost little."""
    files: dict[tuple[tuple[str, str], ...], list[str]] = defaultdict(list)
    for table in tables:
        files[tuple((name, column.type) for name, column in table.columns.items())] += table.files
    queries = []
    for schema, paths in files.items():
        columns = ", ".join(quoted(name) for name, _ in schema)
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        queries.append(f"SELECT sum(hash({columns})) FROM read_parquet([{listed}], hive_partitioning=false)")
    return queries


WAY = Way(
    "limit",
    "one DuckDB process, all cores, sum(hash(all columns)) over every dataset of a candidate pair once, files of one "
    "schema in one query; decides nothing",
    measure,
    exact="-",
)
