"""Bottom-up aggregation: entities, pieces, a tree over them, and the levels that people see (LeanRAG, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from r2d2.config import SemanticsSettings
from r2d2.semantics.entities.entities import Entities
from r2d2.semantics.hierarchy.levels import levels_of
from r2d2.semantics.hierarchy.linkage import Linkage, linkage_of, linkage_within
from r2d2.semantics.hierarchy.pieces import pieces
from r2d2.semantics.hierarchy.placed import Places, carried, pieces_before
from r2d2.semantics.hierarchy.reference import reference_levels
from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.similarity.dense import Embed, Meaning, meaning_of
from r2d2.semantics.similarity.graph import graph_of
from r2d2.semantics.similarity.lexical import lexical
from r2d2.semantics.similarity.near import near
from r2d2.semantics.similarity.tokens import Tokens
from r2d2.semantics.tree import Floats, Ints, Tree

#: Spelling says best which single entities belong together: a vector of few columns is mostly chance.
_MEANING = np.float32(0.1)


class Compared(NamedTuple):
    """What entities are compared by.

    Attributes:
        tokens: their words.
        meaning: by columns and by names.
        blended: what they mean, and how they are spelled.
    """

    tokens: Tokens
    meaning: Meaning
    blended: Blended


@dataclass(frozen=True, eq=False)
class Aggregation:
    """Entities and their hierarchy.

    Attributes:
        compared: what they were compared by.
        places, scores: the neighbours of each entity, shape (entities, k).
        pieces: the fine piece of each entity.
        linkage: the tree over pieces.
        levels: the group of each entity on each level, the finest first, the root last.
        placed: how many entities were placed one by one since all were grouped.
    """

    entities: Entities
    compared: Compared
    places: Ints
    scores: Floats
    pieces: Ints
    linkage: Linkage
    levels: tuple[Ints, ...]
    placed: int = 0

    @property
    def blended(self) -> Blended:
        """What entities mean, and how they are spelled."""
        return self.compared.blended

    @cached_property
    def tree(self) -> Tree:
        """Entities, levels and the root as a tree."""
        steps = [self.levels[0]]
        for below, above in zip(self.levels, self.levels[1:], strict=False):
            step = np.empty(int(below.max()) + 1, np.int32)
            step[below] = above
            steps.append(step)
        return Tree.of(steps)

    def parts(self, number: int) -> Ints:
        """The tree in so many parts, or as many as there are pieces: the part of each entity."""
        return np.asarray(self.linkage.cut(number)[self.pieces], np.int32)


def aggregate(
    entities: Entities, embed: Embed, settings: SemanticsSettings, before: Places | None = None
) -> Aggregation:
    """The hierarchy of at least one entity.

    Args:
        embed: texts → vectors of length one.
        before: where datasets were in an earlier run: what has not changed stays there, but in the mode ``reference``.

    Raises:
        EnvironmentMissing, UsageError: as ``reference_levels`` does, in that mode.
    """
    found = compared(entities, embed)
    blended = found.blended
    places, scores = neighbours(blended, settings)
    if settings.mode == "reference":
        levels = reference_levels(entities, embed, settings.seed)
        linkage = linkage_within(blended, levels[0], levels)
        return Aggregation(entities, found, places, scores, levels[0], linkage, levels)
    graph = graph_of(len(entities), places, scores, entities.relations)
    carried_on = carried(entities, graph, blended, before) if before else None
    if carried_on:
        fine, levels, placed = carried_on.pieces, carried_on.levels, carried_on.placed
        linkage = linkage_within(blended, fine, levels)
        return Aggregation(entities, found, places, scores, fine, linkage, levels, placed)
    fine = pieces(graph, settings.piece, settings.seed, pieces_before(entities, before) if before else None)
    linkage = linkage_of(blended, fine)
    levels = levels_of(blended, fine, linkage)
    return Aggregation(entities, found, places, scores, fine, linkage, levels)


def compared(entities: Entities, embed: Embed) -> Compared:
    """What the similarity of entities is taken from."""
    tokens = Tokens.of(entities)
    meaning = meaning_of(entities, tokens, embed)
    return Compared(tokens, meaning, Blended(meaning.dense, lexical(tokens)))


def neighbours(blended: Blended, settings: SemanticsSettings) -> tuple[Ints, Floats]:
    """The neighbours of each entity, and how similar they are."""
    weighted = Blended(blended.dense * _MEANING**0.5, blended.lexical)
    return near(weighted, settings.neighbours, settings.device)
