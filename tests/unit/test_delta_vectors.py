"""Deletion vectors: the places that their bytes say, or a refusal; and rows that are gone are in no answer."""

from __future__ import annotations

import base64
import struct
import tempfile
import uuid
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap64

from r2d2.catalog.delta_leaves import table_summaries
from r2d2.catalog.reading import files_of
from r2d2.catalog.summaries import summarize_files
from r2d2.config import ContainmentSettings
from r2d2.containment.request import Request
from r2d2.containment.row_hash import FAST
from r2d2.containment.scan import RESULTS
from r2d2.containment.scan_groups import scan_kernel
from r2d2.containment.scanner import scan_tasks
from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake import delta_vectors
from r2d2.lake.delta_vectors import DeletionVector, deleted_rows, vector_of
from r2d2.lake.kernels import run_here
from r2d2.lake.local_storage import LocalStorage
from r2d2.model.dataset import Dataset
from tests.containment_runs import candidate, data_file, datasets_of, parquet_dataset
from tests.sampling import examples

_MAGIC = struct.pack("<i", 1681511377)


def content(places: list[int]) -> bytes:
    return _MAGIC + bytes(BitMap64(places).serialize())


def as_text(data: bytes) -> str:
    back = str.maketrans(delta_vectors._B85, delta_vectors._Z85)
    padded = data + b"\0" * (-len(data) % 4)
    return base64.b85encode(padded).decode().translate(back)


def written(table: Path, places: list[int], prefix: str = "") -> dict[str, Any]:
    """A file with a vector after some other bytes, and its descriptor."""
    own, data = uuid.uuid4(), content(places)
    path = table / prefix / f"deletion_vector_{own}.bin"
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(b"\1other" + struct.pack(">i", len(data)) + data + struct.pack(">I", zlib.crc32(data)) + b"more")
    where = {"storageType": "u", "pathOrInlineDv": prefix + as_text(own.bytes), "offset": 6}
    return {**where, "sizeInBytes": len(data), "cardinality": len(set(places))}


def read(descriptor: dict[str, Any], table: Path) -> list[int]:
    vector = vector_of(descriptor, str(table))
    if vector.path:
        vector = replace(vector, stamp=LocalStorage().stat(vector.path).version)
    assert DeletionVector.from_json(vector.to_json()) == vector
    return deleted_rows(vector).tolist()


@settings(max_examples=50, deadline=None)
@given(st.sets(st.one_of(st.integers(0, 70_000), st.integers(0, 2**40)), min_size=1, max_size=200))
def test_a_vector_says_the_places_that_were_written_in_a_file_or_in_the_log(places: set[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        table = Path(name)
        assert read(written(table, sorted(places)), table) == sorted(places)
        data = content(sorted(places))
        inline = {"storageType": "i", "pathOrInlineDv": as_text(data), "sizeInBytes": len(data)}
        assert read({**inline, "cardinality": len(places)}, table) == sorted(places)


def test_a_vector_in_a_directory_of_its_own_or_at_an_absolute_path_is_found(tmp_path: Path) -> None:
    descriptor = written(tmp_path, [3, 5], prefix="ab")
    assert read(descriptor, tmp_path) == [3, 5]
    (file,) = (tmp_path / "ab").iterdir()
    for spelled in (file.as_uri(), str(file)):
        assert read({**descriptor, "storageType": "p", "pathOrInlineDv": spelled}, tmp_path / "elsewhere") == [3, 5]


@pytest.mark.parametrize("at", [6, 10, 14, 20, -5])
def test_a_vector_with_a_changed_byte_is_refused(tmp_path: Path, at: int) -> None:
    descriptor = written(tmp_path, list(range(100, 5000, 3)))
    (file,) = tmp_path.iterdir()
    data = bytearray(file.read_bytes())
    data[at] ^= 0x55
    file.write_bytes(data)
    with pytest.raises(UnreadableData, match="deletion vector"):
        read(descriptor, tmp_path)


@pytest.mark.parametrize("change", [{"cardinality": 1}, {"sizeInBytes": 7}, {"offset": 5}, {"offset": 4000}])
def test_a_vector_that_is_not_what_its_log_says_is_refused(tmp_path: Path, change: dict[str, int]) -> None:
    descriptor = written(tmp_path, [1, 2, 3])
    with pytest.raises(UnreadableData, match="deletion vector"):
        read({**descriptor, **change}, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"storageType": "x"},
        {"storageType": None},
        {"offset": None},
        {"offset": -1},
        {"pathOrInlineDv": "../" + "0" * 20},
        {"pathOrInlineDv": "short"},
        {"storageType": "p", "pathOrInlineDv": "../../etc/passwd"},
        {"pathOrInlineDv": None},
        {"sizeInBytes": None},
        {"sizeInBytes": -1},
        {"sizeInBytes": 2**40},
        {"cardinality": True},
        {"storageType": "i", "pathOrInlineDv": "\x7f\x7f\x7f"},
    ],
)
def test_a_hostile_descriptor_is_refused_and_followed_nowhere(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises((UnreadableData, UnsupportedData)):
        read({**written(tmp_path, [1]), **change}, tmp_path)


def test_a_vector_file_that_changed_since_it_was_listed_is_not_read(tmp_path: Path) -> None:
    vector = vector_of(written(tmp_path, [1]), str(tmp_path))
    with pytest.raises(UnreadableData, match="changed while it was read"):
        deleted_rows(replace(vector, stamp="another"))


def dataset(tmp_path: Path, gone: dict[int, list[int]], rows: int) -> tuple[Dataset, pa.Table]:
    """A dataset of several files with deleted rows, and the rows that are left."""
    files, left = [], []
    for number, places in gone.items():
        table = pa.table({"k": np.arange(rows) + 1000 * number, "s": [f"r{i % 7}" for i in range(rows)]})
        path = tmp_path / f"part-{number}.parquet"
        pq.write_table(table, path, row_group_size=max(1, rows // 5))
        vector = vector_of(written(tmp_path / "vectors", places), str(tmp_path / "vectors")) if places else None
        stamped = replace(vector, stamp=LocalStorage().stat(vector.path).version) if vector else None
        files.append(replace(data_file(path), vector=stamped.to_json() if stamped else ""))
        left.append(table.filter(pa.array([i not in places for i in range(rows)])))
    (found,) = datasets_of([candidate("d", "parquet", files, tmp_path)])
    live = pa.concat_tables(left)
    return replace(found, rows=live.num_rows), live


@settings(max_examples=examples(24), deadline=None)
@given(st.data())
def test_deleted_rows_are_in_no_answer_of_a_scan_however_its_files_are_cut(data: st.DataObject) -> None:
    rows = data.draw(st.integers(5, 400))
    gone = {n: data.draw(st.lists(st.integers(0, rows - 1), unique=True, max_size=rows - 1)) for n in range(3)}
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "lake").mkdir()
        found, live = dataset(Path(name) / "lake", gone, rows)
        pq.write_table(live, Path(name) / "live.parquet")
        (plain,) = datasets_of([candidate("live", "parquet", [data_file(Path(name) / "live.parquet")], Path(name))])
        wanted = [Request(((("k",), "number"), (("s",), "string")), 2**62)]
        for most in (10**9, 1):
            both = [
                answers(scan_tasks([each], {0: wanted}, ContainmentSettings(task_bytes=most), FAST))
                for each in (found, plain)
            ]
            assert both[0] == both[1]


def test_tables_with_deleted_rows_that_one_task_scans_lose_their_own_rows_and_no_others(tmp_path: Path) -> None:
    lake, live = [], []
    for number, places in enumerate(([0, 3], [], [1], list(range(9)))):
        (tmp_path / str(number)).mkdir()
        found, left = dataset(tmp_path / str(number), {number: places}, 10)
        lake.append(found)
        pq.write_table(left, tmp_path / f"live-{number}.parquet")
        live.append(parquet_dataset(tmp_path / f"live-{number}.parquet"))
    wanted = [Request(((("k",), "number"), (("s",), "string")), 2**62)]
    tasks, plain = (
        scan_tasks(some, dict.fromkeys(range(4), wanted), ContainmentSettings(), FAST) for some in (lake, live)
    )
    assert len(tasks["task"].unique()) == 1
    assert [answers(tasks, i) for i in range(4)] == [answers(plain, i) for i in range(4)]


def answers(tasks: pa.Table, of: int = 0) -> tuple[int, int, int]:
    """What the tasks, run together, say of one dataset."""
    results = pa.Table.from_batches(scan_kernel(iter(tasks.to_batches())), schema=RESULTS).to_pylist()
    assert not [row["error"] for row in results if row["error"]]
    own = [row for row in results if row["dataset"] == of]
    return tuple(sum(int(row[name]) for row in own) for name in ("rows", "low", "high"))  # type: ignore[return-value]


def test_a_file_with_deleted_rows_has_no_tight_bound_and_no_count_of_nulls(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"k": [1, None, 3], "full": [1, 2, 3], "none": pa.nulls(3, pa.int32())}), tmp_path / "p.parquet"
    )
    listed = data_file(tmp_path / "p.parquet")
    own = candidate("d", "delta", [listed], tmp_path)
    (part,) = summarize_files(files_of([own]), run_here).values()
    vector = vector_of(written(tmp_path / "vectors", [0]), str(tmp_path / "vectors")).to_json()
    (left,) = table_summaries(replace(own, files=(replace(listed, vector=vector),)), [part])
    leaves = {leaf.path[0]: leaf for leaf in left.leaves}
    assert left.rows == 2
    assert [leaves[name].nulls for name in ("k", "full", "none")] == [None, 0, 2]
    (bounds,) = leaves["full"].bounds.values()
    assert (bounds.low_tight, bounds.high_tight, bounds.low_valid, bounds.high_valid) == (False, False, True, True)
    assert table_summaries(own, [part]) == [part]
