"""What the lake is about: topics over topics, what relates them, answers to questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from r2d2.commands.asking_about import index_of
from r2d2.errors import NotFound
from r2d2.report.topics import called
from r2d2.review.lake import Lake
from r2d2.review.table import Said, Table
from r2d2.review.tables import Cell, plain, table, whole
from r2d2.semantics.look_alikes.kept import look_alikes_kept
from r2d2.semantics.retrieval.ask import ask as ask_index
from r2d2.semantics.topics.kept import KeptTopic, depth_first, grouping_of, members_kept, topics_kept, with_datasets

_INDENT = "› "


def _topics(lake: Lake) -> tuple[KeptTopic, ...] | Said:
    if lake.state is None or lake.run is None:
        return lake.nothing
    try:
        grouping_of(lake.state, lake.run.run_id)
    except NotFound as error:
        return Said(f"{error}: {error.hint}.")
    kept = topics_kept(lake.state, lake.run.run_id)
    shown = [replace(topic, name=called(topic, lake.settings.report.show_values)) for topic in kept]
    return with_datasets(shown, members_kept(lake.state, lake.run.run_id))


def topics(lake: Lake, below: str = "") -> Table | Said:
    """The tree from the root down, or from one topic, the largest first."""
    found = _topics(lake)
    if isinstance(found, Said):
        return found
    return table("From the widest to the finest", "name|topic|#datasets|typical|about", _tree(found, below))


def _tree(found: Sequence[KeptTopic], root: str) -> Iterator[tuple[Cell, ...]]:
    for topic, depth in depth_first(found, root):
        name = Cell(topic.name, _INDENT * depth + topic.name)
        terms = plain(", ".join(topic.terms[:5]))
        yield name, plain(topic.topic), whole(len(topic.datasets)), plain(topic.typical), terms


def datasets(lake: Lake, topic: str) -> Table | Said:
    """The datasets of a topic, given by its id or its name.

    Raises:
        NotFound: there is no such topic.
    """
    found = _topics(lake)
    if isinstance(found, Said):
        return found
    if not topic:
        return Said("Give the id or the name of a topic to see its datasets.")
    wanted = [each for each in found if topic in (each.topic, each.name)]
    if not wanted:
        raise NotFound(f"there is no topic {topic!r}", "topics(lake) lists their ids")
    rows = (lake.rows[name] for each in wanted for name in each.datasets if name in lake.rows)
    cells = ((plain(row.id), plain(row.format), whole(row.rows), plain(row.action), plain(row.reason)) for row in rows)
    return table(f"Datasets of {wanted[0].name}", "dataset|format|#rows|plan|why", cells)


def relations(lake: Lake, level: int = 1) -> Table | Said:
    """What relates topics of one level, the strongest first; what only joins islands is called a bridge."""
    found = _topics(lake)
    if isinstance(found, Said) or lake.state is None or lake.run is None:
        return lake.nothing if not isinstance(found, Said) else found
    names = {topic.topic: topic.name for topic in found}
    rows = [row for row in lake.state.rows("topic_relations", lake.run.run_id).to_pylist() if row["level"] == level]
    rows.sort(key=lambda row: (-row["strength"], row["source"], row["target"]))
    cells = (
        (
            plain(names[row["source"]]),
            plain(row["kind"]),
            plain(names[row["target"]]),
            whole(row["count"]),
            plain(" → ".join(row["exemplars"][:2])),
        )
        for row in rows
    )
    return table(f"What relates topics of level {level}", "topic|relation|topic|#pairs|for example", cells)


def ask(lake: Lake, question: str) -> Table | Said:
    """What the lake holds on a question, and which of it is redundant; without a language model."""
    found = _topics(lake)
    if isinstance(found, Said) or lake.state is None or lake.run is None:
        return found if isinstance(found, Said) else lake.nothing
    if not question.strip():
        return Said("Ask a question in words, for example: what do we hold about customer orders?")
    index = index_of(lake.state, lake.run, lake.settings.semantics)
    answer = ask_index(index, question, lake.settings.semantics)
    cells = ((plain(one.dataset), plain(one.topic), plain("; ".join(one.facts))) for one in answer.evidence)
    return table(f"“{question}”", "dataset|topic|what is known", cells, answer.text)


def look_alikes(lake: Lake) -> Table | Said:
    """Pairs that look alike but whose columns differ in name, so that their rows were never compared."""
    found = _topics(lake)
    if isinstance(found, Said) or lake.state is None or lake.run is None:
        return found if isinstance(found, Said) else lake.nothing
    cells = (
        (
            plain(pair.dataset),
            plain(pair.other),
            plain(", ".join(f"{a} → {b}" for a, b in pair.mapping)),
            plain("could fit" if pair.fits else "differ"),
        )
        for pair in look_alikes_kept(lake.state, lake.run.run_id)
    )
    title = "Pairs that look alike but whose columns differ in name"
    return table(title, "dataset|looks like|columns to map|rows and bounds", cells)
