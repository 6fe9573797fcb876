"""Measures and verdicts in the state's cache tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from r2d2.catalog.cache import StateCache
from r2d2.containment.join import JoinResult
from r2d2.containment.scanner import Measure
from r2d2.containment.sketch import pack, unpack
from r2d2.model.edge import Witness


@dataclass(frozen=True)
class ResultStore:
    """What earlier runs measured and decided, by key (``scanner.MeasureCache``, ``verify.VerdictCache``)."""

    cache: StateCache

    def measures(self, keys: Iterable[str]) -> dict[str, Measure]:
        """Those of the keys that are known."""
        return {key: _measure(row) for key, row in self.cache.rows("measures", keys).items()}

    def add_measures(self, measures: Mapping[str, Measure]) -> None:
        """Keeps measures for later runs."""
        self.cache.add("measures", {key: _measure_row(measure) for key, measure in measures.items()})

    def verdicts(self, keys: Iterable[str]) -> dict[str, JoinResult]:
        """Those of the keys that are known."""
        return {key: _verdict(row) for key, row in self.cache.rows("verdicts", keys).items()}

    def add_verdicts(self, verdicts: Mapping[str, JoinResult]) -> None:
        """Keeps results of joins for later runs."""
        self.cache.add("verdicts", {key: _verdict_row(result) for key, result in verdicts.items()})


def _measure(row: Mapping[str, object]) -> Measure:
    sketch = row["sketch"]
    listed = unpack(sketch, int(str(row["bound"]))) if isinstance(sketch, bytes) else None
    return Measure(int(str(row["rows"])), int(str(row["low"])), int(str(row["high"])), listed)


def _measure_row(measure: Measure) -> dict[str, object]:
    sketch = measure.sketch
    return {
        "rows": measure.rows,
        "low": measure.low,
        "high": measure.high,
        "bound": str(sketch.bound) if sketch else None,
        "sketch": pack(sketch) if sketch else None,
    }


def _verdict(row: Mapping[str, object]) -> JoinResult:
    row_hash, lacking = row["row_hash"], int(str(row["lacking"]))
    if not isinstance(row_hash, str):
        return JoinResult(lacking, None)
    return JoinResult(lacking, Witness(row_hash, int(str(row["in_child"])), int(str(row["in_parent"]))))


def _verdict_row(result: JoinResult) -> dict[str, object]:
    witness = result.witness
    return {
        "lacking": result.lacking,
        "row_hash": witness.row_hash if witness else None,
        "in_child": witness.in_child if witness else None,
        "in_parent": witness.in_parent if witness else None,
    }
