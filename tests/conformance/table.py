"""Prints docs/conformance.md: ``python -m tests.conformance.table > docs/conformance.md``."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from tests.conformance.inputs import (
    TOO_LARGE,
    Finding,
    counted_rows,
    described,
    find,
    not_data,
    read_by_pyarrow,
    unpack,
)
from tests.conformance.notes import BY_SPARK, INTRODUCTION, NOTES

_REFUSED = "refuses it"


def markdown(root: Path, findings: Sequence[Finding]) -> str:
    """The page about the inputs below ``root``."""
    parts = {
        "Parquet files": [f for f in findings if f.dataset.format == "parquet"],
        "Delta tables": [f for f in findings if f.dataset.format == "delta"],
        "Text files beside them": [f for f in findings if f.dataset.format not in ("parquet", "delta")],
    }
    assert sum(map(len, parts.values())) == len(findings)
    versions = {name: version(name) for name in ("pyarrow", "duckdb", "pyspark", "delta-spark")}
    lines = [INTRODUCTION.format(**versions, by_spark=len(BY_SPARK))]
    lines += _table(["inputs", "read", "no rows", "refused"], (_counts(title, part) for title, part in parts.items()))
    counted = counted_rows(root)
    others = {
        "Parquet files": ("pyarrow", {f.name: _pyarrow_rows(f) for f in parts["Parquet files"]}),
        "Delta tables": ("DuckDB's delta", {name: _shown(rows) for name, rows in counted.items()}),
    }
    for title, part in parts.items():
        other, rows = others.get(title, ("", {}))
        lines += [f"## {title}", ""]
        lines += _table(["input", "R2D2", *([other] * bool(other))], (_row(finding, rows) for finding in part))
    lines += ["## Files that are no data", "", "`r2d2 discover` counts them by their suffix.", ""]
    left = sorted(not_data(root, findings).items())
    lines += _table(
        ["directory", "suffix", "files"], ([f"`{at}`", suffix or "none", str(n)] for (at, suffix), n in left)
    )
    return "\n".join(lines).rstrip("\n") + "\n"


def _counts(title: str, part: Sequence[Finding]) -> list[str]:
    found = Counter(finding.status for finding in part)
    return [title, str(found["ok"]), str(found["empty"]), str(len(part) - found["ok"] - found["empty"])]


def _row(finding: Finding, others: dict[str, str]) -> list[str]:
    """One line of a table; the other reader's column only where there is one."""
    if finding.status in ("ok", "empty"):
        verdict = f"{_shown(finding.dataset.rows)}"
    else:
        verdict = f"{finding.status}: {finding.reason}"
    if finding.name in NOTES:
        verdict = f"{verdict} ({NOTES[finding.name]})"
    return [f"`{finding.name}`", verdict, *([others[finding.name]] if others else [])]


def _pyarrow_rows(finding: Finding) -> str:
    if finding.name == TOO_LARGE:
        return _REFUSED
    try:
        return _shown(read_by_pyarrow(finding.path).num_rows)
    except (pa.ArrowException, OSError):
        return _REFUSED


def _shown(rows: int | None) -> str:
    return _REFUSED if rows is None else f"{rows:,} row{'s' * (rows != 1)}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return [*(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines), ""]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        where = unpack(Path(directory))
        sys.stdout.write(markdown(where, find(described(where).datasets)))
