"""Generated lakes for tests and benchmarks: TPC-H tables and random derivations of them, from a seed.

What is contained in what is not planned here: ``tests.oracle`` finds out by brute force.
"""

from __future__ import annotations

import importlib.util
import os
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.demo.catalogue import BASE_TABLES
from r2d2.demo.delta import write_delta
from r2d2.demo.lake import generate_tpch
from r2d2.demo.writers import hive, json_array, json_lines, separated

DEFAULT_SEED = 20260101
FORMATS = ("parquet", "csv", "json", "delta", "mixed")
#: Tables are drawn in proportion; region and nation are too small to derive much from.
WEIGHTS = {"lineitem": 5, "orders": 5, "partsupp": 3, "customer": 3, "part": 2, "supplier": 1}
FEWEST_ROWS = 20
TEAMS = ("finance", "marketing", "exports", "archive", "scratch")
OPERATIONS = {
    "copy": 7,
    "retyped": 7,
    "columns": 8,
    "range": 9,
    "slice": 7,
    "sample": 5,
    "distinct": 4,
    "concat": 3,
    "snapshots": 2,
    "changed": 5,
    "doubled": 4,
    "nulled": 3,
    "permuted": 4,
    "renamed": 2,
    "refamilied": 3,
    "swapped": 2,
}


def seed_from_environment() -> int:
    """``R2D2_SEED``, or the fixed default; tests print it, so that a failure can be built again."""
    return int(os.environ.get("R2D2_SEED") or DEFAULT_SEED)


def tpch_lake(
    directory: Path,
    scale: float = 0.05,
    derived: int = 70,
    seed: int | None = None,
    format: str = "parquet",  # noqa: A002
) -> None:
    """Writes the eight TPC-H tables and ``derived`` random derivations of them into ``directory``.

    Args:
        directory: the lake; must be absent or empty.
        scale: TPC-H scale factor; for text formats 0.005 or less keeps it fast.
        derived: number of derived datasets.
        seed: of the derivations; ``R2D2_SEED`` or the default if None.
        format: ``parquet``, ``csv`` (with TSV and gz), ``json`` (lines and arrays), ``delta`` or ``mixed``.
    """
    assert format in FORMATS, format
    directory.mkdir(parents=True, exist_ok=True)
    generator = _Generator(directory, random.Random(seed_from_environment() if seed is None else seed), format)
    generator.base(scale)
    while generator.made < derived:
        generator.derive(derived - generator.made)
    generator.connection.close()


@dataclass(frozen=True)
class _Node:
    """A dataset that others can be derived from: its name in the database and what is known of it."""

    relation: str
    table: str
    columns: tuple[tuple[str, str], ...]
    rows: int


class _Generator:
    def __init__(self, directory: Path, rng: random.Random, kind: str) -> None:
        self.directory = directory
        self.rng = rng
        self.format = kind
        self.connection = duckdb.connect()
        self.nodes: list[_Node] = []
        self.made = 0
        self.count = 0

    def base(self, scale: float) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            generate_tpch(Path(scratch), scale)
            for name in BASE_TABLES:
                self.connection.register("incoming", pq.read_table(Path(scratch) / f"{name}.parquet"))
                self.connection.execute("CREATE OR REPLACE TABLE t AS FROM incoming")
                self.connection.unregister("incoming")
                self._keep(name, f"warehouse/{name}")

    def derive(self, most: int) -> None:
        operation = self.rng.choices(list(OPERATIONS), list(OPERATIONS.values()))[0]
        source = self._source()
        if operation == "snapshots":
            self._snapshots(source, min(most, self.rng.randint(3, 5)))
            return
        if not getattr(self, f"_{operation}")(source):
            return
        rows = self._one("SELECT count(*) FROM t")
        if rows >= FEWEST_ROWS:
            self._keep(source.table, f"{self.rng.choice(TEAMS)}/{source.table}_{operation}_{self.made:02}")
            self.made += 1

    def _source(self) -> _Node:
        derived = [n for n in self.nodes[len(BASE_TABLES) :] if n.rows >= 2 * FEWEST_ROWS and len(n.columns) > 2]
        if derived and self.rng.random() < 0.45:
            return self.rng.choice(derived)
        table = self.rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        return next(n for n in self.nodes if n.table == table)

    def _one(self, query: str) -> int:
        return int(self.connection.execute(query).fetchall()[0][0])

    def _make(self, query: str) -> bool:
        self.connection.execute(f"CREATE OR REPLACE TABLE t AS {query}")
        return True

    # -------------------------------------------------------------------------------------- derivations
    # Each leaves its rows in table t and says whether there is something to keep.

    def _copy(self, source: _Node) -> bool:
        order = self.rng.choice(source.columns)[0]
        return self._make(f'FROM {source.relation} ORDER BY "{order}" {self.rng.choice(["ASC", "DESC"])}')

    def _retyped(self, source: _Node) -> bool:
        casts = [f'"{n}"::{kind} AS "{n}"' for n, k in source.columns if (kind := self._other_type(source, n, k)) != k]
        return bool(casts) and self._make(f"SELECT * REPLACE ({', '.join(casts)}) FROM {source.relation}")

    def _other_type(self, source: _Node, name: str, kind: str) -> str:
        """Another type of the same family that holds the column's values."""
        if self.rng.random() < 0.3:
            return kind
        if kind in ("BIGINT", "INTEGER", "UINTEGER"):
            small = self._one(f'SELECT coalesce(max("{name}"), 0) FROM {source.relation}') < 2**31
            unsigned = ["UINTEGER"] if self.format not in ("delta", "mixed") else []  # Delta has no unsigned types
            return self.rng.choice(["BIGINT", *(["INTEGER", *unsigned, "DECIMAL(14,2)"] if small else [])])
        if kind.startswith("DECIMAL"):
            scale = int(kind[:-1].split(",")[1])
            return self.rng.choice([f"DECIMAL(18,{max(scale, 4)})", f"DECIMAL(30,{max(scale, 6)})", kind])
        return kind

    def _columns(self, source: _Node) -> bool:
        names = [name for name, _ in source.columns]
        chosen = self.rng.sample(names, self.rng.randint(2, max(2, len(names) - 1)))
        return self._make(f"SELECT {_list(chosen)} FROM {source.relation}")

    def _range(self, source: _Node) -> bool:
        condition = self._between(source)
        return bool(condition) and self._make(f"FROM {source.relation} WHERE {condition}")

    def _between(self, source: _Node) -> str:
        """A condition between two quantiles of a date or number column."""
        names = [n for n, k in source.columns if k in ("DATE", "BIGINT", "INTEGER") or k.startswith("DECIMAL")]
        if not names:
            return ""
        name = self.rng.choice(names)
        start = self.rng.uniform(0, 0.6)
        bounds = [start, min(1.0, start + self.rng.uniform(0.05, 0.5))]
        values = self.connection.execute(f'SELECT quantile_disc("{name}", {bounds}) FROM {source.relation}').fetchall()
        low, high = values[0][0] or (None, None)
        return f"\"{name}\" BETWEEN '{low}' AND '{high}'" if low is not None else ""

    def _slice(self, source: _Node) -> bool:
        name = self._category(source)
        if not name:
            return False
        values = self.connection.execute(f'SELECT DISTINCT "{name}" FROM {source.relation} ORDER BY ALL').fetchall()
        chosen = self.rng.sample(values, self.rng.randint(1, max(1, len(values) // 2)))
        texts = ", ".join("'" + str(value).replace("'", "''") + "'" for (value,) in chosen if value is not None)
        return bool(texts) and self._make(f'FROM {source.relation} WHERE "{name}"::VARCHAR IN ({texts})')

    def _category(self, source: _Node) -> str:
        """A string or small integer column of few values and no NULL, or ''."""
        names = [n for n, k in source.columns if k in ("VARCHAR", "INTEGER", "BIGINT")]
        self.rng.shuffle(names)
        for name in names:
            few = f'count(DISTINCT "{name}") BETWEEN 2 AND 12 AND count(*) = count("{name}")'
            if self._one(f"SELECT ({few})::INTEGER FROM {source.relation}"):
                return name
        return ""

    def _sample(self, source: _Node) -> bool:
        names = _list([name for name, _ in source.columns])
        part, salt = self.rng.choice([2, 3, 10, 50]), self.rng.randrange(10**6)
        return self._make(f"FROM {source.relation} WHERE hash({names}, {salt}) % {part} = 0")

    def _distinct(self, source: _Node) -> bool:
        names = [name for name, _ in source.columns]
        chosen = self.rng.sample(names, self.rng.randint(2, min(3, len(names))))
        return self._make(f"SELECT DISTINCT {_list(chosen)} FROM {source.relation} ORDER BY ALL")

    def _concat(self, source: _Node) -> bool:
        first, second = self._between(source), self._between(source)
        if not first:
            return False
        return self._make(f"FROM {source.relation} WHERE {first} UNION ALL FROM {source.relation} WHERE {second}")

    def _snapshots(self, source: _Node, count: int) -> None:
        """A chain: each holds the one before."""
        names = [n for n, k in source.columns if k == "DATE" or k == "BIGINT"]
        if not names or source.rows < 10 * FEWEST_ROWS:
            return
        name, folder = self.rng.choice(names), f"snapshots/{source.table}_{self.made:02}"
        for number in range(count):
            share = 1 - 0.1 * (count - number)
            upto = f'(SELECT quantile_disc("{name}", {share}) FROM {source.relation})'
            self._make(f'FROM {source.relation} WHERE "{name}" <= {upto}')
            self._keep(source.table, f"{folder}/2026-01-{number + 1:02}", layouts=False)
            self.made += 1

    def _changed(self, source: _Node) -> bool:
        """One cell of a copy."""
        self._fragment(source)
        name, kind = self.rng.choice(source.columns)
        other = {"VARCHAR": f"\"{name}\" || '~'", "DOUBLE": f'"{name}" + 1'}.get(kind, f'"{name}" + 1')
        self.connection.execute(f'UPDATE t SET "{name}" = {other} WHERE rowid = {self._row()}')
        return True

    def _doubled(self, source: _Node) -> bool:
        """One row of a copy is there twice."""
        self._fragment(source)
        self.connection.execute(f"INSERT INTO t FROM t WHERE rowid = {self._row()}")
        return True

    def _nulled(self, source: _Node) -> bool:
        """One cell of a copy is NULL; in CSV not a string, where an empty field could be either."""
        strings = self.format not in ("csv", "mixed")
        names = [n for n, k in source.columns if strings or k != "VARCHAR"]
        if not names:
            return False
        self._fragment(source)
        self.connection.execute(f'UPDATE t SET "{self.rng.choice(names)}" = NULL WHERE rowid = {self._row()}')
        return True

    def _permuted(self, source: _Node) -> bool:
        """One column's values move down by a row."""
        self._fragment(source)
        name = self.rng.choice(source.columns)[0]
        rows = self._one("SELECT count(*) FROM t")
        self.connection.execute("ALTER TABLE t RENAME TO was")
        self._make(
            f'SELECT a.* REPLACE (b."{name}" AS "{name}") FROM was a JOIN was b ON b.rowid = (a.rowid+1) % {rows}'
        )
        self.connection.execute("DROP TABLE was")
        return True

    def _renamed(self, source: _Node) -> bool:
        name = self.rng.choice(source.columns)[0]
        return self._make(f'SELECT * RENAME ("{name}" AS "{name}_renamed") FROM {source.relation}')

    def _refamilied(self, source: _Node) -> bool:
        """An integer column becomes double, or text. (A JSON number against a string is not compared here.)"""
        names = [n for n, k in source.columns if k in ("BIGINT", "INTEGER")]
        if not names:
            return False
        name = self.rng.choice(names)
        kind = self.rng.choice(["DOUBLE", "VARCHAR"] if self.format not in ("json", "mixed") else ["DOUBLE"])
        return self._make(f'SELECT * REPLACE ("{name}"::{kind} AS "{name}") FROM {source.relation}')

    def _swapped(self, source: _Node) -> bool:
        """Two columns of one type are exchanged."""
        pairs = [(a, b) for a, k in source.columns for b, other in source.columns if a < b and k == other]
        if not pairs:
            return False
        a, b = self.rng.choice(pairs)
        return self._make(f'SELECT * REPLACE ("{a}" AS "{b}", "{b}" AS "{a}") FROM {source.relation}')

    def _fragment(self, source: _Node) -> None:
        """A copy, a range or a sample in t: near misses of slices are refuted by little else."""
        self.rng.choice([self._copy, self._sample, self._sample])(source)
        if self._one("SELECT count(*) FROM t") < FEWEST_ROWS:
            self._copy(source)

    def _row(self) -> int:
        return self.rng.randrange(self._one("SELECT count(*) FROM t"))

    # -------------------------------------------------------------------------------------- writing

    def _keep(self, table: str, path: str, layouts: bool = True) -> None:
        """Writes t into the lake and makes it a source of further derivations."""
        self.count += 1
        relation = f"n{self.count}"
        rows = self._one("SELECT count(*) FROM t")
        described = self.connection.execute("SELECT column_name, column_type FROM (DESCRIBE t)").fetchall()
        columns = tuple((str(name), str(kind)) for name, kind in described)
        node = _Node(relation, table, columns, rows)
        self._write(node, self.directory / path, layouts)
        self.connection.execute(f"ALTER TABLE t RENAME TO {relation}")
        self.nodes.append(node)

    def _write(self, node: _Node, path: Path, layouts: bool) -> None:
        kind = (
            self.rng.choice(["parquet", "parquet", "csv", "json", "delta"]) if self.format == "mixed" else self.format
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        writers: dict[str, Callable[[_Node, Path, bool], None]] = {
            "parquet": self._parquet,
            "csv": self._csv,
            "json": self._json,
            "delta": self._delta,
        }
        writers[kind](node, path, layouts)

    def _arrow(self) -> pa.Table:
        return self.connection.sql("FROM t").to_arrow_table()

    def _parquet(self, node: _Node, path: Path, layouts: bool) -> None:
        draw = self.rng.random() if layouts else 1.0
        category = self._category(_Node("t", node.table, node.columns, node.rows)) if draw < 0.08 else ""
        if category and len(node.columns) > 2:
            hive(category)(path, self._arrow())
        elif draw < 0.2:
            self._parts(path)
        else:
            self._parquet_file(path.with_name(path.name + ".parquet"), node)

    def _parts(self, path: Path) -> None:
        path.mkdir()
        table = self._arrow()
        step = -(-table.num_rows // self.rng.randint(2, 4))
        for number, start in enumerate(range(0, table.num_rows, step)):
            pq.write_table(table.slice(start, step), path / f"part-{number:05}.parquet", compression="zstd")

    def _parquet_file(self, path: Path, node: _Node) -> None:
        writer = self.rng.choices(["duckdb", "pyarrow", "dictionary", "polars"], [6, 2, 1, 2])[0]
        if writer == "duckdb":
            codec, group = self.rng.choice(["snappy", "zstd"]), self.rng.choice([10_240, 122_880])
            target = str(path).replace("'", "''")
            self.connection.execute(f"COPY t TO '{target}' (FORMAT parquet, CODEC {codec}, ROW_GROUP_SIZE {group})")
        elif writer == "polars" and importlib.util.find_spec("polars"):
            import polars

            frame = polars.from_arrow(self._arrow())
            assert isinstance(frame, polars.DataFrame)
            frame.write_parquet(path)
        else:
            table = self._arrow()
            if writer == "dictionary":
                strings = [f.name for f in table.schema if f.type == pa.string()]
                for name in strings[:2]:
                    index = table.column_names.index(name)
                    table = table.set_column(index, name, table[name].dictionary_encode())
            pq.write_table(table, path, row_group_size=self.rng.choice([5_000, 1 << 20]))

    def _csv(self, node: _Node, path: Path, layouts: bool) -> None:
        delimiter, suffix = self.rng.choice([(",", ".csv"), (",", ".csv"), ("\t", ".tsv")])
        packed = self.rng.random() < 0.25
        target = path.with_name(f"{path.name}{suffix}{'.gz' if packed else ''}")
        if self.rng.random() < 0.3:
            separated(delimiter, packed)(target, self._arrow())
            return
        quoted, codec = str(target).replace("'", "''"), "gzip" if packed else "none"
        self.connection.execute(
            f"COPY t TO '{quoted}' (FORMAT csv, HEADER, DELIMITER '{delimiter}', COMPRESSION {codec})"
        )

    def _json(self, node: _Node, path: Path, layouts: bool) -> None:
        if self.rng.random() < 0.3:
            json_array(path.with_name(path.name + ".json"), self._arrow())
        elif self.rng.random() < 0.3:
            json_lines(path.with_name(path.name + ".jsonl"), self._arrow())
        else:
            quoted = str(path.with_name(path.name + ".jsonl")).replace("'", "''")
            self.connection.execute(f"COPY t TO '{quoted}' (FORMAT json)")

    def _delta(self, node: _Node, path: Path, layouts: bool) -> None:
        table = self._arrow()
        category = self._category(_Node("t", node.table, node.columns, node.rows)) if self.rng.random() < 0.2 else ""
        partition = [category] if category and len(node.columns) > 2 else []
        half = table.num_rows // 2
        commits = [table] if self.rng.random() < 0.6 else [table.slice(0, half), table.slice(half)]
        write_delta(path, commits, partition)


def _list(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
