"""Pairs, edges and how they were decided (DESIGN 2). No Spark, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from r2d2.model.dataset import LeafPath

#: A projection with the family of each leaf: what both sides of a pair are compared as. Sorted by path.
Projection = tuple[tuple[LeafPath, str], ...]


class Grade(StrEnum):
    """How much is known about an edge; only ``PROVEN`` reaches the optimizer (DESIGN 4, rule 1).

    ``SHARED``: the schema fits and both hold files in common. Such a pair is never compared (EXACTNESS 1).
    """

    CANDIDATE = "candidate"
    PLAUSIBLE = "plausible"
    PROVEN = "proven"
    REFUTED = "refuted"
    SHARED = "shared"


@dataclass(frozen=True)
class Witness:
    """What refutes a pair: a row of the child that the parent lacks, or holds too rarely."""

    row_hash: str
    in_child: int
    in_parent: int


@dataclass(frozen=True)
class Edge:
    """parent → child, with the grade and the way it was decided.

    Attributes:
        equal: both hold the same rows over the same leaves.
        how: ``digest``, ``box``, ``sketch``, ``join``, ``sample`` or ``implied`` (by the closure of proven edges).
        reason: for people: why it is proven or refuted, names but no cell values.
        projection: the child's leaves with the families they were compared under.
    """

    parent: str
    child: str
    grade: Grade
    rows_child: int
    rows_parent: int
    equal: bool
    how: str
    reason: str
    projection: Projection = ()
    predicate: str = ""
    witness: Witness | None = None
