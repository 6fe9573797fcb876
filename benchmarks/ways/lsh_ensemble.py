"""``datasketch``'s MinHash LSH Ensemble: candidates by sketches, then verified exactly. What it misses stays missed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb
import numpy as np

from benchmarks.inventory import Table, candidate_pairs
from benchmarks.meter import window
from benchmarks.staging import open_tables
from benchmarks.task import Finding, Task, Way, named
from benchmarks.ways.row_sets import Group, Tokens, groups, tokens

_PERMUTATIONS, _PARTITIONS = 128, 16
#: At exactly 1.0 the ensemble weighs no pair as missed, and misses most: 299 of 422 on a small TPC-H lake, 0 at 0.9.
_THRESHOLD = 0.9
#: Missing a pair is worse than verifying one too many.
_WEIGHTS = (0.1, 0.9)
_ROWS_AT_ONCE = 16_384


def measure(task: Task) -> list[Finding]:
    """An ensemble of the possible parents for each schema of children; its answers are verified token by token."""
    held: list[tuple[int, int]] = []
    asked = 0
    with window() as measured:
        tables = open_tables(task)
        with duckdb.connect(config={"threads": task.threads}) as connection, ThreadPoolExecutor(task.threads) as pool:
            for group in groups(tables, candidate_pairs(tables)):
                sets = _sets(connection, tables, group)
                sketches = dict(zip(sets, pool.map(_sketch, sets.values()), strict=True))
                candidates = _candidates(group, sets, sketches)
                asked += len(candidates)
                held += [pair for pair in candidates if _inside(sets[pair[1]], sets[pair[0]])]
    return [Finding("lsh-ensemble", measured, named(tables, held), notes={"verified": asked})]


def _sets(connection: duckdb.DuckDBPyConnection, tables: list[Table], group: Group) -> dict[int, Tokens]:
    members = sorted({*group.parents, *group.children})
    return {i: tokens(connection, tables[i], group.names) for i in members}


def _sketch(rows: Tokens) -> Any:
    """The MinHash of a set of tokens, by numpy over blocks of rows."""
    from datasketch import MinHash  # type: ignore[import-untyped]

    sketch = MinHash(num_perm=_PERMUTATIONS, hashfunc=_unchanged)
    halves = (rows & np.uint64(0xFFFFFFFF)).tolist()
    for start in range(0, len(halves), _ROWS_AT_ONCE):
        sketch.update_batch(halves[start : start + _ROWS_AT_ONCE])
    return sketch


def _unchanged(token: int) -> int:
    return token


def _candidates(group: Group, sets: dict[int, Tokens], sketches: dict[int, Any]) -> list[tuple[int, int]]:
    from datasketch import MinHashLSHEnsemble

    parts = min(_PARTITIONS, len({len(sets[i]) for i in group.parents}))
    ensemble = MinHashLSHEnsemble(threshold=_THRESHOLD, num_perm=_PERMUTATIONS, num_part=parts, weights=_WEIGHTS)
    ensemble.index([(i, sketches[i], len(sets[i])) for i in group.parents])
    found = {(p, child) for child in group.children for p in ensemble.query(sketches[child], len(sets[child]))}
    return sorted(found & group.pairs)


def _inside(child: Tokens, parent: Tokens) -> bool:
    places = np.searchsorted(parent, child)
    return bool((places < len(parent)).all() and (parent[places] == child).all())


WAY = Way(
    "lsh-ensemble",
    f"datasketch.MinHashLSHEnsemble, threshold {_THRESHOLD}, {_PERMUTATIONS} permutations, {_PARTITIONS} partitions, "
    "weights 0.1 / 0.9 in favour of recall, one for each schema of children; tokens as for set-similarity; every "
    "answer verified exactly, at 1.0",
    measure,
    needs=("datasketch",),
)
