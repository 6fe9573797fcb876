"""Who tried to read datasets since they were retired, whether or not they got an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from r2d2.catalog.listing import Problem
from r2d2.config import UsageSettings
from r2d2.model.dataset import Dataset
from r2d2.usage.accesses import AccessLog, Own
from r2d2.usage.cloudtrail import cloudtrail
from r2d2.usage.places import Places
from r2d2.usage.reads_csv import reads_csv
from r2d2.usage.s3_log import s3_logs
from r2d2.usage.sources import Faults


@dataclass(frozen=True)
class Attempts:
    """By index of a dataset, who tried, the newest first; and what is wrong with the logs."""

    readers: dict[int, tuple[str, ...]]
    problems: tuple[Problem, ...]


class _AttemptLog(AccessLog):
    """Keeps who tried to read a dataset at or after a time of its own, in seconds since 1970-01-01 UTC."""

    def __init__(self, since: Sequence[float], source: str, faults: Faults) -> None:
        super().__init__(source, faults)
        self.since = since
        self.last: dict[tuple[int, str], float] = {}

    def read(self, dataset: int | None, reader: str, at: int) -> None:
        self.failed(dataset, reader, at)

    def failed(self, dataset: int | None, reader: str, at: int) -> None:
        if dataset is not None:
            self.counted(dataset, reader, 1, at)

    def counted(self, dataset: int, reader: str, times: float, until: float) -> None:
        """Of accesses that were counted over a time it is not known when they were: the last moment is taken."""
        if times and until >= self.since[dataset]:
            key = dataset, f"{reader or 'somebody'}, says {self.source}"
            self.last[key] = max(until, self.last.get(key, until))


def attempts(datasets: Sequence[Dataset], since: Sequence[datetime], settings: UsageSettings) -> Attempts:
    """Reads of datasets that S3's access logs, CloudTrail and CSV files tell of, by others than r2d2.

    Args:
        datasets: as they were when they were there.
        since: for each, from when on reads count, UTC. Logs count in seconds: those of the same second count, too.
    """
    places, own = Places(datasets), Own(settings.own)
    kind = partial(_AttemptLog, [float(int(each.timestamp())) for each in since])
    logs = [
        *reads_csv(settings.reads_csv, places, own, kind),
        s3_logs(settings.s3_logs, places, own, kind),
        cloudtrail(settings.cloudtrail, (), places, own, kind),
    ]
    last: dict[tuple[int, str], float] = {}
    for log in logs:
        last |= log.last if isinstance(log, _AttemptLog) else {}
    newest = sorted(last, key=lambda key: -last[key])
    readers = {index: tuple(who for at, who in newest if at == index) for index in {index for index, _ in last}}
    return Attempts(readers, tuple(problem for log in logs for problem in log.faults.problems()))
