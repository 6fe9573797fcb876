"""Small catalogs and the trees over them, for tests of what is said of topics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from r2d2.model.dataset import Bounds, Dataset, Leaf
from r2d2.model.usage import Usage
from r2d2.semantics.entities.entities import Catalog, Entities, entities_of
from r2d2.semantics.labels.topics import Kept, Known, Topic, topics_of
from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.similarity.lexical import lexical
from r2d2.semantics.similarity.tokens import Tokens
from r2d2.semantics.tree import Tree

#: Columns of three subjects; all have the first two.
SUBJECTS = {
    "order": ("id", "created_at", "customer_name", "order_date", "order_amount", "discount"),
    "patient": ("id", "created_at", "patient_age", "blood_group", "ward", "admission_date"),
    "sensor": ("id", "created_at", "sensor_reading", "voltage", "temperature", "humidity"),
}


def dataset(name: str, columns: Sequence[str], rows: int | None = 100) -> Dataset:
    """One with a bound for each column, which is a cell value."""
    leaves = tuple(
        Leaf((column,), ("string",), bounds={"string": Bounds(f"low {column}", f"SECRET {column}")})
        for column in columns
    )
    return Dataset(name, "parquet", f"/lake/{name}", "v1", leaves=leaves, rows=rows, bytes=1_000)


def lake(copies: int = 4) -> list[Dataset]:
    """Some datasets of each subject; no two have the same columns."""
    return [
        dataset(f"{subject}s/{subject}_{number}", (*columns[: 6 - number % 2], f"{subject}_extra_{chr(97 + number)}"))
        for subject, columns in SUBJECTS.items()
        for number in range(copies)
    ]


@dataclass(frozen=True)
class Grouped:
    """A catalog and its tree: a topic for each subject, and the root."""

    tree: Tree
    entities: Entities
    alike: Blended
    known: Known

    def topics(self, kept: dict[int, Kept] | None = None) -> dict[int, Topic]:
        return topics_of(self.tree, self.entities, self.alike, self.known, kept or {})


def grouped(
    datasets: Sequence[Dataset], contained: Sequence[tuple[str, str]] = (), owners: Sequence[tuple[str, str]] = ()
) -> Grouped:
    """Grouped by what their ids begin with."""
    usages = [Usage(name, owner=owner) for name, owner in owners]
    entities = entities_of(Catalog(datasets, contained, usages=usages), {})
    first = [name[:3] for name in entities.ids]
    order = list(dict.fromkeys(first))
    labels = np.asarray([order.index(one) for one in first], np.int32)
    tree = Tree.of([labels, np.zeros(len(order), np.int32)])
    alike = Blended(np.zeros((len(entities), 1), np.float32), lexical(Tokens.of(entities)))
    known = Known({one.id: one for one in datasets}, {child for _, child in contained}, dict(owners))
    return Grouped(tree, entities, alike, known)
