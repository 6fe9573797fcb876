"""``r2d2 ask``: what the catalog holds on a question, with evidence. Does not start Spark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from r2d2.catalog import runs
from r2d2.catalog.state import State, open_state
from r2d2.commands.output import print_object
from r2d2.commands.topics import grouped_run
from r2d2.config import SemanticsSettings
from r2d2.model.plan import GONE, Action, PlannedDataset
from r2d2.progress import Progress
from r2d2.units import human_seconds, money
from r2d2.visible import visible

if TYPE_CHECKING:
    from r2d2.semantics.retrieval.ask import Answer
    from r2d2.semantics.retrieval.index import Index
    from r2d2.semantics.retrieval.search import Level
    from r2d2.semantics.retrieval.sources import Verdict


def ask_about(
    state_dir: str,
    run_id: str,
    question: str,
    level: Level,
    settings: SemanticsSettings,
    progress: Progress,
    output: str,
) -> None:
    """Prints an answer.

    Raises:
        NotFound: there is no such run, or it has no topics.
        UsageError: the endpoint's settings are wrong.
    """
    from r2d2.semantics.labels.endpoint import Endpoint  # these load numpy, scipy and a model
    from r2d2.semantics.retrieval.ask import ask

    state = open_state(state_dir)
    endpoint = Endpoint(settings) if settings.endpoint else None
    index = index_of(state, grouped_run(state, run_id, progress), settings)
    answer = ask(index, question, settings, level, endpoint)
    if answer.failed:
        progress.note(visible(f"the endpoint gave no answer ({answer.failed}): here is the evidence"))
    if output == "json":
        print_object(answer.as_json())
    else:
        print("\n".join(_lines(answer)))


def index_of(state: State, run: runs.Run, settings: SemanticsSettings) -> Index:
    """What a run's datasets can be asked by.

    Raises:
        NotFound: the run has no topics.
    """
    from r2d2.semantics.retrieval.index import Index
    from r2d2.semantics.retrieval.sources import sources_of
    from r2d2.semantics.topics.again import regrouped

    grouped, catalog, embed = regrouped(state, run, settings)
    sources = sources_of(catalog.datasets, catalog.contained, catalog.duplicates, _verdicts(state, run))
    return Index.of(grouped, sources, embed)


def _verdicts(state: State, run: runs.Run) -> Mapping[str, Verdict]:
    if not run.reached(runs.PLANNED):
        return {}
    plan = runs.plan(state, run)
    return {entry.dataset: _verdict(entry, plan.currency) for entry in plan.datasets}


def _verdict(entry: PlannedDataset, currency: str) -> Verdict:
    from r2d2.semantics.retrieval.sources import Verdict

    saves = f", saves {money(entry.saving_per_month, currency)} a month" if entry.action is not Action.KEEP else ""
    text, goes = f"{entry.action.value}{saves}", entry.action in GONE
    if not saves or entry.parent is None:
        return Verdict(text, goes)
    return Verdict(text, goes, entry.parent, human_seconds(entry.rebuild_seconds))


def _lines(answer: Answer) -> Iterator[str]:
    """For people; the evidence by number, as an answer cites it."""
    yield answer.text
    if answer.topics:
        yield "\nTopics"
        yield from (f"  {line.text}" for line in answer.topics)
    if answer.relations:
        yield "\nRelations"
        yield from (f"  {line}" for line in answer.relations)
    if answer.evidence:
        yield f"\nEvidence ({answer.tokens:,} tokens with the above)"
    for number, one in enumerate(answer.evidence, 1):
        yield f"  [{number}] {visible(one.dataset)}  {one.score:.2f}  {one.topic}"
        yield from (f"      {fact}" for fact in one.facts)
