"""Pairs decided by posting lists: what each pair's two sketches say, and nothing else (DESIGN 5, EXACTNESS 7).

The oracle compares bags in plain Python. Where both sketches hold every row the verdict must be the truth; where one
does not, it must be true, and given whenever the range that both cover gives it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.containment.pairs import HOWS, Pairs, Standing
from r2d2.containment.postings import Search, _Child
from r2d2.containment.request import COMPLETE
from r2d2.containment.sketch import Sketch, refutes_on_common_range, sketch_of
from r2d2.model.family import NUMBER
from tests.sampling import examples

FIXED = settings(derandomize=True, deadline=None, database=None)
#: Under 0 a row is both its columns, under 1 the first, under 2 the second.
PROJECTIONS = [((("a",), NUMBER), (("b",), NUMBER)), ((("a",), NUMBER),), ((("b",), NUMBER),)]
COLUMNS: list[tuple[int, ...]] = [(0, 1), (0,), (1,)]
Row = tuple[int, int]
Bag = Counter[tuple[int, int]]
BOUNDS = st.just(COMPLETE) | st.sampled_from([1, 2**61, 2**62, 2**63, COMPLETE - 1]) | st.integers(1, COMPLETE)


def hashed(number: int, values: tuple[int, ...]) -> tuple[int, int]:
    """Halves of a row's hash: low ones of few values, so that different rows often share theirs."""
    digest = sha256(repr((number, values)).encode()).digest()
    return digest[0] % 5 * 2**61 + digest[1] % 2, int.from_bytes(digest[8:16], "little")


@dataclass
class Lake:
    """Datasets by rows and by which projection is all of their columns, sketches of some, pairs that fit."""

    datasets: list[tuple[int, list[Row]]]
    sketches: dict[int, dict[int, Sketch]] = field(default_factory=dict)
    pairs: list[tuple[int, int, int]] = field(default_factory=list)  # parent, child, projection

    def bag(self, dataset: int, number: int) -> Bag:
        _, rows = self.datasets[dataset]
        return Counter(hashed(number, tuple(row[column] for column in COLUMNS[number])) for row in rows)

    def arrays(self, node_for_each_projection: bool) -> Pairs:
        parent, child, number = (np.asarray([pair[i] for pair in self.pairs], np.int64) for i in range(3))
        nodes = (parent, child)
        if node_for_each_projection:
            nodes = parent * 3 + number, child * 3 + number
        return Pairs(PROJECTIONS, parent, child, number, np.ones(len(parent), np.int64), *nodes)

    def rows(self) -> np.ndarray:  # type: ignore[type-arg]
        return np.asarray([len(rows) for _, rows in self.datasets], np.int64)


def sketch(bag: Mapping[tuple[int, int], int], bound: int) -> Sketch:
    kept = {row: count for row, count in bag.items() if row[0] < bound}
    low, high = (np.asarray([row[half] for row in kept], np.uint64) for half in (0, 1))
    return sketch_of(low, high, bound, np.asarray(list(kept.values()), np.int64))


CELLS = st.integers(0, 4)
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8)


@st.composite
def lakes(draw: st.DrawFn, complete: bool) -> Lake:
    """Tables, and tables made of them: copies, parts, more rows, one row changed, one row once more."""
    tables = [draw(ROWS)]
    for _ in range(draw(st.integers(1, 8))):
        base = list(draw(st.sampled_from(tables)))
        change = draw(st.sampled_from(["copy", "part", "more", "changed", "repeated", "new"]))
        if change == "part":
            base = draw(st.lists(st.sampled_from(base), min_size=1, max_size=len(base)))
        elif change == "more":
            base += draw(ROWS)
        elif change == "changed":
            base[draw(st.integers(0, len(base) - 1))] = draw(st.tuples(CELLS, CELLS))
        elif change == "repeated":
            base.append(draw(st.sampled_from(base)))
        elif change == "new":
            base = draw(ROWS)
        tables.append(base)
    lake = Lake([(draw(st.sampled_from([0, 0, 1, 2])), rows) for rows in tables])
    everywhere = complete or draw(st.booleans())
    for number in range(3):
        lake.sketches[number] = {
            dataset: sketch(lake.bag(dataset, number), COMPLETE if complete else draw(BOUNDS))
            for dataset, (whole, _) in enumerate(lake.datasets)
            if whole in (0, number) and (everywhere or draw(st.integers(0, 9)))
        }
    for child, (number, _) in enumerate(lake.datasets):
        for parent, (whole, _) in enumerate(lake.datasets):
            if parent != child and whole in (0, number):
                lake.pairs.append((parent, child, number))
    lake.pairs = draw(st.permutations(lake.pairs)) if draw(st.booleans()) else lake.pairs
    return lake


def check(lake: Lake, pairs: Pairs, decided_before: Sequence[int] = ()) -> None:
    for position, (parent, child, number) in enumerate(lake.pairs):
        if position in decided_before:
            continue
        mine, theirs = lake.bag(child, number), lake.bag(parent, number)
        standing = Standing(int(pairs.standing[position]))
        known = [lake.sketches[number].get(dataset) for dataset in (child, parent)]
        if known[0] is None or known[1] is None:
            assert standing is Standing.OPEN
            assert pairs.how[position] == 0
            continue
        a, b = known[0], known[1]
        if standing is Standing.PROVEN:
            assert mine <= theirs
            assert HOWS[pairs.how[position]] in ("sketch", "implied")
            assert pairs.witness(position) is None
        elif standing is Standing.REFUTED:
            check_witness(pairs, position, mine, theirs, min(a.bound, b.bound))
        else:
            assert not (a.complete and b.complete), "both hold every row"
            assert refutes_on_common_range(a, b) is None


def check_witness(pairs: Pairs, position: int, mine: Bag, theirs: Bag, bound: int) -> None:
    """A row that both sketches cover, by how often each side really holds it."""
    assert HOWS[pairs.how[position]] == "sketch"
    witness = pairs.witness(position)
    assert witness is not None
    row = int(witness.row_hash[16:], 16), int(witness.row_hash[:16], 16)
    assert (mine[row], theirs[row]) == (witness.in_child, witness.in_parent)
    assert witness.in_child > witness.in_parent
    assert row[0] < bound


@settings(FIXED, max_examples=examples(600))
@given(lakes(complete=True), st.booleans())
def test_complete_sketches_decide_every_pair_as_the_bags_do(lake: Lake, node_for_each_projection: bool) -> None:
    pairs = lake.arrays(node_for_each_projection)
    Search(pairs, lake.rows(), lake.sketches).run()
    expected = [lake.bag(child, number) <= lake.bag(parent, number) for parent, child, number in lake.pairs]
    assert [standing == Standing.PROVEN for standing in pairs.standing] == expected
    check(lake, pairs)


@settings(FIXED, max_examples=examples(600))
@given(lakes(complete=False), st.booleans())
def test_sketches_of_any_bounds_decide_what_they_cover_and_nothing_else(
    lake: Lake, node_for_each_projection: bool
) -> None:
    pairs = lake.arrays(node_for_each_projection)
    Search(pairs, lake.rows(), lake.sketches).run()
    check(lake, pairs)


@settings(FIXED, max_examples=examples(300))
@given(lakes(complete=False), st.sets(st.integers(0, 40)), st.sampled_from(["prove", "refute", "lose"]))
def test_pairs_that_have_a_verdict_keep_it_and_the_others_are_decided_as_ever(
    lake: Lake, before: set[int], what: str
) -> None:
    pairs = lake.arrays(False)
    decided = sorted(position for position in before if position < len(pairs))
    at = np.asarray(decided, np.int64)
    if what == "prove":
        pairs.prove(at, "digest")
    elif what == "refute":
        pairs.refute(at, "digest")
    else:
        pairs.standing[at] = Standing.UNREAD
    kept = pairs.standing[at].tolist(), pairs.how[at].tolist()
    Search(pairs, lake.rows(), lake.sketches).run()
    assert (pairs.standing[at].tolist(), pairs.how[at].tolist()) == kept
    check(lake, pairs, decided)


def chain(count: int, rows: int = 1) -> tuple[Pairs, np.ndarray, dict[int, Sketch]]:  # type: ignore[type-arg]
    """Each holds ``rows`` more than the one before; every larger one is a candidate of every smaller one."""
    rng = np.random.default_rng(7)
    low, high = rng.integers(0, COMPLETE, (2, count * rows), np.uint64, endpoint=False)
    sketches = {i: sketch_of(low[: (i + 1) * rows], high[: (i + 1) * rows], COMPLETE) for i in range(count)}
    child, parent = np.triu_indices(count, 1)
    zeros = np.zeros(len(child), np.int64)
    pairs = Pairs(PROJECTIONS, parent, child, zeros, zeros + 1, parent, child)
    return pairs, (np.arange(count) + 1) * rows, sketches


def test_in_a_chain_each_is_compared_with_the_next_and_all_else_follows() -> None:
    pairs, rows, sketches = chain(400)
    started = time.monotonic()
    Search(pairs, rows, {0: sketches}).run()
    assert (pairs.standing == Standing.PROVEN).all()
    compared = pairs.how == HOWS.index("sketch")
    assert compared.sum() == 399
    assert (pairs.parent[compared] == pairs.child[compared] + 1).all()
    assert time.monotonic() - started < 20


def test_snapshots_that_differ_in_one_row_fall_to_their_rarest_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand common rows, and one that nobody else has: no two are ever compared row by row."""
    count, common = 200, 1000
    rng = np.random.default_rng(8)
    low, high = rng.integers(0, COMPLETE, (2, common + count), np.uint64, endpoint=False)
    sketches = {}
    for i in range(count):
        own = [*range(common), common + i]
        sketches[i] = sketch_of(low[own], high[own], COMPLETE)
    parent, child = (side.ravel() for side in np.meshgrid(np.arange(count), np.arange(count)))
    parent, child = parent[parent != child], child[parent != child]
    zeros = np.zeros(len(parent), np.int64)
    pairs = Pairs(PROJECTIONS, parent, child, zeros, zeros + 1, parent, child)

    def compared(*args: object) -> int:
        raise AssertionError("two snapshots were compared row by row")

    monkeypatch.setattr(_Child, "_lacking", compared)
    Search(pairs, np.full(count, common + 1), {0: sketches}).run()
    assert (pairs.standing == Standing.REFUTED).all()
    for position in range(0, len(pairs), 997):
        witness = pairs.witness(position)
        assert witness is not None
        row = common + int(pairs.child[position])
        assert witness.row_hash == f"{int(high[row]):016x}{int(low[row]):016x}"


def test_what_a_larger_set_was_seen_to_lack_is_not_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 is in 1, and 1 was compared with six that lack one common row each: of 0, 1 is all that has to be compared."""
    common = [f"x{i}" for i in range(6)]
    small, middle = [*common, "y"], [*common, "y", "z"]
    large = [[row for row in middle if row != f"x{i}"] + [f"own{i}{n}" for n in range(3)] for i in range(6)]
    bags = [small, middle, *large, *[common] * 10]
    rows = {
        name: hashed(0, (number, 0)) for number, name in enumerate(dict.fromkeys(row for bag in bags for row in bag))
    }
    sketches = {i: sketch({rows[name]: 1 for name in bag}, COMPLETE) for i, bag in enumerate(bags)}
    ends = [(parent, child) for child in range(2) for parent in range(child + 1, 8)]
    parent, child = (np.asarray([pair[side] for pair in ends], np.int64) for side in (0, 1))
    zeros = np.zeros(len(ends), np.int64)
    pairs = Pairs(PROJECTIONS, parent, child, zeros, zeros + 1, parent, child)
    compared = []

    def lacking(self: _Child, at: int) -> int:
        compared.append((int(self.parents[at]), self.child))
        return inner(self, at)

    inner = _Child._lacking
    monkeypatch.setattr(_Child, "_lacking", lacking)
    Search(pairs, np.asarray([len(bag) for bag in bags]), {0: sketches}).run()
    assert {ends[p]: Standing(int(pairs.standing[p])) for p in range(len(ends))} == {
        pair: Standing.PROVEN if pair == (1, 0) else Standing.REFUTED for pair in ends
    }
    assert [pair for pair in compared if pair[1] == 0] == [(1, 0)]
    for position, (parent_, child_) in enumerate(ends):
        if parent_ > 1:
            check_witness(
                pairs, position, *(Counter(rows[name] for name in bags[i]) for i in (child_, parent_)), COMPLETE
            )


def test_without_sketches_or_open_pairs_nothing_happens() -> None:
    pairs, rows, sketches = chain(3)
    Search(pairs, rows, {}).run()
    Search(pairs, rows, {0: {}, 1: sketches}).run()
    assert len(pairs.open()) == 3
    pairs.refute(np.arange(3), "digest")
    Search(pairs, rows, {0: sketches}).run()
    assert {HOWS[how] for how in pairs.how} == {"digest"}


def test_many_families_of_snapshots_are_decided_in_seconds() -> None:
    """60 families of 100 snapshots, each with two of another's rows in place of its own: a million pairs of sketches
    would take minutes one by one."""
    rng = np.random.default_rng(9)
    sketches, parents, children, rows = {}, [], [], []
    for family in range(60):
        low, high = rng.integers(0, COMPLETE, (2, 200), np.uint64, endpoint=False)
        for i in range(100):
            own = np.arange(100 + i) if i % 3 else np.delete(np.arange(100 + i), i)
            sketches[family * 100 + i] = sketch_of(low[own], high[own], COMPLETE)
            rows.append(len(own))
        child, parent = np.triu_indices(100, 1)
        parents.append(parent + family * 100)
        children.append(child + family * 100)
    parent, child = np.concatenate(parents), np.concatenate(children)
    zeros = np.zeros(len(parent), np.int64)
    pairs = Pairs(PROJECTIONS, parent, child, zeros, zeros + 1, parent, child)
    started = time.monotonic()
    Search(pairs, np.asarray(rows), {0: sketches}).run()
    assert time.monotonic() - started < 60
    assert not len(pairs.open())
    for position in range(0, len(pairs), 1009):
        truth = refutes_on_common_range(sketches[int(child[position])], sketches[int(parent[position])]) is None
        assert (pairs.standing[position] == Standing.PROVEN) == truth
