"""``r2d2 topics``: what a lake holds, as topics over topics. Does not start Spark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from r2d2.catalog import lakes, runs
from r2d2.catalog.state import State, open_state
from r2d2.commands.output import print_rows
from r2d2.config import SemanticsSettings, Settings
from r2d2.errors import NotFound, UsageError
from r2d2.operations.turns import turn
from r2d2.progress import Progress
from r2d2.semantics.check import check_topics
from r2d2.semantics.look_alikes.kept import look_alikes_kept
from r2d2.semantics.topics.kept import KeptTopic, depth_first, grouping_of, members_kept, topics_kept, with_datasets
from r2d2.units import plural
from r2d2.visible import visible

TOPIC_COLUMNS = ("topic", "level", "parent", "name", "summary", "datasets")
LOOK_ALIKE_COLUMNS = ("dataset", "other", "score", "fits", "columns", "same", "mapping")
_TREE = ("topic", "name", "datasets", "typical", "about")
_INDENT = "  "


def show_topics(
    state_dir: str,
    run_id: str,
    parts: int | None,
    settings: SemanticsSettings,
    progress: Progress,
    output: str,
) -> None:
    """Prints the topics of a run.

    Args:
        parts: the tree cut into so many, as one level; None for the levels that were chosen.

    Raises:
        NotFound: the run has no topics.
        UsageError: fewer parts than one.
    """
    if parts is not None and parts < 1:
        raise UsageError("--parts must be 1 at least", "")
    state = open_state(state_dir)
    run = grouped_run(state, run_id, progress)
    topics = _cut(state, run, settings, parts) if parts else _kept(state, run)
    rows = ({**vars(topic), "datasets": list(topic.datasets)} for topic in topics)
    if output == "table":
        print_rows(_tree(topics), _TREE, output)
    else:
        print_rows(rows, TOPIC_COLUMNS, output)


def show_look_alikes(state_dir: str, run_id: str, progress: Progress, output: str) -> None:
    """Prints pairs of datasets that look alike but whose columns differ in name; those that could fit come first.

    Raises:
        NotFound: the run has no topics, and so nothing was looked for.
    """
    state = open_state(state_dir)
    run = grouped_run(state, run_id, progress)
    found = (pair._asdict() for pair in look_alikes_kept(state, run.run_id))
    if output == "table":
        found = ({**row, "score": f"{row['score']:.2f}"} for row in found)
    if output == "json":
        rows = ({**row, "mapping": [{"from": a, "to": b} for a, b in row["mapping"]]} for row in found)
    else:
        rows = ({**row, "mapping": ", ".join(f"{a} → {b}" for a, b in row["mapping"])} for row in found)
    print_rows(rows, LOOK_ALIKE_COLUMNS, output)


def _kept(state: State, run: runs.Run) -> Sequence[KeptTopic]:
    return with_datasets(topics_kept(state, run.run_id), members_kept(state, run.run_id))


def grouped_run(state: State, run_id: str, progress: Progress) -> runs.Run:
    """The run with the id, or the newest one that has topics; it is said if there is a newer one.

    Raises:
        NotFound: there is none, or it has no topics.
    """
    newest = run = runs.find_run(state, run_id)
    if not run_id:
        grouped = set(state.rows("groupings", columns=("run_id",))["run_id"].to_pylist())
        run = next((run for run in runs.runs(state) if run.run_id in grouped), newest)
    grouping_of(state, run.run_id)
    if run.run_id != newest.run_id:
        progress.say(f"of run {run.run_id}: {newest.run_id}, which is newer, has no topics (`r2d2 topics --group`)")
    return run


def _cut(state: State, run: runs.Run, settings: SemanticsSettings, parts: int) -> Sequence[KeptTopic]:
    from r2d2.semantics.topics.again import in_parts, regrouped  # these load numpy, scipy and a model

    grouped, catalog, _ = regrouped(state, run, settings)
    return in_parts(grouped, catalog, parts)


def group_again(
    state_dir: str, run_id: str, settings: Settings, progress: Progress, wait: float, fresh: bool = False
) -> None:
    """Groups the datasets of a run, as ``r2d2 run`` does.

    Args:
        fresh: whatever an earlier run found.

    Raises:
        NotFound: the run has no datasets.
    """
    from r2d2.commands.engine import Engine
    from r2d2.semantics.topics.again import catalog_of
    from r2d2.semantics.topics.stage import group_run

    check_topics(replace(settings.semantics, topics=True))
    state, engine = open_state(state_dir), Engine(settings)
    run = runs.find_run(state, run_id)
    with turn(state, wait, progress), progress.stage("group topics") as reading:
        catalog = catalog_of(state, run)
        if not catalog.datasets:
            raise NotFound(f"run {run.run_id} has no datasets", "run `r2d2 run` on a lake that holds some")
        among = lakes.of_lake(state, run.lake)
        given = settings.semantics, fresh, lambda: engine.spark, among
        made = group_run(state, run.run_id, catalog, *given)
        reading.note = f", {plural(len(made.topics), 'topic')}"
    for note in made.notes:
        progress.note(visible(note))


def _tree(topics: Sequence[KeptTopic]) -> Iterator[dict[str, Any]]:
    """From the root down, each topic under the one above it, the largest first."""
    for topic, depth in depth_first(topics):
        yield {
            "topic": topic.topic,
            "name": _INDENT * depth + topic.name,
            "datasets": len(topic.datasets),
            "typical": topic.typical,
            "about": ", ".join(topic.terms[:5]),
        }
