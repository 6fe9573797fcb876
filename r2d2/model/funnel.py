"""The figures of one run: pairs left by each stage, how they were decided, what that cost. No Spark, no I/O."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from r2d2.model.dataset import Dataset


@dataclass(frozen=True)
class SparkFigures:
    """What Spark did for one stage of a run; what its interfaces don't tell is None.

    Attributes:
        tasks: that succeeded.
        failed_tasks: attempts that failed, of which Spark makes further ones.
        executor_seconds: run time of all tasks together.
        shuffle_bytes: written to be read by other tasks.
        spilled_bytes: written to disk for lack of memory.
    """

    tasks: int
    failed_tasks: int
    executor_seconds: float | None = None
    shuffle_bytes: int | None = None
    spilled_bytes: int | None = None


@dataclass(frozen=True)
class StageFigures:
    """What one stage took.

    Attributes:
        seconds: by the clock.
        bytes_read: of the lake.
        files_read: of the lake.
        driver_peak_bytes: most memory that the driver's Python process has held until the stage's end; 0: not known.
        spark: None where no session was there, or it does not tell (Spark Connect).
    """

    name: str
    seconds: float
    bytes_read: int = 0
    files_read: int = 0
    driver_peak_bytes: int = 0
    spark: SparkFigures | None = None


@dataclass(frozen=True)
class Funnel:
    """From all datasets to what can be saved.

    Attributes:
        datasets: found in the lake, those that can't be used included.
        usable: take part in pairs.
        unusable: datasets that take part in none, by status; empty in runs of older versions.
        classes: schema classes.
        pairs: ordered pairs of usable datasets.
        candidates: pairs whose schema fits.
        shared: those of them that hold files in common: not compared, and neither side may be retired.
        after_minmax: pairs that row counts, null counts and bounds did not refute.
        proven: proven pairs, by ``Edge.how``.
        refuted: pairs refuted after min-max, by ``Edge.how``.
        undecided: pairs that stayed plausible, whatever the reason.
        not_compared: those of them that were left out on purpose, by why: ``limit``, or ``value`` for what can't pay.
        limit: the limit that kept pairs or datasets from being read: ``max_bytes`` or ``time_limit``; empty for none.
        groups: groups of exact duplicates (of two or more datasets).
        edges: edges of the reduction.
        bytes_saved: bytes that the plan frees.
        money_saved: money a month that the plan saves, net of expected rebuilds.
        cost: money that the run itself took, as far as it has come.
        unchanged_since: the run whose lake was the same, and whose containments were taken over; empty for none.
        stages: in the order they ran.
    """

    datasets: int = 0
    usable: int = 0
    unusable: Mapping[str, int] = field(default_factory=dict)
    classes: int = 0
    pairs: int = 0
    candidates: int = 0
    shared: int = 0
    after_minmax: int = 0
    proven: Mapping[str, int] = field(default_factory=dict)
    refuted: Mapping[str, int] = field(default_factory=dict)
    undecided: int = 0
    not_compared: Mapping[str, int] = field(default_factory=dict)
    limit: str = ""
    groups: int = 0
    edges: int = 0
    bytes_saved: int = 0
    money_saved: float = 0.0
    cost: float = 0.0
    currency: str = "USD"
    unchanged_since: str = ""
    stages: tuple[StageFigures, ...] = ()

    @property
    def proven_pairs(self) -> int:
        """Proven pairs, whichever way."""
        return sum(self.proven.values())

    @property
    def refuted_pairs(self) -> int:
        """Pairs refuted after min-max, whichever way."""
        return sum(self.refuted.values())

    @property
    def unread(self) -> int:
        """Datasets of whose metadata a limit left too much to read."""
        return self.unusable.get("unread", 0)

    @property
    def goes_on(self) -> bool:
        """Whether the same command would read more: a limit that let nothing be read is too small for what is next."""
        return bool(self.limit) and any(stage.bytes_read for stage in self.stages)

    def to_json(self) -> str:
        """The funnel as text; equal funnels give equal text."""
        return json.dumps(_plain(self), sort_keys=True, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Funnel:
        """The reverse of ``to_json``."""
        raw = json.loads(text)
        return Funnel(**raw | {"stages": tuple(map(_stage, raw["stages"]))})


def unusable_by_status(datasets: Iterable[Dataset]) -> dict[str, int]:
    """How many datasets take part in no pair, by status, the most frequent status first."""
    counts = Counter(dataset.status for dataset in datasets if dataset.status != "ok")
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _stage(raw: Mapping[str, Any]) -> StageFigures:
    spark = raw.get("spark")
    return StageFigures(**{**raw, "spark": SparkFigures(**spark) if spark else None})


def _plain(funnel: Funnel) -> dict[str, object]:
    plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(funnel).items()}
    return {**plain, "stages": [asdict(stage) for stage in funnel.stages]}
