"""Recipes are found by Spark's tasks as they are here, also where workers may open no files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.config import ContainmentSettings
from r2d2.lake.kernels import run_here
from r2d2.lake.spark_files import Access
from r2d2.lake.workers import Workers
from r2d2.model.recipe import RecipeKind
from r2d2.recovery.recipes.recipes import candidates
from tests.recovery.rebuilds import dataset_at, looked_at, manifest_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.full]

SETTINGS = ContainmentSettings(task_bytes=1)
ROWS = pa.table({"k": [i % 11 for i in range(300)], "s": [f"text {i % 7}" for i in range(300)]})


@pytest.mark.parametrize("access", [Access.OPENED, Access.HANDED])
def test_tasks_find_what_is_found_here(spark: SparkSession, tmp_path: Path, access: Access) -> None:
    (tmp_path / "parent").mkdir()
    for number in range(3):
        pq.write_table(ROWS.slice(number * 100, 100), tmp_path / f"parent/part-{number}.parquet")
    parent = dataset_at(tmp_path / "parent")
    for kind, rows in {
        RecipeKind.FILTER: ROWS.filter(pa.array([i % 11 < 3 for i in range(300)])),
        RecipeKind.ROWS: ROWS.take([0, 150, 77, 299, 298]),
    }.items():
        pq.write_table(rows, tmp_path / f"{kind}.parquet")
        child = dataset_at(tmp_path / f"{kind}.parquet")
        (looked,) = looked_at(child)
        arguments = child, looked, parent, manifest_of(child, looked), SETTINGS
        found = list(candidates(*arguments, Workers(spark, access).map_tasks))
        assert [recipe.kind for recipe in found] == [kind]
        assert found == list(candidates(*arguments, run_here))
