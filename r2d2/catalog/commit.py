"""One commit to a Delta table of the state: Parquet files written by pyarrow, named in the log by delta-rs.

*Measured* (2 cores): 1.4 million edges take 0.4 s so, and 13 s and 0.6 GB of JVM through Spark; ten edges 0.01 s, and
0.5 s through Spark.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.schema import Schema
from deltalake.transaction import AddAction, create_table_with_add_actions

DELTA_ERRORS = (DeltaError,)
_RUN = "run_id"


def commit(location: Path, schema: pa.Schema, data: pa.Table, replaced: str, new: bool) -> None:
    """Adds rows to the table in one commit; a table with ``run_id`` is partitioned by it.

    Args:
        location: the table's directory.
        data: with the columns of ``schema``; texts may be dictionaries.
        replaced: the run whose rows go with the same commit; empty for none.
        new: whether the table has no commit yet.

    Raises:
        DeltaError, OSError, pa.ArrowException: it can't be written. The table is as it was.
    """
    partitions = [_RUN] if _RUN in schema.names else []
    added = list(_written(location, data, partitions))
    if new:
        create_table_with_add_actions(str(location), Schema.from_arrow(schema), added, "error", partitions)
        return
    mode, gone = ("overwrite", [(_RUN, "=", replaced)]) if replaced else ("append", None)
    DeltaTable(location).create_write_transaction([*added], mode, Schema.from_arrow(schema), partitions, gone)


def _written(location: Path, data: pa.Table, partitions: list[str]) -> Iterator[AddAction]:
    """Writes a file for each run; one that is never named in the log is not part of the table."""
    if not partitions:
        yield _file(location, "", data, {})
        return
    owners = data[_RUN].cast(pa.string())
    runs = pc.unique(owners).to_pylist()
    for run in runs:
        rows = data if len(runs) == 1 else data.filter(pc.equal(owners, run))
        yield _file(location, f"{_RUN}={run}/", rows.drop([_RUN]), {_RUN: run})


def _file(location: Path, directory: str, rows: pa.Table, partition: dict[str, str | None]) -> AddAction:
    name = f"{directory}part-{uuid.uuid4()}.parquet"
    path = location / name
    path.parent.mkdir(exist_ok=True)
    texts = [f.name for f in rows.schema if pa.types.is_string(f.type) or pa.types.is_dictionary(f.type)]
    pq.write_table(rows.unify_dictionaries(), path, compression="zstd", use_dictionary=texts, store_schema=False)
    now, stats = time.time_ns() // 1_000_000, json.dumps({"numRecords": rows.num_rows})
    return AddAction(name, path.stat().st_size, partition, now, True, stats)
