"""Of a Parquet file in a store only the end is read for its metadata, unless a column has to be looked at."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from r2d2.catalog.reading import FileToRead
from r2d2.catalog.summaries import summarize_files
from r2d2.lake.kernels import run_here
from r2d2.lake.parquet_footer import FIRST_READ
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import DataFile, FileSummary

URL = "r2d2counted://lake"


class Counted(MemoryFileSystem):
    """A store that counts what is read of it."""

    protocol = "r2d2counted"
    store: dict[str, Any] = {}  # noqa: RUF012  # fsspec's own, apart from that of memory://
    pseudo_dirs = [""]  # noqa: RUF012
    read = 0

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("r2d2counted://")))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        file = super()._open(path, mode, **options)
        return _Counted(file.getvalue()) if mode == "rb" else file


class _Counted(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        Counted.read += len(found)
        return found


@pytest.fixture(autouse=True)
def store() -> Iterator[None]:
    fsspec.register_implementation("r2d2counted", Counted, clobber=True)
    Counted.store.clear()
    Counted.read = 0
    yield
    Counted.store.clear()


def summary(content: bytes) -> FileSummary:
    fsspec.filesystem("r2d2counted").pipe("/lake/a.parquet", content)
    path = f"{URL}/a.parquet"
    (found,) = summarize_files([FileToRead(DataFile(*storage_for(path).stat(path)), "parquet")], run_here).values()
    return found


def local(content: bytes, directory: Any) -> FileSummary:
    path = directory / "a.parquet"
    path.write_bytes(content)
    file = DataFile(*storage_for(str(path)).stat(str(path)))
    return summarize_files([FileToRead(file, "parquet")], run_here)[str(path)]


def written(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


NUMBERS = np.random.default_rng(1).random(200_000)


def test_only_the_end_is_read(tmp_path: Any) -> None:
    content = written(pa.table({"v": NUMBERS}))
    assert summary(content) == local(content, tmp_path)
    assert Counted.read <= FIRST_READ < len(content) / 10


def test_a_footer_longer_than_the_first_read_is_read_again_and_no_more(tmp_path: Any) -> None:
    content = written(pa.table({f"column {i:04}": NUMBERS[:200] for i in range(900)}))
    footer = int.from_bytes(content[-8:-4], "little") + 8
    assert FIRST_READ < footer < len(content)
    assert summary(content) == local(content, tmp_path)
    assert Counted.read == FIRST_READ + footer


@pytest.mark.parametrize("kind", ["nulls", "INT96"])
def test_where_a_column_has_to_be_looked_at_all_is_read_and_counted(tmp_path: Any, kind: str) -> None:
    if kind == "nulls":
        content = written(pa.table({"v": NUMBERS, "n": pa.nulls(len(NUMBERS), pa.int64())}))
    else:
        times = pa.array(np.arange(len(NUMBERS)) * 10**6, pa.timestamp("us"))
        content = written(pa.table({"v": NUMBERS, "t": times}), use_deprecated_int96_timestamps=True)
    found, there = summary(content), local(content, tmp_path)
    assert (found.status, found.rows, found.leaves) == ("ok", there.rows, there.leaves)
    assert found.bytes_read == len(content) <= Counted.read


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:-9],
        lambda whole: b"none" * 50_000,
        lambda whole: b"",
        lambda whole: b"PAR1",
        lambda whole: whole[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1",
        lambda whole: whole[:-4] + b"PARE",
        lambda whole: whole[:-400] + bytes(392) + whole[-8:],
    ],
)
def test_what_is_damaged_is_called_what_it_would_be_called_here(tmp_path: Any, damage: Any) -> None:
    content = damage(written(pa.table({"v": NUMBERS})))
    found = summary(content)
    assert found == local(content, tmp_path)
    assert found.status == "error"
    assert Counted.read <= FIRST_READ + 8
