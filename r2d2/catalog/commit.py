"""One commit to a Delta table of the state: Parquet files written by pyarrow, named in the log by delta-rs.

*Measured* (2 cores): 1.4 million edges take 0.4 s so, and 13 s and 0.6 GB of JVM through Spark; ten edges 0.01 s, and
0.5 s through Spark.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.schema import Schema
from deltalake.transaction import AddAction, create_table_with_add_actions

from r2d2.catalog.state_files import data_files, is_committed
from r2d2.errors import StateError
from r2d2.lake.delta_log import DeltaFile
from r2d2.lake.file_tree import joined
from r2d2.lake.object_client import delta_options
from r2d2.lake.object_errors import may_be_lost
from r2d2.lake.object_requests import wait
from r2d2.lake.storage import storage_for

DELTA_ERRORS = (DeltaError,)
_RUN = "run_id"
_FENCE = "r2d2.fence"
_TRIES = 8
#: Rows of a row group: who asks for the proven edges, which come first, need not read a million of others.
_GROUP_ROWS = 1 << 17


def commit(
    location: str, schema: pa.Schema, added: Sequence[AddAction], replaced: str, fence: Callable[[], int | None]
) -> None:
    """Adds data files to the table in one commit; a table with ``run_id`` is partitioned by it.

    In a store an answer may be lost, so that it is looked whether the files are in before it is tried again.

    Args:
        location: the table's directory.
        added: what ``written`` or ``copied`` gave.
        replaced: the run whose rows go with the same commit; empty for none.
        fence: the number of the state's lock, asked for right before each try.

    Raises:
        DeltaError, OSError: it can't be written. The table is as it was.
        StateError: the state is another process's by now.
    """
    tries = 0
    while True:
        number = fence()
        try:
            _commit(location, schema, added, replaced, number)
            return
        except (DeltaError, OSError) as error:
            tries += 1
            if number is not None and _is_in(location, added):
                return
            if number is None or tries == _TRIES or not (isinstance(error, CommitFailedError) or may_be_lost(error)):
                raise
            wait(tries)


def _commit(location: str, schema: pa.Schema, added: Sequence[AddAction], replaced: str, fence: int | None) -> None:
    """With a fence nothing else may be committed meanwhile: whoever holds the lock now would be written over."""
    partitions = [_RUN] if _RUN in schema.names else []
    options = delta_options(location)
    properties = None if fence is None else CommitProperties(custom_metadata={_FENCE: str(fence)}, max_commit_retries=0)
    columns = Schema.from_arrow(schema)
    if not is_committed(storage_for(location), location):
        create_table_with_add_actions(
            location, columns, [*added], "error", partitions, storage_options=options, commit_properties=properties
        )
        return
    mode, gone = ("overwrite", [(_RUN, "=", replaced)]) if replaced else ("append", None)
    table = DeltaTable(location, storage_options=options)
    if fence is not None:
        _refuse_newer(location, table.version(), fence)
    table.create_write_transaction([*added], mode, columns, partitions, gone, commit_properties=properties)


def _refuse_newer(location: str, version: int, fence: int) -> None:
    """*Seen*: a process that sleeps longer than its lease wakes up and goes on."""
    name = joined(location, f"_delta_log/{version:020d}.json")
    try:
        actions = map(json.loads, storage_for(location).read_bytes(name).splitlines())
    except FileNotFoundError:
        return  # it is in a checkpoint, as only versions of long ago are
    newest = max((int(action.get("commitInfo", {}).get(_FENCE, 0)) for action in actions), default=0)
    if newest > fence:
        raise StateError(
            f"{location}: another run has begun to write to it", "look at `r2d2 runs`; run it again if need be"
        )


def _is_in(location: str, added: Sequence[AddAction]) -> bool:
    paths = {file.path for file in data_files(location)}
    return all(joined(location, action.path) in paths for action in added)


def written(location: str, data: pa.Table) -> list[AddAction]:
    """Writes rows, a file for each run; one that is never named in the log is not part of the table.

    Args:
        data: of one table; texts may be dictionaries.

    Raises:
        OSError, pa.ArrowException: they can't be written.
    """
    if _RUN not in data.schema.names:
        return [_file(location, _new_name(), data, {})]
    owners = data[_RUN].cast(pa.string())
    runs = pc.unique(owners).to_pylist()
    parts = [(run, data if len(runs) == 1 else data.filter(pc.equal(owners, run))) for run in runs]
    return [_file(location, _new_name(run), rows.drop([_RUN]), {_RUN: run}) for run, rows in parts]


def copied(location: str, files: Sequence[DeltaFile], run_id: str) -> list[AddAction]:
    """Copies data files of one run as those of another.

    Args:
        files: of the table.

    Raises:
        OSError: they can't be read or written.
    """
    return [_copy(location, file, run_id) for file in files]


def _copy(location: str, file: DeltaFile, run_id: str) -> AddAction:
    name = _new_name(run_id)
    storage_for(location).copy(file.path, joined(location, name))
    return _added(name, file.size, {_RUN: run_id}, file.rows)


def _new_name(run_id: str = "") -> str:
    """The name of a new data file, below the directory of a run."""
    directory = f"{_RUN}={run_id}/" if run_id else ""
    return f"{directory}part-{uuid.uuid4()}.parquet"


def _file(location: str, name: str, rows: pa.Table, partition: dict[str, str | None]) -> AddAction:
    texts = [f.name for f in rows.schema if pa.types.is_string(f.type) or pa.types.is_dictionary(f.type)]
    options: dict[str, Any] = {"compression": "zstd", "use_dictionary": texts, "row_group_size": _GROUP_ROWS}
    sink = pa.BufferOutputStream()
    pq.write_table(rows.unify_dictionaries(), sink, store_schema=False, **options)
    content = sink.getvalue().to_pybytes()
    storage_for(location).put(joined(location, name), content)
    return _added(name, len(content), partition, rows.num_rows)


def _added(name: str, size: int, partition: dict[str, str | None], rows: int | None) -> AddAction:
    now, stats = time.time_ns() // 1_000_000, json.dumps({} if rows is None else {"numRecords": rows})
    return AddAction(name, size, partition, now, True, stats)
