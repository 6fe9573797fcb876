"""Scores of clusterings and rankings."""

from __future__ import annotations

import pytest

from benchmarks.planted.scores import adjusted_rand_index, r_precision, recall_at


def test_equal_partitions_score_one_whatever_their_labels() -> None:
    assert adjusted_rand_index([0, 0, 1, 1], ["b", "b", "a", "a"]) == 1.0
    assert adjusted_rand_index([0, 0, 0], ["x", "x", "x"]) == 1.0


def test_an_example_worked_by_hand() -> None:
    # cells 2, 1, 1: 1 pair together; 2 pairs in rows, 3 in columns of 6: (1 - 1) / (2.5 - 1) = 0
    assert adjusted_rand_index([0, 0, 1, 1], [0, 0, 0, 1]) == 0.0


def test_it_agrees_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed (extra reference)")
    import numpy as np

    random = np.random.default_rng(0)
    for parts in (2, 7, 60):
        first = random.integers(0, parts, 500)
        second = np.where(random.random(500) < 0.6, first, random.integers(0, parts, 500))
        expected = metrics.adjusted_rand_score(first, second)
        assert adjusted_rand_index(list(first), list(second)) == pytest.approx(expected)


def test_partitions_of_different_things_are_refused() -> None:
    with pytest.raises(ValueError, match="different things"):
        adjusted_rand_index([0], [0, 1])


def test_r_precision_looks_at_as_many_as_are_relevant() -> None:
    assert r_precision(["a", "x", "b"], {"a", "b"}) == 0.5
    assert r_precision([], {"a"}) == 0.0


def test_recall_counts_what_could_be_among_the_first() -> None:
    many = {str(number) for number in range(20)}
    assert recall_at([str(number) for number in range(10)], many) == 1.0
    assert recall_at(["x", "0"], {"0"}) == 1.0
    assert recall_at(["0", "0"], {"0", "1"}) == 0.5
