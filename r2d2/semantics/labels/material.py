"""What is told of a topic to a language model elsewhere: names, or facts too, or also cell values, as is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from r2d2.model.dataset import BoundValue, Dataset, Leaf
from r2d2.model.family import DATE, INSTANT, TIMESTAMP
from r2d2.semantics.entities.entities import Concept, Entities
from r2d2.semantics.labels.rights import Gets
from r2d2.semantics.labels.topics import Topic
from r2d2.semantics.similarity.weights import idf
from r2d2.semantics.tree import Floats, Ints, Tree
from r2d2.visible import masked_id, shortened

#: Names of datasets, columns and words that are told of one topic; it is said how many more there are.
_DATASETS, _COLUMNS, _WORDS = 30, 40, 10
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, eq=False)
class Material:
    """Tells of the topics of a tree.

    Attributes:
        datasets: by id, all that are members of entities.
        gets: what may be told.
    """

    tree: Tree
    entities: Entities
    datasets: Mapping[str, Dataset]
    gets: Gets

    def of(self, topic: Topic) -> dict[str, Any]:
        """As JSON can hold it; names are as they are, cell values only where they are allowed."""
        leaves = self.tree.leaves_below(topic.node)
        shown = list(dict.fromkeys((topic.typical, *(self.entities.ids[leaf] for leaf in _spread(leaves.tolist())))))
        concepts, more = self._concepts(leaves)
        told: dict[str, Any] = {
            "datasets": [self._id(name) for name in shown],
            "more_datasets": len(topic.members) - len(shown),
            "columns": [_column(concept) for concept in concepts],
            "more_columns": more,
            "words": list(topic.terms[:_WORDS]),
        }
        if self.gets != "names":
            told |= _facts(topic) | {"comments": [shortened(c.comment) for c in concepts if c.comment]}
        if self.gets == "values":
            told["values_of_the_first_dataset"] = _values(self.datasets[topic.typical])
        return told

    @cached_property
    def _weights(self) -> Floats:
        return idf(self.entities.holds)

    def _concepts(self, leaves: Ints) -> tuple[list[Concept], int]:
        """The columns that tell a topic from others, the best first, and how many there are besides."""
        often = np.asarray(self.entities.holds[leaves].sum(axis=0)).ravel()
        order = np.argsort(-often * (self._weights + 1e-3), kind="stable")[: np.count_nonzero(often)]
        return [self.entities.concepts[number] for number in order[:_COLUMNS]], max(0, len(order) - _COLUMNS)

    def _id(self, name: str) -> str:
        """Values of partitions are cell values."""
        return shortened(name if self.gets == "values" else masked_id(name))


def _spread(items: Sequence[int]) -> Sequence[int]:
    """At most so many as are told, spread evenly."""
    return items[:: -(-len(items) // _DATASETS)]


def _column(concept: Concept) -> str:
    """A name, and what its short forms stand for."""
    written, words = concept.written[0], " ".join(concept.words)
    same = written.replace("_", " ").casefold() == words
    return shortened(written if same else f"{written} ({words})")


def _facts(topic: Topic) -> dict[str, Any]:
    facts = topic.facts
    dates = " to ".join(dict.fromkeys(date for date in (facts.first, facts.last) if date))
    return {
        "rows": facts.rows,
        "bytes": facts.bytes,
        "formats": dict(facts.formats),
        "owners": [shortened(owner) for owner in list(facts.owners)[:_WORDS]],
        "held_by_other_datasets": facts.held,
        "dates_in_names": dates,
    }


def _values(dataset: Dataset) -> dict[str, str]:
    """The smallest and the largest value of its first columns."""
    bounded = [leaf for leaf in dataset.leaves if _family(leaf)]
    return {shortened(".".join(leaf.path)): _range(leaf) for leaf in bounded[:_COLUMNS]}


def _family(leaf: Leaf) -> str:
    """The narrowest family of which bounds are known; empty for none."""
    return next((family for family in leaf.families if family in leaf.bounds), "")


def _range(leaf: Leaf) -> str:
    family = _family(leaf)
    bounds = leaf.bounds[family]
    return " to ".join(shortened(_shown(family, value)) for value in (bounds.low, bounds.high))


def _shown(family: str, value: BoundValue) -> str:
    """A canonical bound as people write it."""
    try:
        if family == DATE and isinstance(value, int):
            return (_EPOCH + timedelta(days=value)).isoformat()
        if family in (TIMESTAMP, INSTANT) and isinstance(value, int):
            return datetime.fromtimestamp(value // 1_000_000_000, UTC).replace(tzinfo=None).isoformat(" ")
    except (OverflowError, ValueError, OSError):  # beyond the years that Python knows
        pass
    return str(value)
