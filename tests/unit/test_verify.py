"""Verification: every pair ends proven or refuted, by the cheapest way, or held back as a side was not whole."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.config import ContainmentSettings
from r2d2.containment.candidates import find_candidates
from r2d2.containment.decide import UNDECIDED, Verdict
from r2d2.containment.join import JoinResult, join_pairs
from r2d2.containment.minmax import leaves_by_path
from r2d2.containment.scanner import Scanner
from r2d2.containment.schema_graph import schema_of
from r2d2.containment.verify import Verification, Verifier, box_text
from r2d2.containment.views import Pair, Views
from r2d2.lake.kernels import run_here, run_shuffled_here
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Grade, Witness
from tests.containment_runs import TINY, Memory, contained, parquet_dataset, proven_pairs, sharing

NO_BOXES = replace(TINY, boxes_per_scan=0)


def made(directory: Path, name: str, statistics: bool = True, **columns: Any) -> Dataset:
    path = directory / f"{name}.parquet"
    pq.write_table(pa.table(columns), path, write_statistics=statistics)
    return parquet_dataset(path, name=name)


class Verified:
    """One run of verification, with what each step did."""

    def __init__(self, datasets: Sequence[Dataset], settings: ContainmentSettings = TINY, memory: Memory | None = None):
        self.joined: list[Pair] = []
        self.datasets = datasets
        cache = memory or Memory()
        self.scanner = Scanner(datasets, settings, run_here, cache)
        found = find_candidates(datasets, settings)
        leaves = [leaves_by_path(dataset, False) for dataset in datasets]
        inner = partial(join_pairs, run_shuffled_here, datasets, settings)

        def join(pairs: Sequence[Pair], failed: dict[int, str]) -> dict[Pair, JoinResult]:
            self.joined += pairs
            return inner(pairs, failed)

        verifier = Verifier(datasets, leaves, found.views, settings, self.scanner, join, cache)
        self.result: Verification = verifier.scan(found.pairs)
        self.read = verifier.join_rest(self.result)

    def how(self) -> Mapping[tuple[str, str], tuple[Grade, str]]:
        return {
            (self.datasets[pair.parent].id, self.datasets[pair.child].id): (verdict.grade, verdict.how)
            for pair, verdict in self.result.verdicts.items()
        }


PROVEN, REFUTED = Grade.PROVEN, Grade.REFUTED
TEN = list(range(10))


def test_copies_are_proven_by_their_digest_both_ways(tmp_path: Path) -> None:
    run = Verified([made(tmp_path, "a", v=TEN), made(tmp_path, "b", v=pa.array(TEN[::-1], pa.int8()))])
    assert run.how() == {("a", "b"): (PROVEN, "digest"), ("b", "a"): (PROVEN, "digest")}
    assert run.joined == []


def test_a_slice_by_range_is_proven_by_its_box_without_a_join(tmp_path: Path) -> None:
    run = Verified([made(tmp_path, "p", v=TEN, w=TEN), made(tmp_path, "c", v=TEN[3:7])])
    assert run.how() == {("p", "c"): (PROVEN, "box")}
    assert run.joined == []
    (box,) = run.result.boxes.values()
    assert box_text(box) == "a range of v"


def test_a_gap_in_the_range_is_refuted_by_its_box(tmp_path: Path) -> None:
    settings = replace(TINY, sketch_size=1)
    parent = made(tmp_path, "p", v=[*range(50), *range(60, 100)], w=[0] * 90)
    run = Verified(
        [
            parent,
            made(tmp_path, "c", v=[40, 55, 70], w=[0, 0, 0]),
            made(tmp_path, "d", v=list(range(45, 65)), w=[0] * 20),
        ],
        settings,
    )
    assert run.how()["p", "d"][0] is REFUTED
    assert run.how()["p", "c"][0] is REFUTED


def test_what_boxes_and_sketches_leave_open_is_joined(tmp_path: Path) -> None:
    run = Verified([made(tmp_path, "p", v=list(range(100))), made(tmp_path, "c", v=list(range(0, 100, 2)))])
    assert run.how() == {("p", "c"): (PROVEN, "join")}
    assert len(run.joined) == 1
    assert (run.read.pairs, run.read.files) == (1, 2)
    assert run.read.bytes > 0


def test_without_boxes_the_join_says_the_same(tmp_path: Path) -> None:
    lake = [made(tmp_path, "p", v=TEN, w=TEN), made(tmp_path, "c", v=TEN[3:7]), made(tmp_path, "d", v=[3, 3, 4])]
    with_boxes, without = Verified(lake), Verified(lake, NO_BOXES)
    assert {k: g for k, (g, _) in with_boxes.how().items()} == {k: g for k, (g, _) in without.how().items()}
    assert without.result.boxes == {}


def test_small_datasets_are_decided_by_their_sketches_alone(tmp_path: Path) -> None:
    lake = [made(tmp_path, "p", v=[1, 2, 3, 5]), made(tmp_path, "c", v=[1, 3]), made(tmp_path, "d", v=[2, 4])]
    run = Verified(lake, ContainmentSettings())
    assert run.how() == {("p", "c"): (PROVEN, "sketch"), ("p", "d"): (REFUTED, "sketch")}
    assert run.joined == []
    assert run.result.boxes == {}


def test_what_follows_from_proofs_is_not_compared_again(tmp_path: Path) -> None:
    """Every second row is no range: only the join finds it, and finds it once."""
    evens = TEN[::2] * 10
    lake = [
        made(tmp_path, "top", statistics=False, v=TEN * 10, w=TEN * 10),
        made(tmp_path, "same", statistics=False, v=TEN * 10),
        made(tmp_path, "part", statistics=False, v=evens),
    ]
    run = Verified(lake)
    assert all(grade is PROVEN for pair, (grade, _) in run.how().items() if pair[1] == "part")
    assert run.how()["top", "same"] == (PROVEN, "digest")
    assert len(run.joined) == 2


def test_a_proof_of_an_earlier_run_is_not_made_again(tmp_path: Path) -> None:
    lake = [made(tmp_path, "p", v=list(range(100))), made(tmp_path, "c", v=list(range(0, 100, 2)))]
    memory = Memory()
    first, second = Verified(lake, memory=memory), Verified(lake, memory=memory)
    assert second.how() == first.how()
    assert second.joined == []
    assert second.scanner.files_read == 0


def test_another_version_of_a_side_is_compared_anew(tmp_path: Path) -> None:
    memory = Memory()
    parent, child = made(tmp_path, "p", v=list(range(100))), made(tmp_path, "c", v=list(range(0, 100, 2)))
    assert Verified([parent, child], memory=memory).how() == {("p", "c"): (PROVEN, "join")}
    changed = made(tmp_path, "c", v=[*range(0, 98, 2), 0])
    assert Verified([parent, changed], memory=memory).how()["p", "c"][0] is REFUTED


def test_a_side_that_changed_since_it_was_listed_takes_its_pairs_with_it(tmp_path: Path) -> None:
    lake = [made(tmp_path, name, v=TEN) for name in "abc"]
    os.utime(tmp_path / "b.parquet", ns=(1, 1))
    run = Verified(lake)
    assert {pair for pair, (grade, _) in run.how().items() if grade is PROVEN} == {("a", "c"), ("c", "a")}
    assert {grade for pair, (grade, _) in run.how().items() if "b" in pair} == {Grade.CANDIDATE}
    assert set(run.scanner.failed) == {1}


def test_a_side_that_changes_between_scan_and_join_takes_its_pairs_with_it(tmp_path: Path) -> None:
    lake = [
        made(tmp_path, "p", v=list(range(100))),
        made(tmp_path, "c", v=list(range(0, 100, 2))),
        made(tmp_path, "q", v=list(range(100))),
    ]
    settings = TINY
    found = find_candidates(lake, settings)
    scanner = Scanner(lake, settings, run_here, Memory())
    join = partial(join_pairs, run_shuffled_here, lake, settings)
    verifier = Verifier(lake, [leaves_by_path(d, False) for d in lake], found.views, settings, scanner, join, Memory())
    result = verifier.scan(found.pairs)
    os.utime(tmp_path / "c.parquet", ns=(1, 1))
    verifier.join_rest(result)
    grades = {(lake[p.parent].id, lake[p.child].id): v.grade for p, v in result.verdicts.items()}
    assert grades["p", "c"] is Grade.CANDIDATE
    assert grades["q", "c"] is Grade.CANDIDATE
    assert grades["p", "q"] is PROVEN


def test_boxes_of_one_parent_are_limited_and_the_largest_children_get_them(tmp_path: Path) -> None:
    parent = made(tmp_path, "p", v=list(range(100)))
    children = [made(tmp_path, f"c{n}", v=list(range(5, 5 + n))) for n in (10, 40, 20)]
    run = Verified([parent, *children], replace(TINY, boxes_per_scan=1))
    boxed = {run.datasets[pair.child].id for pair in run.result.boxes if pair.parent == 0}
    assert boxed == {"c40"}
    assert all(grade is PROVEN for pair, (grade, _) in run.how().items() if pair[0] == "p")


def test_reasons_and_boxes_hold_no_cell_values(tmp_path: Path) -> None:
    lake = [
        made(tmp_path, "p", v=[f"secret{i}" for i in range(50)], w=list(range(50))),
        made(tmp_path, "c", v=[f"secret{i}" for i in range(20, 30)], w=list(range(20, 30))),
        made(tmp_path, "d", v=["secret20", "secret3x", "secret41"], w=[20, 31, 41]),
    ]
    found = contained(lake, NO_BOXES), contained(lake)
    for edge in (e for run in found for e in (*run.edges, *run.others)):
        assert "secret" not in f"{edge.reason}{edge.predicate}"


def test_a_refutation_by_join_names_its_witness(tmp_path: Path) -> None:
    run = Verified([made(tmp_path, "p", v=list(range(100))), made(tmp_path, "c", v=[*range(1, 99, 2), 1])], NO_BOXES)
    (verdict,) = run.result.verdicts.values()
    assert verdict.grade is REFUTED
    assert isinstance(verdict.witness, Witness)
    assert (verdict.witness.in_child, verdict.witness.in_parent) == (2, 1)
    assert "2 times" in verdict.reason


def test_pairs_that_share_files_are_not_compared_and_copies_of_both_still_are(tmp_path: Path) -> None:
    a, b, c = (made(tmp_path, name, v=TEN) for name in "abc")
    found = contained([sharing(a, "b"), sharing(b, "a"), c])
    assert proven_pairs(found) == {("a", "c"), ("c", "a"), ("b", "c"), ("c", "b")}
    assert {frozenset(group) for group in found.duplicates} == {frozenset("abc")}
    compared = {*found.proofs, *((edge.parent, edge.child) for edge in (*found.edges, *found.others))}
    assert not compared & {("a", "b"), ("b", "a")}


@pytest.mark.parametrize("statistics", [True, False])
def test_traps_are_refuted_with_or_without_statistics(tmp_path: Path, statistics: bool) -> None:
    base = {"a": [1, 2, 3, 4, 5, 6], "b": ["x", "y", None, "z", "x", "w"], "c": [1, 2, 3, 4, 5, 7]}
    traps: dict[str, dict[str, Any]] = {
        "one cell changed": {**base, "a": [1, 2, 3, 4, 5, 5]},
        "one NULL more": {**base, "b": ["x", None, None, "z", "x", "w"]},
        "empty for NULL": {**base, "b": ["x", "y", "", "z", "x", "w"]},
        "one row twice": {"a": [1, 1], "b": ["x", "x"], "c": [1, 1]},
        "two columns swapped": {**base, "a": base["c"], "c": base["a"]},
        "one column shuffled": {**base, "a": [2, 1, 3, 4, 5, 6]},
        "text cut": {**base, "b": ["x", "y", None, "z", "x", "ww"]},
    }
    parent = made(tmp_path, "base", statistics, **base)
    children = [made(tmp_path, name, statistics, **columns) for name, columns in traps.items()]
    for settings in (TINY, NO_BOXES, ContainmentSettings()):
        found = contained([parent, *children], settings)
        assert {pair for pair in proven_pairs(found) if pair[0] == "base"} == set()


def test_one_projection_and_both_modes_of_case(tmp_path: Path) -> None:
    lake = [made(tmp_path, "p", ID=TEN, Name=TEN), made(tmp_path, "c", id=TEN)]
    assert proven_pairs(contained(lake)) == {("p", "c")}
    assert proven_pairs(contained(lake, replace(TINY, case_sensitive=True))) == set()


def test_what_follows_is_found_once_for_each_parent_not_once_for_each_pair(tmp_path: Path) -> None:
    """A long chain of proofs, and every other pair of it open: a search for each pair took minutes."""
    count = 400
    projection = ((("v",), "number"),)
    one = made(tmp_path, "a", v=[1])
    lake = [replace(one, id=str(i)) for i in range(count)]
    pairs = [Pair(p, c, projection) for p in range(count) for c in range(p + 1, count)]
    proof = Verdict(PROVEN, "digest", "")
    result = Verification({pair: proof if pair.child == pair.parent + 1 else UNDECIDED for pair in pairs})
    scanner = Scanner(lake, TINY, run_here, Memory())
    views = Views({i: schema_of(dataset, False) for i, dataset in enumerate(lake)})

    def never(asked: Sequence[Pair], failed: dict[int, str]) -> dict[Pair, JoinResult]:
        assert list(asked) == []
        return {}

    started = time.monotonic()
    Verifier(lake, [], views, TINY, scanner, never, Memory()).join_rest(result)
    assert {verdict.grade for verdict in result.verdicts.values()} == {PROVEN}
    assert time.monotonic() - started < 20
