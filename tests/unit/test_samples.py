"""The paper's sampling: a sample may only refute, never what is contained, and proves nothing (DESIGN 4)."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from r2d2.catalog.discovery import discover
from r2d2.config import ContainmentSettings, DiscoverySettings, load_settings
from r2d2.containment import sample_scan
from r2d2.containment.candidates import find_candidates
from r2d2.containment.funnel import Containments
from r2d2.containment.request import Request
from r2d2.containment.sample_scan import Lookup, draw_kernel
from r2d2.containment.samples import Sampler, sampled
from r2d2.containment.sampling import _CHOICES, SampleSize, missing_bound
from r2d2.containment.scan_sql import hashed_rows
from r2d2.containment.scanner import Scanner
from r2d2.demo.lake import DemoTruth
from r2d2.errors import UsageError
from r2d2.lake.kernels import Kernel, run_here
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge, Grade, Projection, Witness
from r2d2.model.packing import unpack_files
from r2d2.progress import Progress
from tests.containment_runs import Memory, contained, datasets_of, discovered, parquet_dataset, proven_pairs
from tests.sampling import FULL
from tests.states import base_table, small_lake, write

PAPER = ContainmentSettings(verify="paper")
#: All rows and all columns: it refutes exactly what is not contained.
ALL = replace(PAPER, sampled_rows=1_000_000, sampled_columns=1_000)


def made(directory: Path, name: str, row_group_size: int = 1_000_000, **columns: Any) -> Dataset:
    path = directory / f"{name}.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=row_group_size)
    return parquet_dataset(path, name=name)


def graded(found: Containments, grade: Grade) -> dict[tuple[str, str], Edge]:
    return {(edge.parent, edge.child): edge for edge in found.others if edge.grade is grade}


class Watched:
    """Samples of datasets, and what the kernels were asked to read."""

    def __init__(self, datasets: Sequence[Dataset], settings: ContainmentSettings, memory: Memory | None = None):
        self.drawn: list[dict[str, Any]] = []
        self.searched: list[dict[str, Any]] = []
        self.scanner = Scanner(datasets, settings, self._run, memory or Memory())
        self.result = sampled(find_candidates(datasets, settings), self.scanner, Progress(quiet=True))

    def _run(self, tasks: pa.Table, kernel: Kernel, schema: pa.Schema) -> pa.Table:
        (self.drawn if kernel is draw_kernel else self.searched).extend(tasks.to_pylist())
        return run_here(tasks, kernel, schema)


# what the bound says


def test_the_bound_is_the_exact_one_of_a_draw_without_replacement() -> None:
    for rows in range(1, 41):
        for drawn in range(rows + 1):
            unseen = [Fraction(math.comb(rows - d, drawn), math.comb(rows, drawn)) for d in range(rows + 1)]
            largest = max(d for d, missed in enumerate(unseen) if missed >= Fraction(1, 20))
            assert missing_bound(rows, drawn) == largest / rows, (rows, drawn)


def test_the_bound_of_a_large_dataset_is_that_of_independent_draws() -> None:
    for drawn in (1, 10, 300, 10_000):
        assert missing_bound(10**9, drawn) == pytest.approx(1 - 0.05 ** (1 / drawn), rel=1e-3)
    assert missing_bound(1000, 1000) == 0


# what is drawn


def test_rows_are_drawn_uniformly_without_replacement_and_the_same_for_the_same_version() -> None:
    size = SampleSize(5, 4, 0)
    assert size.drawn_rows("a", 3) == [0, 1, 2]
    assert size.drawn_rows("a", 100) == size.drawn_rows("a", 100)
    assert len({str(SampleSize(5, 4, seed).drawn_rows(key, 100)) for seed in (0, 1) for key in "ab"}) == 4
    drawn = [size.drawn_rows(str(key), 20) for key in range(4000)]
    assert all(rows == sorted(set(rows)) and len(rows) == 5 for rows in drawn)
    counts = Counter(row for rows in drawn for row in rows)
    assert set(counts) == set(range(20))
    assert all(abs(count - 1000) < 5 * math.sqrt(1000 * 0.75) for count in counts.values())


def test_columns_are_drawn_in_few_choices_that_together_reach_most_columns() -> None:
    projection: Projection = tuple(((f"c{i:02}",), "number") for i in range(12))
    size = SampleSize(5, 4, 0)
    choices = {size.drawn_columns(str(key), projection) for key in range(200)}
    assert 1 < len(choices) <= _CHOICES
    assert all(len(columns) == 4 and list(columns) == sorted(columns) for columns in choices)
    assert len({leaf for columns in choices for leaf in columns}) > 4
    assert size.drawn_columns("a", projection[:3]) == projection[:3]
    assert choices != {SampleSize(5, 4, 1).drawn_columns(str(key), projection) for key in range(200)}


def test_the_rows_at_the_drawn_places_of_many_files_are_read_and_no_others(tmp_path: Path) -> None:
    """Every row has its own value, so that those that were read can be told by their hashes."""
    for i in range(40):
        pq.write_table(pa.table({"v": range(100 * i, 100 * i + 7)}), tmp_path / f"{i:02}.parquet", row_group_size=3)
    paths = sorted(tmp_path.glob("*.parquet"))
    child = parquet_dataset(*paths, name="child")
    pq.write_table(pa.table({"v": range(4000)}), tmp_path / "parent.parq")
    parent = parquet_dataset(tmp_path / "parent.parq", name="parent")
    watched = Watched([parent, child], replace(PAPER, sampled_rows=60))
    assert len(watched.drawn) > 1
    drawn = watched.result.sample.drawn_rows(watched.scanner.keys[1], 280)  # type: ignore[union-attr]
    values = [100 * (row // 7) + row % 7 for row in drawn]
    expected = made(tmp_path, "expected", v=values)
    again = Watched([parent, expected], ALL)
    assert samples(watched) == samples(again)
    read = {file.path for task in watched.drawn for file in unpack_files(task["files"])}
    assert read == {str(paths[row // 7]) for row in drawn}


def samples(watched: Watched) -> list[tuple[list[int], list[int], list[int]]]:
    sampler = Sampler(find_candidates(watched.scanner.datasets, watched.scanner.settings), watched.scanner)
    rows = sampler.draw().rows
    return sorted(zip(rows.low.tolist(), rows.high.tolist(), rows.count.tolist(), strict=True))


# verdicts


def test_what_is_contained_stays_plausible_and_what_is_far_from_it_is_refuted(tmp_path: Path) -> None:
    lake = [
        made(tmp_path, "parent", a=range(1000), b=[i % 7 for i in range(1000)]),
        made(tmp_path, "part", a=range(100, 400), b=[i % 7 for i in range(100, 400)]),
        made(tmp_path, "other", a=range(100, 400), b=[(i + 1) % 7 for i in range(100, 400)]),
    ]
    found = contained(lake, PAPER)
    assert graded(found, Grade.PLAUSIBLE).keys() == {("parent", "part")}
    assert graded(found, Grade.REFUTED).keys() >= {("parent", "other")}
    (edge,) = graded(found, Grade.PLAUSIBLE).values()
    assert (edge.how, edge.witness) == ("sample", None)
    assert edge.reason == (
        "not proven, only sampled (containment.verify=paper): 10 of its 300 rows were looked up under all its columns, "
        "and none is missing; so at 95% confidence at most 25.4% of its rows are missing there"
    )
    missing = graded(found, Grade.REFUTED)["parent", "other"]
    assert missing.how == "sample"
    assert missing.witness is not None
    assert (missing.witness.in_child, missing.witness.in_parent) == (1, 0)
    assert missing.reason == (
        "of 10 of its 300 rows, looked up under all its columns, 10 are missing or too rare in the other; one that "
        "was drawn once is there not at all"
    )


def test_nothing_is_ever_proven_even_if_all_was_drawn(tmp_path: Path) -> None:
    lake = [made(tmp_path, "a", v=range(5)), made(tmp_path, "b", v=range(5)), made(tmp_path, "c", v=range(3))]
    found = contained(lake, ALL)
    assert graded(found, Grade.PLAUSIBLE).keys() == {("a", "b"), ("b", "a"), ("a", "c"), ("b", "c")}
    assert (found.edges, found.duplicates, proven_pairs(found)) == ((), (), set())
    assert (found.funnel.proven, found.funnel.undecided) == ({}, 4)
    assert "at most 0% of its rows" in graded(found, Grade.PLAUSIBLE)["a", "c"].reason


def test_a_row_that_was_drawn_twice_has_to_be_there_twice(tmp_path: Path) -> None:
    """One file holds the row in each of its parts, so that parts of the parent have to be added up."""
    for part in ("x", "y"):
        pq.write_table(pa.table({"v": [1, 5]}), tmp_path / f"{part}.parquet")
    twice = parquet_dataset(tmp_path / "x.parquet", tmp_path / "y.parquet", name="twice")
    lake = [twice, made(tmp_path, "once", v=[1, 2, 3, 5]), made(tmp_path, "child", v=[5, 5])]
    found = contained(lake, replace(ALL, task_bytes=1))
    assert graded(found, Grade.PLAUSIBLE).keys() == {("twice", "child")}
    edge = graded(found, Grade.REFUTED)["once", "child"]
    assert edge.witness is not None
    assert (edge.witness.in_child, edge.witness.in_parent) == (2, 1)
    assert edge.reason.endswith("1 are missing or too rare in the other; one that was drawn 2 times is there once")


def test_rows_that_differ_in_columns_that_were_not_drawn_are_not_seen(tmp_path: Path) -> None:
    columns = {f"c{i}": list(range(50)) for i in range(8)}
    parent = made(tmp_path, "parent", **columns, more=[0] * 50)
    lake = [parent]
    for i in range(8):
        lake.append(made(tmp_path, f"child{i}", **{**columns, f"c{i}": [49, *range(48), 0]}))
    found = contained(lake, replace(PAPER, sampled_rows=50, sampled_columns=3))
    plausible, refuted = graded(found, Grade.PLAUSIBLE), graded(found, Grade.REFUTED)
    assert "under 3 of its 8 columns" in next(iter(plausible.values())).reason
    assert "under 3 of its 8 columns" in next(iter(refuted.values())).reason
    assert not contained(lake, PAPER).edges


@pytest.fixture(scope="module")
def compared(demo_lake: tuple[Path, DemoTruth]) -> Containments:
    """The demo lake, all rows compared."""
    found = discover([str(demo_lake[0])], DiscoverySettings(), None, None)
    exact = contained(datasets_of(found.candidates), ContainmentSettings())
    assert len(proven_pairs(exact)) > 150
    return exact


@FULL  # as the next one; in `make test` generated lakes show both (tests/property/test_sampled_lakes.py)
def test_all_drawn_refutes_exactly_what_is_not_contained_in_any_format(compared: Containments) -> None:
    """Parquet, Delta, CSV, JSON, partitions, several files, text under several views; against a whole comparison."""
    drawn = contained(compared.datasets, ALL)
    assert graded(drawn, Grade.PLAUSIBLE).keys() == proven_pairs(compared)
    assert graded(drawn, Grade.REFUTED).keys() == graded(compared, Grade.REFUTED).keys()
    assert [dataset.error for dataset in drawn.datasets] == [dataset.error for dataset in compared.datasets]


@FULL
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_few_drawn_refute_nothing_that_is_contained(compared: Containments, seed: int) -> None:
    found = contained(compared.datasets, replace(PAPER, sample_seed=seed))
    assert graded(found, Grade.PLAUSIBLE).keys() >= proven_pairs(compared)
    assert graded(found, Grade.REFUTED).keys() <= graded(compared, Grade.REFUTED).keys()


def test_numbers_beyond_the_common_size_are_found(tmp_path: Path) -> None:
    large = [10**15 + i for i in range(20)]
    lake = [made(tmp_path, "parent", v=large, w=large), made(tmp_path, "child", v=large[3:9])]
    lake.append(made(tmp_path, "other", v=[large[0], 10**15 + 7, large[19] - 1, large[19] - 1]))
    found = contained(lake, ALL)
    assert graded(found, Grade.PLAUSIBLE).keys() == {("parent", "child")}
    assert graded(found, Grade.REFUTED).keys() == {("parent", "other")}


def test_partition_values_are_columns_like_others(tmp_path: Path) -> None:
    for year in (2023, 2024):
        write(tmp_path / f"by_year/year={year}/part-0.parquet", base_table(40, 100 * year))
    whole = pa.concat_tables(
        base_table(40, 100 * year).append_column("year", pa.array([str(year)] * 40)) for year in (2023, 2024)
    )
    write(tmp_path / "whole.parquet", whole)
    swapped = whole.set_column(3, "year", pa.array(["2024"] * 40 + ["2023"] * 40))
    write(tmp_path / "swapped.parquet", swapped)
    lake = datasets_of([discovered(tmp_path / name) for name in ("by_year", "whole.parquet", "swapped.parquet")])
    found = contained(lake, replace(PAPER, sampled_rows=70))
    assert graded(found, Grade.PLAUSIBLE).keys() == {("by_year", "whole.parquet"), ("whole.parquet", "by_year")}


# what is read


def test_each_child_is_drawn_once_and_each_parent_read_once_in_the_drawn_columns_only(tmp_path: Path) -> None:
    columns = {f"c{i}": list(range(60)) for i in range(9)}
    lake = [made(tmp_path, f"t{i}", **columns) for i in range(6)]
    watched = Watched(lake, PAPER)
    assert Counter(task["dataset"] for task in watched.drawn) == Counter(range(6))
    assert Counter(task["dataset"] for task in watched.searched) == Counter(range(6))
    asked = [Request.from_json(text) for task in watched.searched for text in json.loads(task["requests"])]
    assert {len(request.projection) for request in asked} == {4}
    assert all(len(json.loads(task["requests"])) <= _CHOICES for task in watched.searched)


def test_of_a_large_file_only_the_row_groups_with_drawn_rows_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damage elsewhere in the file is met only by who reads the row groups there."""
    values = np.random.default_rng(1).integers(0, 2**62, 40_000)
    lake = [made(tmp_path, "parent", v=values), made(tmp_path, "child", row_group_size=1000, v=values)]
    spoil(tmp_path / "child.parquet", keep=5)
    lake[1] = parquet_dataset(tmp_path / "child.parquet", name="child")
    for row, whole in ((5500, True), (6500, False)):
        monkeypatch.setattr(SampleSize, "drawn_rows", lambda *_, row=row: [row])
        settings = replace(PAPER, sampled_rows=1)
        sampler = Sampler(find_candidates(lake, settings), Scanner(lake, settings, run_here, Memory()))
        sampler.draw()
        assert (sampler.scanner.failed == {}) == whole


def spoil(path: Path, keep: int) -> None:
    """Overwrites the pages of all row groups but one."""
    footer, data = pq.read_metadata(path), bytearray(path.read_bytes())
    for group in set(range(footer.num_row_groups)) - {keep}:
        chunk = footer.row_group(group).column(0)
        start = chunk.dictionary_page_offset or chunk.data_page_offset
        data[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(data)


def test_a_second_run_reads_nothing_and_one_with_a_changed_child_reads_it_and_its_parents(tmp_path: Path) -> None:
    small_lake(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    memory = Memory()

    def run(settings: ContainmentSettings = PAPER) -> tuple[Watched, dict[str, Grade]]:
        lake = datasets_of([discovered(tmp_path / name) for name in names])
        watched = Watched(lake, settings, memory)
        pairs = watched.result.pairs
        return watched, {str(pairs.pair(p)): pairs.grade(p) for p in range(len(pairs))}

    first, verdicts = run()
    assert first.scanner.failed == {}
    again, same = run()
    assert (again.drawn, again.searched, same) == ([], [], verdicts)
    other, _ = run(replace(PAPER, sample_seed=1))
    assert len(other.drawn) == len(first.drawn)
    write(tmp_path / "tiny.parquet", base_table(6, 8))
    third, _ = run()
    tiny = names.index("tiny.parquet")
    assert {task["dataset"] for task in third.drawn} == {tiny}
    assert {task["dataset"] for task in third.searched} < set(range(len(names)))


def test_many_small_datasets_are_read_by_one_query_with_the_same_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(3)
    lake = []
    for i in range(7):
        names = [tmp_path / f"{i}-{part}.parquet" for part in range(1 + i % 3)]
        for path in names:
            values = [0, 59, *random.integers(0, 60, 48).tolist()]  # bounds rule out no pair
            pq.write_table(pa.table({"v": values, "w": [1] * 50}), path, row_group_size=20)
        lake.append(parquet_dataset(*names, name=f"t{i}"))
    queries: list[str] = []
    monkeypatch.setattr(sample_scan, "hashed_rows", lambda *given: queries.append("") or hashed_rows(*given))
    together = Watched(lake, PAPER)
    assert len(queries) == 2
    monkeypatch.setattr(sample_scan, "queried_together", lambda tasks: [[task] for task in tasks])
    alone = Watched(lake, PAPER)
    assert len(queries) == 2 + 2 * 7
    assert samples(together) == samples(alone)
    assert verdicts(together) == verdicts(alone)
    assert {grade for grade, *_ in verdicts(alone)} == {Grade.PLAUSIBLE, Grade.REFUTED}


def verdicts(watched: Watched) -> list[tuple[Grade, int, Witness | None]]:
    pairs = watched.result.pairs
    return [(pairs.grade(p), int(pairs.number[p]), pairs.witness(p)) for p in range(len(pairs))]


def test_of_datasets_that_one_query_reads_a_spoiled_one_spoils_no_other(tmp_path: Path) -> None:
    lake = [made(tmp_path, f"t{i}", v=range(i, 50)) for i in range(5)]
    os.utime(tmp_path / "t2.parquet")
    watched = Watched(lake, PAPER)
    assert watched.scanner.failed.keys() == {2}
    grades = Counter(grade for grade, *_ in verdicts(watched))
    assert grades == {Grade.CANDIDATE: 4, Grade.PLAUSIBLE: 6}


# what could not be read whole


def test_a_child_that_changes_after_it_was_listed_has_no_verdict(tmp_path: Path) -> None:
    lake = [made(tmp_path, "parent", v=range(9)), made(tmp_path, "child", v=range(3))]
    os.utime(tmp_path / "child.parquet")
    found = contained(lake, PAPER)
    (edge,) = found.others
    assert (edge.grade, edge.how) == (Grade.CANDIDATE, "")
    assert [dataset.status for dataset in found.datasets] == ["ok", "unprovable"]
    assert "changed while it was read" in found.datasets[1].reason


def test_a_parent_that_gives_fewer_rows_than_it_says_refutes_nothing(tmp_path: Path) -> None:
    parent = made(tmp_path, "parent", v=range(9))
    parent = replace(parent, rows=10, leaves=tuple(replace(leaf, bounds={}) for leaf in parent.leaves))
    found = contained([parent, made(tmp_path, "child", v=range(20, 23))], PAPER)
    (edge,) = found.others
    assert edge.grade is Grade.CANDIDATE
    assert "10 of them were to be read, and 9 were found" in found.datasets[0].reason


def test_a_child_that_lacks_a_row_where_one_was_drawn_has_no_verdict(tmp_path: Path) -> None:
    child = made(tmp_path, "child", v=range(3))
    child = replace(child, rows=4, files=tuple(replace(file, rows=4) for file in child.files))
    found = contained([made(tmp_path, "parent", v=range(9)), child], PAPER)
    assert [edge.grade for edge in found.others] == [Grade.CANDIDATE]
    assert "4 of them were to be read, and 3 were found" in found.datasets[1].reason


def test_a_text_child_is_sampled_under_each_view_that_is_asked_of_it(tmp_path: Path) -> None:
    table = base_table(200)
    write(tmp_path / "typed.parquet", table)
    pc.write_csv(table.slice(20, 50), tmp_path / "part.csv")
    pc.write_csv(table, tmp_path / "whole.csv")
    names = ("typed.parquet", "part.csv", "whole.csv")
    lake = datasets_of([discovered(tmp_path / name) for name in names])
    found = contained(lake, PAPER)
    expected = {("typed.parquet", "part.csv"), ("whole.csv", "part.csv"), ("typed.parquet", "whole.csv")}
    assert graded(found, Grade.PLAUSIBLE).keys() == expected | {("whole.csv", "typed.parquet")}


def test_a_lake_without_pairs_has_nothing_to_sample(tmp_path: Path) -> None:
    watched = Watched([made(tmp_path, "a", v=[1]), made(tmp_path, "b", w=[1])], PAPER)
    assert (watched.drawn, watched.searched, len(watched.result.pairs)) == ([], [], 0)
    assert contained([made(tmp_path, "a", v=[1])], PAPER).funnel.undecided == 0


# parts


def test_a_lookup_finds_what_is_looked_for_and_nothing_else() -> None:
    random = np.random.default_rng(7)
    lows = np.unique(random.integers(0, 2**64, 500, np.uint64))
    near = np.concatenate([lows[:100], lows[:100] + np.uint64(1), random.integers(0, 2**64, 5000, np.uint64)])
    edges = np.array([0, 2**64 - 1], np.uint64)
    for wanted in (lows, lows[:1], np.array([0], np.uint64), edges):
        among = np.concatenate([near, edges])
        assert Lookup(wanted).within(among).tolist() == np.flatnonzero(np.isin(among, wanted)).tolist()
    assert Lookup(lows).within(np.empty(0, np.uint64)).tolist() == []


@pytest.mark.parametrize("setting", ["sampled_rows", "sampled_columns"])
def test_nothing_drawn_is_no_sample(setting: str) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        load_settings(overrides=(f"containment.{setting}=0",), environ={})
    assert load_settings(overrides=("containment.verify=paper",), environ={}).containment == PAPER
