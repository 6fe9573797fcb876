"""The conformance inputs, and what R2D2 makes of each: read with so many rows, or refused for a reason."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.catalog.assembly import assemble
from r2d2.catalog.discovery import discover
from r2d2.catalog.listing import Candidate
from r2d2.catalog.reading import files_of
from r2d2.catalog.summaries import summarize_files
from r2d2.config import ContainmentSettings, DiscoverySettings
from r2d2.containment.request import Request
from r2d2.containment.scanner import Scanner
from r2d2.lake.kernels import run_here
from r2d2.model.dataset import Dataset, FileSummary
from tests.containment_runs import Memory, candidate, data_file

ARCHIVE = Path(__file__).resolve().parents[3] / "shared/data/conformance.tar.gz"
#: Each of its two rows is a map with a key of 2^30 bytes; pyarrow takes 15 s to say that it can't read that.
TOO_LARGE = "parquet-testing/data/large_string_map.brotli.parquet"


@dataclass(frozen=True)
class Finding:
    """An input and what became of it.

    Attributes:
        name: path below the root.
        dataset: as discovery and the metadata describe it.
        status: that of the dataset, after a scan of all its rows.
        reason: why it is not ``ok``.
    """

    name: str
    dataset: Dataset
    status: str
    reason: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.dataset.location)


def unpack(where: Path) -> Path:
    """The inputs below ``where``."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(where, filter="data")
    return where


@dataclass(frozen=True)
class Described:
    """The inputs as discovery and the metadata of their files describe them; no row is read."""

    candidates: Sequence[Candidate]
    summaries: Mapping[str, FileSummary]
    datasets: tuple[Dataset, ...]


def described(root: Path) -> Described:
    """Every dataset that discovery finds, and the encrypted files as the Parquet files that they are."""
    candidates = [*discover([str(root)], DiscoverySettings(), None, None).candidates, *_encrypted(root)]
    summaries = summarize_files(files_of(candidates), run_here)
    return Described(candidates, summaries, assemble(candidates, summaries))


def find(datasets: Sequence[Dataset]) -> list[Finding]:
    """What became of each input; all rows are read."""
    failed = _failed_scans(datasets)
    found = [
        Finding(dataset.id, dataset, "unprovable", failed[index])
        if index in failed
        else Finding(dataset.id, dataset, dataset.status, dataset.reason)
        for index, dataset in enumerate(datasets)
    ]
    return sorted(found, key=lambda finding: finding.name)


def counted_rows(root: Path) -> dict[str, int | None]:
    """Delta table → rows as DuckDB's delta extension 1.5.5 saw them, None where it refused it."""
    listed = json.loads((root / "delta_tables.json").read_text(encoding="utf-8"))["tables"]
    return {table["path"]: table.get("rows") for table in listed}


def not_data(root: Path, findings: Sequence[Finding]) -> Counter[tuple[str, str]]:
    """How many files of each (directory, suffix) are no dataset, nor lie in one."""
    taken = {finding.path for finding in findings}
    left = (path for path in root.rglob("*") if path.is_file() and taken.isdisjoint((path, *path.parents)))
    return Counter((path.parent.relative_to(root).as_posix(), path.suffix) for path in left)


def _encrypted(root: Path) -> list[Candidate]:
    """Discovery goes by names, and ``x.parquet.encrypted`` is no Parquet file's name."""
    paths = sorted(root.rglob("*.parquet.encrypted"))
    return [candidate(str(p.relative_to(root)), "parquet", [data_file(p)], p) for p in paths]


def _failed_scans(datasets: Sequence[Dataset]) -> dict[int, str]:
    """Index → why not every row of the dataset could be read, for those where that is so."""
    scanner = Scanner(datasets, ContainmentSettings(), run_here, Memory())
    usable = {index: dataset for index, dataset in enumerate(datasets) if dataset.status == "ok"}
    scanner.measure({i: [Request(tuple((f.path, f.families[0]) for f in d.leaves))] for i, d in usable.items()})
    return dict(scanner.failed)


def read_by_pyarrow(path: Path) -> pa.Table:
    """All rows of a Parquet file, or of a directory of them. INT96 is read as the instant that it is.

    Raises:
        pa.ArrowException, OSError: pyarrow can't read it.
    """
    files = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
    return pa.concat_tables([_file_by_pyarrow(file) for file in files])


def _file_by_pyarrow(path: Path) -> pa.Table:
    with pq.ParquetFile(path, coerce_int96_timestamp_unit="us") as file:
        table = file.read(use_threads=False)
        columns = [file.schema.column(i) for i in range(len(file.schema))]
    for column in columns:
        if column.physical_type == "INT96" and column.path in table.column_names:
            place = table.column_names.index(column.path)
            instants = table.column(place).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
            table = table.set_column(place, table.schema.field(place).with_type(instants.type), instants)
    return table
