"""Pairs that look alike in the state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from r2d2.catalog.state import State


class LookAlike(NamedTuple):
    """A pair of datasets that were not compared with each other, for the names of their columns differ.

    Attributes:
        dataset: the one whose columns are mapped: it has no more than the other.
        score: 0 to 1: how alike its columns and those that they are mapped to are; the rarer, the more they count.
        mapping: (its column, the other's) where the names differ; for people, nested ones with dots.
        same: how many of its columns have the name of one of the other.
        columns: how many it has.
        fits: whether, by numbers of rows and bounds of what is mapped, the other could hold its rows.
    """

    dataset: str
    other: str
    score: float
    mapping: tuple[tuple[str, str], ...]
    same: int
    columns: int
    fits: bool


def order(pair: LookAlike) -> tuple[bool, float, str, str]:
    """What could hold the other first, then what is most alike."""
    return not pair.fits, -pair.score, pair.dataset, pair.other


def keep_look_alikes(state: State, run_id: str, found: Sequence[LookAlike]) -> None:
    """Makes these all that the state holds of a run's; the caller holds the lock."""
    rows = [
        {**pair._asdict(), "run_id": run_id, "mapping": [name for names in pair.mapping for name in names]}
        for pair in found
    ]
    state.write_run("look_alikes", run_id, rows)


def look_alikes_kept(state: State, run_id: str) -> tuple[LookAlike, ...]:
    """Those of a run, in order."""
    found = []
    for row in state.rows("look_alikes", run_id, columns=LookAlike._fields).to_pylist():
        found.append(LookAlike(**row | {"mapping": _pairs(row["mapping"])}))
    return tuple(sorted(found, key=order))


def _pairs(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(zip(names[::2], names[1::2], strict=True))
