"""The paper's pipeline (Shah et al., SIGMOD 2024, arXiv 2312.13427) on Spark: a sampled guess.

Schema graph builder: schemas in descending size; one that no cluster centre holds becomes a centre, else it joins all
clusters whose centre holds it; edges are found within clusters. Min-max pruning over footers. Content-level pruning:
for each edge, sampled rows of the child under sampled columns are joined to the parent by a left-anti join; one row
that is left removes the edge. What is left is the paper's answer, and nothing proves it.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from benchmarks.inventory import Schema, Table, fitting_pairs
from benchmarks.meter import window
from benchmarks.staging import open_tables
from benchmarks.task import Finding, Task, Way, named
from benchmarks.ways import spark_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession
    from pyspark.sql.types import StructType

_COLUMNS, _ROWS, _SEED = 4, 10, 5
#: So many rows are drawn that fewer than ``_ROWS`` are rare.
_DRAWN = 4


def measure(task: Task) -> list[Finding]:
    """The three stages; the session is up before the clock starts."""
    with window() as starting:
        session = spark_session.start(task.threads)
        spark_session.warm(session, task.scratch)
    with window() as measured:
        tables = open_tables(task)
        edges = schema_graph([table.schema for table in tables])
        left = fitting_pairs(tables, edges)
        samples = _samples(session, tables, sorted({child for _, child in left}), task.threads)
        with ThreadPoolExecutor(task.threads) as pool:
            kept = list(pool.map(partial(_survives, session, tables, samples), left))
    found = named(tables, [pair for pair, yes in zip(left, kept, strict=True) if yes])
    notes = {"start_spark": starting.seconds, "schema_edges": len(edges), "after_minmax": len(left)}
    return [Finding("paper", measured, found, notes=notes)]


def schema_graph(schemas: Sequence[Schema]) -> list[tuple[int, int]]:
    """(parent, child) of every pair whose schema fits, by clusters and centres."""
    members: dict[Schema, list[int]] = defaultdict(list)
    for index, schema in enumerate(schemas):
        members[schema].append(index)
    clusters: dict[Schema, list[Schema]] = {}
    for schema in sorted(members, key=len, reverse=True):
        joined = [centre for centre in clusters if schema <= centre]
        for centre in joined:
            clusters[centre].append(schema)
        if not joined:
            clusters[schema] = [schema]
    fits = {(p, c) for cluster in clusters.values() for p in cluster for c in cluster if c <= p}
    return [(p, c) for parent, child in fits for p in members[parent] for c in members[child] if p != c]


def _samples(session: SparkSession, tables: list[Table], children: Sequence[int], threads: int) -> dict[int, list[Row]]:
    """Random rows of each child, drawn once for all its edges."""
    with ThreadPoolExecutor(threads) as pool:
        return dict(zip(children, pool.map(lambda i: _sample(session, tables[i]), children), strict=True))


def _sample(session: SparkSession, table: Table) -> list[Row]:
    rows = spark_session.rows(session, table, sorted(table.columns))
    share = min(1.0, _DRAWN * _ROWS / table.rows)
    drawn = rows.sample(fraction=share, seed=_SEED).collect() if share < 1 else rows.collect()
    return random.Random(_SEED).sample(drawn, min(_ROWS, len(drawn)))


def _survives(session: SparkSession, tables: list[Table], samples: dict[int, list[Row]], edge: tuple[int, int]) -> bool:
    """Whether the parent holds the sampled rows under sampled columns: one left-anti join, which has to be empty.

    The rows go into the query as literals, and once more as a condition on the parent, which Parquet's reader prunes
    row groups by: five times as fast as rows that come by way of Python workers, and on large parents than the join
    alone.
    """
    from pyspark.sql import functions as F

    parent, child = edge
    every = sorted(tables[child].columns)
    names = random.Random(f"{_SEED} {parent} {child}").sample(every, min(_COLUMNS, len(every)))
    rows = spark_session.rows(session, tables[parent], names)
    sampled = [tuple(row[name] for name in names) for row in samples[child]]
    cells = [
        [F.col(f"`{name}`").eqNullSafe(F.lit(value)) for name, value in zip(names, row, strict=True)] for row in sampled
    ]
    near = rows.where(reduce(or_, (reduce(and_, row) for row in cells)))
    same = [F.col(f"`{name}`").eqNullSafe(F.col(f"s{i}")) for i, name in enumerate(names)]
    return bool(_literals(session, sampled, rows.schema).join(near, same, "left_anti").isEmpty())


def _literals(session: SparkSession, rows: list[tuple[object, ...]], schema: StructType) -> DataFrame:
    """Rows as a relation of literals s0, s1, ...: no worker and no file is asked for them."""
    values = {f"v{i}_{j}": value for i, row in enumerate(rows) for j, value in enumerate(row)}
    lines = ", ".join(f"({', '.join(f':v{i}_{j}' for j in range(len(schema)))})" for i in range(len(rows)))
    casts = ", ".join(f"CAST(c{j} AS {field.dataType.simpleString()}) AS s{j}" for j, field in enumerate(schema))
    names = ", ".join(f"c{j}" for j in range(len(schema)))
    return session.sql(f"SELECT {casts} FROM VALUES {lines} AS t({names})", args=values)


WAY = Way(
    "paper",
    f"the paper's pipeline: schema graph by clusters and centres, min-max and row counts over footers, then for each "
    f"edge one left-anti join of {_ROWS} sampled rows under {_COLUMNS} sampled columns, the parent filtered by them "
    f"first; {spark_session.SETTINGS}",
    measure,
    exact="a guess",
)
