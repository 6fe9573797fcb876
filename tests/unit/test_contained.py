"""When containments of an earlier run hold for a later one: they follow from the same, and are complete."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from r2d2.catalog.runs import Groups
from r2d2.catalog.tables import EDGES
from r2d2.config import ContainmentSettings
from r2d2.contained import Contained, inputs_of
from r2d2.model.dataset import DataFile, Dataset, Leaf, OtherFiles
from r2d2.model.edge import Edge, Grade
from r2d2.model.funnel import Funnel
from r2d2.model.source import SparkSource

SETTINGS = ContainmentSettings()
ONE = Dataset("a", "parquet", "/lake/a", "1", files=(DataFile("/lake/a", 10, 5, "1:2"),), rows=3)
OTHER = Dataset("b", "csv", "/lake/b", "2")
CHANGES = {
    "id": "c",
    "format": "delta",
    "location": "/lake/c",
    "version": "3",
    "files": (DataFile("/lake/a", 10, 6, "1:2"),),
    "readers": ("r",),
    "leaves": (Leaf(("x",), ("number",)),),
    "rows": 4,
    "bytes": 1,
    "modified_ns": 1,
    "partition_columns": ("p",),
    "properties": {"k": "v"},
    "names": ("n",),
    "pins": ("p",),
    "shared_with": ("b",),
    "source": SparkSource("delta", ("/lake/a",)),
    "retirable": False,
    "status": "empty",
    "reason": "why",
}


@pytest.mark.parametrize("name", [field.name for field in fields(Dataset) if field.name not in ("others", "reads")])
def test_whatever_changes_in_a_dataset_changes_the_inputs(name: str) -> None:
    changed = replace(ONE, **{name: CHANGES[name]})
    assert inputs_of([changed, OTHER], SETTINGS) != inputs_of([ONE, OTHER], SETTINGS)


def test_files_that_hold_no_rows_are_no_inputs() -> None:
    assert inputs_of([replace(ONE, others=(OtherFiles(1, 2, 3),)), OTHER], SETTINGS) == inputs_of(
        [ONE, OTHER], SETTINGS
    )


def test_inputs_are_those_of_a_set_of_datasets() -> None:
    assert inputs_of([ONE, OTHER], SETTINGS) == inputs_of([OTHER, ONE], SETTINGS)
    assert len({inputs_of(found, SETTINGS) for found in ([ONE, OTHER], [ONE], [OTHER], [])}) == 4


def test_settings_are_inputs_and_limits_are_not() -> None:
    inputs = inputs_of([ONE], SETTINGS)
    assert inputs_of([ONE], replace(SETTINGS, verify="keyed")) != inputs
    assert inputs_of([ONE], replace(SETTINGS, case_sensitive=True)) != inputs
    assert inputs_of([ONE], replace(SETTINGS, max_bytes=5, time_limit=1.0)) == inputs


def test_nothing_is_taken_over_where_prices_decide_what_is_compared() -> None:
    assert inputs_of([ONE], replace(SETTINGS, goal="value")) == ""


def contained(*datasets: Dataset, limit: str = "") -> Contained:
    edges = (Edge("p", "c", Grade.PROVEN, 1, 2, False, "box", ""),)
    groups = Groups(((("p", "[]"), ("q", "[]")), (("c", "[]"),)), ((0, 1),))
    return Contained(datasets, edges, groups, EDGES.empty_table, Funnel(limit=limit))


def test_what_a_limit_or_a_failed_read_left_out_is_not_complete() -> None:
    assert contained(ONE, OTHER).complete
    assert not contained(ONE, OTHER, limit="max_bytes").complete
    assert not contained(ONE, replace(OTHER, status="unprovable")).complete


def test_how_a_pair_was_proven_is_told_for_edges_and_what_follows_from_them() -> None:
    found = contained()
    assert found.how("p", "c") == "box"
    assert found.how("q", "c") == "implied"
    assert found.how("q", "p") == "digest"
