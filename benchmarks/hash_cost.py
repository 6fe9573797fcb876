"""What exactness costs: one scan with R2D2's row hash against DuckDB's plain ``sum(hash(all columns))``.

Same files, same process, one thread, warm cache, in turn; the median of each, and the median of the ratios of a turn.
``python -m benchmarks.hash_cost [--scale S] [--turns N]``. Two tables: TPC-H lineitem (16 scalar columns), and its
orders with lists, structs, maps and lists of structs. The plain hash is no rival: it could not prove anything (it takes
maps in their order, ``[]`` for NULL, 0 for -1 in wide numbers: EXACTNESS 6). It is what reading and hashing cost at
least.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from r2d2.catalog.assembly import assemble
from r2d2.catalog.discovery import discover
from r2d2.catalog.reading import FileToRead
from r2d2.catalog.summaries import summarize_files
from r2d2.config import ContainmentSettings, DiscoverySettings
from r2d2.containment.digest import stored_digests
from r2d2.containment.request import Request
from r2d2.containment.row_hash import FAST, RowHash
from r2d2.containment.scan import scan_task, task_connection
from r2d2.containment.scanner import scan_tasks
from r2d2.containment.schema_graph import schema_of
from r2d2.demo.lake import generate_tpch
from r2d2.lake.kernels import run_here
from r2d2.lake.relation import locked_connection
from r2d2.model.dataset import Dataset

SETTINGS = ContainmentSettings(task_bytes=2**40, task_memory="4GB")
NESTED = """
COPY (SELECT o_orderkey AS id, [o_custkey, o_orderkey %% 7, NULL] AS numbers, [o_clerk, o_comment] AS texts,
  {'status': o_orderstatus, 'price': o_totalprice} AS facts,
  MAP {'clerk': o_clerk, 'priority': o_orderpriority} AS tags,
  [{'day': o_orderdate, 'price': o_totalprice}, NULL, {'day': NULL, 'price': o_totalprice / 2}] AS steps
  FROM read_parquet(?)) TO '%s' (FORMAT parquet)
"""
#: What a turn does, by name.
Ways = dict[str, Callable[[], object]]


def main() -> None:
    """Builds both tables and prints a line for each way to hash each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="TPC-H scale factor (default 1: 6 M rows of lineitem)")
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        lake = Path(name)
        generate_tpch(lake, arguments.scale, ("lineitem", "orders"))
        duckdb.execute(NESTED % (lake / "nested.parquet"), [str(lake / "orders.parquet")])
        for table in ("lineitem", "nested"):
            path = lake / f"{table}.parquet"
            rows = pq.read_metadata(path).num_rows
            print(f"{table}: {rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB")
            report(ways(path, lake), arguments.turns)


def ways(path: Path, scratch: Path) -> Ways:
    """The plain hash, and R2D2's: the fast one, the keyed one, and the stored digest."""
    dataset = dataset_of(path)
    return {
        "sum(hash(all columns))": lambda: plain(path, scratch),
        "r2d2, hash": lambda: scanned(dataset, FAST),
        "r2d2, keyed": lambda: scanned(dataset, RowHash("5a" * 32)),
        "r2d2, stored digest": lambda: stored_digests([dataset], SETTINGS, run_here),
    }


def report(found: Ways, turns: int) -> None:
    """Times the ways in turn, after one turn that warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in found}
    for turn in range(turns + 1):
        for name, way in found.items():
            start = time.perf_counter()
            way()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    base = next(iter(seconds.values()))
    for name, taken in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(taken, base, strict=True))
        print(f"  {name:<24} {statistics.median(taken):8.2f} s   {ratio:6.2f} x")


def dataset_of(path: Path) -> Dataset:
    """The file as discovery sees it."""
    candidates = discover([str(path)], DiscoverySettings(), None, None).candidates
    files = [FileToRead(file, candidate.format) for candidate in candidates for file in candidate.files]
    (dataset,) = assemble(candidates, summarize_files(files, run_here))
    return dataset


def plain(path: Path, scratch: Path) -> None:
    """DuckDB's hash of whole rows, summed; what it collides on is not looked at."""
    columns = ", ".join(f"c{i}" for i in range(len(pq.read_schema(path))))
    with locked_connection(scratch, SETTINGS.task_memory) as con:
        con.execute(f"SELECT sum(hash({columns})) FROM read_parquet('{path}') AS t({columns})").fetchall()


def scanned(dataset: Dataset, by: RowHash) -> None:
    """Count and both sums of the whole dataset, as a scan task of a run gives them."""
    projection = tuple((path, families[0]) for path, families in schema_of(dataset, False))
    (task,) = scan_tasks([dataset], {0: [Request(projection)]}, SETTINGS, by).to_pylist()
    with task_connection() as connect:
        (answer,) = scan_task(task, connect)
    assert answer["error"] is None, answer["error"]


if __name__ == "__main__":
    main()
