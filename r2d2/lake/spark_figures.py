"""What Spark did for a stage of a run, as its status store tells: by the UI's REST interface; without a UI less.

Nothing here needs the JVM's own objects (``_jvm``); over Spark Connect nothing is told.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, build_opener

from r2d2.model.funnel import SparkFigures

if TYPE_CHECKING:
    from pyspark import StatusTracker
    from pyspark.sql import SparkSession

_TIMEOUT = 5.0
#: The status store hears of the end of a job a moment later than the program.
_STILL, _PATIENCE = ("ACTIVE", "PENDING"), 1.0


def spark_counter(spark: SparkSession, group: str) -> Callable[[], SparkFigures | None]:
    """Gives, each time it is called, what Spark has done since the call before.

    Args:
        group: names the jobs that count, from now on those of this thread.
    """
    from py4j.protocol import Py4JError
    from pyspark.sql.utils import is_remote  # the session is there, so it is loaded

    if is_remote():
        return lambda: None
    context = spark.sparkContext
    context.setJobGroup(group, f"r2d2 run {group}")
    tracker, seen = context.statusTracker(), set[int]()
    url = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}" if context.uiWebUrl else ""

    def figures() -> SparkFigures | None:
        try:
            return asked()
        except (Py4JError, ConnectionError):  # a JVM that is gone; who needs it for more than figures says so
            return None

    def asked() -> SparkFigures:
        new = set(tracker.getJobIdsForGroup(group)) - seen
        seen.update(new)
        jobs = [job for number in sorted(new) if (job := tracker.getJobInfo(number))]
        stages = sorted({stage for job in jobs for stage in job.stageIds})
        attempts = [attempt for stage in stages for attempt in _attempts(url, stage)] if url else []
        return _of_rest(attempts) if url and (attempts or not stages) else _of_tracker(tracker, stages)

    return figures


def _of_tracker(tracker: StatusTracker, stages: list[int]) -> SparkFigures:
    known = [info for stage in stages if (info := tracker.getStageInfo(stage))]
    return SparkFigures(sum(info.numCompletedTasks for info in known), sum(info.numFailedTasks for info in known))


def _of_rest(attempts: list[dict[str, Any]]) -> SparkFigures:
    def total(*names: str) -> int:
        return sum(int(attempt.get(name, 0)) for attempt in attempts for name in names)

    return SparkFigures(
        tasks=total("numCompleteTasks"),
        failed_tasks=total("numFailedTasks"),
        executor_seconds=total("executorRunTime") / 1000,
        shuffle_bytes=total("shuffleWriteBytes"),
        spilled_bytes=total("diskBytesSpilled"),
    )


def _attempts(url: str, stage: int) -> Iterator[dict[str, Any]]:
    """What the UI knows of a stage; nothing of one that was skipped, or where the UI does not answer this program.

    A UI behind a proxy that asks for a login (YARN) answers with something else.
    """
    opener = build_opener(ProxyHandler({}))
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            with opener.open(f"{url}/stages/{stage}?details=false", timeout=_TIMEOUT) as answer:
                attempts = json.load(answer)
        except (OSError, ValueError):
            return
        if time.monotonic() > until or not any(attempt.get("status") in _STILL for attempt in attempts):
            yield from attempts
            return
        time.sleep(0.02)
