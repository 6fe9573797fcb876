"""Evidence: what is told of the datasets that answer, under a budget of tokens, nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from r2d2.model.dataset import Dataset
from r2d2.semantics.retrieval.index import Index
from r2d2.semantics.retrieval.question import Question
from r2d2.semantics.retrieval.search import Found, Hit
from r2d2.semantics.retrieval.sources import Source
from r2d2.semantics.retrieval.tokens import tokens_of
from r2d2.semantics.tree import Floats
from r2d2.units import human_bytes, plural, some_of
from r2d2.visible import masked_id, shortened, visible

#: Columns that are named of one dataset, datasets that it holds, and others of its entity; how many more is said.
_COLUMNS, _HELD, _ALIKE = 8, 2, 3


@dataclass(frozen=True)
class Evidence:
    """What is told of one dataset, and of those that are the same table at other times or places.

    Attributes:
        dataset: its id, as it is.
        score: how much of the question it meets by itself, 0 to 1.
        facts: visible sentences.
        columns: those of them that only name columns.
        topic: the visible name of its finest topic.
    """

    dataset: str
    score: float
    facts: tuple[str, ...]
    columns: tuple[str, ...]
    topic: str

    @property
    def text(self) -> str:
        """For people and models; what its tokens are counted of."""
        return f"{shortened(visible(self.dataset))} ({self.topic}): {'; '.join(self.facts)}"

    @property
    def tokens(self) -> int:
        """That it takes."""
        return tokens_of(self.text)


class Teller:
    """Tells of datasets one after the other; columns that were told of a topic are only counted the next time.

    Args:
        values: whether cell values may be told: in ids there are those of partitions, in reasons there may be others.
    """

    def __init__(self, index: Index, question: Question, values: bool = True) -> None:
        self._index, self._values = index, values
        self._near = _near(index, question)
        self._told: dict[str, set[str]] = {}

    def of(self, hit: Hit, alike: Sequence[str] = ()) -> Evidence:
        """What is told of a dataset now.

        Args:
            alike: other members of its entity, which are told with it and not by themselves.
        """
        sources = self._index.sources
        source, others = sources[hit.dataset], [sources[name] for name in alike]
        topic = self._topic(hit.dataset)
        columns = visible(self._columns(hit.dataset, topic))
        held = _held(source, sources, self._called)
        told = *held, *_verdict(source, self._called), *_alike(others, sources, self._called)
        facts = _size(source.dataset, self._values), columns, *told
        return Evidence(hit.dataset, round(hit.score, 3), tuple(map(visible, facts)), (columns,), visible(topic))

    def _called(self, name: str) -> str:
        return shortened(name if self._values else masked_id(name))

    def _topic(self, name: str) -> str:
        entity = self._index.entity_of[name]
        return self._index.topics[int(self._index.tree.parent[entity])].name

    def _columns(self, name: str, topic: str) -> str:
        """New ones by name, those that are nearest to the question first; the rest as a number."""
        told = self._told.setdefault(topic, set())
        leaves = self._index.sources[name].dataset.leaves
        names = list(dict.fromkeys(".".join(leaf.path) for leaf in leaves))
        if not names:
            return "columns unknown"
        near = self._nearness(name)
        new = [name for name in names if name.casefold() not in told]
        new.sort(key=lambda name: -near.get(name.rpartition(".")[2], 0))
        told.update(name.casefold() for name in new[:_COLUMNS])
        if not new:
            return f"{plural(len(names), 'column')}, all as above"
        before = f", {len(names) - len(new):,} as above" if len(new) < len(names) else ""
        return f"columns {some_of(list(map(shortened, new)), _COLUMNS)}{before}"

    def _nearness(self, name: str) -> Mapping[str, np.float32]:
        """How near the columns of a dataset's entity are to the question, by their names."""
        entities, entity = self._index.entities, self._index.entity_of[name]
        held = entities.holds.indices[entities.holds.indptr[entity] : entities.holds.indptr[entity + 1]]
        return {written: self._near[number] for number in held for written in entities.concepts[number].written}


def _near(index: Index, question: Question) -> Floats:
    """How near each column concept is to the phrase of the question that is nearest, shape (concepts,)."""
    if not question.phrases:
        return np.zeros(len(index.entities.concepts), np.float32)
    near = (index.meaning.columns.of_things @ index.embed(question.phrases).T).max(axis=1)
    return np.asarray(near[index.text_of], np.float32)


def evidence_of(index: Index, found: Found, values: bool = True) -> Iterator[Evidence]:
    """All evidence, the best first; what comes when does not depend on ``values`` (``Teller``).

    Members of one entity are told together, where the best of them is.
    """
    teller = Teller(index, found.question, values)
    for _, (hit, *others) in groupby(found.hits, lambda hit: index.entity_of[hit.dataset]):
        yield teller.of(hit, [other.dataset for other in others])


def packed(index: Index, found: Found, budget: int) -> tuple[Evidence, ...]:
    """The evidence that fits into so many tokens, the best first; one at least, if there is any."""
    kept: list[Evidence] = []
    for evidence in evidence_of(index, found):
        budget -= evidence.tokens
        if budget < 0 and kept:
            break
        kept.append(evidence)
    return tuple(kept)


def _size(dataset: Dataset, values: bool) -> str:
    rows = "rows unknown" if dataset.rows is None else plural(dataset.rows, "row")
    wrong = f", {shortened(dataset.error) if values else dataset.status}" if dataset.error else ""
    return f"{dataset.format}, {rows}, {human_bytes(dataset.bytes)}{wrong}"


def _held(source: Source, sources: Mapping[str, Source], called: Callable[[str], str]) -> Iterator[str]:
    """What is proven, and what the plan makes of it."""
    if source.holds:
        yield f"holds all rows of {some_of(list(map(called, source.holds)), _HELD)}"
        yield from _going(sources[name] for name in source.holds)


def _alike(others: Sequence[Source], sources: Mapping[str, Source], called: Callable[[str], str]) -> Iterator[str]:
    """Others with the same columns, summed up."""
    if others:
        rows = [source.dataset.rows for source in others]
        known = plural(sum(filter(None, rows)), "row") if None not in rows else "rows unknown"
        size = human_bytes(sum(source.dataset.bytes for source in others))
        names = some_of([called(source.dataset.id) for source in others], _ALIKE)
        yield f"and {len(others):,} more with the same columns, {known} and {size} together: {names}"
        yield from _going(others)
    if held := [sources[name] for source in others for name in source.holds]:
        yield f"these hold all rows of {plural(len(held), 'other dataset')}"
        yield from _going(held)


def _going(sources: Iterable[Source]) -> Iterator[str]:
    if number := sum(source.verdict is not None and source.verdict.goes for source in sources):
        yield f"the plan lets {number:,} of these go"


def _verdict(source: Source, called: Callable[[str], str]) -> Iterator[str]:
    if source.verdict:
        yield f"plan: {source.verdict.told(called)}"
