"""The lakes of the benchmark: built once into a directory, each with its exact truth beside it.

``DIR/lakes-N/NAME-PARAMETERS/lake`` holds the datasets, ``truth.json`` the pairs (``benchmarks.truth``). Everything
follows from a fixed seed and pinned versions of the generators.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.small_tables import build_small_tables
from benchmarks.snapshots import build_snapshots
from benchmarks.split_lake import build_split
from benchmarks.tpch_lake import build_tpch
from benchmarks.truth import write_truth
from benchmarks.zipf_lake import build_zipf

SEED = 20260101
#: Raised when a builder changes, so that no kept lake of an older one is taken.
BUILDERS = 2
#: Writes the datasets below a directory; may write ``truth.json`` itself.
Builder = Callable[[Path], None]


@dataclass(frozen=True)
class Lake:
    """A lake to run on.

    Attributes:
        name: as in tables and ``--only``.
        home: the directory of ``lake/`` and ``truth.json``.
        group: lakes of one curve or one table.
    """

    name: str
    home: Path
    group: str

    @property
    def path(self) -> Path:
        """Where the datasets are."""
        return self.home / "lake"


@dataclass(frozen=True)
class Recipe:
    """A lake that can be built: its name, with all parameters in it, and how."""

    name: str
    group: str
    build: Builder

    def ready(self, directory: Path) -> Lake:
        """Builds the lake unless it is there; a build that was cut short is thrown away."""
        directory = directory / f"lakes-{BUILDERS}"
        lake = Lake(self.name, directory / self.name, self.group)
        if (lake.home / "truth.json").exists():
            return lake
        unfinished = directory / f"{self.name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(lake.home, ignore_errors=True)
        (unfinished / "lake").mkdir(parents=True)
        self.build(unfinished / "lake")
        if not (unfinished / "truth.json").exists():
            write_truth(unfinished)
        unfinished.rename(lake.home)
        return lake


def recipes(small: bool) -> list[Recipe]:
    """All lakes, in the order in which they run; ``small`` ones for a run of a few minutes."""
    scale = 0.01 if small else 0.25
    rows, counts = (60_000, (20, 80)) if small else (3_000_000, (100, 400, 1600))
    tables, datasets = (150, 200) if small else (1_200, 10_000)
    sizes = (0.0025, 0.01) if small else (0.0625, 0.25, 1.0)
    found = [Recipe("fixed", "fixed", _build_two), _tpch(scale, "tpch")]
    found += [_tpch(size, "bytes") for size in sizes]
    found += [Recipe(f"split-{n}", "datasets", partial(build_split, rows=rows, count=n, seed=SEED)) for n in counts]
    found.append(Recipe(f"small_tables-{tables}", "small_tables", partial(build_small_tables, count=tables, seed=SEED)))
    found.append(Recipe(f"snapshots-{datasets}", "snapshots", partial(build_snapshots, datasets=datasets, seed=SEED)))
    families = 12 if small else 60
    for more in range(1 if small else 3):
        name = f"zipf-{families}" + (f"-{more}" if more else "")
        found.append(Recipe(name, "zipf", partial(build_zipf, families=families, seed=SEED + more)))
    return found


def real_lakes(directory: Path) -> list[Lake]:
    """Lakes that somebody else made: subdirectories with ``lake/`` and ``truth.json``."""
    homes = sorted(path.parent for path in directory.glob("*/truth.json") if (path.parent / "lake").is_dir())
    return [Lake(home.name, home, "real") for home in homes]


def _tpch(scale: float, group: str) -> Recipe:
    """The same scale is the same lake, whichever group asks for it."""
    return Recipe(f"tpch-{scale:g}", group, partial(build_tpch, scale=scale, seed=SEED))


def _build_two(lake: Path) -> None:
    """A lake of two small datasets: what a run costs that has nothing to do."""
    build_split(lake, rows=200, count=2, seed=SEED)
