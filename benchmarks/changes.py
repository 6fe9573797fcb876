"""A lake in which 1% of the datasets have changed, and its truth: each has lost its last row."""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.inventory import read_tables
from benchmarks.task import Task
from benchmarks.truth import contained, read_truth

_SHARE, _SEED = 0.01, 7


@dataclass(frozen=True)
class Changed:
    """The ids of what was changed, and the directory of the truth that holds then; None: the old one holds."""

    ids: tuple[str, ...]
    home: Path | None


def change_some(task: Task, lake: Path) -> Changed:
    """Changes 1% of the Parquet files of ``lake``, at least one, chosen by a fixed seed.

    They lose their last row. Where truth is given by chains, which would not stay chains, they are rewritten with the
    same rows instead. Text lakes stay as they are but for one file, which gets a new time.
    """
    files = sorted(path for path in lake.rglob("*.parquet"))
    if not files:
        texts = sorted(path for path in lake.rglob("*") if path.suffix in (".csv", ".tsv", ".json"))
        _replace(texts[0], texts[0].read_bytes())
        return Changed((str(texts[0].relative_to(lake)),), None)
    chosen = random.Random(_SEED).sample(files, max(1, round(len(files) * _SHARE)))
    old = json.loads((task.home / "truth.json").read_text(encoding="utf-8"))
    for path in chosen:
        table = pq.read_table(path)
        kept = table if "chains" in old or table.num_rows < 2 else table.slice(0, table.num_rows - 1)
        scratch = path.with_name(f".{path.name}.new")
        pq.write_table(kept, scratch, compression="gzip")
        scratch.replace(path)
    ids = tuple(sorted(_owner(path, lake) for path in chosen))
    return Changed(ids, None if "chains" in old else _write_truth(task, lake, set(ids)))


def _owner(path: Path, lake: Path) -> str:
    return str((path.parent if path.name.startswith("part-") else path).relative_to(lake))


def _replace(path: Path, content: bytes) -> None:
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_bytes(content)
    scratch.replace(path)


def _write_truth(task: Task, lake: Path, ids: set[str]) -> Path:
    """The old truth where neither side has changed, brute force for the rest; kept beside the lake for later turns."""
    home = task.home / "changed"
    if (home / "truth.json").exists():
        return home
    tables = read_tables(lake, os.cpu_count() or 1)
    touched = frozenset(i for i, table in enumerate(tables) if table.id in ids)
    fresh = [(tables[p].id, tables[c].id) for p, c in contained(tables, touched)]
    kept = [pair for pair in read_truth(task.home).pairs if not ids & set(pair)]
    home.mkdir(exist_ok=True)
    (home / "truth.json").write_text(json.dumps({"edges": sorted(kept + fresh)}), encoding="utf-8")
    return home
