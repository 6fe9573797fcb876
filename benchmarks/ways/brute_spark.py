"""Brute force with Spark: ``exceptAll`` on each pair that fits, or on a systematic sample of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from benchmarks.inventory import Table, candidate_pairs
from benchmarks.meter import window
from benchmarks.staging import open_tables
from benchmarks.task import Finding, Task, Way, extrapolate, named, sampled
from benchmarks.ways import spark_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def measure(task: Task) -> list[Finding]:
    """Footers, candidate pairs, and a job for each of them, or for every n-th by rows, the time then multiplied."""
    with window() as starting:
        session = spark_session.start(task.threads)
        spark_session.warm(session, task.scratch)
    with window() as measured:
        with window() as metadata:
            tables = open_tables(task)
            pairs = candidate_pairs(tables).tolist()
        chosen = sampled(tables, pairs, task.fraction)
        with ThreadPoolExecutor(task.threads) as pool:
            held = list(pool.map(lambda pair: _holds(session, tables[pair[0]], tables[pair[1]]), chosen))
    complete = len(chosen) == len(pairs)
    notes = {"compared": len(chosen), "pairs": len(pairs), "start_spark": starting.seconds, "ran": measured.seconds}
    if not complete:
        extrapolate(measured, metadata, len(chosen) / len(pairs))
    found = named(tables, [pair for pair, yes in zip(chosen, held, strict=True) if yes])
    return [Finding("brute-spark", measured, found, complete=complete, notes=notes)]


def _holds(session: SparkSession, parent: Table, child: Table) -> bool:
    names = sorted(child.columns)
    rest = spark_session.rows(session, child, names).exceptAll(spark_session.rows(session, parent, names))
    return bool(rest.isEmpty())


WAY = Way(
    "brute-spark",
    f"exceptAll on each pair that schema, row counts and bounds leave; {spark_session.SETTINGS}; on a systematic "
    "sample of the pairs where it would take hours, its time then multiplied",
    measure,
)
