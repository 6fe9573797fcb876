"""``SetSimilaritySearch``: an exact search index for containment, in Python and numpy."""

from __future__ import annotations

import duckdb

from benchmarks.inventory import Table, candidate_pairs
from benchmarks.meter import window
from benchmarks.staging import open_tables
from benchmarks.task import Finding, Task, Way, named
from benchmarks.ways.row_sets import Group, groups, tokens


def measure(task: Task) -> list[Finding]:
    """An index of the possible parents for each schema of children, and a query for each child."""
    held: list[tuple[int, int]] = []
    with window() as measured:
        tables = open_tables(task)
        with duckdb.connect(config={"threads": task.threads}) as connection:
            for group in groups(tables, candidate_pairs(tables)):
                held += _held(connection, tables, group)
    return [Finding("set-similarity", measured, named(tables, held))]


def _held(connection: duckdb.DuckDBPyConnection, tables: list[Table], group: Group) -> list[tuple[int, int]]:
    from SetSimilaritySearch import SearchIndex  # type: ignore[import-untyped]

    members = sorted({*group.parents, *group.children})
    sets = {i: tokens(connection, tables[i], group.names).tolist() for i in members}
    index = SearchIndex([sets[i] for i in group.parents], similarity_func_name="containment", similarity_threshold=1.0)
    return [
        (group.parents[position], child)
        for child in group.children
        if all(token in index.order for token in sets[child][:1])
        for position, _ in index.query(sets[child])
        if (group.parents[position], child) in group.pairs
    ]


WAY = Way(
    "set-similarity",
    "SetSimilaritySearch.SearchIndex, containment at threshold 1.0, one index for each schema of children, over the "
    "datasets that schema, row counts and bounds leave; tokens are DuckDB's 64-bit row hashes, the k-th occurrence of "
    "a row with k, so that bags are compared",
    measure,
    needs=("SetSimilaritySearch",),
)
