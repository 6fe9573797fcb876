"""Evidence: what is told of the datasets that answer, under a budget of tokens, nothing twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from r2d2.model.dataset import Dataset
from r2d2.semantics.retrieval.index import Index
from r2d2.semantics.retrieval.search import Hit
from r2d2.semantics.retrieval.sources import Source
from r2d2.semantics.retrieval.tokens import tokens_of
from r2d2.units import human_bytes, plural, some_of
from r2d2.visible import shortened, visible

#: Columns that are named of one dataset, and datasets that it holds; how many more there are is said.
_COLUMNS, _HELD = 12, 2


@dataclass(frozen=True)
class Evidence:
    """What is told of one dataset.

    Attributes:
        dataset: its id, as it is.
        score: its share of the best one's, 0 to 1.
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
    """Tells of datasets one after the other; columns that were told of a topic are only counted the next time."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._told: dict[str, set[str]] = {}

    def of(self, hit: Hit) -> Evidence:
        """What is told of a dataset now."""
        source = self._index.sources[hit.dataset]
        topic = self._topic(hit.dataset)
        columns = visible(self._columns(source.dataset, topic))
        facts = (_size(source.dataset), columns, *map(visible, (*_held(source), *_verdict(source))))
        return Evidence(hit.dataset, round(hit.score, 3), facts, (columns,), visible(topic))

    def _topic(self, name: str) -> str:
        entity = self._index.entity_of[name]
        return self._index.topics[int(self._index.tree.parent[entity])].name

    def _columns(self, dataset: Dataset, topic: str) -> str:
        """New ones by name, the rest as a number."""
        told = self._told.setdefault(topic, set())
        names = list(dict.fromkeys(".".join(leaf.path) for leaf in dataset.leaves))
        new = [name for name in names if name.casefold() not in told]
        told.update(name.casefold() for name in new[:_COLUMNS])
        before = len(names) - len(new)
        if not new:
            return f"{plural(before, 'column')}, all as above"
        return f"columns {some_of(list(map(shortened, new)), _COLUMNS)}" + (f", {before:,} as above" if before else "")


def packed(index: Index, hits: Iterable[Hit], budget: int) -> tuple[Evidence, ...]:
    """The evidence that fits into so many tokens, the best first; one at least, if there is any."""
    teller = Teller(index)
    found: list[Evidence] = []
    for hit in hits:
        evidence = teller.of(hit)
        budget -= evidence.tokens
        if budget < 0 and found:
            break
        found.append(evidence)
    return tuple(found)


def _size(dataset: Dataset) -> str:
    rows = "rows unknown" if dataset.rows is None else plural(dataset.rows, "row")
    return f"{dataset.format}, {rows}, {human_bytes(dataset.bytes)}"


def _held(source: Source) -> Sequence[str]:
    """What is proven."""
    if not source.holds:
        return ()
    return (f"holds all rows of {some_of(list(map(shortened, source.holds)), _HELD)}",)


def _verdict(source: Source) -> Sequence[str]:
    return (f"plan: {source.verdict}",) if source.verdict else ()
