"""Text lakes for the rivals: what one does by hand, every text file into Parquet, before pairs are compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb

from benchmarks.inventory import Table, quoted, read_tables
from benchmarks.task import Task

_READERS = {
    ".csv": "read_csv('{}', all_varchar=true, null_padding=false)",
    ".tsv": "read_csv('{}', all_varchar=true, delim='\t')",
    ".json": "read_json('{}')",
    ".jsonl": "read_json('{}')",
}


def open_tables(task: Task) -> list[Table]:
    """The datasets of the task's lake; text is first written as Parquet into the task's scratch directory.

    Cells are compared as text, numbers by their value as a double: what a user can say in one line, and right for the
    tables at hand.
    """
    texts = sorted(path for path in task.lake.rglob("*") if path.suffix in _READERS and path.is_file())
    if not texts:
        return read_tables(task.lake, task.threads)
    staged = task.scratch / "staged"
    with duckdb.connect(config={"threads": task.threads}) as connection:
        for path in texts:
            _stage(connection, path, staged / f"{path.relative_to(task.lake)}.parquet")
    found = read_tables(staged, task.threads)
    plain = read_tables(task.lake, task.threads)
    return [replace(table, id=table.id.removesuffix(".parquet")) for table in found] + plain


def _stage(connection: duckdb.DuckDBPyConnection, path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    reader = _READERS[path.suffix].format(str(path).replace("'", "''"))
    try:
        names = [row[0] for row in connection.execute(f"DESCRIBE FROM {reader}").fetchall()]
        cells = ", ".join(f"{_cell(quoted(name))} AS {quoted(name)}" for name in names)
        quoted_target = str(target).replace("'", "''")
        connection.execute(f"COPY (SELECT {cells} FROM {reader}) TO '{quoted_target}' (FORMAT parquet)")
    except duckdb.Error:  # DuckDB can't read it as a table: then no rival here compares it
        target.unlink(missing_ok=True)


def _cell(name: str) -> str:
    return f"coalesce(TRY_CAST({name} AS DOUBLE)::VARCHAR, {name}::VARCHAR)"
