"""Topics in the state: what a run leaves there, and how it is read again without grouping anew."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow.dataset as ds

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
from r2d2.semantics.tree import Floats, Ints

#: What to do about topics that are damaged.
FRESH = "`r2d2 topics --fresh` groups anew"
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
    """A dataset in its finest topic.

    Attributes:
        entity: the dataset that stands for it.
        piece, number: that one's.
        look: what tells its columns (``looks_of``); empty where that was not kept.
    """

    dataset: str
    topic: str
    entity: str
    piece: int
    number: int = -1
    look: str = ""


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

    The head goes first and comes last: after a crash in between, the run has no topics.

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
    if state.rows("groupings", run_id, columns=("run_id",)).num_rows:
        state.write_run("groupings", run_id, [])
    state.write_run("topic_members", run_id, list(_members(run_id, grouped)))
    state.write_run("topic_relations", run_id, list(_relations(run_id, grouped)))
    state.write_run("topics", run_id, [_topic(run_id, grouped, topics[node], node) for node in topics])
    state.write_run("groupings", run_id, [head])


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
    found, tree = grouped.aggregation, grouped.aggregation.tree
    for leaf, members in enumerate(grouped.entities.members):
        of_entity = {
            "run_id": run_id,
            "topic": grouped.ids[int(tree.parent[leaf])],
            "entity": members[0],
            "piece": int(found.pieces[leaf]),
            "number": leaf,
        }
        near = {"near": found.places[leaf].tolist(), "like": found.scores[leaf].tolist()}
        for name in members:
            own = near if name == members[0] else {"near": None, "like": None}
            yield {**of_entity, **own, "dataset": name, "look": grouped.looks[name]}


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


def newest(state: State, run_id: str = "", among: Collection[str] | None = None) -> Grouping | None:
    """The newest grouping of a state, or that of one run; None where there is none.

    Args:
        among: runs whose groupings are looked at; None for all.

    Raises:
        StateError: it is damaged.
    """
    rows = state.rows("groupings", run_id or None).to_pylist()
    rows = [row for row in rows if among is None or row["run_id"] in among]
    if not rows:
        return None
    row = max(rows, key=lambda row: row["at"])
    try:
        merges = np.asarray(row["merges"], np.int64).reshape(-1, 2)
        glossary = {word: tuple(words) for word, words in json.loads(row["glossary"]).items()}
    except (ValueError, TypeError, AttributeError) as error:
        what = f"the grouping of run {row['run_id']} is damaged"
        raise StateError(what, FRESH) from error
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
    columns = ("dataset", "topic", "entity", "piece", "number", "look")
    rows = state.rows("topic_members", run_id, columns=columns).to_pylist()
    found = (
        Member(**{**row, "number": -1 if row["number"] is None else row["number"], "look": row["look"] or ""})
        for row in rows
    )
    return tuple(sorted(found, key=lambda member: member.dataset))


def neighbours_kept(state: State, run_id: str, ids: Sequence[str]) -> tuple[Ints, Floats] | None:
    """The neighbours of entities and how similar these are, as the run found them; None where they were other entities.

    Args:
        ids: of the entities, in their order.
    """
    columns = ("dataset", "number", "near", "like")
    rows = state.rows("topic_members", run_id, ds.field("dataset") == ds.field("entity"), columns=columns).to_pylist()
    rows.sort(key=lambda row: -1 if row["number"] is None else row["number"])
    same = [row["dataset"] for row in rows] == list(ids) and all(row["near"] is not None for row in rows)
    if not same or len({len(row["near"]) for row in rows}) != 1:
        return None
    near, like = ([row[name] for row in rows] for name in ("near", "like"))
    return np.asarray(near, np.int32), np.asarray(like, np.float32)


def below(topics: Sequence[KeptTopic], members: Sequence[Member]) -> dict[str, list[str]]:
    """The datasets under each topic, by id.

    Raises:
        StateError: a topic is lacking.
    """
    above = {topic.topic: topic.parent for topic in topics}
    found: dict[str, list[str]] = {topic.topic: [] for topic in topics}
    for member in members:
        for topic in _path(member.topic, above):
            found[topic].append(member.dataset)
    return found


def with_datasets(topics: Sequence[KeptTopic], members: Sequence[Member]) -> tuple[KeptTopic, ...]:
    """Topics with all datasets under them."""
    held = below(topics, members)
    return tuple(replace(topic, datasets=tuple(sorted(held[topic.topic]))) for topic in topics)


def depth_first(topics: Sequence[KeptTopic], root: str = "") -> Iterator[tuple[KeptTopic, int]]:
    """Each topic under the one above it, the largest first, with its depth; from the root, or from one topic."""
    known = {topic.topic for topic in topics}
    under: dict[str, list[KeptTopic]] = defaultdict(list)
    for topic in sorted(topics, key=lambda topic: (-len(topic.datasets), topic.name)):
        under[topic.parent if topic.parent in known else ""].append(topic)
    start = [topic for topic in topics if topic.topic == root] if root else under[""]
    stack = [(topic, 0) for topic in reversed(start)]
    while stack:
        topic, depth = stack.pop()
        yield topic, depth
        stack.extend((child, depth + 1) for child in reversed(under[topic.topic]))


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
    looks = {member.dataset: member.look for member in members}
    places = Places({member.dataset: member.piece for member in members}, paths, grouping.placed, looks)
    held = below(topics, members)
    covered = {topic.topic: Extent(topic.level, held[topic.topic]) for topic in topics}
    return Earlier(places if alike else None, covered, names)


def _path(topic: str, above: Mapping[str, str]) -> tuple[str, ...]:
    """A topic and those above it.

    Raises:
        StateError: one is lacking.
    """
    found: list[str] = []
    while topic:
        if topic not in above or topic in found:
            raise StateError("the topics of a run are not all there", FRESH)
        found.append(topic)
        topic = above[topic]
    return tuple(found)
