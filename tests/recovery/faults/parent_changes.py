"""What others do to the parent in a small lake, on disk or in a store, while r2d2 is not at work: steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

from r2d2.lake.file_tree import joined
from r2d2.lake.object_client import delta_options, delta_url
from r2d2.lake.storage import storage_for
from tests.recovery.faults.small_worlds import PARENT, WHOLE, rows

#: The ``id`` of a row that the child has, and that the parent loses.
GONE = 9
_RETENTION = "delta.deletedFileRetentionDuration"


def write_anew(lake: str, state: str) -> None:
    """The same rows, in other files."""
    _change(lake, lambda table: table.take(list(reversed(range(len(table))))))


def overwrite(lake: str, state: str) -> None:
    """Few of its rows are left."""
    _change(lake, lambda table: table.slice(0, 10))


def delete_a_row(lake: str, state: str) -> None:
    """In a table as tables do."""
    if table := _table(lake):
        table.delete(f"id = {GONE}")
    else:
        _change(lake, without)


def without(table: pa.Table) -> pa.Table:
    """All but the row that the parent loses."""
    return table.filter(pc.not_equal(table["id"], GONE))


def key() -> str:
    """The text that no other row has."""
    (text,) = rows().filter(pc.equal(rows()["id"], GONE))["text"].to_pylist()
    return str(text)


def shorten_retention(lake: str, state: str) -> None:
    """A table may clean away at once what its newest version lacks."""
    if table := _table(lake):
        table.alter.set_table_properties({_RETENTION: "interval 0 hours"})


def clean(lake: str, state: str) -> None:
    """A table cleans away what its newest version lacks."""
    if table := _table(lake):
        table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)


@contextmanager
def gone(lake: str) -> Iterator[None]:
    """It is not there for a while."""
    storage = storage_for(lake)
    kept = {path: storage.read_bytes(path) for _, path in _files(lake)}
    for path in kept:
        storage.delete(path)
    yield
    for path, content in kept.items():
        storage.put(path, content)


def copy_whole(lake: str, state: str) -> None:
    """A further dataset has all that the parent has."""
    for name, path in _files(lake):
        copy = WHOLE + name.removeprefix(PARENT)
        storage_for(lake).put(joined(lake, copy), storage_for(lake).read_bytes(path))


def _files(lake: str) -> list[tuple[str, str]]:
    """Names and paths of the parent's files."""
    found = storage_for(lake).tree(lake, [lake]).files
    return [(file.name, file.stat.path) for file in found if file.name.startswith(PARENT)]


def _table(lake: str) -> DeltaTable | None:
    place = joined(lake, PARENT)
    if not any("/_delta_log/" in name for name, _ in _files(lake)):
        return None
    return DeltaTable(delta_url(place), storage_options=delta_options(place))


def _change(lake: str, change: Callable[[pa.Table], pa.Table]) -> None:
    if table := _table(lake):
        write_deltalake(table, change(table.to_pyarrow_table()), mode="overwrite")
        return
    for name, path in _files(lake):
        data, new = BytesIO(storage_for(lake).read_bytes(path)), BytesIO()
        if name.endswith(".parquet"):
            pq.write_table(change(pq.ParquetFile(data).read()), new, compression="gzip")
        elif name.endswith(".csv"):
            pacsv.write_csv(change(pacsv.read_csv(data)), new)
        else:
            continue
        storage_for(lake).put(path, new.getvalue())
