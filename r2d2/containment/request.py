"""What the scan of a dataset is asked for. Requests are data: they travel to the tasks and key the cache of results."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from r2d2.model.dataset import Bounds, BoundValue, LeafPath
from r2d2.model.edge import Projection
from r2d2.model.family import BOOLEAN, DATE, FLOATING, INSTANT, NUMBER, TIMESTAMP

#: Every row hash lies below it: a sketch with this bound holds all rows.
COMPLETE = 2**64


@dataclass(frozen=True)
class Term:
    """One condition of a box: low ≤ leaf ≤ high, or NULL, or NaN, where those are admitted.

    ``valid``: the bounds hold for every row of the child by what its metadata says (EXACTNESS 5).
    """

    path: LeafPath
    family: str
    low: BoundValue
    high: BoundValue
    nulls: bool
    valid: bool


@dataclass(frozen=True)
class Request:
    """Count and digest of the rows in a box under a projection; with a sketch where there is a threshold.

    Attributes:
        projection: leaves and families, in the order in which they enter the row's hash.
        threshold: rows whose first half lies below it are listed; 0 for none, ``COMPLETE`` for all.
        box: terms that all must hold; empty for the whole dataset.
    """

    projection: Projection
    threshold: int = 0
    box: tuple[Term, ...] = ()

    def to_json(self) -> str:
        """The request as text; equal requests give equal text."""
        return json.dumps(
            {
                "projection": [[list(path), family] for path, family in self.projection],
                "threshold": str(self.threshold),
                "box": [pack_term(term) for term in self.box],
            },
            sort_keys=True,
            separators=(",", ":"),
        )

    @staticmethod
    def from_json(text: str) -> Request:
        """The reverse of ``to_json``."""
        raw = json.loads(text)
        projection = tuple((tuple(path), family) for path, family in raw["projection"])
        return Request(projection, int(raw["threshold"]), tuple(unpack_term(t) for t in raw["box"]))


def text_of(value: BoundValue) -> str:
    """A bound as text from which ``bound_of`` makes the same bound again."""
    return repr(value) if isinstance(value, float) else str(value)


def bound_of(text: str, family: str) -> BoundValue:
    """The bound that ``text`` spells in a family."""
    if family == NUMBER:
        return Decimal(text)
    if family == FLOATING:
        return float(text)
    if family in (DATE, TIMESTAMP, INSTANT):
        return int(text)
    return text == "True" if family == BOOLEAN else text


def term(path: LeafPath, family: str, bounds: Bounds, nulls: bool) -> Term:
    """The term that a child's bounds make."""
    return Term(path, family, bounds.low, bounds.high, nulls, bounds.low_valid and bounds.high_valid)


def pack_term(term: Term) -> list[Any]:
    """A term as lists and scalars that JSON can hold."""
    return [list(term.path), term.family, text_of(term.low), text_of(term.high), term.nulls, term.valid]


def unpack_term(raw: list[Any]) -> Term:
    """The reverse of ``pack_term``."""
    path, family, low, high, nulls, valid = raw
    return Term(tuple(path), family, bound_of(low, family), bound_of(high, family), nulls, valid)
