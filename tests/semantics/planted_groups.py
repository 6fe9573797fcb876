"""Planted catalogs as the product groups them, for tests of what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.planted import catalogs
from benchmarks.planted.planted import Planted
from benchmarks.planted.scores import adjusted_rand_index
from r2d2.config import SemanticsSettings
from r2d2.semantics.embed.static import StaticEmbedder
from r2d2.semantics.entities.entities import Catalog, Entities, entities_of
from r2d2.semantics.entities.glossary import read_glossary
from r2d2.semantics.hierarchy.aggregate import Aggregation, aggregate
from r2d2.semantics.tree import Ints

#: 150 German words.
GLOSSARY = Path(catalogs.__file__).parent / "glossary.csv"
_CATALOGS: dict[str, Callable[[int], Planted]] = {
    "a": catalogs.catalog_a,
    "b": catalogs.catalog_b,
    "german": catalogs.catalog_c,
}


@dataclass(frozen=True, eq=False)
class Groups:
    """A catalog and its hierarchy."""

    planted: Planted
    aggregation: Aggregation

    @property
    def free(self) -> Ints:
        """The finest level, which is chosen without labels."""
        return self.aggregation.levels[0]

    @property
    def at_families(self) -> Ints:
        """The tree in as many parts as there are families."""
        return self.aggregation.parts(len(set(self.planted.family)))

    def ari(self, labels: Ints, truth: tuple[str, ...] | None = None) -> float:
        """Agreement of the datasets' groups with their families, or another truth about them."""
        entity = self.aggregation.entities.entity_of
        found = [int(labels[entity[dataset.id]]) for dataset in self.planted.datasets]
        return adjusted_rand_index(truth or self.planted.family, found)


def entities(planted: Planted, glossary: str = "") -> Entities:
    """As the product makes them."""
    usages = tuple(planted.usages.values())
    return entities_of(Catalog(planted.datasets, planted.pairs, planted.duplicates, usages), read_glossary(glossary))


def grouped(planted: Planted, glossary: str = "") -> Groups:
    """By the defaults."""
    return Groups(planted, aggregate(entities(planted, glossary), StaticEmbedder().embed, SemanticsSettings()))


@cache
def groups_of(name: str, seed: int, glossary: str = "") -> Groups:
    """``a``, ``b`` or ``german``."""
    return grouped(_CATALOGS[name](seed), glossary)
