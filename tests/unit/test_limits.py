"""Runs with a goal or limits: what they say is true, they keep to their limits, and they go on where they stopped."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.config import ContainmentSettings, RetentionSettings
from r2d2.containment.budget import Budget
from r2d2.containment.funnel import Containments
from r2d2.containment.worth import Worth
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Grade
from r2d2.retention.worth import worth_of
from tests.containment_runs import TINY, Memory, contained, parquet_dataset, proven_pairs
from tests.sampling import FULL

KEPT, VALUES = replace(TINY, kept_bytes=1 << 30), replace(TINY, verify="values")
DEAR = RetentionSettings(storage_price_factor=1e9)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> list[Dataset]:
    """Three families of a table, copies, slices, columns and near misses, of sizes far apart."""
    directory = tmp_path_factory.mktemp("lake")
    rng = np.random.default_rng(3)
    for family, rows in enumerate((40, 400, 4000)):
        table = pa.table({f"k{family}": np.arange(rows), "v": rng.integers(0, 50, rows)})
        changed = table.set_column(1, "v", pa.array(np.where(np.arange(rows) == rows // 2, 51, table["v"].to_numpy())))
        forms = {
            "whole": table,
            "copy": table.take(rng.permutation(rows)),
            "slice": table.slice(rows // 4, rows // 2),
            "odd": table.filter(pa.array(rng.random(rows) < 0.3)),
            "column": table.select([f"k{family}"]),
            "changed": changed,
            "part": changed.slice(rows // 4, rows // 2),
        }
        for name, form in forms.items():
            pq.write_table(form, directory / f"{family}_{name}.parquet")
    return [parquet_dataset(path) for path in sorted(directory.iterdir())]


@pytest.fixture(scope="module")
def truth(lake: list[Dataset]) -> set[tuple[str, str]]:
    return proven_pairs(contained(lake))


def worth(datasets: Sequence[Dataset], settings: RetentionSettings = DEAR) -> Worth:
    return worth_of(datasets, settings)


def undecided(found: Containments) -> dict[tuple[str, str], str]:
    return {(e.parent, e.child): e.reason for e in found.others if e.grade is Grade.PLAUSIBLE}


def test_a_policy_on_unknown_reads_leaves_nothing_unproven_before_logs_are_read(lake: list[Dataset]) -> None:
    strict = replace(DEAR, unknown_reads="keep")
    parents, children = (np.asarray([side], np.int64) for side in (0, 1))
    assert worth(lake, strict).saving(parents, children) == worth(lake).saving(parents, children) > 0


@pytest.mark.parametrize("settings", [TINY, KEPT])
def test_a_run_with_room_for_all_finds_all(
    lake: list[Dataset], truth: set[tuple[str, str]], settings: ContainmentSettings
) -> None:
    found = contained(lake, settings, budget=Budget(max_bytes=10**12), worth=worth(lake))
    assert proven_pairs(found) == truth
    assert not undecided(found)


@pytest.mark.parametrize("settings", [pytest.param(TINY, marks=FULL), KEPT, pytest.param(VALUES, marks=FULL)])
def test_what_a_limited_run_proves_is_true_and_no_byte_is_read_beyond_the_limit(
    lake: list[Dataset], truth: set[tuple[str, str]], settings: ContainmentSettings
) -> None:
    total = sum(dataset.bytes for dataset in lake)
    found = []
    for share in (0, 0.02, 0.1, 0.3, 0.6, 1, 2, 8):
        budget = Budget(max_bytes=max(1, int(total * share)))
        result = contained(lake, settings, budget=budget, worth=worth(lake))
        assert budget.read <= budget.max_bytes
        assert proven_pairs(result) <= truth
        refuted = {(e.parent, e.child) for e in result.others if e.grade is Grade.REFUTED}
        assert not refuted & truth
        left = undecided(result)
        assert truth <= proven_pairs(result) | left.keys()
        assert all("limit was reached" in reason for reason in left.values())
        found.append(len(proven_pairs(result)))
    assert found[0] == 0
    assert found[-1] == len(truth)
    assert len(set(found)) > 3


@pytest.mark.parametrize("settings", [pytest.param(TINY, marks=FULL), KEPT, pytest.param(VALUES, marks=FULL)])
def test_the_same_command_again_goes_on_where_the_last_one_stopped(
    lake: list[Dataset], truth: set[tuple[str, str]], settings: ContainmentSettings
) -> None:
    memory, before = Memory(), set[tuple[str, str]]()
    most = 2 * max(dataset.bytes for dataset in lake) + 1
    for _ in range(100):
        budget = Budget(max_bytes=most)
        found = proven_pairs(contained(lake, settings, memory, budget, worth(lake)))
        assert found >= before
        assert budget.read <= most
        before = found
        if not budget.read:
            break
    assert before == truth


def test_what_was_found_under_limits_is_there_without_reading(lake: list[Dataset], truth: set[tuple[str, str]]) -> None:
    memory = Memory()
    contained(lake, TINY, memory)
    budget = Budget(max_bytes=1)
    assert proven_pairs(contained(lake, TINY, memory, budget, worth(lake))) == truth
    assert budget.read == 0


def test_a_run_stops_at_its_time_and_what_it_has_is_true(lake: list[Dataset], truth: set[tuple[str, str]]) -> None:
    sizes = []
    for seconds in (0, 30, 60, 200, 1000):
        ticks = count()
        budget = Budget(deadline=seconds, clock=lambda ticks=ticks: next(ticks))  # type: ignore[misc]
        found = contained(lake, TINY, budget=budget, worth=worth(lake))
        assert proven_pairs(found) <= truth
        assert proven_pairs(found) == truth or undecided(found)
        sizes.append(len(proven_pairs(found)))
    assert sizes[0] == 0
    assert sizes[-1] == len(truth)


def test_with_the_goal_of_value_what_can_not_pay_is_plausible_and_unread(
    lake: list[Dataset], truth: set[tuple[str, str]]
) -> None:
    small = {dataset.id: dataset.bytes for dataset in lake if dataset.id.startswith("0_")}
    settings = replace(DEAR, min_saving=0.023 * max(small.values()) + 1)
    values = worth(lake, settings)
    pays = {
        (a.id, b.id)
        for i, a in enumerate(lake)
        for j, b in enumerate(lake)
        if values.saving(np.asarray([i]), np.asarray([j]))[0] > 0
    }
    assert pays
    assert not any(child in small for _, child in pays)
    memory = Memory()
    found = contained(lake, replace(TINY, goal="value"), memory, worth=values)
    assert truth & pays <= proven_pairs(found) <= truth
    left = undecided(found)
    assert {pair for pair in truth if pair[0] in small} <= left.keys()
    assert all("could not save money" in reason for reason in left.values())


def test_the_best_savings_for_their_price_come_first(tmp_path: Path) -> None:
    random_ = random.Random(1)
    datasets = []
    for family in range(12):
        rows = 20_000 if family == 0 else 500
        table = pa.table({f"c{family}": [random_.random() for _ in range(rows)]})
        for name, some in (("whole", table), ("held", table.slice(0, 40 if family == 0 else 499))):
            path = tmp_path / f"{family}_{name}.parquet"
            pq.write_table(some, path)
            datasets.append(parquet_dataset(path))
    small = sum(dataset.bytes for dataset in datasets if not dataset.id.startswith("0_"))
    found = contained(datasets, TINY, budget=Budget(max_bytes=3 * small), worth=worth(datasets))
    assert proven_pairs(found) >= {(f"{family}_whole", f"{family}_held") for family in range(1, 12)}
