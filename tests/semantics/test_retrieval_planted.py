"""Questions to a planted catalog: the hierarchy finds more than flat search, with fewer tokens, and loses nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from statistics import mean, median

import pytest

from benchmarks.planted.astray import answered, astray
from benchmarks.planted.catalogs import catalog_a
from benchmarks.planted.planted import Planted
from benchmarks.planted.questions import Question
from benchmarks.planted.retrieval import Score, index_of, scored
from r2d2.config import SemanticsSettings
from r2d2.semantics.embed.static import StaticEmbedder
from r2d2.semantics.retrieval.index import Index
from r2d2.semantics.retrieval.search import search
from tests.sampling import FULL

SETTINGS = SemanticsSettings()
seeds = pytest.mark.parametrize("seed", [0, pytest.param(1, marks=FULL), pytest.param(2, marks=FULL)])


@cache
def lake(seed: int) -> tuple[Planted, Index]:
    catalog = catalog_a(seed)
    return catalog, index_of(catalog, StaticEmbedder().embed, SETTINGS)


@cache
def scores(seed: int) -> list[tuple[Question, Mapping[str, Score]]]:
    return scored(*lake(seed), SETTINGS, ("tree", "flat"))


def means(seed: int, kind: str, what: str) -> tuple[float, float]:
    found = [each for question, each in scores(seed) if question.kind == kind]
    tree, flat = (mean(getattr(each[method], what) for each in found) for method in ("tree", "flat"))
    print(f"seed {seed}, {kind}, {what}: {tree:.3f} with the hierarchy, {flat:.3f} flat")
    return tree, flat


@seeds
def test_topic_questions_find_more_by_the_hierarchy(seed: int) -> None:
    for what, more in (("r_precision", 0.05), ("recall", 0.03)):
        tree, flat = means(seed, "topic", what)
        assert tree >= flat + more


@seeds
def test_questions_about_two_topics_find_more_too(seed: int) -> None:
    tree, flat = means(seed, "pair", "r_precision")
    assert tree >= flat + 0.05


@seeds
def test_questions_about_one_dataset_lose_nothing_that_counts(seed: int) -> None:
    for what in ("r_precision", "recall"):
        tree, flat = means(seed, "single", what)
        assert tree >= flat - 0.01


@seeds
def test_what_flat_search_has_among_its_first_ten_is_in_the_evidence(seed: int) -> None:
    lost = [question.text for question, each in scores(seed) if each["flat"].recall and not each["tree"].shown]
    assert lost == []


@seeds
def test_the_hierarchy_takes_fewer_tokens_to_recall_four_fifths(seed: int) -> None:
    found = [each for question, each in scores(seed) if question.kind == "topic"]
    for of, saved in ((mean, 0.4), (median, 0.35)):
        tree, flat = (of([each[method].tokens for each in found]) for method in ("tree", "flat"))
        print(f"seed {seed}: {of.__name__} {tree:,.0f} tokens with the hierarchy, {flat:,.0f} flat")
        assert tree <= (1 - saved) * flat


@seeds
def test_no_question_that_the_catalog_is_about_is_turned_away(seed: int) -> None:
    assert [question.text for question, _ in scores(seed) if not search(lake(seed)[1], question.text).hits] == []


@seeds
def test_of_other_questions_none_of_nonsense_gets_a_sure_answer_and_many_none(seed: int) -> None:
    asked, index = astray(), lake(seed)[1]
    lacking, nonsense = asked["about what it lacks"], asked["of nonsense"]
    (named, near), (mistaken, guessed) = answered(index, lacking), answered(index, nonsense)
    print(f"seed {seed}: {named} and {near} of {len(lacking)}, {mistaken} and {guessed} of {len(nonsense)}")
    assert (named, mistaken) <= (len(lacking) // 10, 0)
    assert near <= 0.6 * len(lacking)
    assert guessed <= 0.8 * len(nonsense)


def test_a_lake_of_few_subjects_turns_nonsense_away() -> None:
    catalog = lake(0)[0]
    few = [one for one, name in zip(catalog.datasets, catalog.family, strict=True) if name in ("orders", "weather")]
    index = index_of(replace(catalog, datasets=tuple(few[::2])), StaticEmbedder().embed, SETTINGS)
    for question in ("clients and their purchases", "storms"):
        found = search(index, question)
        assert found.hits
        assert not found.named
    for questions in astray().values():
        assert sum(answered(index, questions)) <= 0.3 * len(questions)
