"""Commands that look at a lake: the main job, its stages one by one, the check of rights, the demo."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.catalog.described import describe
from r2d2.catalog.discovery import discover
from r2d2.catalog.listing import Problem
from r2d2.catalog.reading import files_of
from r2d2.catalog.state import State, open_state
from r2d2.catalog.state_place import REPORT
from r2d2.catalog.summaries import summarize_files
from r2d2.commands.engine import Engine
from r2d2.commands.masking import without_values
from r2d2.commands.output import print_rows
from r2d2.commands.owners import write_owner_pages
from r2d2.commands.state import DATASET_COLUMNS, dataset_row
from r2d2.config import Settings
from r2d2.containment.digest import stored_digests
from r2d2.demo.lake import build_demo
from r2d2.errors import UsageError
from r2d2.grouped import report_topics
from r2d2.job import Job, new_job, resumed_job
from r2d2.lake.file_tree import joined
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge, Grade
from r2d2.operations.observe import observed
from r2d2.operations.turns import turn
from r2d2.progress import Progress
from r2d2.recovery.records.decisions import Decided, decisions_on
from r2d2.report.near_misses import near_misses
from r2d2.report.problems import Problem as RunProblem
from r2d2.report.summary import markdown
from r2d2.report.terminal import funnel_lines, retire_lines
from r2d2.units import plural
from r2d2.visible import shell_word, visible

#: The demo's settings: a lake of megabytes stands for one of terabytes, and the warehouse is what teams copied from.
DEMO_SETTINGS = ("retention.storage_price_factor=100000", "retention.keep=warehouse/*")


def run(
    lakes: Sequence[str], state_dir: str, settings: Settings, progress: Progress, output: str, wait: float = 0.0
) -> None:
    """``r2d2 run``: the main job; then what to retire first, or the funnel as JSON, on standard output."""
    finish(pipeline.run(lakes, state_dir, settings, progress, wait), progress, output)


def finish(outcome: pipeline.Outcome, progress: Progress, output: str) -> None:
    """What a run says at its end: problems, the funnel, what to retire first, and where the report is."""
    job = outcome.job
    _note(job.problems, progress)
    progress.show([*funnel_lines(job.funnel), ""], "funnel", funnel=json.loads(job.funnel.to_json()))
    if job.funnel.unchanged_since:
        since = job.funnel.unchanged_since
        progress.say(
            f"nothing has changed in the lake since run {since}: no row of it was read", "unchanged", since=since
        )
    if output == "json":
        print(job.funnel.to_json())
    else:
        made = decisions_on(job.state, job, job.settings.recovery)
        rejected = {each.dataset for each in outcome.plan.retired if made.on(each) is Decided.REJECTED}
        lines = retire_lines(outcome.plan, outcome.containments.how, rejected=rejected)
        print("\n".join(lines), flush=True)
    if number := len(outcome.topics.names):
        shown = f"r2d2 topics --state {shell_word(job.state.location)}"
        progress.say(f"{plural(number, 'topic')}: {shown}", "topics", topics=number)
    if number := len(outcome.topics.look_alikes):
        shown = f"r2d2 topics --look-alikes --state {shell_word(job.state.location)}"
        said = f"{plural(number, 'pair')} that look alike but whose columns differ in name: {shown}"
        progress.say(said, "look alikes", pairs=number)
    path = joined(job.state.location, REPORT)
    progress.say(f"report: {path}", "report", path=path)


def discover_lake(
    lakes: Sequence[str], state_dir: str, settings: Settings, progress: Progress, wait: float = 0.0
) -> None:
    """``r2d2 discover``: the first stage, as a new run, whose id goes to standard output."""
    state = open_state(state_dir, create=True)
    with turn(state, wait, progress):
        job = new_job(lakes, state, settings, progress)
        with observed(job, "discover"):
            pipeline.discover_stage(job)
            job.record(runs.DISCOVERED)
    _note(job.problems, progress)
    print(job.run_id, flush=True)


def _note(problems: Iterable[Problem | RunProblem], progress: Progress) -> None:
    for problem in problems:
        where, what, hint = visible(problem.where), visible(problem.what), visible(problem.hint)
        progress.note(f"{where}: {what}{f' ({hint})' if hint else ''}", where=where, what=what, hint=hint)


def contain(state_dir: str, run_id: str, settings: Settings, progress: Progress, wait: float = 0.0) -> None:
    """``r2d2 containment``: finds and proves containments among the datasets of a run."""

    def stage(job: Job, run: runs.Run) -> None:
        pipeline.containment_stage(job, runs.datasets(job.state, run))

    _resume("containment", state_dir, run_id, runs.DISCOVERED, runs.CONTAINED, settings, progress, wait, stage)


def retain(state_dir: str, run_id: str, settings: Settings, progress: Progress, wait: float = 0.0) -> None:
    """``r2d2 retention``: plans what to keep and what to retire from the edges of a run."""

    def stage(job: Job, run: runs.Run) -> None:
        state = job.state
        duplicates = runs.groups(state, run).duplicates
        pipeline.retention_stage(job, runs.datasets(state, run), runs.proven(state, run), duplicates)
        _note([problem for problem in job.problems if problem.status == pipeline.OF_USAGE], progress)

    _resume("retention", state_dir, run_id, runs.CONTAINED, runs.PLANNED, settings, progress, wait, stage)


def report(
    state_dir: str, run_id: str, settings: Settings, progress: Progress, owners: str = "", summary: bool = False
) -> None:
    """``r2d2 report``: writes the report of a run again; needs no Spark.

    Args:
        owners: a directory for a page of each owner; empty for none.
        summary: prints the run in Markdown.

    Raises:
        OSError: a page can't be written.
    """
    state = open_state(state_dir)
    found = runs.find_run(state, run_id, runs.PLANNED)
    shown = reported(state, found, settings, progress)
    data = pipeline.report_stage(shown)
    path = joined(state.location, REPORT)
    progress.say(f"report: {path}", "report", path=path)
    if owners:
        written = write_owner_pages(state, shown, data, Path(owners), settings)
        progress.say(f"{plural(written, 'page')} for owners: {owners}", "owners", path=owners, pages=written)
    if summary:
        print(markdown(data), end="")


def reported(state: State, run: runs.Run, settings: Settings, progress: Progress) -> pipeline.Reported:
    """A run as its state has it, with the prices and limits that it had."""
    job = resumed_job(run, state, replace(settings, retention=run.retention), progress, runs.PLANNED)
    job.usages = runs.usage(state, run)
    datasets = runs.datasets(state, run)
    near = near_misses(runs.edge_table(state, run, Grade.REFUTED), datasets)
    duplicates, plan = runs.groups(state, run).duplicates, runs.plan(state, run)
    return pipeline.Reported(job, datasets, runs.proven(state, run), near, duplicates, plan, report_topics(job))


def check(lakes: Sequence[str], settings: Settings, progress: Progress, output: str) -> int:
    """``r2d2 check``: what can be read and which rights are missing; starts Spark only for what it has to read.

    Returns:
        the number of datasets and directories that can't be read.
    """
    datasets, problems, _ = _read_lake(lakes, settings, progress)
    counts = Counter(dataset.status for dataset in datasets)
    progress.say(", ".join(f"{number} {status}" for status, number in sorted(counts.items())) or "no datasets")
    shown = datasets if output == "json" else [dataset for dataset in datasets if dataset.status != "ok"]
    rows = without_values(map(dataset_row, shown), settings.report.show_values)
    print_rows(rows, DATASET_COLUMNS, output)
    return counts["error"] + sum(problem.unreadable for problem in problems)


def _read_lake(
    lakes: Sequence[str], settings: Settings, progress: Progress
) -> tuple[tuple[Dataset, ...], Sequence[Problem], Engine]:
    """The datasets with their metadata, what could not be listed, which is also said, and what runs kernels."""
    engine = Engine(settings)
    session = engine.spark if any(lake.startswith("catalog:") for lake in lakes) else None
    with progress.stage("list the lake"):
        listing = discover(lakes, settings.discovery, None, session)
    with progress.stage("read metadata"):
        usable = [candidate for candidate in listing.candidates if candidate.status == "ok"]
        read = partial(summarize_files, run=engine.over(usable))
        summaries = read(files_of(usable))
        datasets = describe(listing.candidates, summaries, read, settings.containment.case_sensitive)
    _note(listing.problems, progress)
    return datasets, listing.problems, engine


def digest(lakes: Sequence[str], settings: Settings, progress: Progress, output: str) -> int:
    """``r2d2 digest``: the stored digest of each dataset; starts Spark only for what it has to read.

    Returns:
        the number of datasets that have none.
    """
    datasets, problems, engine = _read_lake(lakes, settings, progress)
    with progress.stage("read rows"):
        found, failed = stored_digests(datasets, settings.containment, engine.run)
    reasons = {i: failed.get(i, dataset.error) for i, dataset in enumerate(datasets) if i not in found}
    rows = [
        {"dataset": dataset.id, "digest": str(found[i]) if i in found else None, "error": reasons.get(i, "")}
        for i, dataset in enumerate(datasets)
    ]
    print_rows(rows, ("dataset", "digest", "error"), output)
    return len(reasons) + sum(problem.unreadable for problem in problems)


def demo(directory: str, settings: Settings, progress: Progress, output: str) -> None:
    """``r2d2 demo``: builds the demo lake, runs the main job on it, and shows what it found."""
    target = Path(directory) if directory else Path(tempfile.mkdtemp(prefix="r2d2-demo-"))
    lake, state = target / "lake", target / "state"
    if lake.exists():
        raise UsageError(f"{lake} exists already", "give another directory, or remove it")
    with progress.stage("build the demo lake"):
        truth = build_demo(lake)
    progress.say(f"demo lake: {lake} (settings: {', '.join(DEMO_SETTINGS)})")
    outcome = pipeline.run([str(lake)], str(state), settings, progress)
    finish(outcome, progress, output)
    found = {(edge.parent, edge.child) for edge in _all_pairs(outcome.job)}
    progress.say(compare(found, set(truth.contained - truth.shared)))
    progress.say(f"look around: r2d2 edges --state {state}; r2d2 explain exports/orders.csv --state {state}")


def compare(found: set[tuple[str, str]], planted: set[tuple[str, str]]) -> str:
    """How what was found stands to what was planted, in one line."""
    missed, wrong = planted - found, found - planted
    if not missed and not wrong:
        return f"exactly the planted truth: {len(planted)} pairs, none missed, none of the traps"
    return f"NOT the planted truth: missed {sorted(missed)}, wrong {sorted(wrong)}"


def _all_pairs(job: Job) -> Iterator[Edge]:
    run_found = runs.find_run(job.state, job.run_id)
    found, stored = runs.datasets(job.state, run_found), runs.proven(job.state, run_found)
    return runs.all_pairs(found, stored, runs.groups(job.state, run_found))


def _resume(
    command: str,
    state_dir: str,
    run_id: str,
    needs: str,
    becomes: str,
    settings: Settings,
    progress: Progress,
    wait: float,
    stage: Callable[[Job, runs.Run], None],
) -> None:
    """Runs one stage on a run whose earlier stages are in the state, and records how far it is now.

    While the stage writes, the run is back where the stage starts: what later stages found does not fit any more.
    """
    state: State = open_state(state_dir)
    with turn(state, wait, progress):
        found = runs.find_run(state, run_id, needs)
        job = resumed_job(found, state, settings, progress, needs)
        with observed(job, command):
            if found.status != needs:
                job.record(needs)
            stage(job, found)
            job.record(becomes)
