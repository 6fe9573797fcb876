"""All sources of usage put together, dataset by dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from r2d2.catalog.listing import Problem
from r2d2.config import UsageSettings
from r2d2.model.dataset import Dataset
from r2d2.model.usage import Usage
from r2d2.usage.accesses import AccessLog, Own
from r2d2.usage.cloudtrail import cloudtrail
from r2d2.usage.dbt import dbt_manifests
from r2d2.usage.delta_writers import delta_writers
from r2d2.usage.draft import Draft, Lineage
from r2d2.usage.facts import Facts
from r2d2.usage.lifecycle import lifecycle
from r2d2.usage.lineage_csv import lineage_csv
from r2d2.usage.openlineage import openlineage
from r2d2.usage.places import Places
from r2d2.usage.posix import Rights
from r2d2.usage.reads_csv import reads_csv
from r2d2.usage.rolling import EarlierRun, rolling_windows
from r2d2.usage.s3_log import s3_logs
from r2d2.usage.unity import unity_logs


@dataclass(frozen=True)
class Collected:
    """What is known of each dataset, in their order; what is wrong with sources; what they say of no dataset."""

    usages: tuple[Usage, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def collect(
    datasets: Sequence[Dataset], settings: UsageSettings, earlier: Iterable[EarlierRun], now: datetime
) -> Collected:
    """Reads every source that is set.

    Args:
        earlier: earlier runs of the state, the newest first.
        now: when the run started, UTC.
    """
    facts = Facts(settings.facts_csv)
    places = Places(datasets, facts.aliases(datasets))
    drafts = [Draft() for _ in datasets]
    lineage = Lineage(places, drafts, now, settings.live_days)
    own = Own(settings.own)
    logs = [
        *reads_csv(settings.reads_csv, places, own),
        s3_logs(settings.s3_logs, places, own),
        cloudtrail(settings.cloudtrail, settings.cloudtrail_covers, places, own),
        *unity_logs(settings.audit, lineage, own),
    ]
    faults = [
        lifecycle(settings.lifecycle, datasets, drafts),
        dbt_manifests(settings.dbt_manifest, lineage),
        openlineage(settings.openlineage, lineage),
        lineage_csv(settings.lineage_csv, lineage),
    ]
    delta_writers(lineage)
    rolling_windows(datasets, earlier, drafts, now)
    for log in logs:
        for index, reads in log.figures().items():
            drafts[index].reads.append(reads)
    rights = Rights()
    for dataset, draft in zip(datasets, drafts, strict=True):
        draft.rights = rights.of(dataset)
        facts.apply(dataset, draft)
    problems = [problem for each in (facts.faults, *faults) for problem in each.problems()]
    problems += [problem for log in logs for problem in log.problems()]
    usages = tuple(draft.usage(dataset, datasets) for dataset, draft in zip(datasets, drafts, strict=True))
    return Collected(usages, tuple(dict.fromkeys(problems)), tuple(_notes(logs, lineage)))


def _notes(logs: Sequence[AccessLog], lineage: Lineage) -> Iterator[str]:
    for log in logs:
        if log.unmatched:
            yield f"{log.source}: lines that name no dataset of this run: {log.unmatched:,}"
    for source, times in sorted(lineage.unmatched.items()):
        yield f"{source}: names that are of no dataset of this run: {times:,}"
