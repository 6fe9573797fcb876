"""The data files of a state's Delta table: which there are, and their rows."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from r2d2.lake.delta_log import DeltaFile, read_delta
from r2d2.lake.file_tree import joined
from r2d2.lake.storage import Storage, is_local, storage_for

#: A file in a store up to this size is read by one request, larger ones by those of their columns that are asked for.
_WHOLE = 4 * 1024 * 1024
_AT_ONCE = 32


def is_committed(storage: Storage, location: str) -> bool:
    """Whether the table has a commit; a run that died in the first write to it leaves a directory without one."""
    try:
        names = storage.names(joined(location, "_delta_log"))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return any(name.endswith((".json", ".parquet")) for name in names)


def data_files(location: str, run_id: str | None = None) -> list[DeltaFile]:
    """The data files of a run (None: of all runs).

    Raises:
        UnreadableData, UnsupportedData: the log is damaged.
    """
    storage = storage_for(location)
    if not is_committed(storage, location):
        return []
    return [
        file for file in read_delta(storage, location).files if run_id in (None, dict(file.partition).get("run_id"))
    ]


def unlisted_files(location: str, kept: Container[str]) -> list[str]:
    """Data files in the table's directory that are none of its newest version.

    Args:
        kept: paths of those of its newest version.

    Raises:
        OSError: the directory can't be listed.
    """
    try:
        found = storage_for(location).tree(location, []).files
    except (FileNotFoundError, NotADirectoryError):
        return []
    paths = (joined(location, file.name) for file in found if not file.name.startswith("_delta_log/"))
    return [path for path in paths if path not in kept]


def rows_of(
    location: str,
    files: Sequence[DeltaFile],
    schema: pa.Schema,
    columns: Sequence[str],
    condition: ds.Expression | None,
) -> pa.Table:
    """The rows of data files.

    Raises:
        pa.ArrowException, OSError: one of them can't be read.
    """
    if is_local(location):
        partitioning = ds.partitioning(pa.schema([f for f in schema if f.name == "run_id"]), flavor="hive")
        paths = [file.path for file in files]
        data = ds.dataset(paths, schema=schema, partitioning=partitioning, format="parquet")
    else:
        fragments = list(_fragments(storage_for(location), files))
        data = ds.FileSystemDataset(fragments, schema, ds.ParquetFileFormat())
    return data.to_table(columns=list(columns), filter=condition)


def _fragments(storage: Storage, files: Sequence[DeltaFile]) -> Iterable[Any]:
    def source(file: DeltaFile) -> Any:
        small = file.size <= _WHOLE
        return pa.BufferReader(storage.read_bytes(file.path)) if small else storage.open(file.path)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for file, content in zip(files, pool.map(source, files), strict=True):
            yield ds.ParquetFileFormat().make_fragment(content, partition_expression=_belongs(file))


def _belongs(file: DeltaFile) -> ds.Expression:
    run_id = dict(file.partition).get("run_id")
    return ds.scalar(True) if run_id is None else ds.field("run_id") == run_id
