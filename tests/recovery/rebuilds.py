"""Rebuilds without Spark: two datasets in, each way in which one comes back from the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from r2d2.config import ContainmentSettings
from r2d2.lake.kernels import run_here
from r2d2.model.dataset import Dataset
from r2d2.model.recipe import Manifest, Recipe
from r2d2.recovery.identity.identity import Looked, look_at
from r2d2.recovery.rebuild.rebuild import Built, rebuild
from r2d2.recovery.recipes.recipes import candidates
from tests.containment_runs import datasets_of, discovered

#: Tasks of one file, and parts of files that have several row groups.
SMALL = ContainmentSettings(task_bytes=1)


def dataset_at(path: Path) -> Dataset:
    """What discovery makes of a directory or a file."""
    (found,) = datasets_of([discovered(path)])
    assert not found.error, found.error
    return found


def looked_at(*datasets: Dataset, settings: ContainmentSettings = SMALL) -> list[Looked]:
    found = look_at(datasets, settings, run_here)
    assert all(isinstance(each, Looked) for each in found.values()), found
    return [each for each in found.values() if isinstance(each, Looked)]


def identity_at(path: Path) -> str:
    return looked_at(dataset_at(path))[0].identity


def manifest_of(dataset: Dataset, looked: Looked, digest: str = "") -> Manifest:
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
        digest,
    )


def recipes(child: Path, parent: Path, settings: ContainmentSettings = SMALL, digest: str = "") -> Iterator[Recipe]:
    """Every recipe that there is, the cheapest first."""
    datasets = dataset_at(child), dataset_at(parent)
    looked = looked_at(datasets[0], settings=settings)[0]
    manifest = manifest_of(datasets[0], looked, digest)
    return candidates(datasets[0], looked, datasets[1], manifest, settings, run_here)


def rebuilt(recipe: Recipe, into: Path, settings: ContainmentSettings = SMALL) -> Built:
    return rebuild(Recipe.from_json(recipe.to_json()), str(into), settings, run_here)
