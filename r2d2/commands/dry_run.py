"""``--dry-run``: what a command would do, stage by stage, from the listing and the state. Nothing is written.

What would end the command before it begins (a root or state that is not there, a setting, Java) ends this, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from r2d2 import contained
from r2d2.catalog import runs
from r2d2.catalog.assembly import assemble
from r2d2.catalog.state import existing_state, open_state
from r2d2.commands.output import print_rows
from r2d2.config import Settings
from r2d2.forecast import Lake, look_at
from r2d2.lake.session import require_java
from r2d2.operations.observe import told_by
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
    """One stage: what it would do, and the tables or files of the state that it would write."""

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
    """Prints what ``containment``, ``retention`` or ``report`` would do."""
    told_by(settings.operations)
    state = open_state(state_dir)
    run = runs.find_run(state, run_id, _BEGINS_WITH[stage])
    found = len(runs.datasets(state, run))
    does = {
        "containment": f"finds and proves containments among {plural(found, 'dataset')}",
        "retention": f"makes a new plan for {plural(found, 'dataset')}",
        "report": "writes the report again",
    }[stage]
    again = "" if run.status == _BEGINS_WITH[stage] else f"; the run is {run.status}: what follows is to be made again"
    _show([Step(stage, f"run {run.run_id}: {does}{again if stage != 'report' else ''}", _WRITES[stage])], progress)


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
