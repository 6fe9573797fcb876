"""Questions to a planted catalog: how many of which kind, what answers them, and that half can't be found by words."""

from __future__ import annotations

from collections import Counter
from functools import cache

from benchmarks.planted.catalogs import catalog_a
from benchmarks.planted.planted import Planted
from benchmarks.planted.questions import Question, asked, containers, folded, questions, words
from benchmarks.planted.vocabulary import subjects


@cache
def lake() -> Planted:
    return catalog_a(0)


@cache
def asked_of_it() -> tuple[Question, ...]:
    return questions(lake())


def test_there_are_80_about_topics_80_about_one_dataset_and_40_about_two_topics() -> None:
    assert Counter((one.kind, one.apart) for one in asked_of_it()) == {
        (kind, apart): count for kind, count in (("topic", 40), ("single", 40), ("pair", 20)) for apart in (False, True)
    }
    assert len({one.text for one in asked_of_it()}) == 200


def test_half_share_no_word_with_a_column_name_of_what_is_relevant() -> None:
    names = {one.id: " ".join(leaf.path[-1] for leaf in one.leaves) for one in lake().datasets}
    for question in asked_of_it():
        shared = words(question.text) & set().union(*(words(names[one]) for one in question.relevant))
        assert not (question.apart and shared), question.text


def test_words_are_split_and_lose_their_endings() -> None:
    assert words("Where do we keep orderDates, SHIPPED_ITEMS?") == {"keep", "order", "dat", "shipp", "item"}


def test_relevant_are_containers_of_the_families_asked_about() -> None:
    tops = containers(lake())
    family = dict(zip((one.id for one in lake().datasets), lake().family, strict=True))
    for question in asked_of_it():
        assert all(tops[one] == one for one in question.relevant)
        everything = {tops[one] for one, name in family.items() if name in question.families}
        assert question.relevant == everything if question.kind != "single" else question.relevant < everything
        assert question.kind != "single" or len(question.relevant) == 1


def test_a_container_is_held_by_nothing_and_holds_all_that_fold_into_it() -> None:
    tops, pairs = containers(lake()), set(lake().pairs)
    group = {one: found for found in lake().duplicates for one in found}
    for one, top in tops.items():
        assert one == top or (top, one) in pairs or top in group[one]
        assert not any(child == top for _, child in pairs)


def test_folding_names_a_container_once_where_its_best_was() -> None:
    assert folded(["c", "b", "a"], {"a": "a", "b": "b", "c": "a"}) == ["a", "b"]


def test_families_and_groups_have_words_of_people_who_know_no_column() -> None:
    assert set(asked()) == {one.name for one in subjects()} | {one.group for one in subjects()}


def test_a_seed_gives_one_set_of_questions() -> None:
    assert questions(lake()) == asked_of_it() != questions(lake(), 1)
