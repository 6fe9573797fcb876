"""What a run will read, how long that takes and what it costs: the arithmetic. No Spark, no I/O.

core seconds = footers x FOOTER_SECONDS + bytes of text / rate of its format + bytes to scan / rate of their format
seconds      = core seconds / the cores that there are tasks for, at least those of the largest text file, stage by
               stage, + FIXED_SECONDS
money        = requests + retrieval, by storage class, + cores x seconds x price of a core

Boxes and joins come after the scan, for what it leaves undecided. How much that is only the rows tell, so they are a
multiple of the scan: that of earlier runs on the same state, or that of the benchmark's TPC-H lake (docs/scale.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from r2d2.config import RetentionSettings
from r2d2.model import Dataset
from r2d2.model.dataset import TEXT_FORMATS, DataFile
from r2d2.model.funnel import Funnel
from r2d2.retention.costs import PART_BYTES
from r2d2.retention.prices import class_name, price_sheet, storage_class

#: Bytes that a core scans and hashes in a second, by format, and bytes of text that it reads for their metadata
#: (docs/scale.md, 2 cores of a small machine); a gzipped file takes as long as one so many times as large.
SCAN_RATES: Mapping[str, float] = {"parquet": 100e6, "delta": 100e6, "csv": 7e6, "tsv": 7e6, "json": 6e6, "jsonl": 6e6}
#: The same where Spark reads a dataset and hands over its rows.
SPARK_RATE = 15e6
METADATA_RATES: Mapping[str, float] = {"csv": 9e6, "tsv": 9e6, "json": 4e6, "jsonl": 4e6}
GZIPPED = 3.0
#: Seconds that a core takes for a footer.
FOOTER_SECONDS = 0.0005
#: Bytes of a Parquet file's end that are read at first (``lake.parquet_footer``); few footers are longer.
FOOTER_BYTES = 64 * 1024
#: A run of two tiny datasets (9.5 s: Spark's start, listing, writing), and the first use of Spark's workers (4.5 s).
FIXED_SECONDS = 14.0
#: Core seconds of boxes and joins by those of the scan, and bytes that they read by those of the scan: where tasks keep
#: hashes on the disk of this machine, and where they can't.
KEPT_FACTOR, REREAD_FACTOR, REREAD_BYTES = 0.65, 1.9, 1.75
#: Time of a scan with ``containment.verify``, by that of one with fast hashes: keyed takes 2 to 6 times as long.
HASHING: Mapping[str, float] = {"keyed": 4.0}
#: A stage of an earlier run that read less says little about how fast it reads.
_LEAST_BYTES = 10_000_000
_SCANS = ("scan", "scan and join, best value first")


@dataclass(frozen=True)
class Rates:
    """How fast the machine is.

    Attributes:
        cores: that tasks run on.
        pace: how much faster than the rates by format; 1 for as fast.
        after: core seconds of boxes and joins by those of the scan.
        source: where the figures come from, in words.
    """

    cores: int
    pace: float
    after: float
    source: str


@dataclass(frozen=True)
class Read:
    """What a stage reads of a dataset."""

    dataset: Dataset
    files: int
    bytes: int
    requests: int


@dataclass(frozen=True)
class Stage:
    """What a stage does.

    Attributes:
        basis: what the figures follow from, in words; ``at most`` says that they are a bound.
        seconds: on the clock.
    """

    name: str
    basis: str
    datasets: int = 0
    files: int = 0
    bytes: int = 0
    requests: int = 0
    tasks: int = 0
    core_seconds: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class ClassLine:
    """What reading the datasets of one storage class costs."""

    storage_class: str
    datasets: int
    bytes: int
    requests: int = 0
    request_cost: float = 0.0
    retrieval_cost: float = 0.0
    archived: bool = False


@dataclass(frozen=True)
class Share:
    """What a limit leaves room for: the share of the bytes of text metadata, and of the scan and what follows it."""

    limit: str
    metadata: float
    scan: float


@dataclass(frozen=True)
class Estimate:
    """The whole estimate.

    Attributes:
        exact: whether the metadata of all datasets is known, so that the pairs to compare are known, too.
        known_files, unknown_files: whose metadata earlier runs read, and whose not.
        shares: one for each limit that is set.
    """

    stages: tuple[Stage, ...]
    classes: tuple[ClassLine, ...]
    rates: Rates
    currency: str
    compute_price: float
    exact: bool
    known_files: int
    unknown_files: int
    shares: tuple[Share, ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes of data files that are read."""
        return sum(stage.bytes for stage in self.stages)

    @property
    def seconds(self) -> float:
        """On the clock, Spark's start included."""
        return FIXED_SECONDS + sum(stage.seconds for stage in self.stages)

    @property
    def compute_cost(self) -> float:
        """Money for the cores, which are there from the start to the end."""
        return self.rates.cores * self.seconds / 3600 * self.compute_price

    @property
    def cost(self) -> float:
        """All money."""
        return self.compute_cost + sum(line.request_cost + line.retrieval_cost for line in self.classes)


def whole(dataset: Dataset) -> Read:
    """Reading all files of a dataset."""
    return Read(dataset, len(dataset.files), dataset.bytes, max(1, len(dataset.files), -(-dataset.bytes // PART_BYTES)))


def stage_of(
    name: str, basis: str, reads: Sequence[Read], tasks: int, core_seconds: float, cores: int, longest: float = 0.0
) -> Stage:
    """A stage that reads.

    Args:
        longest: core seconds of what only one task can do.
    """
    return Stage(
        name=name,
        basis=basis,
        datasets=len(reads),
        files=sum(read.files for read in reads),
        bytes=sum(read.bytes for read in reads),
        requests=sum(read.requests for read in reads),
        tasks=tasks,
        core_seconds=core_seconds,
        seconds=max(core_seconds / max(1, min(cores, tasks)), longest),
    )


def after_scan(scans: Sequence[Stage], rates: Rates, kept: bool) -> Stage:
    """Boxes and joins, from all the scans.

    Args:
        kept: whether tasks keep hashes, so that nothing is read again.
    """
    core_seconds = rates.after * sum(scan.core_seconds for scan in scans)
    again = 0.0 if kept else REREAD_BYTES
    basis = f"{rates.after:.2g} times the scan" + ("" if kept else f", {again:g} times its bytes")
    return Stage(
        name="boxes and joins",
        basis=basis,
        bytes=int(again * sum(scan.bytes for scan in scans)),
        requests=int(again * sum(scan.requests for scan in scans)),
        tasks=max((scan.tasks for scan in scans), default=0),
        core_seconds=core_seconds,
        seconds=rates.after * sum(scan.seconds for scan in scans),
    )


def repeated(reads: Iterable[Read], times: float) -> list[Read]:
    """The same, so many times."""
    return [replace(read, bytes=int(read.bytes * times), requests=int(read.requests * times)) for read in reads]


def class_lines(
    reads: Iterable[Read], archived: Iterable[Dataset], settings: RetentionSettings
) -> tuple[ClassLine, ...]:
    """A line for each storage class that is read, then one for each that is archived and is not."""
    by_class: dict[str, list[Read]] = defaultdict(list)
    for read in reads:
        by_class[class_name(read.dataset, settings)].append(read)
    unread: dict[str, list[Dataset]] = defaultdict(list)
    for dataset in archived:
        unread[class_name(dataset, settings)].append(dataset)
    lines = [_line(name, by_class[name], settings) for name in sorted(by_class)]
    lines += [
        ClassLine(name, len(unread[name]), sum(dataset.bytes for dataset in unread[name]), archived=True)
        for name in sorted(unread)
    ]
    return tuple(lines)


def _line(name: str, reads: Sequence[Read], settings: RetentionSettings) -> ClassLine:
    priced = [(read, storage_class(read.dataset, settings)) for read in reads]
    return ClassLine(
        storage_class=name,
        datasets=len({read.dataset.id for read in reads}),
        bytes=sum(read.bytes for read in reads),
        requests=sum(read.requests for read in reads),
        request_cost=sum(read.requests / 1000 * prices.read for read, prices in priced),
        retrieval_cost=sum(read.bytes * prices.retrieval for read, prices in priced) / price_sheet(settings).gb,
    )


def scan_seconds(dataset: Dataset) -> float:
    """Core seconds of scanning all files of a dataset."""
    if dataset.source is not None:
        return dataset.bytes / SPARK_RATE
    return _seconds(dataset.files, SCAN_RATES[dataset.format])


def text_seconds(dataset: Dataset) -> float:
    """Core seconds of reading all files of a text dataset, or one that Spark reads, for their metadata."""
    if dataset.source is not None:
        return dataset.bytes / SPARK_RATE
    return _seconds(dataset.files, METADATA_RATES[dataset.format])


def longest_text(datasets: Iterable[Dataset], seconds: Callable[[Dataset], float]) -> float:
    """Core seconds of the text file that takes longest: only Parquet files are read in parts."""
    found = [
        replace(d, files=(file,), bytes=file.size) for d in datasets if d.format in TEXT_FORMATS for file in d.files
    ]
    return max(map(seconds, found), default=0.0)


def _seconds(files: Iterable[DataFile], rate: float) -> float:
    return sum(file.size * (GZIPPED if file.path.lower().endswith(".gz") else 1.0) for file in files) / rate


def rates_of(funnels: Iterable[Funnel], datasets: Iterable[Dataset], cores: int, kept: bool) -> Rates:
    """As fast as finished runs on the same state where they read enough, else as in docs/scale.md.

    Args:
        datasets: of the lake; earlier runs are taken to have read the formats in the shares that these have.
    """
    lake = list(datasets)
    size = seconds = scanned = joined = 0.0
    for funnel in funnels:
        stages = {stage.name: stage for stage in funnel.stages}
        found = [stages[name] for name in _SCANS if name in stages and stages[name].bytes_read >= _LEAST_BYTES]
        size, seconds = size + sum(s.bytes_read for s in found), seconds + sum(s.seconds for s in found)
        if found and found[0].name == "scan" and "join" in stages:
            scanned, joined = scanned + found[0].seconds, joined + stages["join"].seconds
    default = KEPT_FACTOR if kept else REREAD_FACTOR
    if not size:
        return Rates(cores, 1.0, default, "docs/scale.md, measured on a small machine")
    after = joined / scanned if scanned else 0.0  # a run with limits scans and joins in one stage
    usual = sum(map(scan_seconds, lake)) / max(1, sum(dataset.bytes for dataset in lake))
    return Rates(cores, size * usual / (seconds * cores), after, "earlier runs on this state")


def shares_of(
    max_bytes: int, time_limit: float, metadata: Sequence[Stage], later: Sequence[Stage]
) -> tuple[Share, ...]:
    """What each limit leaves room for; text metadata takes half of a limit at most (``retention.unread``)."""
    shares = []
    if max_bytes:
        sizes = [sum(stage.bytes for stage in stages) for stages in (metadata, later)]
        shares.append(_share("max_bytes", max_bytes, *sizes))
    if time_limit:
        times = [sum(stage.seconds for stage in stages) for stages in (metadata, later)]
        shares.append(_share("time_limit", max(0.0, time_limit - FIXED_SECONDS), *times))
    return tuple(shares)


def _share(limit: str, room: float, metadata: float, scan: float) -> Share:
    first = min(metadata, room / 2)
    return Share(limit, first / metadata if metadata else 1.0, min(1.0, (room - first) / scan) if scan else 1.0)
