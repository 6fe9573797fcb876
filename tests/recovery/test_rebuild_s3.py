"""A child in a bucket comes back from a parent on disk, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.catalog.discovery import discover
from r2d2.config import DiscoverySettings
from r2d2.lake.kernels import run_here
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import Dataset
from r2d2.model.recipe import Recipe
from r2d2.recovery.rebuild.rebuild import rebuild
from r2d2.recovery.recipes.recipes import candidates
from tests.containment_runs import datasets_of
from tests.recovery.rebuilds import SMALL, looked_at, manifest_of
from tests.s3_servers import bucket, environment, s3_endpoint

ROWS = pa.table({"i": range(40), "s": [f"x{i % 7}" for i in range(40)]})


@pytest.fixture
def store() -> Iterator[str]:
    with s3_endpoint() as endpoint, environment(endpoint):
        bucket(endpoint, "rebuilt-lake")
        yield "s3://rebuilt-lake"


def _written(place: str, rows: pa.Table, scratch: Path) -> Dataset:
    for number, part in enumerate((rows.slice(0, 15), rows.slice(15))):
        pq.write_table(part, scratch / "part.parquet")
        storage_for(place).put(f"{place}/part-{number}.parquet", (scratch / "part.parquet").read_bytes())
    (found,) = datasets_of(discover([place], DiscoverySettings(), None, None).candidates)
    assert not found.error, found.error
    return found


@pytest.mark.parametrize("child_in_store", [True, False])
def test_children_come_back_between_disk_and_store(tmp_path: Path, store: str, child_in_store: bool) -> None:
    (tmp_path / "disk").mkdir()
    places = [f"{store}/child", str(tmp_path / "disk/parent")]
    child_at, parent_at = places if child_in_store else [str(tmp_path / "disk/child"), f"{store}/parent"]
    into = f"{store}/out" if child_in_store else str(tmp_path / "out")
    child, parent = (_written(at, rows, tmp_path) for at, rows in ((child_at, ROWS.slice(5, 30)), (parent_at, ROWS)))
    (looked,) = looked_at(child)
    (recipe,) = candidates(child, looked, parent, manifest_of(child, looked), SMALL, run_here)
    built = rebuild(recipe, into, SMALL, run_here)
    assert built.identity == looked.identity
    assert sorted(storage_for(into).names(into)) == ["part-0.parquet", "part-1.parquet"]
    same = rebuild(_copying(child), f"{into}-copy", SMALL, run_here)
    assert [file.sha256 for file in same.files] == [file.sha256 for file in looked.files]


def _copying(child: Dataset) -> Recipe:
    (looked,) = looked_at(child)
    return next(candidates(child, looked, child, manifest_of(child, looked), SMALL, run_here))
