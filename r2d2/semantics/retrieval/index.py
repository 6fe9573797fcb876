"""What questions are answered from: entities, their tree, topics and relations, and what is known of each dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from r2d2.semantics.embed.embedder import unit
from r2d2.semantics.entities.entities import Entities
from r2d2.semantics.labels.topics import Topic
from r2d2.semantics.relations.lifted import Lifted
from r2d2.semantics.retrieval.sources import Source
from r2d2.semantics.retrieval.words import Words, words_of_entities
from r2d2.semantics.similarity.dense import Embed, Half, Meaning, texts_of
from r2d2.semantics.similarity.weights import idf, scaled
from r2d2.semantics.topics.grouping import Grouped
from r2d2.semantics.tree import Floats, Ints, Tree

#: An aggregate of more than this share of all entities, and of more than so many, says little about any of them.
_BROAD, _FEW = 0.1, 20
#: What the rarity of columns and words counts more than nothing.
_COMMON = 1e-3


@dataclass(frozen=True, eq=False)
class Index:
    """A catalog that can be asked.

    Attributes:
        meaning: what entities mean.
        pieces: the fine piece of each entity.
        topics: the aggregates, by node.
        relations: of all levels.
        sources: of all datasets that are members of entities, by id.
        embed: texts → vectors, as the tree was made with.
    """

    entities: Entities
    meaning: Meaning
    tree: Tree
    pieces: Ints
    topics: Mapping[int, Topic]
    relations: Lifted
    sources: Mapping[str, Source]
    embed: Embed

    @classmethod
    def of(cls, grouped: Grouped, sources: Mapping[str, Source], embed: Embed) -> Index:
        """An index of what was grouped.

        Args:
            sources: of all datasets that were grouped, by id.
            embed: as they were grouped with.
        """
        found = grouped.aggregation
        parts = found.entities, found.compared.meaning, found.tree, found.pieces, grouped.topics, grouped.relations
        return cls(*parts, sources, embed)

    @cached_property
    def text_of(self) -> Ints:
        """Of each column concept its text's row in ``meaning.columns.of_things``, shape (concepts,)."""
        place = {text: number for number, text in enumerate(texts_of(self.entities))}
        return np.asarray([place[concept.text] for concept in self.entities.concepts], np.int32)

    @cached_property
    def words(self) -> Words:
        """The words of entities."""
        return words_of_entities(self.entities)

    @cached_property
    def named(self) -> frozenset[str]:
        """The words of columns' and datasets' names, as they are written and as they are meant; none of comments."""
        columns = (word for concept in self.entities.concepts for word in (*concept.words, *concept.spelled))
        written = {word for words in self.entities.written for word in words}
        return frozenset((*columns, *written, *self.entities.vocabulary.meant(written)))

    @cached_property
    def narrow(self) -> tuple[int, ...]:
        """Aggregates that tell something: not those that hold much of the lake."""
        most = max(_FEW, _BROAD * self.tree.leaves)
        return tuple(node for node in self.topics if node != self.tree.root and self.sizes[node] <= most)

    @cached_property
    def sizes(self) -> Ints:
        """Of each node, the entities below it."""
        found = np.zeros(self.tree.nodes, np.int32)
        for nodes in self.tree.at:
            found += np.bincount(nodes, minlength=self.tree.nodes).astype(np.int32)
        return found

    @cached_property
    def entity_of(self) -> Mapping[str, int]:
        """The entity of each dataset."""
        return self.entities.entity_of

    @cached_property
    def folding(self) -> Folding:
        """Where the members of entities are told."""
        tops = [dict.fromkeys(self.sources[name].container for name in names) for names in self.entities.members]
        listed: list[list[str]] = [[] for _ in tops]
        for name in dict.fromkeys(top for found in tops for top in found):
            listed[self.entity_of[name]].append(name)
        return Folding(
            into=tuple(tuple(dict.fromkeys(self.entity_of[name] for name in found)) for found in tops),
            full=tuple(tuple(name for name in names if not self.sources[name].is_empty) for names in listed),
            empty=tuple(tuple(name for name in names if self.sources[name].is_empty) for names in listed),
        )

    @cached_property
    def levels(self) -> tuple[Groups, Groups]:
        """Entities by piece, and by their finest aggregate."""
        tree = self.tree
        finest = tree.at[1] - tree.of_level(1).start
        return Groups.of(self.pieces, self.meaning), Groups.of(finest, self.meaning)

    @cached_property
    def plain(self) -> tuple[Floats, Floats]:
        """Of the finest aggregates the directions of columns and of names, seen from no middle."""
        columns, names = (unit(_sums(self.levels[1].numbers, _plain(half))) for half in _halves(self.meaning))
        return columns, names


class Folding(NamedTuple):
    """Datasets are told by what holds them.

    Attributes:
        into: of each entity, the entities of what holds its members and is held by none.
        full, empty: of each entity, its members that nothing holds, with rows and without any.
    """

    into: tuple[tuple[int, ...], ...]
    full: tuple[tuple[str, ...], ...]
    empty: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of entities.

    Attributes:
        numbers: the group of each entity, from 0.
        sizes: of each group.
        columns, names: directions of the sums of their vectors, shape (groups, dimensions).
    """

    numbers: Ints
    sizes: Ints
    columns: Floats
    names: Floats

    @classmethod
    def of(cls, groups: Ints, meaning: Meaning) -> Groups:
        """Groups with what they mean."""
        columns, names = (unit(_sums(groups, half.of_entities)) for half in _halves(meaning))
        return cls(groups, np.bincount(groups).astype(np.int32), columns, names)

    def mean(self, values: Floats) -> Floats:
        """Of each group the mean of its entities' values."""
        return np.asarray(np.bincount(self.numbers, values, len(self.sizes)) / self.sizes, np.float32)


def _halves(meaning: Meaning) -> tuple[Half, Half]:
    return meaning.columns, meaning.names


def _plain(half: Half) -> Floats:
    """Directions of entities, seen from no middle; what all of them have counts a little, as it may be all there is."""
    return unit(np.asarray(scaled(half.held, idf(half.held) + _COMMON) @ half.of_things, np.float32))


def _sums(groups: Ints, vectors: Floats) -> Floats:
    """Of each group the sum of its entities' vectors."""
    rows = np.arange(len(groups))
    member = csr_array((np.ones(len(rows), np.float32), (groups, rows)), (int(groups.max()) + 1, len(rows)))
    return np.asarray(member @ vectors, np.float32)
