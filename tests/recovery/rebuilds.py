"""Rebuilds without Spark: two datasets in, each way in which one comes back from the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from r2d2.config import ContainmentSettings
from r2d2.lake.kernels import run_here
from r2d2.model.dataset import Dataset
from r2d2.model.recipe import Manifest, Recipe
from r2d2.recovery.identity import Looked, look_at
from r2d2.recovery.rebuild import Built, rebuild
from r2d2.recovery.recipes import candidates, digest_of
from tests.containment_runs import datasets_of, discovered

#: Tasks of one file, and parts of files that have several row groups.
SMALL = ContainmentSettings(task_bytes=1)


def dataset_at(path: Path) -> Dataset:
    """What discovery makes of a directory or a file."""
    (found,) = datasets_of([discovered(path)])
    assert not found.error, found.error
    return found


def looked_at(path: Path, settings: ContainmentSettings = SMALL) -> Looked:
    found = look_at([dataset_at(path)], settings, run_here)[0]
    assert isinstance(found, Looked), found
    return found


def identity_of(path: Path) -> str:
    return looked_at(path).identity


def manifest_of(dataset: Dataset, looked: Looked, settings: ContainmentSettings = SMALL) -> Manifest:
    """As large as no recipe is, so that all are offered."""
    return Manifest(
        dataset.id,
        dataset.format,
        dataset.location,
        dataset.version,
        dataset.rows or 0,
        1 << 40,
        looked.files,
        looked.headers,
        looked.readers,
        dataset.partition_columns,
        looked.identity,
        digest_of(dataset, settings, run_here),
    )


def recipes(child: Path, parent: Path, settings: ContainmentSettings = SMALL) -> Iterator[Recipe]:
    """Every recipe that there is, the cheapest first."""
    datasets = [dataset_at(child), dataset_at(parent)]
    looked = [looked_at(child, settings), looked_at(parent, settings)]
    manifest = manifest_of(datasets[0], looked[0], settings)
    return candidates(datasets[0], looked[0], datasets[1], manifest, settings, run_here)


def rebuilt(recipe: Recipe, into: Path, settings: ContainmentSettings = SMALL) -> Built:
    return rebuild(Recipe.from_json(recipe.to_json()), str(into), settings, run_here)
