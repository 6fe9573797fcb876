"""The parts of an answer: a question's words, tokens, what holds what, words as shares, virtual trees."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from r2d2.semantics.retrieval.question import Question
from r2d2.semantics.retrieval.sources import Verdict, sources_of
from r2d2.semantics.retrieval.tokens import tokens_of
from r2d2.semantics.retrieval.virtual_tree import lowest_common_ancestor, virtual_tree
from r2d2.semantics.retrieval.words import Words
from r2d2.semantics.tree import Tree
from tests.semantics.small_index import index_of
from tests.semantics.small_topics import dataset, lake

NAMES = "abcdefg"


def tops(contained: list[tuple[str, str]], duplicates: list[tuple[str, ...]], **rows: int) -> dict[str, str]:
    datasets = [dataset(name, ("a",), rows=number) for name, number in rows.items()]
    return {name: one.container for name, one in sources_of(datasets, contained, duplicates, {}).items()}


def test_a_question_is_read_without_grammar_and_words_of_asking() -> None:
    question = Question.of("What do we hold about customerOrders, and which of it is redundant with refunds?")
    assert question.words == ("customer", "order", "redundant", "refund")
    assert question.phrases == ("customer order", "redundant", "refund")


@pytest.mark.parametrize("text", ["", "   ", "What do we have?", "show me everything!", "\x00\u202e"])
def test_a_question_may_name_nothing(text: str) -> None:
    assert not Question.of(text).words


@pytest.mark.parametrize(
    ("text", "names", "words"),
    [
        ("which stores do we have?", {"store"}, ("store",)),
        ("stores", {"store"}, ("store",)),
        ("what do we know about us?", {"us"}, ("us",)),
        ("what do we keep on IT?", {"it"}, ("it",)),
        ("which links?", {"link"}, ("link",)),
        ("which lists", {"list"}, ("list",)),
        ("what of May", {"may"}, ("may",)),
        ("Which stores are in Berlin?", {"store"}, ("store", "berlin")),
        ("customers of US", {"us"}, ("customer", "us")),
        ("Which stores have customers?", {"store", "customer"}, ("customer",)),
        ("Show me what scientists wrote about us", {"show", "us"}, ("scientist", "wrote")),
        ("What links novels with what pollutes it?", {"it"}, ("novel", "pollute")),
        ("List all that we have", {"list"}, ()),
        ("show me everything!", {"show", "everything"}, ()),
        ("what data do we have?", {"data"}, ()),
        ("which stores do we have?", {"order"}, ()),
    ],
)
def test_words_of_asking_are_subjects_where_names_have_them(text: str, names: set[str], words: tuple[str, ...]) -> None:
    assert Question.of(text, has=names.__contains__).words == words


def test_of_a_long_question_the_first_things_are_read() -> None:
    names = [
        f"{one}{other}" for one in "bcdfghjklmnp" for other in ("order", "table", "ward", "staff", "level", "pump")
    ]
    assert not Question.of(", ".join(names[:50] * 3)).cut
    found = Question.of(", ".join(names))
    assert (found.phrases, found.cut) == (tuple(names[:50]), True)
    one = Question.of(" ".join(names * 5))
    assert (one.phrases, len(one.words), one.cut) == ((" ".join((names * 5)[:200]),), len(names), True)
    exact = Question.of(" ".join((names * 5)[:200]))
    assert not exact.cut
    assert Question.of(" ".join((names * 5)[:200]) + ", zeppelin").words == exact.words


def test_a_word_longer_than_any_name_is_not_taken_apart() -> None:
    read: list[str] = []
    Question.of("order " + "x" * 98_000, lambda word: (read.append(word) or word,))  # type: ignore[func-returns-value]
    assert read == ["order"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_tokens_of_two_lines_are_those_of_both(one: str, other: str) -> None:
    assert tokens_of(f"{one}\n{other}") == tokens_of(one) + tokens_of(other)


def test_long_words_and_signs_are_tokens() -> None:
    assert [tokens_of(text) for text in ("", "abcd", "abcde", "a_b", "1,000 rows")] == [0, 1, 2, 3, 4]


def test_a_dataset_is_folded_into_what_holds_it_and_nothing_else_holds() -> None:
    found = tops([("a", "b"), ("b", "c"), ("x", "c")], [], a=9, b=5, c=1, x=2)
    assert found == {"a": "a", "b": "a", "c": "a", "x": "x"}


def test_copies_are_folded_into_the_first_of_them_and_what_they_hold_too() -> None:
    assert tops([("b", "c")], [("a", "b")], a=5, b=5, c=1) == {"a": "a", "b": "a", "c": "a"}


def test_of_copies_the_one_that_the_plan_keeps_stands_for_all() -> None:
    datasets = [dataset(name, ("x",)) for name in ("a", "b")]
    found = sources_of(datasets, [], [("a", "b")], {"a": Verdict("retire", True), "b": Verdict("keep", False)})
    assert (found["a"].container, found["b"].holds) == ("b", ("a",))


def test_proofs_in_a_circle_and_of_unknown_datasets_end() -> None:
    found = tops([("a", "b"), ("b", "a"), ("gone", "a")], [("gone", "b")], a=1, b=1)
    assert set(found.values()) <= {"a", "b"}


def walked(name: str, above: Mapping[str, set[str]], rows: Mapping[str, int]) -> str:
    """The top by its definition: up by the parent with most rows, never twice to the same."""
    seen = {name}
    while further := above.get(name, set()) - seen:
        name = min(further, key=lambda other: (-rows[other], other))
        seen.add(name)
    return name


@given(
    st.fixed_dictionaries(dict.fromkeys(NAMES, st.integers(0, 2))),
    st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda pair: pair[0] != pair[1])),
)
def test_tops_are_those_of_a_walk_from_each_dataset(rows: dict[str, int], contained: set[tuple[str, str]]) -> None:
    above: dict[str, set[str]] = {}
    for parent, child in contained:
        above.setdefault(child, set()).add(parent)
    assert tops(sorted(contained), [], **rows) == {name: walked(name, above, rows) for name in NAMES}


@pytest.mark.parametrize("ends_in_a_circle", [False, True])
def test_a_chain_of_100_000_snapshots_is_walked_once(ends_in_a_circle: bool) -> None:
    names = [f"d{number:06}" for number in range(100_000)]
    datasets = [dataset(name, (), rows=number) for number, name in enumerate(names)]
    contained = [*zip(names[1:], names[:-1], strict=True), *([(names[-2], names[-1])] if ends_in_a_circle else [])]
    start = time.process_time()
    found = sources_of(datasets, contained, [], {})
    assert time.process_time() - start < 10
    assert {found[name].container for name in names[:-1]} == {names[-1]}


def test_nothing_is_known_of_an_empty_lake() -> None:
    assert sources_of([], [("a", "b")], [("a", "b")], {}) == {}


def test_a_text_with_all_words_gets_more_and_unknown_words_lower_all() -> None:
    words = Words([["order", "date"], ["order"], ["patient"], ["ward"]])
    both = words.share(["order", "date"])
    assert both[0] == max(both) > both[1] > both[2] == 0
    assert words.share(["order", "date", "zeppelin"])[0] < both[0] <= 1
    assert not words.share(["zeppelin"]).any()


def test_where_nodes_meet() -> None:
    tree = Tree.of([np.asarray([0, 0, 1, 2], np.int32), np.asarray([0, 0, 1], np.int32), np.asarray([0, 0], np.int32)])
    assert lowest_common_ancestor(tree, [0]) == 0
    assert lowest_common_ancestor(tree, [0, 1]) == 4
    assert lowest_common_ancestor(tree, [0, 2]) == 7
    assert lowest_common_ancestor(tree, [0, 7]) == 7
    assert lowest_common_ancestor(tree, [0, 3]) == tree.root


def test_a_virtual_tree_is_the_paths_up_to_where_anchors_meet_and_what_relates_them() -> None:
    datasets = lake()
    first, second = datasets[0].id, datasets[1].id
    index = index_of(datasets, [(first, second)])
    anchors = [index.entity_of[first], index.entity_of[second]]
    found = virtual_tree(index, anchors)
    meet = lowest_common_ancestor(index.tree, anchors)
    assert {*anchors, meet} <= set(found.nodes) | {index.tree.root}
    assert index.tree.root not in found.nodes  # it holds all
    assert [(row.source, row.target) for row in found.relations] == [tuple(anchors)]
    assert virtual_tree(index, []).nodes == {}
