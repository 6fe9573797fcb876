"""Columns are mapped one to one, the most alike in sum, of wide tables as of narrow ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.sparse import block_diag, csr_array

from r2d2.semantics.look_alikes import assigned as assigning
from r2d2.semantics.look_alikes.assigned import Side, assigned
from r2d2.semantics.tree import Floats, Ints
from tests.sampling import examples

_SEEDS = st.integers(0, 2**32 - 1)


def side(kinds: Sequence[int] | Ints, marks: Sequence[int] | Ints | None = None) -> Side:
    return Side(np.asarray(kinds, np.int32), np.asarray([0] * len(kinds) if marks is None else marks, np.int32))


def drawn(seed: int, density: float = 0.3) -> tuple[Floats, Side, Side]:
    """Kinds that are alike, and columns of them."""
    draw = np.random.default_rng(seed)
    rows, columns = draw.integers(1, 9, 2)
    alike = np.where(draw.random((rows, columns)) < density, draw.uniform(0.45, 1, (rows, columns)), 0)
    left, right = (np.append(np.arange(kinds), draw.integers(0, kinds, 4)) for kinds in (rows, columns))
    marks = draw.integers(0, 3, (2, 12))
    return alike.astype(np.float32), side(left, marks[0, : len(left)]), side(right, marks[1, : len(right)])


@contextmanager
def solved_at_once(pairs: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assigning, "WHOLE", pairs)
        yield


def best(alike: Floats, left: Side, right: Side) -> float:
    whole = alike[left.kinds][:, right.kinds]
    return float(whole[linear_sum_assignment(whole, maximize=True)].sum())


@settings(max_examples=examples(400), deadline=None)
@given(_SEEDS, st.sampled_from([0, 1, 12, 40, 10**6]))
def test_columns_are_mapped_one_to_one_to_such_as_they_may_be(seed: int, pairs: int) -> None:
    alike, left, right = drawn(seed)
    with solved_at_once(pairs):
        rows, columns, scores = assigned(csr_array(alike), left, right)
    assert len(set(rows.tolist())) == len(set(columns.tolist())) == len(rows)
    assert rows.tolist() == sorted(rows)
    assert scores == pytest.approx(alike[left.kinds[rows], right.kinds[columns]])
    assert (scores > 0).all()
    free = np.delete(alike[left.kinds], rows, axis=0)[:, np.delete(right.kinds, columns)]
    assert not free.any()  # no two are left that could be one


@settings(max_examples=examples(400), deadline=None)
@given(_SEEDS)
def test_what_is_solved_in_groups_is_as_alike_in_sum_as_what_is_solved_whole(seed: int) -> None:
    parts = [drawn(seed), drawn(seed + 1)]
    alike = block_diag([part[0] for part in parts], format="csr")
    left, right = (
        side(
            np.concatenate([parts[0][at].kinds, parts[1][at].kinds + parts[0][0].shape[at - 1]]),
            np.concatenate([part[at].marks for part in parts]),
        )
        for at in (1, 2)
    )
    with solved_at_once(max(len(part[1].kinds) * len(part[2].kinds) for part in parts)):
        _, _, scores = assigned(csr_array(alike), left, right)
    assert scores.sum() == pytest.approx(best(alike.toarray(), left, right), abs=0.03)  # marks may take a little


@settings(max_examples=examples(400), deadline=None)
@given(_SEEDS)
def test_columns_of_one_kind_are_mapped_to_the_most_alike_however_many_there_are(seed: int) -> None:
    alike, left, right = drawn(seed, density=1)
    some = np.flatnonzero(left.kinds == 0)
    few = side(left.kinds[some], left.marks[some])
    with solved_at_once(0):
        _, _, scores = assigned(csr_array(alike[:1]), few, right)
    assert scores.sum() == pytest.approx(best(alike, few, right))


@pytest.mark.parametrize("pairs", [0, 10**6])
def test_columns_of_equal_marks_go_together_and_the_others_in_order(pairs: int) -> None:
    left, right = side([0] * 4, [7, 1, 2, 8]), side([0] * 5, [2, 5, 1, 6, 3])
    with solved_at_once(pairs):
        rows, columns, _ = assigned(csr_array(np.ones((1, 1), np.float32)), left, right)
    assert {1: 2, 2: 0}.items() <= dict(zip(rows.tolist(), columns.tolist(), strict=True)).items()
    assert len(rows) == 4


def test_nothing_is_mapped_to_nothing() -> None:
    for pairs in (0, 10**6):
        with solved_at_once(pairs):
            assert len(assigned(csr_array((2, 3), dtype=np.float32), side([0, 1]), side([0, 1, 2]))[0]) == 0


@pytest.mark.parametrize("kinds", [1, 20, 20_000])
def test_twenty_thousand_columns_are_mapped_in_seconds(kinds: int) -> None:
    columns = np.arange(20_000)
    left, right = side(columns % kinds, columns), side(columns[::-1] % kinds, columns[::-1])
    alike = csr_array(np.eye(kinds, dtype=np.float32)) if kinds < 100 else _in_threes(kinds)
    began = process_time()
    rows, found, scores = assigned(alike, left, right)
    assert process_time() - began < 10
    assert rows.tolist() == columns.tolist()
    assert found.tolist() == columns[::-1].tolist()
    assert (scores == 1).all()


def _in_threes(kinds: int) -> csr_array:
    """Each is one kind of the other side, and may be up to two more."""
    alike = csr_array((np.ones(kinds, np.float32), (np.arange(kinds), np.arange(kinds))), shape=(kinds, kinds))
    next_of = np.arange(kinds - 1)[np.arange(kinds - 1) % 3 < 2]
    more = csr_array((np.full(len(next_of), 0.6, np.float32), (next_of, next_of + 1)), shape=(kinds, kinds))
    return csr_array(alike + more)
