"""A grouping read from the state, with what follows from the catalog made again: what questions are asked of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from r2d2.catalog import runs
from r2d2.catalog.state import State
from r2d2.config import SemanticsSettings
from r2d2.errors import StateError
from r2d2.semantics.embed.embedder import embedder_of
from r2d2.semantics.embed.vectors import VectorStore
from r2d2.semantics.entities.entities import Catalog, Entities, entities_of
from r2d2.semantics.hierarchy.aggregate import Aggregation, compared, neighbours
from r2d2.semantics.labels.topics import Kept, topics_of
from r2d2.semantics.similarity.dense import Embed
from r2d2.semantics.topics.grouping import Grouped, extents, known_of, related
from r2d2.semantics.topics.kept import FRESH, KeptTopic, grouping_of, members_kept, neighbours_kept, topics_kept
from r2d2.semantics.topics.lasting import Extent, lasting_ids
from r2d2.semantics.tree import Ints, Tree, numbered

K = TypeVar("K")


def catalog_of(state: State, run: runs.Run) -> Catalog:
    """What is known of a run's datasets without reading a file of theirs."""
    found = runs.datasets(state, run)
    contained = run.reached(runs.CONTAINED)
    pairs = [(edge.parent, edge.child) for edge in runs.proven(state, run)] if contained else []
    duplicates = runs.groups(state, run).duplicates if contained else ()
    gone = runs.plan(state, run).gone if run.reached(runs.PLANNED) else frozenset()
    return Catalog(found, pairs, duplicates, runs.usage(state, run), run.case_sensitive, gone)


def regrouped(state: State, run: runs.Run, settings: SemanticsSettings) -> tuple[Grouped, Catalog, Embed]:
    """The topics of a run as they were found, without grouping again; the catalog, and what embeds as they were.

    Raises:
        NotFound: the run has no topics.
        StateError: what the state holds of them is damaged.
        EnvironmentMissing: the model can't be had here.
    """
    grouping = grouping_of(state, run.run_id)
    catalog = catalog_of(state, run)
    embed = VectorStore(state, embedder_of(replace(settings, model=grouping.model))).read
    entities = entities_of(catalog, grouping.glossary)
    alike = compared(entities, embed)
    topics = {topic.topic: topic for topic in topics_kept(state, run.run_id)}
    pieces, finest = _of_entities(entities, state, run.run_id)
    ids, levels = _levels(finest, topics)
    if grouping.linkage.pieces != int(pieces.max()) + 1:
        raise StateError(f"the topics of run {run.run_id} are not of one grouping", FRESH)
    near = neighbours_kept(state, run.run_id, entities.ids) or neighbours(alike.blended, settings)
    found = Aggregation(entities, alike, *near, pieces, grouping.linkage, levels)
    by_node = dict(enumerate(ids, len(entities)))
    names = {topic.topic: Kept(topic.name, topic.by, topic.told) for topic in topics.values()}
    grouped = related(found, by_node, catalog, settings, names)
    told = {node: replace(topic, summary=topics[by_node[node]].summary) for node, topic in grouped.topics.items()}
    return replace(grouped, topics=told), catalog, embed


def in_parts(grouped: Grouped, catalog: Catalog, number: int) -> list[KeptTopic]:
    """The tree cut into so many parts, or as many as it has pieces, as topics of one level below the root.

    A part that is mostly a topic of the run has its id and name.
    """
    found, entities = grouped.aggregation, grouped.entities
    labels = numbered(found.parts(number))
    tree = Tree.of([labels, np.zeros(int(labels.max()) + 1, np.int32)])
    nodes = {grouped.ids[node]: node for node in grouped.topics if node != found.tree.root}
    covered, root = extents(found.tree, entities), grouped.ids[found.tree.root]
    before = {id_: covered[node] for id_, node in nodes.items()} | {root: Extent(0, ())}
    parts = {node: extent for node, extent in extents(tree, entities).items() if node != tree.root}
    ids = lasting_ids(_in_one_level(parts), _in_one_level(before))
    known = {node: grouped.topics[nodes[id_]] for node, id_ in ids.items() if id_ in nodes}
    kept = {node: Kept(topic.name, topic.by, topic.told) for node, topic in known.items()}
    topics = topics_of(tree, entities, found.blended, known_of(catalog), kept)
    return [
        KeptTopic(ids[node], 1, root, t.name, t.by, t.summary, t.terms, t.typical, t.members, t.told)
        for node, t in topics.items()
        if node != tree.root
    ]


def _in_one_level(found: Mapping[K, Extent]) -> dict[K, Extent]:
    """Cuts of the tree have no levels that could be the same."""
    return {key: Extent(1, extent.datasets) for key, extent in found.items()}


def _of_entities(entities: Entities, state: State, run_id: str) -> tuple[Ints, list[str]]:
    """The piece and the finest topic of each entity."""
    members = {member.dataset: member for member in members_kept(state, run_id)}
    if lacking := [name for name in entities.ids if name not in members]:
        what = f"the topics of run {run_id} lack {len(lacking)} of its datasets"
        raise StateError(what, FRESH)
    found = [members[name] for name in entities.ids]
    return np.asarray([member.piece for member in found], np.int32), [member.topic for member in found]


def _levels(finest: Sequence[str], topics: Mapping[str, KeptTopic]) -> tuple[list[str], tuple[Ints, ...]]:
    """The ids of all topics in the order of a tree's nodes, and the number of each entity's topic on each level."""
    ids: list[str] = []
    levels: list[Ints] = []
    names = list(finest)
    while any(names):
        if not all(name in topics for name in names):
            raise StateError("the topics of the run are not all there", FRESH)
        place = {name: number for number, name in enumerate(dict.fromkeys(names))}
        ids.extend(place)
        levels.append(np.asarray([place[name] for name in names], np.int32))
        names = [topics[name].parent for name in names]
    return ids, tuple(levels)
