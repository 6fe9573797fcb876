"""Topics in the state: what a run leaves there, and how it is read again without grouping anew."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from r2d2.catalog.state import State
from r2d2.errors import NotFound, StateError
from r2d2.semantics.base_relations import Kind
from r2d2.semantics.hierarchy.linkage import Linkage
from r2d2.semantics.hierarchy.placed import Places
from r2d2.semantics.labels.rights import Gets, allows
from r2d2.semantics.labels.topics import Kept, Topic
from r2d2.semantics.relations.layers import Layer
from r2d2.semantics.topics.grouping import NOTHING, Earlier, Glossary, Grouped
from r2d2.semantics.topics.lasting import Extent

_HINT = (
    "`r2d2 run` groups datasets into topics (semantics.topics), `r2d2 topics --fresh` does it for a run that is there"
)


@dataclass(frozen=True)
class Grouping:
    """How a run's datasets were grouped.

    Attributes:
        model: of the embeddings.
        mode: as ``semantics.mode``.
        glossary: word → the words that it stands for.
        linkage: the tree over pieces.
        note: what a person should know of it.
        placed: how many entities were placed one by one since all were grouped.
    """

    run_id: str
    model: str
    mode: str
    glossary: Glossary
    linkage: Linkage
    note: str
    placed: int


@dataclass(frozen=True)
class KeptTopic:
    """A topic as people see it.

    Attributes:
        parent: the topic above; empty for the root.
        by: the language model that named it; empty where that was a template.
        typical: the dataset in its middle.
        datasets: ids of all datasets under it, sorted.
        told: how much whoever named it knew, as ``Gets``; empty where that is not known.
    """

    topic: str
    level: int
    parent: str
    name: str
    by: str
    summary: str
    terms: tuple[str, ...]
    typical: str
    datasets: tuple[str, ...] = ()
    told: str = ""


@dataclass(frozen=True)
class Member:
    """A dataset in its finest topic; ``entity`` is the dataset that stands for it, ``piece`` that one's."""

    dataset: str
    topic: str
    entity: str
    piece: int


def keep(
    state: State,
    run_id: str,
    grouped: Grouped,
    topics: Mapping[int, Topic],
    model: str,
    mode: str,
    glossary: Glossary,
    note: str,
) -> None:
    """Makes these all that the state holds of a run's topics; the caller holds the lock.

    Args:
        topics: by node, as they are called.
    """
    head = {
        "run_id": run_id,
        "at": datetime.now(UTC),
        "model": model,
        "mode": mode,
        "glossary": json.dumps(dict(glossary)),
        "merges": grouped.aggregation.linkage.merges.ravel().tolist(),
        "layers": json.dumps([_layer(layer) for layer in grouped.layers]),
        "note": note,
        "placed": grouped.aggregation.placed,
    }
    state.write_run("topic_members", run_id, list(_members(run_id, grouped)))
    state.write_run("topic_relations", run_id, list(_relations(run_id, grouped)))
    state.write_run("topics", run_id, [_topic(run_id, grouped, topics[node], node) for node in topics])
    state.write_run("groupings", run_id, [head])  # last: a crash before it leaves none


def _layer(layer: Layer) -> dict[str, Any]:
    kinds = {
        name: {Kind(kind).name.lower(): n for kind, n in getattr(layer, name).items()} for name in ("base", "lifted")
    }
    return {**asdict(layer), **kinds}


def _topic(run_id: str, grouped: Grouped, topic: Topic, node: int) -> dict[str, Any]:
    above = int(grouped.aggregation.tree.parent[node])
    return {
        "run_id": run_id,
        "topic": grouped.ids[node],
        "level": topic.level,
        "parent": grouped.ids.get(above, ""),
        "name": topic.name,
        "by": topic.by,
        "summary": topic.summary,
        "terms": list(topic.terms),
        "typical": topic.typical,
        "datasets": len(topic.members),
        "told": topic.told,
    }


def _members(run_id: str, grouped: Grouped) -> Iterator[dict[str, Any]]:
    entities, tree = grouped.entities, grouped.aggregation.tree
    for leaf, members in enumerate(entities.members):
        topic, piece = grouped.ids[int(tree.parent[leaf])], int(grouped.aggregation.pieces[leaf])
        for name in members:
            yield {"run_id": run_id, "dataset": name, "topic": topic, "entity": members[0], "piece": piece}


def _relations(run_id: str, grouped: Grouped) -> Iterator[dict[str, Any]]:
    """Those between two topics; between entities they follow from the catalog."""
    found, tree, names = grouped.relations, grouped.aggregation.tree, grouped.entities.ids
    for index in np.flatnonzero((found.source != found.target) & (tree.level[found.source] > 0)).tolist():
        row = found.row(index)
        yield {
            "run_id": run_id,
            "level": int(tree.level[row.source]),
            "source": grouped.ids[row.source],
            "target": grouped.ids[row.target],
            "kind": row.kind.name.lower(),
            "count": row.count,
            "weight": row.weight,
            "strength": row.strength,
            "exemplars": [names[end] for pair in row.exemplars for end in pair],
        }


def newest(state: State, run_id: str = "") -> Grouping | None:
    """The newest grouping of a state, or that of one run; None where there is none.

    Raises:
        StateError: it is damaged.
    """
    rows = state.rows("groupings", run_id or None).to_pylist()
    if not rows:
        return None
    row = max(rows, key=lambda row: row["at"])
    try:
        merges = np.asarray(row["merges"], np.int64).reshape(-1, 2)
        glossary = {word: tuple(words) for word, words in json.loads(row["glossary"]).items()}
    except (ValueError, TypeError, AttributeError) as error:
        what = f"the grouping of run {row['run_id']} is damaged"
        raise StateError(what, "`r2d2 topics --fresh` groups anew") from error
    linkage = Linkage(len(merges) + 1, merges)
    return Grouping(row["run_id"], row["model"], row["mode"], glossary, linkage, row["note"], row["placed"])


def grouping_of(state: State, run_id: str) -> Grouping:
    """The grouping of a run.

    Raises:
        NotFound: it has none.
    """
    found = newest(state, run_id)
    if found is None:
        raise NotFound(f"run {run_id} has no topics", _HINT)
    return found


def topics_kept(state: State, run_id: str) -> tuple[KeptTopic, ...]:
    """The topics of a run, the finest level first."""
    rows = state.rows("topics", run_id).to_pylist()
    fields = ("topic", "level", "parent", "name", "by", "summary", "typical")
    found = [
        KeptTopic(**{name: row[name] for name in fields}, terms=tuple(row["terms"]), told=row["told"] or "")
        for row in rows
    ]
    return tuple(sorted(found, key=lambda topic: (topic.level, topic.topic)))


def members_kept(state: State, run_id: str) -> tuple[Member, ...]:
    """The datasets of a run in their topics, by id."""
    rows = state.rows("topic_members", run_id, columns=("dataset", "topic", "entity", "piece")).to_pylist()
    return tuple(sorted((Member(**row) for row in rows), key=lambda member: member.dataset))


def below(topics: Sequence[KeptTopic], members: Sequence[Member]) -> dict[str, list[str]]:
    """The datasets under each topic, by id."""
    above = {topic.topic: topic.parent for topic in topics}
    found: dict[str, list[str]] = {topic.topic: [] for topic in topics}
    for member in members:
        topic = member.topic
        while topic:
            found[topic].append(member.dataset)
            topic = above[topic]
    return found


def with_datasets(topics: Sequence[KeptTopic], members: Sequence[Member]) -> tuple[KeptTopic, ...]:
    """Topics with all datasets under them."""
    held = below(topics, members)
    return tuple(replace(topic, datasets=tuple(sorted(held[topic.topic]))) for topic in topics)


def earlier_of(state: State, grouping: Grouping | None, alike: bool, gets: Gets) -> Earlier:
    """What a grouping knew of datasets and topics.

    Args:
        alike: whether it was made as the next one will be; else only ids and names last.
        gets: names last that were given knowing no more than that.
    """
    if grouping is None:
        return NOTHING
    topics, members = topics_kept(state, grouping.run_id), members_kept(state, grouping.run_id)
    names = {topic.topic: Kept(topic.name, topic.by, topic.told) for topic in topics if allows(gets, topic.told)}
    above = {topic.topic: topic.parent for topic in topics}
    paths = {member.dataset: _path(member.topic, above) for member in members}
    places = Places({member.dataset: member.piece for member in members}, paths, grouping.placed)
    held = below(topics, members)
    covered = {topic.topic: Extent(topic.level, held[topic.topic]) for topic in topics}
    return Earlier(places if alike else None, covered, names)


def _path(topic: str, above: Mapping[str, str]) -> tuple[str, ...]:
    found = []
    while topic:
        found.append(topic)
        topic = above[topic]
    return tuple(found)
