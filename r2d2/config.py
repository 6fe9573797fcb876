"""Settings: frozen, validated, from one TOML file, overridden by environment and by ``--set section.key=value``.

Every setting, its default and its meaning stand in the dataclasses below; ``describe`` lists them for ``--help``
and the README. Order of precedence: flags, ``--set``, ``R2D2_SECTION__KEY`` in the environment, the file, the default.
"""

from __future__ import annotations

import math
import os
import tomllib
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from r2d2.config_values import Properties, Seconds, Size, coerce
from r2d2.errors import UsageError
from r2d2.quantities import SIZE_HINT, size_of


@dataclass(frozen=True)
class DiscoverySettings:
    """What counts as a dataset."""

    include: tuple[str, ...] = ()  # glob patterns of paths relative to a root; empty: everything
    exclude: tuple[str, ...] = ()  # glob patterns of paths relative to a root that are left out
    datasets: tuple[str, ...] = ()  # glob patterns of directories that are one dataset each
    separate: tuple[str, ...] = ()  # glob patterns of directories whose files are a dataset each
    files_per_task: int = 256  # footers read by one Spark task


@dataclass(frozen=True)
class ContainmentSettings:
    """How pairs are found and decided."""

    case_sensitive: bool = False  # compare column names with their case
    sketch_size: int = 1024  # row hashes in a sketch; a dataset of at most so many rows is decided by its sketch alone
    boxes_per_scan: int = 64  # box digests computed in one scan of a parent; further children go to the join
    task_bytes: Size = 64 * 1024 * 1024  # bytes of data files in one scan task
    join_rows_per_task: int = 4_000_000  # row hashes compared by one join task
    goal: Literal["all", "value"] = "all"  # value: pairs that can't save money are left plausible, unread
    max_bytes: Size = 0  # what a run may read of data files, the best savings for their price first; 0: no limit
    time_limit: Seconds = 0.0  # time after which a run begins to read no further; 0: no limit
    verify: Literal["hash", "keyed", "values", "paper"] = (
        "hash"  # keyed, values: no writer can make false proofs (docs/hashing.md); paper: samples, which prove nothing
    )
    sampled_rows: int = 10  # verify=paper: rows drawn of each child, 1 at least (docs/paper-mode.md)
    sampled_columns: int = 4  # verify=paper: columns that they are looked up under, 1 at least
    sample_seed: int = 0  # verify=paper: another seed draws other rows and columns
    kept_bytes: Size = (
        8 * 1024**3
    )  # row hashes kept on local disk during a run, so that no row is hashed twice; 0: none
    task_memory: str = "1GB"  # memory that DuckDB may use in one task; more spills to scratch space

    def __post_init__(self) -> None:
        try:
            size_of(self.task_memory)
        except ValueError:
            raise UsageError(f"containment.task_memory: {self.task_memory!r} is not a size", SIZE_HINT) from None
        if min(self.sampled_rows, self.sampled_columns) < 1:
            raise UsageError("containment.sampled_rows and containment.sampled_columns must be at least 1", "")
        if self.verify == "paper" and (self.goal != "all" or self.max_bytes or self.time_limit):
            what = "containment.verify=paper takes no goal, max_bytes or time_limit"
            raise UsageError(what, "it reads little: leave them out, or choose another containment.verify")


@dataclass(frozen=True)
class RetentionSettings:
    """Prices (money a month for storage, money for each operation), speeds and limits of the plan."""

    currency: str = "USD"  # name of the money in reports
    prices: Literal["s3", "adls", "gcs", "on-premises"] = "s3"  # price sheet; `r2d2 prices` shows each with its sources
    price_overrides: Mapping[str, float] = field(default_factory=dict)  # CLASS.FIGURE → number instead of the sheet's
    storage_class: str = ""  # of datasets that no pattern gives one; empty: the sheet's hottest
    storage_classes: Mapping[str, str] = field(default_factory=dict)  # glob pattern of dataset ids → storage class
    storage_price: float | None = None  # a GB a month without a pattern's class; None: as on the sheet
    storage_price_factor: float = 1.0  # multiplies storage prices, so that a small lake can stand for a large one
    read_archived: bool = False  # read datasets whose storage class is archived: they must have been restored
    read_price: float | None = None  # for 1,000 read requests without a pattern's class; None: as on the sheet
    read_price_factor: float = 1.0  # multiplies prices of read requests
    write_price: float | None = None  # for 1,000 write requests without a pattern's class; None: as on the sheet
    write_price_factor: float = 1.0  # multiplies prices of write requests
    compute_price: float = 0.05  # a core hour
    maintenance_scans: float = 0.1  # full scans a month for privacy and upkeep
    accesses_per_month: float = 1.0  # expected accesses of each dataset a month
    accesses: Mapping[str, float] = field(default_factory=dict)  # glob pattern of dataset ids → accesses a month
    accesses_factor: float = 1.0  # multiplies the accesses that logs tell of
    unknown_reads: Literal["assume", "keep"] = "assume"  # assume: accesses_per_month; keep: never retired
    residency_days: float = 7.0  # a restored copy is kept so long, and serves the accesses of that time
    guard_checks: float = 30.0  # checks a month that a retired dataset can be restored
    parent_commits: float = 30.0  # changes of a parent a month, each of which the guard reads
    grace_days: float = 30.0  # quarantine: what is retired is stored so much longer
    payback_months: float = 12.0  # what saves its one-off costs later than that is kept
    latency_limit: float = 3600.0  # seconds within which a retired dataset must be rebuilt
    latency_limits: Mapping[str, float] = field(default_factory=dict)  # glob pattern of dataset ids → seconds
    startup_seconds: float = 30.0  # start of a rebuild, p95; `r2d2 calibrate` measures this and the next three
    read_mb_per_second: float = 100.0  # throughput of reading the parent, p95
    write_mb_per_second: float = 50.0  # throughput of writing the child, p95
    rebuild_factor: float = 1.0  # rebuilds take so many times longer than these three say; slow restores raise it
    shared_rebuilds: int = 1  # rebuilds that run at once at these throughputs
    evacuation_limit: Seconds = 0.0  # time within which all retired children of a parent must be rebuilt; 0: no limit
    keep: tuple[str, ...] = ()  # glob patterns of dataset ids that are never retired
    keep_tags: tuple[str, ...] = ("audit", "backup", "replica", "snapshot")  # datasets so tagged are never retired
    min_age_days: float = 0.0  # what changed more recently is kept
    across_roots: bool = False  # let what lies in one root stand for what lies in another
    consumers: Literal["sign-off", "keep"] = "sign-off"  # what dashboards, models, jobs read needs their word, or stays
    actions: tuple[str, ...] = ("retire",)  # besides keeping: retire, redirect (a view over a parent), colder (a class)
    views: tuple[str, ...] = ()  # glob patterns of dataset ids in whose place a view can stand, besides catalog tables
    min_saving: float = 0.0  # money a month below which a dataset is kept
    switching_share: float = 0.05  # of what a dataset costs a month: what undoing the plan before must save besides
    read_window_days: float = 28.0  # reads that logs tell of for less time than this count as unknown
    max_rebuild_cost: float = 0.0  # money a month that what a plan retires may still cost; 0: no limit
    max_retired_datasets: int = 0  # datasets that one plan may retire; 0: no limit
    max_retired_bytes: Size = 0  # bytes that one plan may retire; 0: no limit
    solver_seconds: float = 60.0  # time limit of the solver for a plan; 0: it is not used, plans may retire less
    max_pairs: int = 200_000  # (child, possible parent) pairs of one component up to which it is solved exactly


@dataclass(frozen=True)
class UsageSettings:
    """Where it is said who reads, writes and owns datasets (docs/usage.md): files or directories, gzip or not."""

    reads_csv: tuple[str, ...] = ()  # reads: dataset,reader,at or dataset,reader,count,since,until
    s3_logs: tuple[str, ...] = ()  # S3 server access logs
    cloudtrail: tuple[str, ...] = ()  # CloudTrail logs with data events of S3
    cloudtrail_covers: tuple[str, ...] = ()  # s3:// URLs below which the trail records every read
    audit: tuple[str, ...] = ()  # Unity Catalog: system.access.audit, system.access.table_lineage, as JSON lines or CSV
    dbt_manifest: tuple[str, ...] = ()  # manifest.json files of dbt
    openlineage: tuple[str, ...] = ()  # OpenLineage events, one JSON object a line
    lineage_csv: tuple[str, ...] = ()  # lineage: job,input,output,last_run
    facts_csv: tuple[str, ...] = ()  # what people know, over all else: dataset (a pattern),key,value
    lifecycle: tuple[str, ...] = ()  # BUCKET.json: lifecycle rules of S3 buckets, as the aws command line gives them
    live_days: float = 35.0  # a producer that ran within so many days is live
    own: tuple[str, ...] = ("*app/r2d2*", "*/r2d2", "*/r2d2/*", "r2d2")  # patterns of r2d2's user agents and principals
    earlier_runs: int = 10  # runs looked back at for rolling windows


@dataclass(frozen=True)
class RecoverySettings:
    """How what was approved is retired, guarded and given back (docs/recovery.md)."""

    objects: Literal["in-place", "move"] = "in-place"  # in stores: only marked (Delta: fenced), or moved by copies
    approval_days: float = 90.0  # so long a decision counts
    approval_rise: float = 0.2  # an approval lapses where a rebuild would take or cost more than this share above it
    two_people: bool = False  # who approved a dataset may not apply that; `r2d2 apply --by NAME` says who does
    honour_days: float = 30.0  # rows deleted in a parent: after so long without an answer their deletion is honoured
    spark_bytes: Size = 1024**3  # what is read or written at once: with less than this, Spark is not started for it


@dataclass(frozen=True)
class SemanticsSettings:
    """How datasets and columns are grouped into topics and asked about (docs/semantics.md). Nothing here proves."""

    topics: bool = True  # `r2d2 run` groups datasets into topics
    model: str = ""  # static, hashing, minilm, a sentence-transformers model; empty: the state's, at first static
    device: Literal["auto", "cpu", "cuda"] = "auto"  # of what torch runs; auto: a GPU where there is one
    embed_on: Literal["driver", "spark"] = "driver"  # where texts are embedded; spark: one model for each worker
    glossary: str = ""  # a CSV file of words: abbreviation or foreign word,word; applied before all else
    mode: Literal["leiden", "reference"] = "leiden"  # reference: as LeanRAG's code, up to 5,000 entities
    neighbours: int = 15  # nearest entities that each one is linked to
    piece: int = 20  # entities in one of the pieces that topics are made of, at most
    seed: int = 0  # of all that is drawn
    tau: int = 3  # relations between two topics above which they are told as a sentence, else listed
    endpoint: str = ""  # URL of an OpenAI-compatible API that writes names, summaries and answers; empty: templates
    endpoint_model: str = ""  # the model to ask there
    endpoint_key: str = "R2D2_ENDPOINT_KEY"  # environment variable that holds its key
    endpoint_gets: Literal["names", "facts", "values"] = "facts"  # what goes there: names only; facts; cell values, too
    endpoint_calls: int = 200  # calls of one command at most; the rest gets templates
    endpoint_timeout: Seconds = 30.0  # for one call
    answer_tokens: int = 1500  # evidence of one answer, in tokens


@dataclass(frozen=True)
class SparkSettings:
    """The Spark session, where spark-submit or the environment give none of it."""

    master: str = ""  # or sc://HOST:PORT (Spark Connect); empty: spark-submit's, SPARK_REMOTE, SPARK_MASTER, local[*]
    jars: str = ""  # a directory of jars for sites that can't download; empty: spark.jars.packages
    extras: tuple[str, ...] = ()  # jars besides Delta's: avro, iceberg, s3; what a lake is seen to need comes too
    workers: Literal["auto", "open", "handed"] = "auto"  # handed: workers may open no files, Spark reads; auto: try it
    environment: str = ""  # archive of `make package` for the workers of a cluster; empty: they have r2d2 installed
    driver_memory: str = ""  # empty: Spark's own default
    conf: Properties = field(default_factory=dict)  # any further Spark properties
    log_level: Literal["ALL", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF"] = (
        "ERROR"  # of Spark's own logger
    )


@dataclass(frozen=True)
class LogSettings:
    """What a command says while it works."""

    format: Literal["text", "json"] = "text"  # json: a JSON object a line on standard error (docs/deploy.md)


@dataclass(frozen=True)
class ReportSettings:
    """What reports show."""

    show_values: bool = False  # show cell values (witnesses, bounds, partition names); masked otherwise
    decide_days: int = 14  # that an owner has to decide, as owners' pages say; silence means keep
    graph_datasets: int = 6000  # datasets drawn in the graph; the page says how many more there are


@dataclass(frozen=True)
class OperationsSettings:
    """What a run tells other systems of itself (docs/operations.md)."""

    metrics_file: str = ""  # Prometheus text file, written as each run ends, for node-exporter's textfile collector
    openlineage: str = ""  # events of runs: a file that they are appended to, or an http(s) URL that they are sent to
    namespace: str = "r2d2"  # of r2d2's jobs in OpenLineage, and the label `namespace` of its metrics


@dataclass(frozen=True)
class Settings:
    """All settings of a run."""

    discovery: DiscoverySettings = DiscoverySettings()
    containment: ContainmentSettings = ContainmentSettings()
    retention: RetentionSettings = RetentionSettings()
    usage: UsageSettings = UsageSettings()
    recovery: RecoverySettings = RecoverySettings()
    semantics: SemanticsSettings = SemanticsSettings()
    spark: SparkSettings = SparkSettings()
    report: ReportSettings = ReportSettings()
    operations: OperationsSettings = OperationsSettings()
    log: LogSettings = LogSettings()


#: Settings of which not all numbers from 0 on mean something.
_RANGES: Mapping[str, tuple[float, float]] = {"semantics.piece": (2, math.inf), "semantics.seed": (0, 2**32 - 1)}


def load_settings(
    file: Path | None = None,
    overrides: tuple[str, ...] = (),
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str] = MappingProxyType({}),
) -> Settings:
    """Settings from ``file``, the environment, ``KEY=VALUE`` overrides and flags, later ones first in precedence.

    Args:
        flags: settings that have a flag of their own, called as they are: ``--max-bytes`` for ``max_bytes``.

    Raises:
        UsageError: an unknown key, or a value of the wrong type or out of range.
    """
    settings = Settings()
    if file is not None:
        for key, value in _flatten(_read_toml(file)):
            settings = _with(settings, key, value, f"{file}")
    for name, text in sorted((os.environ if environ is None else environ).items()):
        if name.startswith("R2D2_") and "__" in name:
            key = name.removeprefix("R2D2_").lower().replace("__", ".")
            settings = _with(settings, key, text, f"environment variable {name}")
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator:
            raise UsageError(f"--set {override}: expected KEY=VALUE", "for example --set retention.latency_limit=600")
        settings = _with(settings, key.strip(), text.strip(), f"--set {override}")
    for key, text in flags.items():
        settings = _with(settings, key, text, f"--{key.partition('.')[2].replace('_', '-')} {text}")
    return settings


def describe() -> Iterator[tuple[str, Any]]:
    """Every setting with its default, as ``section.key``, in the order of the dataclasses."""
    for section in fields(Settings):
        for setting in fields(_section_type(section.name)):
            yield f"{section.name}.{setting.name}", getattr(getattr(Settings(), section.name), setting.name)


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", "give a readable TOML file to --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: {error}", "the configuration is TOML: [section] and key = value") from error


def _flatten(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, content in tree.items():
        if isinstance(content, Mapping):
            yield from ((f"{section}.{key}", value) for key, value in content.items())
        else:
            yield section, content


def _section_type(name: str) -> type:
    kind = typing.get_type_hints(Settings)[name]
    assert isinstance(kind, type)
    assert is_dataclass(kind)
    return kind


def _with(settings: Settings, key: str, value: Any, source: str) -> Settings:
    section, _, name = key.partition(".")
    if section not in {f.name for f in fields(Settings)}:
        raise UsageError(f"{source}: there is no section {section!r}", f"sections: {_names(Settings)}")
    kind = _section_type(section)
    if name not in {f.name for f in fields(kind)}:
        raise UsageError(f"{source}: there is no setting {key!r}", f"in {section}: {_names(kind)}")
    parsed = coerce(value, typing.get_type_hints(kind, include_extras=True)[name], f"{source}: {key}")
    if any(number < 0 or number != number for number in _numbers(parsed)):
        raise UsageError(f"{source}: {key} must not be negative", "")
    least, most = _RANGES.get(key, (0, math.inf))
    if not all(least <= number <= most for number in _numbers(parsed)):
        raise UsageError(f"{source}: {key} must be from {least} to {most}", "")
    changed: Settings = replace(settings, **{section: replace(getattr(settings, section), **{name: parsed})})
    return changed


def _numbers(parsed: Any) -> Iterator[float]:
    for value in parsed.values() if isinstance(parsed, Mapping) else [parsed]:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield value


def _names(kind: type) -> str:
    return ", ".join(f.name for f in fields(kind))
