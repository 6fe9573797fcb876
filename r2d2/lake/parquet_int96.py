"""INT96 timestamps, which Spark writes into plain Parquet: every value is read and checked before DuckDB is believed.

An INT96 value is a Julian day and the nanoseconds of that day: an instant in UTC. DuckDB delivers it as a TIMESTAMP cut
to whole microseconds, and footers have no statistics on it. So pyarrow reads each such column here in seconds and in
nanoseconds (modulo 2^64), which together are the exact value, and what DuckDB delivers must be the same, value by
value. As the values are seen anyway, null counts are exact and bounds tight.

*Seen*: the calendar. Hive and Spark before 3.1 wrote days of the calendar that lost ten days in 1582, and rebased times
before 1900; files don't always say so. Such times are refused unless the writer is known to count in one calendar.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.layout import Column, Reader
from r2d2.lake.parquet_footer import Footer
from r2d2.lake.parquet_types import shown
from r2d2.model.dataset import Bounds

INT96 = "INT96"

_BATCH = 65536
_SECOND_NS = 1_000_000_000
#: Seconds that microseconds of 64 bits can hold, somewhat less: nothing wraps in what is computed here.
_MOST_SECONDS = 9_200_000_000_000
#: 1900-01-01 in microseconds since 1970: all calendars and zone rules agree from here on.
_ONE_CALENDAR = -2_208_988_800_000_000
_PROLEPTIC = re.compile(r"parquet-cpp|parquet-rs|fastparquet|DuckDB|Polars", re.IGNORECASE)
_SPARK = "org.apache.spark.version"

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Instants:
    """Of one INT96 column outside of lists and maps: how many values it has, the first and the last instant."""

    present: int
    bounds: Bounds | None


@dataclass(frozen=True)
class Int96:
    """What was found by reading: by the positions of the leaf, and how many bytes that took."""

    flat: Mapping[tuple[int, ...], Instants]
    bytes_read: int = 0


@dataclass(frozen=True)
class _Spot:
    """An INT96 column in the tree: names, steps (kind of group, child) from the top, place among the chunks."""

    path: tuple[str, ...]
    steps: tuple[tuple[str, int], ...]
    top: int
    place: int
    read: range

    @property
    def flat(self) -> bool:
        return all(kind == "STRUCT" for kind, _ in self.steps)


def has_int96(reader: Reader) -> bool:
    """Whether there is a column to read."""
    return any(True for _ in _spots(reader.columns))


def read_int96(path: Path, footer: Footer, reader: Reader) -> Int96:
    """Reads all INT96 columns of a file.

    Raises:
        UnsupportedData: a value is finer than a microsecond, out of range, or in a calendar that is not known.
        UnreadableData: a column can't be read, or readers disagree on what it holds.
    """
    spots = list(_spots(reader.columns))
    if not spots:
        return Int96({})
    old = _old_calendar(footer)
    found: dict[tuple[int, ...], Instants] = {}
    try:
        with _connection() as (con, scratch), pq.ParquetFile(path) as file:
            names = ", ".join(f"c{i}" for i in range(len(reader.columns)))
            source = f"{_parquet(path, scratch)} AS t({names})"
            for spot in spots:
                delivered = _Delivered(con, _delivered_sql(spot, source))
                seen = _read(delivered, _exact(path, spot, range(len(footer.row_groups))), spot, old)
                if spot.flat:
                    found[(spot.top, *(index for _, index in spot.steps))] = seen
            size = _compressed(file.metadata, {spot.place for spot in spots})
    except (pa.ArrowException, OSError, duckdb.Error) as error:
        raise UnreadableData(f"a column of INT96 timestamps can't be read ({type(error).__name__})") from error
    return Int96(found, size)


def _spots(columns: tuple[Column, ...]) -> Iterator[_Spot]:
    place = 0
    for top, column in enumerate(columns):
        leaves = list(_leaves(column, (column.name,), ()))
        for offset, (path, steps, kind) in enumerate(leaves):
            if kind == INT96:
                yield _Spot(path, steps, top, place + offset, range(place, place + len(leaves)))
        place += len(leaves)


def _leaves(
    column: Column, path: tuple[str, ...], steps: tuple[tuple[str, int], ...]
) -> Iterator[tuple[tuple[str, ...], tuple[tuple[str, int], ...], str]]:
    """All primitive columns in the order of the schema, which is that of the chunks."""
    if not column.children:
        yield path, steps, column.kind
    for index, child in enumerate(column.children):
        yield from _leaves(child, (*path, child.name), (*steps, (column.kind, index)))


def _compressed(metadata: Any, places: set[int]) -> int:
    groups = (metadata.row_group(group) for group in range(metadata.num_row_groups))
    return sum(group.column(place).total_compressed_size for group in groups for place in places)


def _old_calendar(footer: Footer) -> str:
    """Who wrote the file, if it may have counted days of long ago in the old calendar; empty if it did not."""
    version = footer.keys.get(_SPARK)
    if version is None:
        return "" if _PROLEPTIC.search(footer.created_by) else footer.created_by or "an unnamed program"
    number = re.match(r"([0-9]{1,4})\.([0-9]{1,4})", version)
    modern = number is not None and (int(number[1]), int(number[2])) >= (3, 1)
    return "" if modern else f"Spark {version}"


def _read(delivered: _Delivered, exact: Iterator[_Ints], spot: _Spot, old: str) -> Instants:
    present, low, high = 0, _MOST_SECONDS * _SECOND_NS, -_MOST_SECONDS * _SECOND_NS
    for values in exact:
        if not np.array_equal(delivered.take(len(values)), values):
            raise UnreadableData(f"column {shown(spot.path)} holds INT96 timestamps that readers read differently")
        present += len(values)
        if len(values):
            low, high = min(low, int(values.min())), max(high, int(values.max()))
    if len(delivered.take(1)):
        raise UnreadableData(f"column {shown(spot.path)} holds INT96 timestamps that not all readers see")
    if not present:
        return Instants(0, None)
    if old and low < _ONE_CALENDAR:
        told = "holds INT96 timestamps before 1900, and the file does not say in which calendar"
        raise UnsupportedData(f"column {shown(spot.path)} {told} (written by {old})")
    tight = Bounds(low * 1000, high * 1000, low_tight=True, high_tight=True, low_valid=True, high_valid=True)
    return Instants(present, tight)


def _exact(path: Path, spot: _Spot, groups: range) -> Iterator[_Ints]:
    """Microseconds since 1970 of all values in the order of the file, NULLs left out."""
    with (
        pq.ParquetFile(path, coerce_int96_timestamp_unit="s") as coarse,
        pq.ParquetFile(path, coerce_int96_timestamp_unit="ns") as fine,
    ):
        batches = (
            file.reader.iter_batches(_BATCH, row_groups=groups, column_indices=list(spot.read), use_threads=False)
            for file in (coarse, fine)
        )
        for in_seconds, in_nanoseconds in zip(*batches, strict=True):
            yield _microseconds(_values(in_seconds, spot), _values(in_nanoseconds, spot), spot)


def _microseconds(seconds: _Ints, wrapped: _Ints, spot: _Spot) -> _Ints:
    if len(seconds) and max(-int(seconds.min()), int(seconds.max())) > _MOST_SECONDS:
        raise UnsupportedData(f"column {shown(spot.path)} holds INT96 timestamps that microseconds can't hold")
    rest = wrapped - seconds * _SECOND_NS  # both modulo 2^64, so the difference is exact
    if np.any((rest < 0) | (rest >= _SECOND_NS)):
        raise UnreadableData(f"column {shown(spot.path)} holds INT96 values that are no timestamps")
    if np.any(rest % 1000):
        raise UnsupportedData(f"column {shown(spot.path)} holds INT96 timestamps finer than a microsecond")
    exact: _Ints = seconds * 1_000_000 + rest // 1000
    return exact


def _values(batch: pa.RecordBatch, spot: _Spot) -> _Ints:
    array = batch.column(0)
    for kind, index in spot.steps:
        if kind == "STRUCT":
            array = array.flatten()[index]
        elif kind == "LIST":
            array = array.flatten()
        else:  # entries of the slice that the offsets give; readers leave none in a NULL map
            entries = array.keys if index == 0 else array.items
            start = array.offsets[0].as_py()
            array = entries[start : array.offsets[-1].as_py()]
    found: _Ints = array.drop_null().cast(pa.int64()).to_numpy()
    return found


def _delivered_sql(spot: _Spot, source: str) -> str:
    """SQL of the microseconds that DuckDB delivers for a column, in the order of the file, NULLs left out."""
    source = f"SELECT c{spot.top} AS x FROM {source}"
    for kind, index in spot.steps:
        if kind == "STRUCT":
            step = f"struct_extract_at(x, {index + 1})"
        elif kind == "LIST":
            step = "unnest(x)"
        else:
            step = f"unnest(map_{'values' if index else 'keys'}(x))"
        source = f"SELECT {step} AS x FROM ({source})"
    return f"SELECT epoch_us(x) AS us FROM ({source}) WHERE x IS NOT NULL"


@contextmanager
def _connection() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A connection with one thread, so that rows keep their order, and scratch space."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": "1GB",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with tempfile.TemporaryDirectory(prefix="r2d2-int96-") as name, duckdb.connect(config=config) as con:
        con.execute("SET disabled_optimizers = 'statistics_propagation'").fetchall()
        yield con, Path(name)


def _parquet(path: Path, scratch: Path) -> str:
    """The file as an SQL table expression; whatever it is called, DuckDB sees a plain name."""
    alias = scratch / "0.parquet"
    alias.symlink_to(path.absolute())
    return "read_parquet(['" + str(alias).replace("'", "''") + "'], hive_partitioning = false, union_by_name = false)"


class _Delivered:
    """The numbers that a query gives, in pieces of any length."""

    def __init__(self, con: duckdb.DuckDBPyConnection, sql: str) -> None:
        self.con, self.sql = con, sql
        self.reader: pa.RecordBatchReader | None = None
        self.rest: _Ints = np.empty(0, np.int64)

    def take(self, count: int) -> _Ints:
        """The next ``count`` numbers, fewer at the end. A NULL among them, of an infinite time, counts as none."""
        if self.reader is None:
            self.reader = self.con.sql(self.sql).to_arrow_reader(_BATCH)
        while len(self.rest) < count:
            batch = next(self.reader, None)
            if batch is None:
                break
            more = batch.column(0).drop_null().to_numpy()
            self.rest = np.concatenate([self.rest, more])
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken
