"""Which files of a parent may hold rows that satisfy a predicate, by their partition values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import duckdb
import pyarrow as pa

from r2d2.containment.scan import task_connection
from r2d2.containment.scan_sql import Source
from r2d2.model.dataset import DataFile
from r2d2.model.names import fold
from r2d2.recovery.recipes.predicate import Predicate, predicate_sql

_Partition = tuple[tuple[str, str | None], ...]


def may_hold(files: Sequence[DataFile], predicate: Predicate, case_sensitive: bool) -> list[int]:
    """Places of the files whose partition values don't rule them out."""
    with task_connection() as connect:
        return holding(connect("")[0], files, predicate, case_sensitive)


def holding(
    con: duckdb.DuckDBPyConnection, files: Sequence[DataFile], predicate: Predicate, case_sensitive: bool
) -> list[int]:
    """The same on a connection that is open."""
    if not predicate or not any(file.partition for file in files):
        return list(range(len(files)))
    found: set[_Partition] = set()
    by_names: dict[tuple[str, ...], list[_Partition]] = defaultdict(list)
    for partition in dict.fromkeys(tuple(sorted(file.partition)) for file in files):
        by_names[tuple(name for name, _ in partition)].append(partition)
    for names, partitions in by_names.items():
        found.update(_satisfying(con, names, partitions, predicate, case_sensitive))
    return [place for place, file in enumerate(files) if tuple(sorted(file.partition)) in found]


def _satisfying(
    con: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    partitions: Sequence[_Partition],
    predicate: Predicate,
    case_sensitive: bool,
) -> list[_Partition]:
    """Those of the partitions, all of the same columns, that satisfy what the predicate says of these columns."""
    columns = {fold((name,), case_sensitive): f"p{i}" for i, name in enumerate(names)}
    asked = tuple(condition for condition in predicate if condition.path in columns)
    values = {f"p{i}": pa.array([p[i][1] for p in partitions], pa.string()) for i in range(len(names))}
    con.register("partitions", pa.table({"n": pa.array(range(len(partitions)), pa.int64()), **values}))
    try:
        query = f"SELECT n FROM partitions WHERE {predicate_sql(Source('partitions', {}, columns), asked)} ORDER BY n"
        return [partitions[number] for (number,) in con.execute(query).fetchall()]
    finally:
        con.unregister("partitions")
