"""Builds the demo lake: real TPC-H tables, what people derive from them, and traps that only look redundant."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.demo.catalogue import BASE_TABLES, CASE_PAIR, PLANTED
from r2d2.demo.delta import shallow_clone, write_commit, write_delta
from r2d2.errors import EnvironmentMissing, UsageError

_ORDERS = "warehouse/orders.parquet"
_ORDERS_DELTA = "warehouse/orders_delta"
_ORDERS_CLONE = "scratch/orders_clone"
_CUSTOMER = "warehouse/customer.parquet"
_CUSTOMER_DELTA = "archive/customer_by_segment"
_CUSTOMER_LINK = "marketing/customer_current.parquet"
_LINEITEM_FULL = "archive/lineitem_full"
_LINEITEM_LINK = "finance/lineitem_full_link"
_BROKEN_DELTA = "archive/part_delta"
_FUTURE_DELTA = "archive/orders_future"


@dataclass(frozen=True)
class DemoTruth:
    """What was planted. Ids are paths relative to the lake.

    Attributes:
        datasets: ids of the usable datasets, each physical one once.
        contained: (parent, child) for every pair that holds, duplicates both ways.
        shared: those of ``contained`` whose datasets share files, so that neither may be retired.
        aliases: id → further names of the same files.
        statuses: id → expected status of each dataset that takes part in no pair.
        not_datasets: paths that look like datasets and are none.
        traps: id → what is wrong with it, of those that only look redundant.
    """

    datasets: tuple[str, ...]
    contained: frozenset[tuple[str, str]]
    shared: frozenset[tuple[str, str]]
    aliases: Mapping[str, tuple[str, ...]]
    statuses: Mapping[str, str]
    not_datasets: tuple[str, ...]
    traps: Mapping[str, str]

    def to_json(self) -> str:
        """The truth as JSON, sorted."""
        content = {
            "datasets": sorted(self.datasets),
            "contained": sorted(self.contained),
            "shared": sorted(self.shared),
            "aliases": dict(self.aliases),
            "statuses": dict(self.statuses),
            "not_datasets": list(self.not_datasets),
            "traps": dict(self.traps),
        }
        return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)


def build_demo(directory: Path, scale: float = 0.01, truth_file: Path | None = None) -> DemoTruth:
    """Writes the demo lake into ``directory``, which must be absent or empty; the same lake each time.

    Args:
        directory: the lake; made if it is missing.
        scale: TPC-H scale factor, 0.01 to 1; 0.01 is 18 MB.
        truth_file: where to write what was planted, as JSON.

    Raises:
        EnvironmentMissing: ``tpchgen-cli`` is not installed.
        UsageError: ``directory`` is not empty, or can't be made, or ``scale`` is out of range.
    """
    if not 0.01 <= scale <= 1:
        raise UsageError(f"scale {scale}: the demo lake is built at a scale from 0.01 to 1")
    _make_empty(directory)
    _base_tables(directory / "warehouse", scale)
    connection = _load(directory / "warehouse")
    try:
        for planted in PLANTED:
            planted.write(directory / planted.id, connection.sql(planted.query).to_arrow_table())
        _delta_tables(directory, connection)
    finally:
        connection.close()
    _second_names(directory)
    _bad_files(directory)
    truth = _truth()
    if truth_file is not None:
        truth_file.write_text(truth.to_json() + "\n", encoding="utf-8")
    return truth


def generate_tpch(directory: Path, scale: float, tables: Iterable[str] = BASE_TABLES) -> None:
    """Writes TPC-H tables as ``directory/TABLE.parquet`` by ``tpchgen-cli``.

    Raises:
        EnvironmentMissing: it is not installed, or does not run.
    """
    hint = "pip install 'r2d2[demo]'"
    beside = Path(sys.executable).with_name("tpchgen-cli")
    program = str(beside) if beside.exists() else shutil.which("tpchgen-cli")
    if program is None:
        raise EnvironmentMissing("tpchgen-cli, which makes the tables of the demo lake, is not installed", hint)
    command = [program, "parquet", "-s", str(scale), f"--output-dir={directory}", "-T", ",".join(tables)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EnvironmentMissing(f"{program} failed: {done.stderr.strip()[-300:]}", hint)


def _make_empty(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        occupied = any(directory.iterdir())
    except OSError as error:
        raise UsageError(f"{directory}: {error.strerror}", "name a directory that can be made") from error
    if occupied:
        raise UsageError(f"{directory} is not empty", "name a directory that does not exist yet")


def _base_tables(warehouse: Path, scale: float) -> None:
    warehouse.mkdir()
    with tempfile.TemporaryDirectory(prefix="r2d2-tpch-") as scratch:
        generate_tpch(Path(scratch), scale)
        for name in BASE_TABLES:
            shutil.copyfile(Path(scratch) / f"{name}.parquet", warehouse / f"{name}.parquet")


def _load(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """A database of the base tables; their paths never reach SQL."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    for name in BASE_TABLES:
        connection.register("arrow_table", pq.read_table(warehouse / f"{name}.parquet"))
        connection.execute(f"CREATE TABLE {name} AS FROM arrow_table")
        connection.unregister("arrow_table")
    return connection


def _delta_tables(lake: Path, connection: duckdb.DuckDBPyConnection) -> None:
    def rows(query: str) -> pa.Table:
        return connection.sql(query).to_arrow_table()

    first = rows("FROM orders WHERE o_orderdate <= DATE '1998-07-31'")
    rest = rows("FROM orders WHERE o_orderdate > DATE '1998-07-31'")
    write_delta(lake / _ORDERS_DELTA, [first, rest], ["o_orderpriority"])
    shallow_clone(lake / _ORDERS_DELTA, lake / _ORDERS_CLONE, version=0)
    write_delta(lake / _CUSTOMER_DELTA, [rows("FROM customer")], ["c_mktsegment"])
    write_delta(lake / _BROKEN_DELTA, [rows("FROM part")])
    log = lake / _BROKEN_DELTA / "_delta_log" / f"{0:020}.json"
    log.write_text(log.read_text(encoding="utf-8")[:400], encoding="utf-8")
    write_delta(lake / _FUTURE_DELTA, [rows("FROM orders")])
    feature = ["madeUpFeature"]
    fence = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": feature, "writerFeatures": feature}
    write_commit(lake / _FUTURE_DELTA, 1, [{"protocol": fence}])


def _second_names(lake: Path) -> None:
    (lake / _CUSTOMER_LINK).symlink_to(Path("..") / _CUSTOMER)
    (lake / _LINEITEM_LINK).mkdir()
    for file in sorted((lake / _LINEITEM_FULL).glob("part-*.parquet")):
        os.link(file, lake / _LINEITEM_LINK / file.name)


def _bad_files(lake: Path) -> None:
    whole = (lake / _ORDERS).read_bytes()
    (lake / "scratch/orders_download.parquet").write_bytes(whole[: len(whole) // 2])
    (lake / "scratch/nothing.parquet").touch()
    (lake / "scratch/ragged.csv").write_text("id,name\n1,anvil\n2,bolt,cut\n3\n", encoding="utf-8")
    pq.write_table(CASE_PAIR, lake / "scratch/amounts.parquet")
    pq.write_table(pq.read_table(lake / _ORDERS).slice(0, 0), lake / "scratch/orders_none.parquet")
    (lake / "scratch/.orders.parquet.swp").write_bytes(b"b0VIM")
    (lake / "scratch/_temporary.parquet").write_bytes(whole)
    (lake / "exports/orders.csv.tmp").write_text("o_orderkey,o_custkey\n1,", encoding="utf-8")


def _truth() -> DemoTruth:
    contained = frozenset(_closure(_planted_edges()))
    statuses = {
        _BROKEN_DELTA: "error",
        _FUTURE_DELTA: "unsupported",
        "scratch/orders_download.parquet": "error",
        "scratch/nothing.parquet": "error",
        "scratch/ragged.csv": "error",
        "scratch/amounts.parquet": "error",
        "scratch/orders_none.parquet": "empty",
    }
    base = [f"warehouse/{name}.parquet" for name in BASE_TABLES]
    return DemoTruth(
        datasets=tuple(sorted([*base, *(p.id for p in PLANTED), _ORDERS_DELTA, _ORDERS_CLONE, _CUSTOMER_DELTA])),
        contained=contained,
        shared=frozenset(pair for pair in contained if set(pair) == {_ORDERS_DELTA, _ORDERS_CLONE}),
        aliases={_CUSTOMER: (_CUSTOMER_LINK,), _LINEITEM_FULL: (_LINEITEM_LINK,)},
        statuses=statuses,
        not_datasets=("scratch/.orders.parquet.swp", "scratch/_temporary.parquet", "exports/orders.csv.tmp"),
        traps={planted.id: planted.trap for planted in PLANTED if planted.trap},
    )


def _planted_edges() -> Iterator[tuple[str, str]]:
    """(parent, child) as the datasets were made; an equal pair both ways."""
    for planted in PLANTED:
        yield from ((parent, planted.id) for parent in (*planted.inside, *planted.equal))
        yield from ((planted.id, other) for other in planted.equal)
    for copy, original in ((_ORDERS_DELTA, _ORDERS), (_CUSTOMER_DELTA, _CUSTOMER)):
        yield from ((copy, original), (original, copy))
    yield from (("snapshots/orders/1998-07-31", _ORDERS_CLONE), (_ORDERS_CLONE, "snapshots/orders/1998-07-31"))
    yield "scratch/customers_plus_one.parquet", _CUSTOMER
    yield "scratch/lineitem_1996_dup.parquet", "finance/lineitem_1996.parquet"
    yield "archive/lineitem_1996_monthly", "finance/lineitem_1996.parquet"


def _closure(edges: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    children: dict[str, set[str]] = defaultdict(set)
    for parent, child in edges:
        children[parent].add(child)
    for parent in list(children):
        reached: set[str] = set()
        waiting = [parent]
        while waiting:
            for child in children.get(waiting.pop(), ()):
                if child not in reached:
                    reached.add(child)
                    waiting.append(child)
        yield from ((parent, child) for child in reached - {parent})
