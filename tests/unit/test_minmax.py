"""Min-max: a statistic refutes only if it is tight on the child's side and valid on the parent's (EXACTNESS 5)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.containment import minmax
from r2d2.containment.minmax import leaves_by_path, refutes_by_metadata, survivors
from r2d2.model.dataset import Bounds, BoundValue, Dataset, Leaf
from r2d2.model.edge import Projection
from r2d2.model.family import FLOATING, NUMBER, STRING
from tests.sampling import examples

FIXED = settings(derandomize=True, deadline=None, database=None)
PROJECTION: Projection = ((("a",), NUMBER), (("b",), STRING))
EXACT = (True, True, True, True)


def dataset(rows: int | None, *leaves: Leaf, name: str = "d") -> Dataset:
    return Dataset(name, "parquet", "/", "v", leaves=leaves, rows=rows)


def number(low: int, high: int, flags: tuple[bool, bool, bool, bool] = EXACT, nulls: int | None = 0) -> Leaf:
    return Leaf(("a",), (NUMBER,), nulls=nulls, bounds={NUMBER: Bounds(Decimal(low), Decimal(high), *flags)})


TEXT = Leaf(("b",), (STRING,))


def pairs(datasets: Sequence[Dataset], projection: Projection = PROJECTION) -> set[tuple[int, int]]:
    leaves = [leaves_by_path(d, False) for d in datasets]
    everything = range(len(datasets))
    blocks = survivors(datasets, leaves, everything, everything, projection)
    return {pair for block in blocks for pair in zip(block.parents.tolist(), block.children.tolist(), strict=True)}


bounds = st.builds(
    lambda values, flags: Bounds(Decimal(min(values)), Decimal(max(values)), *flags),
    st.tuples(st.integers(-2, 2), st.integers(-2, 2)),
    st.tuples(*[st.booleans()] * 4),
)
texts = st.builds(
    lambda values, flags: Bounds(min(values), max(values), *flags),
    st.tuples(*[st.sampled_from(["", "a", "b", "é", "\U0001f600"])] * 2),
    st.tuples(*[st.booleans()] * 4),
)


@st.composite
def described(draw: st.DrawFn) -> Dataset:
    rows: int = draw(st.integers(1, 4))
    nulls = [draw(st.none() | st.integers(0, rows)) for _ in range(2)]
    a, b = draw(st.none() | bounds), draw(st.none() | texts)
    first = Leaf(("a",), (NUMBER,), nulls=nulls[0], bounds={NUMBER: a} if a else {})
    second = Leaf(("B",), (STRING,), nulls=nulls[1], bounds={STRING: b} if b else {})
    return dataset(rows, first, second)


@settings(FIXED, max_examples=examples(300))
@given(st.lists(described(), min_size=2, max_size=5), st.sampled_from([1, 3, 1 << 26]))
def test_whole_classes_are_pruned_as_single_pairs_are(datasets: list[Dataset], block: int) -> None:
    expected = {
        (p, c)
        for p, c in itertools.permutations(range(len(datasets)), 2)
        if refutes_by_metadata(datasets[p], datasets[c], PROJECTION) is None
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minmax, "_BLOCK", block)
        assert pairs(datasets) == expected


Rows = list[int | None]
#: Value, tight, valid.
Side = tuple[int, bool, bool]


@st.composite
def described_rows(draw: st.DrawFn, rows: Rows) -> Dataset:
    """Metadata that is as true of the rows as its flags say, and arbitrary where they say nothing."""
    present = [value for value in rows if value is not None]
    found = {}
    has_bounds: bool = draw(st.booleans())
    if present and has_bounds:
        low: Side = draw(_bound(min(present), present, -1))
        high: Side = draw(_bound(max(present), present, 1))
        if low[0] <= high[0]:
            found = {NUMBER: Bounds(Decimal(low[0]), Decimal(high[0]), low[1], high[1], low[2], high[2])}
    nulls = draw(st.sampled_from([None, rows.count(None)]))
    return dataset(len(rows), Leaf(("a",), (NUMBER,), nulls=nulls, bounds=found), TEXT)


@st.composite
def _bound(draw: st.DrawFn, true: int, present: list[int], outwards: int) -> Side:
    """(value, tight, valid): tight only if a row holds it, valid only if no row lies beyond it."""
    value = draw(st.sampled_from([true, true + outwards, true - outwards, 99 * outwards, -99 * outwards]))
    tight = value in present and draw(st.booleans())
    valid = (value - true) * outwards >= 0 and draw(st.booleans())
    return value, tight, valid


values = st.lists(st.none() | st.integers(-3, 3), min_size=1, max_size=6)


@settings(FIXED, max_examples=examples(500))
@given(st.data(), values, st.lists(st.none() | st.integers(-3, 3), max_size=4))
def test_what_is_contained_is_never_pruned(data: st.DataObject, child: Rows, more: Rows) -> None:
    datasets = [data.draw(described_rows([*child, *more])), data.draw(described_rows(child))]
    projection = PROJECTION[:1]
    assert (0, 1) in pairs(datasets, projection)
    assert refutes_by_metadata(datasets[0], datasets[1], projection) is None


@pytest.mark.parametrize("side", ["low", "high"])
def test_a_bound_refutes_only_if_tight_below_and_valid_above(side: str) -> None:
    for tight, valid in itertools.product((False, True), repeat=2):
        child_flags = (tight, False, True, True) if side == "low" else (False, tight, True, True)
        parent_flags = (True, True, valid, False) if side == "low" else (True, True, False, valid)
        low, high = (0, 5) if side == "low" else (5, 10)
        datasets = [dataset(9, number(2, 8, parent_flags)), dataset(3, number(low, high, child_flags))]
        pruned = (0, 1) not in pairs(datasets, PROJECTION[:1])
        assert pruned is (tight and valid)


def test_counts_refute() -> None:
    parent = dataset(5, number(0, 9, nulls=2))
    for child, survives in (
        (dataset(6, number(1, 2)), False),
        (dataset(5, number(1, 2, nulls=3)), False),
        (dataset(4, number(1, 2, nulls=0)), False),
        (dataset(4, number(1, 2, nulls=1)), True),
        (dataset(4, number(1, 2, nulls=None)), True),
    ):
        assert ((0, 1) in pairs([parent, child], PROJECTION[:1])) is survives
        assert (refutes_by_metadata(parent, child, PROJECTION[:1]) is None) is survives


def test_unknown_counts_refute_nothing() -> None:
    for parent, child in (
        (dataset(None, number(0, 9)), dataset(4, number(1, 2))),
        (dataset(4, number(0, 9, nulls=2)), dataset(None, number(1, 2, nulls=2))),
        (dataset(None, number(0, 9, nulls=None)), dataset(None, number(1, 2, nulls=None))),
        (dataset(4, number(0, 9, nulls=None)), dataset(4, number(1, 2, nulls=3))),
    ):
        assert (0, 1) in pairs([parent, child], PROJECTION[:1])
        assert refutes_by_metadata(parent, child, PROJECTION[:1]) is None


def test_zeros_of_either_sign_are_one_bound() -> None:
    def floating(low: float, high: float) -> Dataset:
        return dataset(3, Leaf(("a",), (FLOATING,), nulls=0, bounds={FLOATING: Bounds(low, high, *EXACT)}))

    datasets = [floating(0.0, 0.0), floating(-0.0, -0.0), floating(-float("inf"), float("inf"))]
    assert pairs(datasets, ((("a",), FLOATING),)) == {(0, 1), (1, 0), (2, 0), (2, 1)}


def test_bounds_of_any_length_are_compared_exactly() -> None:
    def exact(text: str) -> Dataset:
        value: BoundValue = Decimal(text)
        return dataset(3, Leaf(("a",), (NUMBER,), nulls=0, bounds={NUMBER: Bounds(value, value, *EXACT)}))

    digits = "1" + "0" * 60
    assert pairs([exact(f"{digits}.1"), exact(f"{digits}.2")], PROJECTION[:1]) == set()
    assert len(pairs([exact("1.0"), exact("1"), exact("1E0")], PROJECTION[:1])) == 6


def test_strings_are_ordered_by_their_bytes() -> None:
    def text(low: str, high: str) -> Dataset:
        return dataset(3, Leaf(("b",), (STRING,), nulls=0, bounds={STRING: Bounds(low, high, *EXACT)}))

    assert (0, 1) not in pairs([text("a", "\uffff"), text("a", "\U0001f600")], PROJECTION[1:])


def test_a_dataset_is_never_its_own_parent_and_other_bounds_are_not_looked_at() -> None:
    other_family = Leaf(("a",), (NUMBER, STRING), nulls=0, bounds={STRING: Bounds("5", "5", *EXACT)})
    assert pairs([dataset(3, number(0, 1)), dataset(3, other_family)], PROJECTION[:1]) == {(0, 1), (1, 0)}


def test_reasons_name_the_column_and_no_value() -> None:
    parent, child = dataset(9, number(2, 8)), dataset(3, number(123456, 123456))
    reason = refutes_by_metadata(parent, child, PROJECTION[:1])
    assert reason == "column a: its largest value lies above the other's"


def test_a_class_of_thousands_is_pruned_without_a_step_for_each_pair() -> None:
    datasets = [dataset(3, number(i, i)) for i in range(3000)]
    assert pairs(datasets, PROJECTION[:1]) == set()
