"""How well questions to a planted catalog are answered: with the hierarchy, and by its rivals.

All methods render a dataset alike (``Teller``) and fold copies alike, but for the last one: ``tree`` is the product,
``flat`` the same words and meaning without the tree (``--level base``), ``dense`` the meaning alone, nothing folded:
the flat retrieval that LeanRAG compares itself with. A container that ``dense`` finds by a copy counts as found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from benchmarks.planted.planted import Planted
from benchmarks.planted.questions import Question, containers, questions
from benchmarks.planted.scores import r_precision, recall_at
from r2d2.config import SemanticsSettings
from r2d2.semantics.entities.entities import Catalog
from r2d2.semantics.retrieval.evidence import Teller
from r2d2.semantics.retrieval.index import Index
from r2d2.semantics.retrieval.question import Question as Asked
from r2d2.semantics.retrieval.search import Found, Hit, search
from r2d2.semantics.retrieval.sources import sources_of
from r2d2.semantics.similarity.dense import NAME, Embed
from r2d2.semantics.topics.grouping import group

METHODS = ("tree", "flat", "dense")
#: The share of what is relevant at which tokens are counted.
_RECALL = 0.8


@dataclass(frozen=True)
class Score:
    """Of one question and one method.

    Attributes:
        r_precision, recall: of distinct containers; recall among the first ten, over as many as could be there.
        tokens: of the datasets told until 0.8 of the relevant ones are among them.
        shown: relevant ones among what fits into the tokens of an answer.
    """

    r_precision: float
    recall: float
    tokens: int
    shown: int


def index_of(catalog: Planted, embed: Embed, settings: SemanticsSettings) -> Index:
    """The catalog, grouped, as the product would."""
    usages = tuple(catalog.usages.values())
    grouped = group(Catalog(catalog.datasets, catalog.pairs, catalog.duplicates, usages), {}, embed, settings)
    return Index.of(grouped, sources_of(catalog.datasets, catalog.pairs, catalog.duplicates, {}), embed)


def scored(
    catalog: Planted, index: Index, settings: SemanticsSettings, methods: Sequence[str] = METHODS
) -> list[tuple[Question, Mapping[str, Score]]]:
    """All questions to a catalog, and how each method does."""
    container = containers(catalog)
    unfolded = replace(index, sources={name: replace(one, holds=()) for name, one in index.sources.items()})
    found = []
    for question in questions(catalog):
        each = {}
        for method in methods:
            told = unfolded if method == "dense" else index
            each[method] = _score(question, told, _found(told, question.text, method), container, settings)
        found.append((question, each))
    return found


def _found(index: Index, text: str, method: str) -> Found:
    if method == "dense":
        return Found(Asked.of(text), tuple(_dense(index, text)))
    return search(index, text, "both" if method == "tree" else "base")


def _dense(index: Index, text: str) -> Iterator[Hit]:
    """Every dataset by itself, by the meaning of its columns and its name."""
    question = Asked.of(text)
    vector = index.embed([" ".join(question.words)])
    values = (index.meaning.columns.like(vector) + NAME * index.meaning.names.like(vector))[:, 0]
    for entity in np.argsort(-values, kind="stable").tolist():
        for name in index.entities.members[entity]:
            yield Hit(name, float(values[entity]))


def _score(
    question: Question, index: Index, found: Found, container: Mapping[str, str], settings: SemanticsSettings
) -> Score:
    ranked = list(dict.fromkeys(container[hit.dataset] for hit in found.hits))
    teller, tokens, got, shown = Teller(index, found.question), 0, set[str](), 0
    for hit in found.hits:
        tokens += teller.of(hit).tokens
        got |= {container[hit.dataset]} & question.relevant
        shown = len(got) if tokens <= settings.answer_tokens else shown
        if len(got) >= ceil(_RECALL * len(question.relevant) - 1e-9):
            break
    return Score(r_precision(ranked, question.relevant), recall_at(ranked, question.relevant), tokens, shown)
