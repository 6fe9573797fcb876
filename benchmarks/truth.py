"""Which pairs of a lake are contained: found once by brute force, by other code than r2d2's, and kept beside the lake.

``truth.json`` holds ``{"edges": [[parent, child], ...]}``; a lake of snapshots, which has too many pairs to list,
holds ``{"chains": [[id, ...], ...]}`` instead: each dataset of a chain holds all that stand before it.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.inventory import Table, candidate_pairs, column_list, quoted, read_tables, source

Pair = tuple[str, str]
#: Rows of a child that are looked up first.
_SAMPLE = 100


@dataclass(frozen=True)
class Truth:
    """The pairs of a lake.

    Attributes:
        pairs: listed ones.
        places: id → (chain, position) where chains give the pairs.
        scope: ids of children that the truth speaks of; None for all.
    """

    pairs: frozenset[Pair]
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    scope: frozenset[str] | None = None

    def holds(self, parent: str, child: str) -> bool:
        """Whether the child is contained in the parent."""
        if (parent, child) in self.pairs:
            return True
        above, below = self.places.get(parent), self.places.get(child)
        return above is not None and below is not None and above[0] == below[0] and above[1] > below[1]

    @property
    def count(self) -> int:
        """How many pairs there are."""
        lengths: dict[int, int] = defaultdict(int)
        for chain, _ in self.places.values():
            lengths[chain] += 1
        return len(self.pairs) + sum(n * (n - 1) // 2 for n in lengths.values())


@dataclass(frozen=True)
class Score:
    """Pairs found that hold, found that don't, and not found."""

    right: int
    wrong: int
    missed: int


def score(truth: Truth, found: Iterable[Pair]) -> Score:
    """Counts what a way found; each pair must be given once."""
    right = wrong = 0
    for parent, child in found:
        if truth.holds(parent, child):
            right += 1
        elif truth.scope is None or child in truth.scope:
            wrong += 1
    return Score(right, wrong, truth.count - right)


def read_truth(home: Path, scope: frozenset[str] | None = None) -> Truth:
    """The truth beside a lake."""
    content = json.loads((home / "truth.json").read_text(encoding="utf-8"))
    places = {name: (c, p) for c, chain in enumerate(content.get("chains", [])) for p, name in enumerate(chain)}
    return Truth(frozenset((parent, child) for parent, child in content.get("edges", [])), places, scope)


def write_truth(home: Path, must: Iterable[Pair] = (), must_not: Iterable[Pair] = ()) -> None:
    """Finds the truth of ``home/lake`` by brute force and writes it.

    Args:
        must: pairs that hold by the way the lake was built.
        must_not: pairs that don't.

    Raises:
        AssertionError: brute force and building disagree.
    """
    tables = read_tables(home / "lake", os.cpu_count() or 1)
    edges = sorted((tables[p].id, tables[c].id) for p, c in contained(tables))
    found = set(edges)
    missing, extra = set(must) - found, set(must_not) & found
    assert not missing, f"planted, but not contained: {sorted(missing)[:5]}"
    assert not extra, f"planted as near misses, but contained: {sorted(extra)[:5]}"
    content = {"meaning": "[parent, child]: all rows of child, as a bag, are in parent's columns", "edges": edges}
    (home / "truth.json").write_text(json.dumps(content, indent=0), encoding="utf-8")


def contained(tables: Sequence[Table], wanted: frozenset[int] | None = None) -> Iterator[tuple[int, int]]:
    """Every contained (parent, child), as indexes: ``EXCEPT ALL`` on all pairs that fit and do not follow from others.

    Args:
        wanted: only pairs with one of these datasets.
    """
    parents: dict[int, list[int]] = defaultdict(list)
    for parent, child in candidate_pairs(tables).tolist():
        if wanted is None or {parent, child} & wanted:
            parents[child].append(parent)
    by_rows = sorted(parents, key=lambda child: tables[child].rows, reverse=True)
    holders: dict[int, set[int]] = {}  # of the datasets that have been children
    connection = duckdb.connect(config={"preserve_insertion_order": False})
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for child in by_rows:
            found: set[int] = set()
            open_pairs = sorted(parents[child], key=lambda p: (tables[p].rows, len(tables[p].columns)))
            for holds, parent in _checked(connection, pool, tables, child, open_pairs, holders, found):
                if holds:
                    found |= {parent} | (holders.get(parent, set()) & set(open_pairs))
            holders[child] = found
            yield from ((parent, child) for parent in sorted(found))


def _checked(
    connection: duckdb.DuckDBPyConnection,
    pool: ThreadPoolExecutor,
    tables: Sequence[Table],
    child: int,
    parents: Sequence[int],
    holders: dict[int, set[int]],
    found: set[int],
) -> Iterator[tuple[bool, int]]:
    """Parents, smallest first, and whether they hold the child; those that follow from ``found`` are left out."""
    names = column_list(tables[child])
    with connection.cursor() as cursor:
        few = cursor.sql(f"SELECT {names} FROM {source(tables[child])} LIMIT {_SAMPLE}").to_arrow_table()
    lacks = dict(zip(parents, pool.map(lambda p: _lacks(connection, tables[p], few), parents), strict=True))
    for parent in parents:
        if parent not in found:
            yield not lacks[parent] and holds(connection, tables[parent], tables[child]), parent


def _lacks(connection: duckdb.DuckDBPyConnection, parent: Table, few: pa.Table) -> bool:
    """Whether one of some rows of the child is not in the parent at all."""
    names = [quoted(name) for name in few.column_names]
    same = " AND ".join(f"few.{name} IS NOT DISTINCT FROM p.{name}" for name in names)
    with connection.cursor() as cursor:
        cursor.register("few", few)
        query = f"FROM few ANTI JOIN (SELECT {', '.join(names)} FROM {source(parent)}) AS p ON {same} LIMIT 1"
        return bool(cursor.execute(query).fetchall())


def holds(connection: duckdb.DuckDBPyConnection, parent: Table, child: Table) -> bool:
    """Whether all rows of the child are in the parent, as bags."""
    names = column_list(child)
    rest = f"(SELECT {names} FROM {source(child)}) EXCEPT ALL (SELECT {names} FROM {source(parent)})"
    return not _any_row(connection, rest)


def _any_row(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    with connection.cursor() as cursor:
        return bool(cursor.execute(f"SELECT 1 FROM ({query}) LIMIT 1").fetchall())
