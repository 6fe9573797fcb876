"""The main job: discover, find containments, plan, report. The command line and the spark-submit jobs call it.

Each stage is a function over what the one before found; what it finds is in the state before the next begins, so a
run that dies goes on from there: summaries of files, measures of datasets and verdicts of pairs are kept by the
version of what they were taken from, and are not read again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from r2d2 import contained
from r2d2.catalog import lakes, records, runs, usage_records
from r2d2.catalog.described import describe
from r2d2.catalog.discovery import discover
from r2d2.catalog.earlier import earlier_runs
from r2d2.catalog.listing import Candidate
from r2d2.catalog.reading import files_of, needs_of
from r2d2.catalog.state import open_state
from r2d2.catalog.state_place import REPORT
from r2d2.config import Settings
from r2d2.contained import Contained
from r2d2.containment.budget import Budget
from r2d2.containment.funnel import Containments, find_containments
from r2d2.containment.join import join_pairs
from r2d2.containment.join_kept import KeptJoin
from r2d2.containment.row_hash import FAST, RowHash
from r2d2.containment.scanner import Scanner
from r2d2.containment.store import ResultStore
from r2d2.errors import StateError, Tampered
from r2d2.garbage import rare_collections
from r2d2.grouped import report_topics, topics_stage
from r2d2.job import Job, new_job
from r2d2.lake.session import is_submitted, require_java, shares_disk
from r2d2.lake.spark_files import Access
from r2d2.lapsed import lapsed_decisions
from r2d2.model.dataset import Dataset, FileSummary
from r2d2.model.edge import Edge
from r2d2.model.funnel import unusable_by_status
from r2d2.model.plan import Plan
from r2d2.model.usage import Usage
from r2d2.operations.observe import observed
from r2d2.operations.turns import turn
from r2d2.progress import Progress
from r2d2.recovery.claims.claimed import marked
from r2d2.recovery.records.decisions import decisions_on
from r2d2.recovery.records.measured import restores_factor
from r2d2.report.data import ReportData, RunFacts, build_report
from r2d2.report.near_misses import NearMisses, near_misses
from r2d2.report.problems import Problem
from r2d2.report.render import render
from r2d2.report.standing import NO_STANDS, Stands, stands_in
from r2d2.report.topics import Topics
from r2d2.retention.context import Context
from r2d2.retention.latency import slowed
from r2d2.retention.planner import make_plan
from r2d2.retention.prices import check_prices, without_archived
from r2d2.retention.unread import without_unread
from r2d2.retention.worth import worth_of
from r2d2.semantics.check import check_topics
from r2d2.trends import trends_of
from r2d2.units import human_bytes, plural
from r2d2.usage.collect import collect
from r2d2.visible import visible

#: The status of problems with sources of usage.
OF_USAGE = "usage"


@dataclass(frozen=True)
class Outcome:
    """What a whole run found."""

    job: Job
    containments: Contained
    plan: Plan
    topics: Topics


def run(roots: Sequence[str], state_dir: str, settings: Settings, progress: Progress, wait: float = 0.0) -> Outcome:
    """All stages on a lake; the same for ``r2d2 run`` and for ``jobs/pipeline.py``.

    Args:
        roots: local paths, URLs, or ``catalog:DATABASE``.
        state_dir: a directory, on disk or the URL of one in an object store; made if it is missing.
        wait: seconds to wait for another run on the state to end.

    Raises:
        R2D2Error: the run as a whole can't go on. What is wrong with one dataset is a problem of the run instead.
    """
    check_topics(settings.semantics)
    state = open_state(state_dir, create=True)
    with turn(state, wait, progress), rare_collections():
        job = new_job(roots, state, settings, progress)
        with observed(job, "run"):
            return _all_stages(job)


def _all_stages(job: Job) -> Outcome:
    found = discover_stage(job)
    held = containment_stage(job, found)
    plan = retention_stage(job, held.datasets, held.edges, held.duplicates)
    topics_stage(job, held, plan)
    near = near_misses(held.others, held.datasets)
    topics = report_topics(job)
    report_stage(Reported(job, held.datasets, held.edges, near, held.duplicates, plan, topics))
    job.record(runs.FINISHED)
    return Outcome(job, held, plan, topics)


def discover_stage(job: Job) -> tuple[Dataset, ...]:
    """Lists the lake and reads the metadata of what is new; writes ``datasets``.

    What makes a run impossible (no Java, a root that is not there) is found before Spark starts and anything is kept.
    """
    require_java(job.settings.spark)
    needs_catalog = any(root.startswith("catalog:") for root in job.roots)
    with job.progress.stage("list the lake") as reading:
        session = job.spark if needs_catalog else None
        listing = discover(job.roots, job.settings.discovery, job.state.location, session)
        check_prices(job.settings.retention)
        listed, kept = job.cache.known(marked(listing, job.state))
        known = {file.file.path: summary for file, summary in kept.items()}
        candidates = _to_read(job, listed, known)
        job.needs = needs_of(candidates)
        missing = [file for file in files_of(candidates) if file not in kept]
        reading.note = f", {len(candidates)} datasets"
    if missing or is_submitted():  # a cluster takes a program that never starts Spark for one that failed
        job.spark  # noqa: B018  # its start is a stage of its own
    job.record(runs.RUNNING)
    with job.progress.stage("read metadata") as reading:
        per_task = job.settings.discovery.files_per_task
        new = job.cache.read(missing, job.run_tasks, per_task)
        reading.files, reading.bytes = len(new), sum(summary.bytes_read for summary in new.values())
        by_spark = partial(job.cache.known_or_read, run=job.run_tasks, files_per_task=per_task)
        datasets = describe(candidates, known | new, by_spark, job.settings.containment.case_sensitive)
        job.state.write_run("datasets", job.run_id, [records.dataset_row(job.run_id, d) for d in datasets])
        reading.note = f", {len(new)} files new or changed{_of_limit(job, reading.bytes, datasets)}"
    job.problems = tuple(Problem(problem.where, problem.what, problem.hint) for problem in listing.problems)
    unusable = unusable_by_status(datasets)
    usable = len(datasets) - sum(unusable.values())
    limit = _budget(job).binding if unusable.get("unread") else ""
    job.funnel = replace(job.funnel, datasets=len(datasets), usable=usable, unusable=unusable, limit=limit)
    return datasets


def _of_limit(job: Job, size: int, datasets: Sequence[Dataset]) -> str:
    """What metadata took of a limit, and what it had no room for."""
    most = job.settings.containment.max_bytes
    unread = sum(dataset.status == "unread" for dataset in datasets)
    taken = f", {human_bytes(size)} of the limit of {human_bytes(most)}" if most else ""
    return taken + (f", {plural(unread, 'dataset')} not read for lack of room" if unread else "")


def _to_read(job: Job, candidates: Sequence[Candidate], known: Mapping[str, FileSummary]) -> tuple[Candidate, ...]:
    """The candidates, without those whose storage class or the run's limits keep them from being read."""
    allowed = tuple(without_archived(candidates, job.settings.retention))
    budget = _budget(job)
    if not budget.limited:
        return allowed
    return without_unread(allowed, known, runs.failed(job.state), budget, job.settings.retention)


def containment_stage(job: Job, datasets: Sequence[Dataset]) -> Contained:
    """Finds and proves containments; writes ``edges``, ``groups`` and ``group_edges``.

    What an earlier run found is taken over where nothing has changed that it follows from.
    """
    job.needs |= needs_of(datasets)
    inputs = contained.inputs_of(datasets, job.settings.containment, _row_hash(job))
    before = _found_before(job, inputs, datasets)
    found = before[1] if before else contained.of_result(_find(job, datasets), job.run_id)
    with job.progress.stage("write edges") as reading:
        if before:
            contained.take_over(job.state, job.run_id, before[0])
            reading.note = f", those of run {before[0].run_id}: nothing has changed since"
        else:
            contained.write(job.state, job.run_id, found)
    job.inputs = inputs if found.complete else ""
    limit = job.funnel.limit if found.funnel.unread else ""
    since = before[0].run_id if before and _same_lake(job, before[0], datasets) else ""
    job.funnel = replace(found.funnel, limit=found.funnel.limit or limit, unchanged_since=since)
    return found


def _same_lake(job: Job, earlier: runs.Run, datasets: Sequence[Dataset]) -> bool:
    """Whether an earlier run found the same datasets; what holds no rows may come and go without other containments."""
    columns = ("dataset", "version", "names")
    before = job.state.rows("datasets", earlier.run_id, columns=columns).to_pylist()
    then = {(row["dataset"], row["version"], tuple(row["names"])) for row in before}
    return then == {(dataset.id, dataset.version, tuple(dataset.names)) for dataset in datasets}


def _found_before(job: Job, inputs: str, datasets: Sequence[Dataset]) -> tuple[runs.Run, Contained] | None:
    """What an earlier run found on the same; what can't be read is found again, which is said."""
    try:
        return contained.found_before(job.state, inputs, datasets)
    except StateError as error:
        job.progress.note(str(error))
        return None


def _row_hash(job: Job) -> RowHash:
    return RowHash(job.state.secret()) if job.settings.containment.verify == "keyed" else FAST


def _find(job: Job, datasets: Sequence[Dataset]) -> Containments:
    spark = job.spark
    settings = job.settings.containment
    store = ResultStore(job.cache)
    by = _row_hash(job)
    budget = _budget(job)
    valued = settings.goal == "value" or budget.limited
    worth = worth_of(datasets, job.settings.retention) if valued else None
    with job.state.scratch() as scratch:
        keep = str(scratch) if shares_disk(spark) and job.workers.access is not Access.HANDED else ""
        scanner = Scanner(datasets, settings, job.run_tasks, store, by, keep, budget)
        join = partial(join_pairs, job.workers.map_shuffled, datasets, settings)
        compare = partial(join, by=RowHash(values=True)) if settings.verify == "values" else None
        kept = KeptJoin(job.run_tasks, datasets, settings, by, keep) if keep else None
        return find_containments(
            datasets, settings, scanner, partial(join, by=by), store, job.progress, compare, kept, worth
        )


def _budget(job: Job) -> Budget:
    """What the run may read and until when; what its stages read before counts."""
    settings = job.settings.containment
    deadline = job.begun + settings.time_limit if settings.time_limit else math.inf
    return Budget(settings.max_bytes, deadline, read=sum(stage.bytes_read for stage in job.progress.figures))


def retention_stage(
    job: Job, datasets: Sequence[Dataset], edges: Sequence[Edge], duplicates: Sequence[tuple[str, ...]]
) -> Plan:
    """Plans what to keep and what to retire; writes ``usage``, ``plan`` and ``plans``.

    Rebuilds are taken to go at the speeds of the settings, or as much slower as restores were seen to go.
    """
    job.settings = replace(job.settings, retention=slowed(job.settings.retention, restores_factor(job.state)))
    context = _context(job, _usage(job, datasets))
    with job.progress.stage("plan") as reading:
        plan = make_plan(datasets, edges, duplicates, job.settings.retention, context)
        plan = runs.keep_plan(job.state, job.run_id, plan)
        reading.note = f", number {plan.number}"
    lapsed_decisions(job, plan, datasets, edges, duplicates)
    job.funnel = replace(
        job.funnel,
        bytes_saved=plan.bytes_retired,
        money_saved=plan.total_saving_per_month,
        currency=plan.currency,
    )
    return plan


def _context(job: Job, usages: Sequence[Usage]) -> Context:
    before = lakes.plan_before(job.state, job.lake)
    return replace(Context.of(usages, len(job.roots), before, job.started), run_cost=job.cost())


def _usage(job: Job, datasets: Sequence[Dataset]) -> tuple[Usage, ...]:
    """What is known of the datasets besides their bytes; what is wrong with a source of it is a problem of the run."""
    with job.progress.stage("collect usage"):
        earlier = earlier_runs(job.state, job.run_id, job.settings.usage.earlier_runs)
        found = collect(datasets, job.settings.usage, earlier, job.started)
        rows = [usage_records.usage_row(job.run_id, usage) for usage in found.usages]
        job.state.write_run("usage", job.run_id, rows)
    for note in found.notes:
        job.progress.note(visible(note))
    before = [problem for problem in job.problems if problem.status != OF_USAGE]
    new = [Problem(problem.where, problem.what, problem.hint, OF_USAGE) for problem in found.problems]
    job.problems = (*before, *new)
    job.usages = tuple(found.usages)
    return job.usages


class Reported(NamedTuple):
    """What a report of a run is made of: ``edges`` are the proven ones, ``near`` the nearest refuted ones."""

    job: Job
    datasets: Sequence[Dataset]
    edges: Sequence[Edge]
    near: NearMisses
    duplicates: Sequence[tuple[str, ...]]
    plan: Plan
    topics: Topics


def report_stage(found: Reported) -> ReportData:
    """Writes ``report.html`` into the state; what it shows."""
    with found.job.progress.stage("report"):
        data = report_data(found)
        found.job.state.write_file(REPORT, render(data).encode("utf-8"))
    return data


def _stands(job: Job, plan: Plan) -> Stands:
    """What people decided of a plan; a journal that is damaged costs no report."""
    try:
        return stands_in(plan, decisions_on(job.state, job, job.settings.recovery))
    except Tampered as error:
        job.progress.note(visible(f"decisions are left out of the report: {error} ({error.hint})"))
        return NO_STANDS


def report_data(found: Reported) -> ReportData:
    """What the report of a run shows."""
    job, datasets, edges, near, duplicates, plan, topics = found
    facts = RunFacts(job.run_id, job.started, job.roots, job.state.location)
    funnel = replace(job.funnel, stages=tuple(job.progress.figures))
    trends = trends_of(job, datasets, edges, duplicates, plan)
    stands = _stands(job, plan)
    rest = funnel, job.problems, job.settings, topics, trends, job.usages, stands
    return build_report(facts, datasets, edges, duplicates, near, plan, *rest)
