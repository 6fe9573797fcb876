"""``--dry-run``: what a command would do, stage by stage, from the listing and the state. Nothing is written.

What would end the command before it begins (a root or state that is not there, a setting, Java) ends this, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from r2d2 import contained
from r2d2.catalog import runs
from r2d2.catalog.assembly import assemble
from r2d2.catalog.state import State, existing_state, open_state
from r2d2.commands.lake import reported
from r2d2.commands.output import print_rows
from r2d2.commands.owners import INDEX, owner_files
from r2d2.config import Settings
from r2d2.forecast import Lake, look_at
from r2d2.lake.session import require_java
from r2d2.operations.observe import told_by
from r2d2.pipeline import report_data
from r2d2.progress import Progress
from r2d2.retention.prices import check_prices
from r2d2.units import human_bytes, plural
from r2d2.visible import visible

_WRITES = {
    "read metadata": "runs, files, datasets",
    "containment": "measures, verdicts, edges, groups, group_edges",
    "retention": "usage, plan, plans",
    "report": "report.html",
}
#: Stages by the status of a run that each begins with.
_BEGINS_WITH = {"containment": runs.DISCOVERED, "retention": runs.CONTAINED, "report": runs.PLANNED}


@dataclass(frozen=True)
class Step:
    """One stage: what it would do, and the tables or files that it would write."""

    stage: str
    does: str
    writes: str = ""


def of_run(
    lakes: Sequence[str], state_dir: str, settings: Settings, progress: Progress, output: str, whole: bool
) -> None:
    """Prints what ``run`` (``whole``) or ``discover`` would do."""
    require_java(settings.spark)
    check_prices(settings.retention)
    told_by(settings.operations)
    with progress.stage("list the lake"):
        lake = look_at(lakes, state_dir, settings)
    steps = [Step("list the lake", _listed(lake)), Step("read metadata", _metadata(lake), _WRITES["read metadata"])]
    if whole:
        steps.append(Step("containment", _containment(lake, state_dir), _WRITES["containment"]))
        steps.append(Step("retention", "makes a new plan", _WRITES["retention"]))
        steps.append(Step("report", "writes the report", _WRITES["report"]))
    _show(steps, progress, output)


def of_stage(stage: str, state_dir: str, run_id: str, settings: Settings, progress: Progress) -> None:
    """Prints what ``containment`` or ``retention`` would do."""
    state, run = _begins(stage, state_dir, run_id, settings)
    found = len(runs.datasets(state, run))
    does = {
        "containment": f"finds and proves containments among {plural(found, 'dataset')}",
        "retention": f"makes a new plan for {plural(found, 'dataset')}",
    }[stage]
    again = "" if run.status == _BEGINS_WITH[stage] else f"; the run is {run.status}: what follows is to be made again"
    _show([Step(stage, f"run {run.run_id}: {does}{again}", _WRITES[stage])], progress)


def of_report(
    state_dir: str,
    run_id: str,
    settings: Settings,
    progress: Progress,
    owners: str = "",
    notebooks: str = "",
    books: Sequence[str] = (),
) -> None:
    """Prints what ``report`` would do.

    Args:
        owners: a directory for owners' pages; empty for none.
        notebooks: a directory for executed notebooks and their pages; empty for none.
        books: what these notebooks are called.

    Raises:
        UsageError: owners' pages would not be written there.
    """
    state, run = _begins("report", state_dir, run_id, settings)
    steps = [Step("report", f"run {run.run_id}: writes the report again", _WRITES["report"])]
    if owners:
        steps.append(_owners(state, run, settings, owners))
    if notebooks:
        files = f"{', '.join(books)}: .ipynb and .html of each"
        does = f"executes {plural(len(books), 'notebook')} and writes each with its page into {visible(notebooks)}"
        steps.append(Step("notebooks", does, files))
    _show(steps, progress)


def _owners(state: State, run: runs.Run, settings: Settings, place: str) -> Step:
    found = reported(state, run, settings, Progress(quiet=True))
    number, outdated = owner_files(state, found, report_data(found), Path(place), settings)
    gone = f"; removes {plural(len(outdated), 'outdated page')}: {', '.join(outdated)}" if outdated else ""
    does = f"writes {plural(number, 'page')} for owners and one that leads to them into {visible(place)}{visible(gone)}"
    return Step("owners", does, f"{plural(number, 'page')}, {INDEX}")


def _begins(stage: str, state_dir: str, run_id: str, settings: Settings) -> tuple[State, runs.Run]:
    """The state, and the run that a stage would go on with."""
    told_by(settings.operations)
    state = open_state(state_dir)
    return state, runs.find_run(state, run_id, _BEGINS_WITH[stage])


def _show(steps: Sequence[Step], progress: Progress, output: str = "table") -> None:
    print_rows(map(asdict, steps), ("stage", "does", "writes"), output)
    progress.say("a dry run: nothing was written", "dry run")


def _listed(lake: Lake) -> str:
    formats = Counter(candidate.format for candidate in lake.candidates)
    kinds = ", ".join(f"{number:,} {visible(kind)}" for kind, number in sorted(formats.items()))
    total = f"{plural(len(lake.candidates), 'dataset')} ({kinds})" if formats else "no datasets"
    ids = {candidate.id for candidate in lake.candidates}
    changes = {"new": len(lake.new), "changed": len(lake.changed), "gone": len(lake.before.keys() - ids)}
    since = ", ".join(f"{number:,} {name}" for name, number in changes.items() if number)
    return f"{total}; since the last run {since or 'nothing has changed'}" if lake.before else total


def _metadata(lake: Lake) -> str:
    files = [read.file for candidate in lake.usable for read in lake.unknown_files(candidate)]
    if not files:
        return "reads no file: all are known"
    return f"reads of {plural(len(files), 'file')} ({human_bytes(sum(file.size for file in files))}) what they say"


def _containment(lake: Lake, state_dir: str) -> str:
    state = existing_state(state_dir)
    if state is None or lake.new or lake.changed:
        return f"finds and proves containments among at most {plural(len(lake.usable), 'dataset')}"
    settings = lake.settings.containment
    datasets = assemble(lake.candidates, lake.summaries, settings.case_sensitive)
    before = runs.contained_alike(state, contained.inputs_of(datasets, settings, lake.by))
    if before:
        return f"takes over what run {before.run_id} found: nothing has changed since"
    return f"finds and proves containments among {plural(len(lake.known), 'dataset')}"
