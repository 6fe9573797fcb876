"""Verification: every pair ends proven or refuted, by the cheapest way, or held back as a side was not whole."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.config import ContainmentSettings
from r2d2.containment.candidates import Candidates, find_candidates, refuted_by_metadata
from r2d2.containment.funnel import Containments, find_containments
from r2d2.containment.join import JoinResult, join_pairs
from r2d2.containment.joins import Joins
from r2d2.containment.minmax import leaves_by_path
from r2d2.containment.pairs import HOWS, Standing
from r2d2.containment.request import Request
from r2d2.containment.scanner import Measure, Scanner
from r2d2.containment.schema_graph import schema_of
from r2d2.containment.verification import Verification
from r2d2.containment.verify import Verifier, box_text
from r2d2.containment.views import Pair, Views
from r2d2.lake.kernels import run_here, run_shuffled_here
from r2d2.model.dataset import Bounds, Dataset
from r2d2.model.edge import Grade, Witness
from r2d2.model.family import NUMBER
from r2d2.progress import Progress
from tests.containment_runs import (
    TINY,
    Memory,
    candidate,
    contained,
    data_file,
    datasets_of,
    decided_proven,
    parquet_dataset,
    proven_pairs,
    sharing,
)

NO_BOXES = replace(TINY, boxes_per_scan=0)


def made(directory: Path, name: str, statistics: bool = True, **columns: Any) -> Dataset:
    path = directory / f"{name}.parquet"
    pq.write_table(pa.table(columns), path, write_statistics=statistics)
    return parquet_dataset(path, name=name)


class CountingScanner(Scanner):
    """A scanner that remembers what it was asked for, scan by scan."""

    def measure(self, wanted: Mapping[int, Sequence[Request]]) -> dict[tuple[int, Request], Measure]:
        if wanted:
            self.asked.append({index: list(requests) for index, requests in wanted.items()})
        return super().measure(wanted)

    @property
    def asked(self) -> list[dict[int, list[Request]]]:
        return self.__dict__.setdefault("_asked", [])  # type: ignore[no-any-return]


class Verified:
    """One run of verification, with what each step did."""

    def __init__(
        self,
        datasets: Sequence[Dataset],
        settings: ContainmentSettings = TINY,
        memory: Memory | None = None,
        between: Callable[[], object] = lambda: None,
    ):
        self.joined: list[Pair] = []
        self.joins = 0
        self.datasets = datasets
        cache = memory or Memory()
        self.scanner = CountingScanner(datasets, settings, run_here, cache)
        found = find_candidates(datasets, settings)
        leaves = [leaves_by_path(dataset, False) for dataset in datasets]
        inner = partial(join_pairs, run_shuffled_here, datasets, settings)

        def join(pairs: Sequence[Pair], failed: dict[int, str]) -> dict[Pair, JoinResult]:
            self.joined += pairs
            self.joins += 1
            return inner(pairs, failed)

        verifier = Verifier(datasets, leaves, found, settings, self.scanner, Joins(self.scanner, join, cache))
        self.result: Verification = verifier.scan()
        between()
        self.read = verifier.join_rest(self.result)

    def how(self) -> Mapping[tuple[str, str], tuple[Grade, str]]:
        """Every pair of datasets with its verdict; that of its groups, or ``digest`` inside of one."""
        pairs, members = self.result.pairs, self.result.members()
        ids = [dataset.id for dataset in self.datasets]
        found = {
            (ids[a], ids[b]): (PROVEN, "digest") for group in members.values() for a in group for b in group if a != b
        }
        assert len(found) == self.result.inside
        for position in range(len(pairs)):
            for parent in members[int(pairs.parent[position])]:
                for child in members[int(pairs.child[position])]:
                    found[ids[parent], ids[child]] = pairs.grade(position), HOWS[pairs.how[position]]
        return found

    def grades(self) -> Mapping[tuple[str, str], Grade]:
        return {pair: grade for pair, (grade, _) in self.how().items()}


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


def test_the_child_is_counted_in_its_box_only_if_the_box_would_refute(tmp_path: Path) -> None:
    """A proof by a box needs no such count: it holds whatever the box is."""
    lake = [
        made(tmp_path, "p", v=[*range(50), *range(60, 100)], w=[0] * 90),
        made(tmp_path, "c", v=list(range(20, 40))),
    ]
    assert Verified(lake).how()["p", "c"] == (PROVEN, "box")
    assert [set(asked) for asked in Verified(lake).scanner.asked] == [{0, 1}, {0}]
    gap = [lake[0], made(tmp_path, "d", v=list(range(45, 65)))]
    run = Verified(gap, replace(TINY, sketch_size=1))
    assert run.how()["p", "d"] == (REFUTED, "box")
    assert [set(asked) for asked in run.scanner.asked] == [{0, 1}, {0}, {1}]


def test_a_box_that_holds_many_more_rows_than_the_child_is_not_tried(tmp_path: Path) -> None:
    """It can't prove, and to count its rows costs a scan."""
    parent = made(tmp_path, "p", v=list(range(1000)))
    sparse, dense = (made(tmp_path, f"c{step}", v=list(range(100, 500, step))) for step in (10, 1))
    run = Verified([parent, sparse, dense])
    tried = {run.datasets[int(run.result.pairs.child[position])].id for position in run.result.boxes}
    assert tried == {"c1"}
    assert run.how()["p", "c10"] == (PROVEN, "join") or run.how()["c1", "c10"] == (PROVEN, "join")
    assert run.grades()["p", "c10"] is PROVEN


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


def test_a_box_refutes_no_text_by_bounds_that_may_not_hold_for_it(tmp_path: Path) -> None:
    """A number too long to be compared counts as inside, so that the child's own count in its box proves nothing."""
    values = [Decimal(n) for n in (*range(1, 40), 10**30)]
    parent = made(tmp_path, "p", v=pa.array(values, pa.decimal128(38, 0)))
    (tmp_path / "c.csv").write_text(f"v\n5\n6\n{10**30}\n")
    (text,) = datasets_of([candidate("c", "csv", [data_file(tmp_path / "c.csv")], tmp_path / "c.csv")])
    leaves = tuple(replace(leaf, bounds={NUMBER: Bounds(Decimal(5), Decimal(6))}) for leaf in text.leaves)
    run = Verified([parent, replace(text, leaves=leaves)], replace(TINY, sketch_size=1))
    assert run.result.boxes
    assert run.how() == {("p", "c"): (PROVEN, "join")}


def test_a_child_that_falls_in_many_boxes_costs_few_scans(tmp_path: Path) -> None:
    """Thirty candidates, one larger than the other, each of which its box refutes: not a scan for each, one by one."""
    lake = [made(tmp_path, "c", v=list(range(400, 420)))]
    lake += [made(tmp_path, f"p{i:02}", v=[n for n in range(1000 + i) if n != 402 + i % 15]) for i in range(30)]
    run = Verified(lake, replace(TINY, sketch_size=1))
    assert {run.how()[f"p{i:02}", "c"] for i in range(30)} == {(REFUTED, "box")}
    assert len(run.scanner.asked) <= 1 + 2 * 6
    assert run.joins == 0


def test_without_boxes_the_join_says_the_same(tmp_path: Path) -> None:
    lake = [made(tmp_path, "p", v=TEN, w=TEN), made(tmp_path, "c", v=TEN[3:7]), made(tmp_path, "d", v=[3, 3, 4])]
    with_boxes, without = Verified(lake), Verified(lake, NO_BOXES)
    assert with_boxes.grades() == without.grades()
    assert with_boxes.result.boxes
    assert without.result.boxes == {}


def test_small_datasets_are_decided_by_their_sketches_alone(tmp_path: Path) -> None:
    lake = [made(tmp_path, "p", v=[1, 2, 3, 5]), made(tmp_path, "c", v=[1, 3]), made(tmp_path, "d", v=[2, 4])]
    run = Verified(lake, ContainmentSettings())
    assert run.how() == {("p", "c"): (PROVEN, "sketch"), ("p", "d"): (REFUTED, "sketch")}
    assert run.joined == []
    assert run.result.boxes == {}


def test_what_follows_from_proofs_is_not_compared_again(tmp_path: Path) -> None:
    """Every second row is no range: only the join finds it, and finds it once: of parents with as many rows in the one
    with fewer columns, which the other holds.
    """
    evens = TEN[::2] * 10
    lake = [
        made(tmp_path, "top", statistics=False, v=TEN * 10, w=TEN * 10),
        made(tmp_path, "same", statistics=False, v=TEN * 10),
        made(tmp_path, "part", statistics=False, v=evens),
    ]
    run = Verified(lake)
    assert run.how() == {
        ("top", "same"): (PROVEN, "digest"),
        ("same", "part"): (PROVEN, "join"),
        ("top", "part"): (PROVEN, "implied"),
    }
    assert [(lake[pair.parent].id, lake[pair.child].id) for pair in run.joined] == [("same", "part")]


def test_copies_are_compared_with_others_once(tmp_path: Path) -> None:
    """Four copies of each of two tables: 16 pairs between them, one comparison."""
    lake = [made(tmp_path, f"all{i}", v=list(range(100))) for i in range(4)]
    lake += [made(tmp_path, f"half{i}", v=list(range(0, 100, 2))) for i in range(4)]
    run = Verified(lake)
    assert len(run.joined) == 1
    assert run.result.inside == 24
    assert run.result.pairs.weight.tolist() == [16]
    assert {pair: way for pair, way in run.how().items() if pair[0][:3] != pair[1][:3]} == {
        (f"all{i}", f"half{j}"): (PROVEN, "join") for i in range(4) for j in range(4)
    }


def test_a_child_is_compared_with_its_smallest_candidate_first_and_with_more_if_that_lacks_a_row(
    tmp_path: Path,
) -> None:
    """Growing snapshots, of which only the larger ones hold the child: rounds, and in each not more than needed."""
    child = list(range(0, 90, 3))
    snapshots = [[n for n in range(100 + i) if n != 42 or i >= 5] for i in range(8)]
    lake = [made(tmp_path, "c", statistics=False, v=child)]
    lake += [made(tmp_path, f"s{i}", statistics=False, v=v) for i, v in enumerate(snapshots)]
    run = Verified(lake, replace(TINY, sketch_size=1, boxes_per_scan=0))
    grades = run.grades()
    assert {name: grades[name, "c"] is PROVEN for name in (f"s{i}" for i in range(8))} == {
        f"s{i}": i >= 5 for i in range(8)
    }
    compared = [lake[pair.parent].id for pair in run.joined if pair.child == 0]
    assert compared[0] == "s0"
    assert len(set(compared)) == len(compared) < 8
    assert run.joins <= 4


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
    assert {pair for pair, grade in run.grades().items() if grade is PROVEN} == {("a", "c"), ("c", "a")}
    assert {grade for pair, grade in run.grades().items() if "b" in pair} == {Grade.CANDIDATE}
    assert set(run.scanner.failed) == {1}


def test_a_side_that_changes_between_scan_and_join_takes_its_pairs_with_it(tmp_path: Path) -> None:
    lake = [
        made(tmp_path, "p", v=list(range(100))),
        made(tmp_path, "c", v=list(range(0, 100, 2))),
        made(tmp_path, "q", v=list(range(100))),
    ]
    grades = Verified(lake, between=lambda: os.utime(tmp_path / "c.parquet", ns=(1, 1))).grades()
    assert grades["p", "c"] is Grade.CANDIDATE
    assert grades["q", "c"] is Grade.CANDIDATE
    assert grades["p", "q"] is PROVEN


def test_boxes_of_one_parent_are_limited_and_the_largest_children_get_them(tmp_path: Path) -> None:
    parent = made(tmp_path, "p", v=list(range(100)))
    children = [made(tmp_path, f"c{n}", v=list(range(5, 5 + n))) for n in (10, 40, 20)]
    run = Verified([parent, *children], replace(TINY, boxes_per_scan=1))
    pairs = run.result.pairs
    boxed = [
        run.datasets[int(pairs.child[position])].id for position in run.result.boxes if pairs.parent[position] == 0
    ]
    assert boxed == ["c40"]
    assert all(grade is PROVEN for pair, grade in run.grades().items() if pair[0] == "p")


def test_reasons_and_boxes_hold_no_cell_values(tmp_path: Path) -> None:
    lake = [
        made(tmp_path, "p", v=[f"secret{i}" for i in range(50)], w=list(range(50))),
        made(tmp_path, "c", v=[f"secret{i}" for i in range(20, 30)], w=list(range(20, 30))),
        made(tmp_path, "d", v=["secret20", "secret3x", "secret41"], w=[20, 31, 41]),
    ]
    found = contained(lake, NO_BOXES), contained(lake)
    edges = [edge for run in found for edge in (*run.edges, *run.others)]
    assert {edge.how for edge in edges} >= {"box", "join"}
    for edge in edges:
        assert "secret" not in f"{edge.reason}{edge.predicate}"


def test_a_refutation_by_join_names_its_witness(tmp_path: Path) -> None:
    lake = [made(tmp_path, "p", v=list(range(100))), made(tmp_path, "c", v=[*range(1, 99, 2), 1])]
    run = Verified(lake, NO_BOXES)
    assert run.how() == {("p", "c"): (REFUTED, "join")}
    witness = run.result.pairs.witness(0)
    assert isinstance(witness, Witness)
    assert (witness.in_child, witness.in_parent) == (2, 1)
    (edge,) = contained(lake, NO_BOXES).others
    assert edge.witness == witness
    assert edge.reason == (
        "1 of its distinct rows are missing or too rare in the other; one that it holds 2 times is there once"
    )


def test_pairs_that_share_files_are_not_compared_and_copies_of_both_still_are(tmp_path: Path) -> None:
    a, b, c = (made(tmp_path, name, v=TEN) for name in "abc")
    found = contained([sharing(a, "b"), sharing(b, "a"), c])
    assert proven_pairs(found) == {("a", "c"), ("c", "a"), ("b", "c"), ("c", "b")}
    assert {frozenset(group) for group in found.duplicates} == {frozenset("abc")}
    compared = decided_proven(found) | {(edge.parent, edge.child) for edge in (*found.edges, *found.others)}
    assert ("a", "c") in compared
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


def chain_of(count: int, directory: Path) -> tuple[list[Dataset], Candidates]:
    """Datasets of one schema, each with a row more than the one before, and their candidates."""
    one = made(directory, "a", v=[1])
    lake = [replace(one, id=f"{i:04}", rows=count - i) for i in range(count)]
    views = Views({i: schema_of(dataset, False) for i, dataset in enumerate(lake)})
    found = Candidates(lake, TINY, views, [PROJECTION])
    return lake, found


PROJECTION = ((("v",), "number"),)


def test_what_follows_is_found_once_for_each_group_not_once_for_each_pair(tmp_path: Path) -> None:
    """A long chain of proofs, and every other pair of it open: a search for each pair took minutes."""
    lake, candidates = chain_of(400, tmp_path)
    pairs, _ = candidates.pairs(np.arange(400))
    assert len(pairs) == 400 * 399 // 2
    pairs.prove(np.flatnonzero(pairs.child == pairs.parent + 1), "digest")
    result = Verification(pairs, np.arange(400), 0)

    started = time.monotonic()
    scanner = CountingScanner(lake, TINY, run_here, Memory())
    Verifier(lake, [], candidates, TINY, scanner, Joins(scanner, no_join, Memory())).join_rest(result)
    assert (pairs.standing == Standing.PROVEN).all()
    assert scanner.asked == []
    assert time.monotonic() - started < 20


def test_what_follows_from_a_refutation_is_not_compared_again(tmp_path: Path) -> None:
    """The smallest is in the middle one and not in the largest: that lacks a row of the middle one, too."""
    lake, candidates = chain_of(3, tmp_path)
    pairs, _ = candidates.pairs(np.arange(3))
    place = {(int(pairs.parent[p]), int(pairs.child[p])): p for p in range(3)}
    pairs.prove(place[1, 2], "box")
    pairs.refute(place[0, 2], "box", number=0)
    result = Verification(pairs, np.arange(3), 0)
    scanner = Scanner(lake, TINY, run_here, Memory())
    Verifier(lake, [], candidates, TINY, scanner, Joins(scanner, no_join, Memory())).join_rest(result)
    assert (pairs.grade(place[0, 1]), HOWS[pairs.how[place[0, 1]]]) == (REFUTED, "implied")


def no_join(asked: Sequence[Pair], failed: dict[int, str]) -> dict[Pair, JoinResult]:
    raise AssertionError("nothing is left to compare")


def test_a_chain_of_400_is_joined_link_by_link_and_all_else_follows(tmp_path: Path) -> None:
    """Each is compared with the next larger one only: 399 comparisons of 79,800 pairs, in one round."""
    lake, candidates = chain_of(400, tmp_path)
    asked: list[Pair] = []
    rounds = []

    def join(pairs: Sequence[Pair], failed: dict[int, str]) -> dict[Pair, JoinResult]:
        asked.extend(pairs)
        rounds.append(len(pairs))
        return {pair: JoinResult(0, None) for pair in pairs}

    pairs, _ = candidates.pairs(np.arange(400))
    result = Verification(pairs, np.arange(400), 0, tried=set(range(len(pairs))))
    started = time.monotonic()
    scanner = Scanner(lake, TINY, run_here, Memory())
    Verifier(lake, [], candidates, TINY, scanner, Joins(scanner, join, Memory())).join_rest(result)
    assert (pairs.standing == Standing.PROVEN).all()
    assert {(pair.parent, pair.child) for pair in asked} == {(i, i + 1) for i in range(399)}
    assert rounds == [399]
    assert time.monotonic() - started < 20


def found_while(
    datasets: Sequence[Dataset],
    happening: Callable[[int], None],
    settings: ContainmentSettings = NO_BOXES,
) -> Containments:
    """All stages, with what happens before each join (from 1)."""
    scanner = Scanner(datasets, settings, run_here, Memory())
    inner = partial(join_pairs, run_shuffled_here, datasets, settings)
    joins: list[int] = []

    def join(pairs: Sequence[Pair], failed: dict[int, str]) -> dict[Pair, JoinResult]:
        joins.append(len(pairs))
        happening(len(joins))
        return inner(pairs, failed)

    return find_containments(datasets, settings, scanner, join, Memory(), Progress(quiet=True))


def test_a_copy_that_changes_between_scan_and_join_is_no_end_of_an_edge_and_the_others_go_on(tmp_path: Path) -> None:
    """The first of the copies stands for all of them; what becomes of it must not become of them."""
    lake = [made(tmp_path, name, v=list(range(100))) for name in ("copy0", "copy1", "copy2")]
    lake.append(made(tmp_path, "half", v=list(range(0, 100, 2))))
    found = found_while(lake, lambda join: os.utime(tmp_path / "copy0.parquet", ns=(1, 1)))
    assert {d.id: d.status for d in found.datasets if d.status != "ok"} == {"copy0": "unprovable"}
    ends = {end for edge in found.edges for end in (edge.parent, edge.child)}
    assert "copy0" not in ends
    assert proven_pairs(found) == decided_proven(found) == {
        ("copy1", "copy2"), ("copy2", "copy1"), ("copy1", "half"), ("copy2", "half"),
    }  # fmt: skip
    lost = {pair for name in ("copy1", "copy2", "half") for pair in (("copy0", name), (name, "copy0"))}
    told = [(edge.parent, edge.child, edge.grade) for edge in found.others]
    assert sorted(told) == sorted((*pair, Grade.CANDIDATE) for pair in lost - {("half", "copy0")})
    assert sum(found.funnel.proven.values()) == 4


def test_what_followed_from_a_dataset_that_changes_later_is_found_again_without_it(tmp_path: Path) -> None:
    """A proof that no edge carries any more would be counted, and neither listed nor used."""
    columns = {f"s{i}": [n for n in range(100 + i) if n != 42 or i >= 2] for i in range(6)}
    columns |= {"c": list(range(0, 90, 3)), "d": list(range(0, 45, 3))}
    lake = [made(tmp_path, name, statistics=False, v=values) for name, values in columns.items()]

    def happening(join: int) -> None:
        if join == 2:
            os.utime(tmp_path / "s2.parquet", ns=(1, 1))
            os.utime(tmp_path / "c.parquet", ns=(1, 1))

    found = found_while(lake, happening, replace(NO_BOXES, sketch_size=1))
    assert {d.id for d in found.datasets if d.status != "ok"} == {"s2", "c"}
    left = columns.keys() - {"s2", "c"}
    expected = {(p, c) for p in left for c in left if p != c and set(columns[c]) <= set(columns[p])}
    assert proven_pairs(found) == decided_proven(found) == expected


def test_every_pair_that_is_left_undone_or_refuted_is_told_once_by_metadata_or_by_content(tmp_path: Path) -> None:
    """Of two copies one has bounds in its metadata, which rule out a child that the other's leave open."""
    lake = [made(tmp_path, "known", v=TEN), made(tmp_path, "unknown", statistics=False, v=TEN)]
    lake.append(made(tmp_path, "beyond", v=[8, 9, 10]))
    found = contained(lake)
    told = [(edge.parent, edge.child) for edge in (*found.others, *refuted_by_metadata(lake, False))]
    assert sorted(told) == sorted(set(told))
    assert len(list(found.others)) == sum(found.funnel.refuted.values()) + found.funnel.undecided
