"""How fast a purged dataset is rebuilt from its recipe, beside Spark writing the same rows by a plain filter.

``python -m benchmarks.restoring [--scale S] [--turns N] [--cores C]``. The parent is TPC-H lineitem; the child is half
of it by ship date, once all columns and once four of them, as Spark wrote it (snappy, its own file sizes). Both ways
run in one warm session on the same cores, in turn; the median of each. R2D2's time is all of a restore: it reads the
parent by the recipe, writes the child's files with their names and headers, syncs them to disk, reads them back, and
compares their identity with the stored one. Spark only filters and writes.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from pyspark.sql import SparkSession

from r2d2.catalog.assembly import assemble
from r2d2.catalog.discovery import discover
from r2d2.catalog.reading import FileToRead
from r2d2.catalog.summaries import summarize_files
from r2d2.config import ContainmentSettings, DiscoverySettings, SparkSettings
from r2d2.containment.digest import narrowest
from r2d2.containment.scanner import Runner
from r2d2.demo.lake import generate_tpch
from r2d2.lake.kernels import run_here
from r2d2.lake.session import build_session
from r2d2.lake.spark_files import Access
from r2d2.lake.workers import Workers
from r2d2.model.dataset import Dataset
from r2d2.model.recipe import Recipe
from r2d2.recovery.identity.identity import look_at
from r2d2.recovery.identity.manifest import manifest_of
from r2d2.recovery.moves.listing import seen_below
from r2d2.recovery.rebuild.rebuild import rebuild
from r2d2.recovery.recipes.recipes import candidates, digest_of

SETTINGS = ContainmentSettings()
CHILDREN = {
    "half the rows, 16 columns": (),
    "half the rows, 4 columns": ("l_orderkey", "l_linenumber", "l_shipdate", "l_extendedprice"),
}
_SINCE = "1995-06-17"


def main() -> None:
    """Builds the lake and prints a line for each child and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="TPC-H scale factor (default 1: 6 M rows of lineitem)")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    spark = build_session(SparkSettings(master=f"local[{arguments.cores}]"))
    run = Workers(spark, Access.OPENED).map_tasks
    with tempfile.TemporaryDirectory() as name:
        lake = Path(name, "lake")
        lake.mkdir()
        generate_tpch(lake, arguments.scale, ("lineitem",))
        for child, columns in CHILDREN.items():
            plain(spark, lake, columns, lake / "child")
            recipe = recipe_of(lake, run)
            compare(child, recipe, partial(plain, spark, lake, columns), run, arguments.turns)
            shutil.rmtree(lake / "child")
    spark.stop()


def plain(spark: SparkSession, lake: Path, columns: Sequence[str], into: Path) -> None:
    """What Spark does: filter, project, write."""
    found = spark.read.parquet(str(lake / "lineitem.parquet")).where(f"l_shipdate >= DATE '{_SINCE}'")
    (found.select(*columns) if columns else found).write.parquet(str(into))


def recipe_of(lake: Path, run: Runner) -> Recipe:
    """The recipe that apply would keep."""
    parent, child = (dataset_of(lake, name) for name in ("lineitem.parquet", "child"))
    looked = look_at([child], SETTINGS, run)[0]
    if isinstance(looked, str):
        raise SystemExit(looked)
    digest = digest_of(child, SETTINGS, run)
    manifest = manifest_of(child, looked, digest, narrowest(child, False), seen_below(child.location))
    return next(candidates(child, looked, parent, manifest, SETTINGS, run))


def dataset_of(lake: Path, name: str) -> Dataset:
    """A dataset of the lake by its id."""
    listing = discover([str(lake)], DiscoverySettings(), None, None)
    candidate = next(candidate for candidate in listing.candidates if candidate.id == name)
    summaries = summarize_files([FileToRead(file, candidate.format) for file in candidate.files], run_here)
    return assemble([candidate], summaries)[0]


def compare(child: str, recipe: Recipe, spark_writes: Callable[[Path], None], run: Runner, turns: int) -> None:
    """Times both ways in turn, after one turn that warms up."""
    ways: dict[str, Callable[[Path], None]] = {
        "Spark, filter and write": spark_writes,
        "r2d2, restore from the recipe": partial(restore, recipe, run),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    rows = recipe.manifest.rows
    with tempfile.TemporaryDirectory() as name:
        for turn in range(turns + 1):
            for way, write in ways.items():
                into = Path(name, "out")
                begun = time.perf_counter()
                write(into)
                if turn:
                    seconds[way].append(time.perf_counter() - begun)
                shutil.rmtree(into)
    print(f"{child}: {rows:,} rows, {recipe.manifest.bytes / 1e6:,.0f} MB; recipe {recipe.kind}, {recipe.size:,} bytes")
    medians = {way: statistics.median(found) for way, found in seconds.items()}
    for way, median in medians.items():
        print(f"  {way:30} {median:6.2f} s  {rows / median / 1e6:5.2f} M rows/s")
    theirs, ours = medians.values()
    print(f"  throughput of r2d2 to Spark's  {theirs / ours:6.2f}")


def restore(recipe: Recipe, run: Runner, into: Path) -> None:
    """What a restore takes besides the journal: rebuild, read back, compare."""
    built = rebuild(recipe, str(into), SETTINGS, run)
    if built.identity != recipe.manifest.identity:
        raise SystemExit("what was rebuilt is not the same data")


if __name__ == "__main__":
    main()
