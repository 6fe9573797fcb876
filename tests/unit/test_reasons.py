"""Reasons: what was compared and what is missing, in names and counts; never a cell value."""

from __future__ import annotations

import pytest

from r2d2.containment.pairs import LEFT, WAYS
from r2d2.containment.reasons import FOLLOWS, FOLLOWS_BY_VALUES, reason, times
from r2d2.model.edge import Grade, Witness

WITNESS = Witness("0" * 31 + "f", 2, 1)
PROVEN, REFUTED = Grade.PROVEN, Grade.REFUTED


def test_what_was_left_out_says_why() -> None:
    texts = {how: reason(Grade.PLAUSIBLE, how, 3, 9, 0, None, by_values=False) for how in ("", *LEFT)}
    assert all(text.startswith("not compared") for how, text in texts.items() if how)
    assert len(set(texts.values())) == len(texts)


def test_times_in_words() -> None:
    assert [times(n) for n in (0, 1, 2)] == ["not at all", "once", "2 times"]


@pytest.mark.parametrize("how", WAYS)
def test_every_way_to_prove_has_words_that_say_how_many_rows_were_compared(how: str) -> None:
    text = reason(PROVEN, how, 17, 90, 0, None, by_values=False)
    assert text.startswith("all 17 rows compared")


def test_ways_to_prove_are_told_apart() -> None:
    texts = {how: reason(PROVEN, how, 17, 90, 0, None, by_values=False) for how in WAYS}
    assert texts["sketch"] == texts["join"]
    assert len(set(texts.values())) == len(WAYS) - 1


def test_what_follows_says_from_what_and_claims_no_comparison_by_value_that_was_none() -> None:
    assert reason(PROVEN, "implied", 3, 9, 0, None, by_values=True) == FOLLOWS_BY_VALUES
    assert FOLLOWS in reason(PROVEN, "implied", 3, 9, 0, None, by_values=False)
    assert "values" not in reason(PROVEN, "implied", 3, 9, 0, None, by_values=False)


@pytest.mark.parametrize("how", ["sketch", "box", "digest"])
def test_a_witness_is_told_by_how_often_each_side_holds_it(how: str) -> None:
    text = reason(REFUTED, how, 3, 3, 3, WITNESS, by_values=False)
    assert text == "a row that it holds 2 times is in the other once"


def test_a_join_counts_what_the_parent_lacks() -> None:
    assert reason(REFUTED, "join", 30, 90, 7, WITNESS, by_values=False) == (
        "7 of its distinct rows are missing or too rare in the other; one that it holds 2 times is there once"
    )


def test_rows_that_only_their_values_tell_apart_are_a_matter_to_look_into() -> None:
    text = reason(REFUTED, "values", 30, 90, 7, WITNESS, by_values=True)
    assert text.startswith("7 of its distinct rows")
    assert "somebody may have made them so" in text


def test_digests_say_whether_the_counts_or_the_rows_differ() -> None:
    assert reason(REFUTED, "digest", 9, 3, 0, None, by_values=False) == "it has 9 rows, the other 3"
    assert reason(REFUTED, "digest", 3, 3, 0, None, by_values=False) == "as many rows (3), but not the same ones"


def test_boxes_say_how_many_rows_the_other_has_there() -> None:
    few, same = (reason(REFUTED, "box", 5, 90, inside, None, by_values=False) for inside in (4, 5))
    assert few == "in the range of its values the other has 4 rows, it has 5"
    assert same == "in the range of its values the other has as many rows (5), but not the same ones"


def test_what_follows_is_refuted_by_what_lies_between() -> None:
    text = reason(REFUTED, "implied", 3, 9, 0, None, by_values=False)
    assert text == "what holds all of the other's rows lacks a row of it"


def test_what_has_no_verdict_says_why() -> None:
    assert reason(Grade.CANDIDATE, "", 1, 2, 0, None, False) == "a side could not be read as one whole version"
    assert reason(Grade.PLAUSIBLE, "", 1, 2, 0, None, False) == "neither proven nor refuted yet"
