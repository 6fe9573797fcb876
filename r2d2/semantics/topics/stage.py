"""Topics of a run: embedded by the state's model, grouped, named, and kept in the state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from r2d2.catalog.state import State
from r2d2.config import SemanticsSettings
from r2d2.errors import StateError
from r2d2.semantics.embed.embedder import embedder_of
from r2d2.semantics.embed.vectors import VectorStore
from r2d2.semantics.entities.entities import Catalog
from r2d2.semantics.entities.glossary import read_glossary
from r2d2.semantics.labels.endpoint import Endpoint
from r2d2.semantics.labels.material import Material
from r2d2.semantics.labels.summaries import described
from r2d2.semantics.labels.topics import Topic
from r2d2.semantics.look_alikes.find import look_alikes
from r2d2.semantics.look_alikes.kept import keep_look_alikes
from r2d2.semantics.topics.grouping import NOTHING, Earlier, Glossary, Grouped, group
from r2d2.semantics.topics.kept import earlier_of, keep, newest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: What a state without topics is grouped by.
DEFAULT_MODEL = "static"


@dataclass(frozen=True)
class Made:
    """What a run's datasets were grouped into.

    Attributes:
        topics: by node of the tree, as they are called.
        notes: what a person should know.
    """

    grouped: Grouped
    topics: Mapping[int, Topic]
    notes: tuple[str, ...]


def group_run(
    state: State,
    run_id: str,
    catalog: Catalog,
    settings: SemanticsSettings,
    fresh: bool = False,
    spark: Callable[[], SparkSession] | None = None,
    among: Collection[str] | None = None,
) -> Made:
    """Groups the datasets of a run, one at least, and keeps that in the state, whose lock the caller holds.

    Args:
        fresh: forget what an earlier run found, but for the model.
        spark: starts a session for ``semantics.embed_on``.
        among: runs of the same lake, whose topics last; None for all of the state.

    Raises:
        EnvironmentMissing: the model can't be had here.
        UsageError: the settings name none, or no glossary or endpoint that can be used.
        StateError: the state can't be read or written.
    """
    before, damage = _model_before(state)
    settings = replace(settings, model=settings.model or before or DEFAULT_MODEL)
    glossary = read_glossary(settings.glossary)
    session = spark() if spark and settings.embed_on == "spark" else None
    store = VectorStore(state, embedder_of(settings, session))
    earlier, lacking = (NOTHING, []) if fresh else _earlier(state, settings, glossary, among)
    grouped = group(catalog, glossary, store.of, settings, earlier)
    topics, notes = _described(grouped, catalog, settings, state)
    notes = [*_changed_model(before, settings), *dict.fromkeys((*damage, *lacking)), *notes]
    keep_look_alikes(state, run_id, look_alikes(grouped.aggregation, catalog, store.of))
    keep(state, run_id, grouped, topics, settings.model, settings.mode, glossary, "; ".join(notes))
    return Made(grouped, topics, tuple(notes))


def _described(
    grouped: Grouped, catalog: Catalog, settings: SemanticsSettings, state: State
) -> tuple[Mapping[int, Topic], list[str]]:
    """The topics as a language model calls them, where the settings name one."""
    if not settings.endpoint:
        return grouped.topics, []
    datasets = {dataset.id: dataset for dataset in catalog.datasets}
    material = Material(grouped.aggregation.tree, grouped.entities, datasets, settings.endpoint_gets)
    topics, outcome = described(grouped.topics, Endpoint(settings), settings.endpoint_gets, material.of, state)
    return topics, [outcome.sentence]


def _model_before(state: State) -> tuple[str, list[str]]:
    """The model of the newest grouping, empty without one; what is wrong with that."""
    try:
        before = newest(state)
    except StateError as error:
        return "", [_anew(error)]
    return (before.model if before else ""), []


def _earlier(
    state: State, settings: SemanticsSettings, glossary: Glossary, among: Collection[str] | None
) -> tuple[Earlier, list[str]]:
    """What an earlier run on the same lake knew; what is wrong with that, where nothing can be made of it."""
    try:
        before = newest(state, among=among)
        own = settings.model, settings.mode, glossary
        alike = before is not None and (before.model, before.mode, before.glossary) == own
        return earlier_of(state, before, alike, settings.endpoint_gets), []
    except StateError as error:
        return NOTHING, [_anew(error)]


def _anew(error: StateError) -> str:
    return f"{error}: all was grouped anew, and topics have other ids"


def _changed_model(before: str, settings: SemanticsSettings) -> list[str]:
    if before in ("", settings.model):
        return []
    return [f"topics were made with the model {before} before: all was embedded again with {settings.model}"]
