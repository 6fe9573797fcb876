"""What each aggregate of the tree is about: its best words, its most typical dataset, the facts below it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from r2d2.model.dataset import Dataset
from r2d2.semantics.entities.entities import Entities
from r2d2.semantics.entities.words import table_name
from r2d2.semantics.labels.facts import Facts, facts_of, summed
from r2d2.semantics.labels.naming import Follows, Unnamed, follows_of, names_of, readable
from r2d2.semantics.labels.rights import Gets, allows
from r2d2.semantics.labels.template import summary_of
from r2d2.semantics.labels.terms import terms, words_of_entities
from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.tree import Tree

#: Words that are looked at for a name.
_WORDS = 12
#: What a template knows: words of names.
_TEMPLATE: Gets = "names"
#: Words that stand for a name that may not be told.
_STAND_IN = 3


class Kept(NamedTuple):
    """The name of a topic from an earlier run, the language model that gave it, and how much that was told.

    ``by`` is empty for a template; ``told`` for what is not known.
    """

    name: str
    by: str = ""
    told: str = ""


#: The root's name: it is about nothing that others are not about.
EVERYTHING = Kept("All datasets", told=_TEMPLATE)


@dataclass(frozen=True)
class Known:
    """What is known of the datasets that were grouped.

    Attributes:
        datasets: by id, all that are members of entities.
        held: ids of those all of whose rows another one holds, as was proven.
        owners: of ids, where they are known.
    """

    datasets: Mapping[str, Dataset]
    held: Collection[str]
    owners: Mapping[str, str]


@dataclass(frozen=True)
class Topic:
    """An aggregate.

    Attributes:
        node, level: in the tree.
        name: unique within the level.
        summary: sentences. Like the name they hold text from the lake: print them through ``r2d2.visible``.
        terms: readable words that tell it from others of its level, the best first.
        typical: the dataset in its middle.
        members: ids of all datasets below it, sorted.
        facts: of these.
        by: the language model that named it; empty where that was a template.
        told: how much whoever named it knew, as ``Gets``; empty where that is not known.
    """

    node: int
    level: int
    name: str
    summary: str
    terms: tuple[str, ...]
    typical: str
    members: tuple[str, ...]
    facts: Facts
    by: str = ""
    told: str = ""

    @property
    def key(self) -> str:
        """A hash of the members: what was written about these is still good."""
        return hashlib.sha256(json.dumps(self.members).encode()).hexdigest()

    def name_for(self, gets: Gets) -> str:
        """Its name for a language model elsewhere; its words where the name may say more than that may be told."""
        if allows(gets, self.told):
            return self.name
        return ", ".join(self.terms[:_STAND_IN]) or table_name(self.typical)


def topics_of(
    tree: Tree, entities: Entities, alike: Blended, known: Known, kept: Mapping[int, Kept]
) -> dict[int, Topic]:
    """The topics of a tree, by node: all but its leaves, with names and summaries from templates.

    Args:
        alike: what the entities are like.
        kept: names that nodes have from an earlier run.
    """
    facts = _facts(tree, entities, known)
    words, spelled = words_of_entities(entities)
    follows = follows_of(entities)
    found: dict[int, Topic] = {}
    for level in range(1, tree.height + 1):
        nodes = tree.of_level(level)
        best = terms(words, tree.at[level] - nodes.start, _WORDS)
        told = [tuple(readable([spelled[word] for word in row])) for row in best]
        rows = zip(nodes, told, _typical(tree, level, alike), strict=True)
        topics = [_topic(tree, entities, facts[node], node, best, middle) for node, best, middle in rows]
        found |= _named(topics, follows, {**kept, tree.root: EVERYTHING})
    return found


def _topic(tree: Tree, entities: Entities, facts: Facts, node: int, terms: tuple[str, ...], middle: int) -> Topic:
    """One without a name."""
    members = sorted(name for leaf in tree.leaves_below(node) for name in entities.members[leaf])
    typical = entities.ids[middle]
    summary = summary_of(facts, terms, typical)
    return Topic(node, int(tree.level[node]), "", summary, terms, typical, tuple(members), facts)


def _named(topics: Sequence[Topic], follows: Follows, kept: Mapping[int, Kept]) -> dict[int, Topic]:
    unnamed = {topic.node: Unnamed(topic.terms, table_name(topic.typical), topic.facts.datasets) for topic in topics}
    names = names_of(unnamed, follows, {node: kept[node].name for node in unnamed if node in kept})
    found = {node: Kept(name, told=_TEMPLATE) for node, name in names.items()}
    found |= {node: kept[node] for node in kept if node in names and kept[node].name == names[node]}
    return {topic.node: replace(topic, **found[topic.node]._asdict()) for topic in topics}


def _facts(tree: Tree, entities: Entities, known: Known) -> list[Facts]:
    """Of each node, leaves included."""
    found = [
        summed(facts_of(known.datasets[name], name in known.held, known.owners.get(name, "")) for name in members)
        for members in entities.members
    ]
    for node in range(tree.leaves, tree.nodes):
        found.append(summed(found[child] for child in tree.children[node]))
    return found


def _typical(tree: Tree, level: int, alike: Blended) -> list[int]:
    """Of each node of a level, the leaf that is most like all below it together."""
    nodes = tree.of_level(level)
    centroids = alike.centroids(tree.at[level] - nodes.start)
    found = []
    for number, node in enumerate(nodes):
        leaves = tree.leaves_below(node)
        middle = Blended(centroids.dense[[number]], centroids.lexical[[number]])
        found.append(int(leaves[np.argmax(alike.between(leaves, middle)[:, 0])]))
    return found
