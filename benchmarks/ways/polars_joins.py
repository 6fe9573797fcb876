"""Polars: an anti join for each pair that fits, and counts where a child holds rows more than once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from benchmarks.inventory import Table, candidate_pairs
from benchmarks.meter import window
from benchmarks.staging import open_tables
from benchmarks.task import Finding, Task, Way, named

if TYPE_CHECKING:
    import polars as pl

_LOOKED_UP_FIRST = 200


def measure(task: Task) -> list[Finding]:
    """Reads each dataset of a candidate pair once, and compares the pairs in memory."""
    with window() as measured:
        tables = open_tables(task)
        pairs = candidate_pairs(tables).tolist()
        used = sorted({index for pair in pairs for index in pair})
        with ThreadPoolExecutor(task.threads) as pool:
            frames = dict(zip(used, pool.map(lambda i: _read(tables[i]), used), strict=True))
            held = list(pool.map(lambda p: _holds(frames[p[0]], frames[p[1]], sorted(tables[p[1]].columns)), pairs))
    found = named(tables, [pair for pair, yes in zip(pairs, held, strict=True) if yes])
    return [Finding("polars", measured, found, notes={"compared": len(pairs)})]


def _read(table: Table) -> pl.DataFrame:
    import polars as pl

    return pl.read_parquet(list(table.files), hive_partitioning=False, columns=sorted(table.columns))


def _holds(parent: pl.DataFrame, child: pl.DataFrame, names: Sequence[str]) -> bool:
    few = child.head(_LOOKED_UP_FIRST)
    near = parent.select(names).join(few, on=names, how="semi", nulls_equal=True)
    if few.join(near, on=names, how="anti", nulls_equal=True).height:
        return False
    if child.join(parent, on=names, how="anti", nulls_equal=True).height:
        return False
    return _often_enough(parent, child, names)


def _often_enough(parent: pl.DataFrame, child: pl.DataFrame, names: Sequence[str]) -> bool:
    """Whether the rows that the child holds more than once are in the parent as often."""
    import polars as pl

    repeated = child.group_by(names).len("in_child").filter(pl.col("in_child") > 1)
    if not repeated.height:
        return True
    counts = (
        parent.select(names).join(repeated, on=names, how="semi", nulls_equal=True).group_by(names).len("in_parent")
    )
    both = repeated.join(counts, on=names, how="left", nulls_equal=True)
    return not both.filter(pl.col("in_parent").fill_null(0) < pl.col("in_child")).height


WAY = Way(
    "polars",
    f"each dataset read once and kept in memory; for each pair that schema, row counts and bounds leave a semi and "
    f"anti join of the child's first {_LOOKED_UP_FIRST} rows, then an anti join of all, then counts of repeated rows; "
    "all cores, as many pairs at a time",
    measure,
    needs=("polars",),
)
