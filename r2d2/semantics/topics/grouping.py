"""Datasets of a run into topics that last: entities, aggregation, relations, names; and what the run before knew."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from r2d2.config import SemanticsSettings
from r2d2.model.dataset import Dataset
from r2d2.semantics.entities.entities import Catalog, Entities, entities_of
from r2d2.semantics.hierarchy.aggregate import Aggregation, aggregate
from r2d2.semantics.hierarchy.placed import Places
from r2d2.semantics.labels.topics import Kept, Known, Topic, topics_of
from r2d2.semantics.relations.layers import Layer, relate
from r2d2.semantics.relations.lifted import Lifted
from r2d2.semantics.similarity.dense import Embed
from r2d2.semantics.topics.base import base_relations
from r2d2.semantics.topics.lasting import Extent, lasting_ids
from r2d2.semantics.tree import Tree

Glossary = Mapping[str, tuple[str, ...]]


class Earlier(NamedTuple):
    """What the run before left.

    Attributes:
        places: where each dataset was; None if that says nothing any more.
        members: what each topic covered, by id.
        names: of each topic, by id, and who gave it.
    """

    places: Places | None
    members: Mapping[str, Extent]
    names: Mapping[str, Kept]


NOTHING = Earlier(None, {}, {})


@dataclass(frozen=True, eq=False)
class Grouped:
    """Datasets in topics.

    Attributes:
        topics: by node of the aggregation's tree; all nodes but leaves.
        ids: of these nodes; they last from run to run.
        relations: on all levels, bridges included.
        layers: the levels in figures.
        looks: of each dataset (``looks_of``); empty where it was read again.
    """

    aggregation: Aggregation
    topics: Mapping[int, Topic]
    ids: Mapping[int, str]
    relations: Lifted
    layers: tuple[Layer, ...]
    looks: Mapping[str, str] = field(default_factory=dict)

    @property
    def entities(self) -> Entities:
        """What was grouped."""
        return self.aggregation.entities


def group(
    catalog: Catalog, glossary: Glossary, embed: Embed, settings: SemanticsSettings, earlier: Earlier = NOTHING
) -> Grouped:
    """Groups at least one dataset.

    Args:
        embed: texts → vectors.
        earlier: topics keep ids and names, and what has not changed its place.
    """
    entities = entities_of(catalog, glossary)
    looks = looks_of(catalog)
    places = earlier.places.of_unchanged(looks) if earlier.places else None
    aggregation = aggregate(entities, embed, settings, places)
    ids = lasting_ids(extents(aggregation.tree, entities), earlier.members)
    return replace(related(aggregation, ids, catalog, settings, earlier.names), looks=looks)


def related(
    aggregation: Aggregation,
    ids: Mapping[int, str],
    catalog: Catalog,
    settings: SemanticsSettings,
    names: Mapping[str, Kept],
) -> Grouped:
    """An aggregation with its relations and what its topics are about.

    Args:
        ids: of the topics, by node.
        names: that topics have already, by id.
    """
    tree, neighbours = aggregation.tree, (aggregation.places, aggregation.scores)
    base = base_relations(aggregation.entities, *neighbours)
    relations, layers = relate(tree, base, aggregation.blended, neighbours, exemplars=max(3, settings.tau))
    kept = {node: names[topic] for node, topic in ids.items() if topic in names}
    topics = topics_of(tree, aggregation.entities, aggregation.blended, known_of(catalog), kept)
    return Grouped(aggregation, topics, ids, relations, layers)


def looks_of(catalog: Catalog) -> dict[str, str]:
    """What tells the columns of each dataset: a hash of their names, in any order and case."""
    return {dataset.id: _look(dataset) for dataset in catalog.datasets}


def _look(dataset: Dataset) -> str:
    names = sorted({"\0".join(leaf.path).casefold() for leaf in dataset.leaves})
    return hashlib.blake2b("\n".join(names).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def extents(tree: Tree, entities: Entities) -> dict[int, Extent]:
    """What each node covers; all nodes but leaves."""
    found: dict[int, list[str]] = defaultdict(list)
    for leaf, members in enumerate(entities.members):
        for node in tree.path(leaf)[1:]:
            found[node].extend(members)
    return {node: Extent(int(tree.level[node]), sorted(found[node])) for node in range(tree.leaves, tree.nodes)}


def known_of(catalog: Catalog) -> Known:
    """What topics are told of the datasets."""
    held = {child for _, child in catalog.contained} | {name for group in catalog.duplicates for name in group[1:]}
    owners = {usage.dataset: usage.owner for usage in catalog.usages if usage.owner}
    return Known({dataset.id: dataset for dataset in catalog.datasets}, held, owners)
