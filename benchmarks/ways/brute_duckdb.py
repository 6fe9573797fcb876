"""Brute force with DuckDB: ``EXCEPT ALL`` on each pair that fits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import duckdb

from benchmarks.inventory import candidate_pairs
from benchmarks.meter import window
from benchmarks.staging import open_tables
from benchmarks.task import Finding, Task, Way, extrapolate, named, sampled
from benchmarks.truth import holds


def measure(task: Task) -> list[Finding]:
    """Footers, candidate pairs, and one query for each of them, or for every n-th, the time then multiplied."""
    with window() as measured:
        with window() as metadata:
            tables = open_tables(task)
            pairs = candidate_pairs(tables).tolist()
        chosen = sampled(tables, pairs, task.fraction)
        connection = duckdb.connect(config={"threads": task.threads, "preserve_insertion_order": False})
        with connection, ThreadPoolExecutor(task.threads) as pool:
            held = list(pool.map(lambda pair: holds(connection, tables[pair[0]], tables[pair[1]]), chosen))
    notes = {"compared": len(chosen), "pairs": len(pairs), "ran": measured.seconds}
    complete = len(chosen) == len(pairs)
    if not complete:
        extrapolate(measured, metadata, len(chosen) / len(pairs))
    found = named(tables, [pair for pair, yes in zip(chosen, held, strict=True) if yes])
    return [Finding("brute-duckdb", measured, found, complete=complete, notes=notes)]


WAY = Way(
    "brute-duckdb",
    "EXCEPT ALL on each pair whose schema, row counts, null counts and footer bounds fit, the parent read by the "
    "child's columns; all cores, as many queries at a time, row order not kept",
    measure,
)
