"""Pairs that hold files in common: counted, listed on demand, and never compared, proven or retired (EXACTNESS 1)."""

from __future__ import annotations

import itertools
import random
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.config import ContainmentSettings, RetentionSettings
from r2d2.containment.candidates import Candidates, find_candidates, refuted_by_metadata, shared_pairs
from r2d2.model.dataset import Bounds, Dataset, Leaf
from r2d2.model.edge import Edge, Grade
from r2d2.model.family import NUMBER, STRING
from r2d2.model.plan import Action
from r2d2.retention.planner import make_plan
from tests.containment_runs import contained, parquet_dataset, proven_pairs, sharing

SETTINGS = ContainmentSettings()
NUMBERS = Leaf(("a",), (NUMBER,))


def dataset(name: str, *others: str, leaves: tuple[Leaf, ...] = (NUMBERS,), status: str = "ok") -> Dataset:
    return Dataset(name, "parquet", f"/{name}", "v", leaves=leaves, rows=3, shared_with=others, status=status)


def ends(edges: Sequence[Edge]) -> set[tuple[str, str]]:
    return {(edge.parent, edge.child) for edge in edges}


def listed(datasets: Sequence[Dataset], case_sensitive: bool = False) -> set[tuple[str, str]]:
    edges = list(shared_pairs(datasets, case_sensitive))
    assert len(ends(edges)) == len(edges)
    return ends(edges)


def to_compare(found: Candidates) -> list[tuple[str, str]]:
    """(parent, child) of every pair that goes on to the content, each dataset standing for itself."""
    pairs, inside = found.pairs(np.arange(len(found.datasets)))
    assert inside == 0
    assert pairs.weight.tolist() == [1] * len(pairs)
    sides = zip(pairs.parent.tolist(), pairs.child.tolist(), strict=True)
    return [(found.datasets[parent].id, found.datasets[child].id) for parent, child in sides]


def test_the_pairs_are_those_whose_schema_fits() -> None:
    wide = (NUMBERS, Leaf(("b",), (STRING,)))
    datasets = [dataset("whole", "keys", "copy", leaves=wide), dataset("keys", "whole"), dataset("other")]
    datasets.append(dataset("copy", "whole", leaves=wide))
    datasets.append(dataset("texts", "whole", leaves=(Leaf(("a",), (STRING,)),)))
    expected = {("whole", "keys"), ("whole", "copy"), ("copy", "whole")}
    assert listed(datasets) == expected
    assert find_candidates(datasets, SETTINGS).shared == len(expected)


def test_a_side_that_takes_no_part_or_is_no_dataset_makes_no_pair() -> None:
    datasets = [dataset("a", "b", "gone"), dataset("b", "a", status="unsupported"), dataset("c", "hidden")]
    assert listed(datasets) == set()
    assert find_candidates(datasets, SETTINGS).shared == 0


def test_names_are_matched_as_the_run_does() -> None:
    datasets = [dataset("a", "b"), dataset("b", "a", leaves=(Leaf(("A",), (NUMBER,)),))]
    assert listed(datasets) == {("a", "b"), ("b", "a")}
    assert listed(datasets, case_sensitive=True) == set()
    assert find_candidates(datasets, replace(SETTINGS, case_sensitive=True)).shared == 0


def test_a_shared_pair_says_that_it_was_not_compared_and_has_no_way() -> None:
    (edge, _) = shared_pairs([dataset("a", "b"), dataset("b", "a")], False)
    assert (edge.grade, edge.how, edge.equal) == (Grade.SHARED, "", False)
    assert edge.reason == "they hold files in common, so neither can be retired; not compared"
    assert edge.projection == ((("a",), NUMBER),)


@pytest.mark.parametrize("seed", range(20))
def test_a_pair_whose_schema_fits_is_shared_or_ruled_out_or_a_candidate(seed: int) -> None:
    """Each exactly one of them, whatever the datasets: the figures of the funnel add up."""
    rng = random.Random(seed)
    datasets = []
    for i in range(12):
        low = rng.randrange(4)
        bounds = {NUMBER: Bounds(low, low + rng.randrange(4), True, True, True, True)}
        second = [Leaf(("b",), (rng.choice([NUMBER, STRING]),))] * rng.randrange(2)
        leaves = (Leaf(("a",), (NUMBER,), nulls=0, bounds=bounds), *second)
        status = rng.choices(["ok", "unsupported"], [9, 1])[0]
        datasets.append(replace(dataset(f"d{i:02}", leaves=leaves, status=status), rows=rng.randint(1, 9)))
    for one, other in rng.sample(list(itertools.combinations(range(12), 2)), 20):
        for a, b in ((one, other), (other, one)):
            datasets[a] = replace(datasets[a], shared_with=(*datasets[a].shared_with, datasets[b].id))
    found = find_candidates(datasets, SETTINGS)
    listed_once = to_compare(found)
    candidates = set(listed_once)
    assert found.left == len(listed_once) == len(candidates)
    shared, refuted = listed(datasets), ends(list(refuted_by_metadata(datasets, False)))
    assert shared
    assert not candidates & shared
    assert not refuted & (candidates | shared)
    assert (found.shared, found.fitting) == (len(shared), len(shared) + len(refuted) + len(candidates))


def test_a_thousand_snapshots_that_share_files_are_counted_and_not_held() -> None:
    names = [f"snapshot {i:04}" for i in range(1000)]
    datasets = [dataset(name, *(other for other in names if other != name)) for name in names]
    started = time.monotonic()
    found = find_candidates(datasets, SETTINGS)
    assert (found.shared, found.left, to_compare(found)) == (999_000, 0, [])
    assert not found.children | found.parents
    tracemalloc.start()
    stream = shared_pairs(datasets, False)
    first = list(itertools.islice(stream, 5000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(ends(first)) == 5000
    assert peak < 150_000_000, "one set of neighbours for each snapshot, no edge for each pair"
    assert time.monotonic() - started < 30


def test_a_shared_pair_is_in_the_funnel_and_reaches_neither_edges_nor_groups_nor_the_plan(tmp_path: Path) -> None:
    table = pa.table({"id": list(range(50))})
    for name, part in (("whole", table), ("clone", table), ("part", table.slice(3, 9))):
        pq.write_table(part, tmp_path / f"{name}.parquet")
    whole, clone, part = (parquet_dataset(tmp_path / f"{name}.parquet") for name in ("whole", "clone", "part"))
    found = contained([sharing(whole, "clone", "part"), sharing(clone, "whole"), sharing(part, "whole")])
    assert proven_pairs(found) == {("clone", "part")}
    assert ends([*found.edges, *found.others]) == {("clone", "part")}
    assert found.duplicates == ()
    assert (found.funnel.candidates, found.funnel.shared, found.funnel.after_minmax) == (6, 4, 1)
    plan = make_plan(found.datasets, found.edges, found.duplicates, RetentionSettings(storage_price_factor=1e12))
    assert {entry.dataset for entry in plan.datasets if entry.action is Action.RETIRE} == set()
