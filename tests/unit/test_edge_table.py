"""Unproven pairs as columns say, row by row, what one pair at a time would."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from r2d2.catalog.records import pack_projection
from r2d2.catalog.tables import SCHEMAS
from r2d2.containment.edge_table import distinct, others_table
from r2d2.containment.minmax import refutes_by_metadata, spelling_notes
from r2d2.containment.pairs import HOWS, Pairs, Standing
from r2d2.containment.reasons import reason
from r2d2.containment.verification import Verification
from r2d2.model.dataset import Bounds, Dataset, Leaf
from r2d2.model.edge import Grade
from r2d2.model.family import STRING

WAYS = ("digest", "sketch", "box", "join", "implied", "values")
PROJECTIONS = [((("a",), STRING),), ((("a",), STRING), (("b",), STRING))]


def lake(seed: int) -> list[Dataset]:
    """Parquet and CSV datasets, some of which spell NULL and the empty text alike."""
    rng, found = np.random.default_rng(seed), []
    for number in range(12):
        bounds = {STRING: Bounds("" if rng.random() < 0.5 else "k", "z", True, True, True, True)}
        nulls = int(rng.integers(0, 3))
        leaves = tuple(Leaf((name,), (STRING,), nulls=nulls, bounds=bounds) for name in ("a", "b"))
        kind = str(rng.choice(["parquet", "csv"]))
        found.append(Dataset(f"d{number}", kind, f"/d{number}", "v", leaves=leaves, rows=int(rng.integers(3, 6))))
    return found


def verified(datasets: list[Dataset], seed: int, groups: bool) -> Verification:
    """Pairs with verdicts of every kind; where there are groups, some of which a dataset was ruled out of."""
    rng, size = np.random.default_rng(seed), len(datasets)
    group_of = np.arange(size)
    if groups:
        group_of[[3, 5, 7]], group_of[11] = 0, 9
    ends = [(p, c) for p, c in product(range(size), repeat=2) if p != c and group_of[p] == p and group_of[c] == c]
    parent, child = (np.asarray(side, np.int64) for side in zip(*ends, strict=True))
    sizes = np.bincount(group_of, minlength=size)
    weight = np.maximum(1, sizes[parent] * sizes[child] - rng.integers(0, 2, len(parent)))
    pairs = Pairs(PROJECTIONS, parent, child, rng.integers(0, 2, len(parent)), weight, parent, child)
    pairs.standing[:] = rng.choice(list(Standing), len(parent), p=[0.1, 0.3, 0.5, 0.1])
    refuted = pairs.standing == Standing.REFUTED
    decided = refuted | (pairs.standing == Standing.PROVEN)
    pairs.how[decided] = rng.choice([HOWS.index(how) for how in WAYS], int(decided.sum()))
    pairs.number[:] = rng.integers(0, 6, len(parent))
    join = np.isin(pairs.how, [HOWS.index("join"), HOWS.index("sketch")])
    seen = np.flatnonzero(refuted & (join | (rng.random(len(parent)) < 0.5)) & (pairs.how != HOWS.index("implied")))
    pairs.in_child[seen] = rng.integers(1, 3, len(seen))
    pairs.in_parent[seen] = rng.integers(0, 2, len(seen))
    pairs.low[seen], pairs.high[seen] = rng.integers(2**63, 2**64, (2, len(seen)), np.uint64) // 3 * 2
    return Verification(pairs, group_of, 0)


def one_by_one(datasets: list[Dataset], found: Verification) -> list[dict[str, object]]:
    """The rows as objects give them, one pair after the other."""
    rows, pairs, members = [], found.pairs, found.members()
    for at in np.flatnonzero(pairs.standing != Standing.PROVEN).tolist():
        projection, how, witness = PROJECTIONS[pairs.projection[at]], HOWS[pairs.how[at]], pairs.witness(at)
        parents, children = members[int(pairs.parent[at])], members[int(pairs.child[at])]
        for parent, child in product(parents, children):
            one, other = datasets[parent], datasets[child]
            if pairs.weight[at] != len(parents) * len(children) and refutes_by_metadata(one, other, projection):
                continue
            counts = other.rows or 0, one.rows or 0
            text = reason(pairs.grade(at), how, *counts, int(pairs.number[at]), witness, False)
            if pairs.grade(at) is Grade.REFUTED:
                text += spelling_notes(one, other, projection)
            rows.append(
                {
                    "run_id": "run", "parent": one.id, "child": other.id, "grade": pairs.grade(at).value,
                    "rows_child": counts[0], "rows_parent": counts[1], "equal": False, "how": how, "reason": text,
                    "projection": pack_projection(projection), "predicate": "",
                    "row_hash": witness.row_hash if witness else None,
                    "in_child": witness.in_child if witness else None,
                    "in_parent": witness.in_parent if witness else None,
                }
            )  # fmt: skip
    return rows


@pytest.mark.parametrize("groups", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_rows_are_what_one_pair_after_the_other_gives(seed: int, groups: bool) -> None:
    datasets = lake(seed)
    found = verified(datasets, seed, groups)
    expected = one_by_one(datasets, found)
    table = others_table("run", datasets, found, case_sensitive=False, by_values=False)
    assert table.cast(SCHEMAS["edges"]).to_pylist() == expected
    reasons = {str(row["reason"]) for row in expected}
    assert any("can't be told from that" in text for text in reasons)


def test_nothing_to_tell_is_a_table_without_rows() -> None:
    datasets = [replace(each, rows=3) for each in lake(0)]
    found = verified(datasets, 0, groups=False)
    found.pairs.standing[:] = Standing.PROVEN
    table = others_table("run", datasets, found, case_sensitive=False, by_values=False)
    assert table.cast(SCHEMAS["edges"]).num_rows == 0


def test_distinct_rows_of_columns() -> None:
    columns = [np.asarray([5, 5, 7, 5, 7]), np.asarray([-1, -1, -1, 2**62, -1]), np.zeros(5, np.int64)]
    first, number = distinct(columns)
    assert (first.tolist(), number.tolist()) == ([0, 2, 3], [0, 0, 1, 2, 1])
    assert [part.tolist() for part in distinct([np.zeros(0, np.int64)])] == [[], []]
    assert [part.tolist() for part in distinct([np.full(3, 9)])] == [[0], [0, 0, 0]]
