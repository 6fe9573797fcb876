"""How a pair is decided from measures, each function named for the side on which it is sound (EXACTNESS 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from r2d2.containment.request import Term
from r2d2.containment.scanner import Measure
from r2d2.containment.sketch import refutes_on_common_range
from r2d2.model.edge import Grade, Witness


@dataclass(frozen=True)
class Verdict:
    """How a pair stands, by which way, and why in words."""

    grade: Grade
    how: str
    reason: str
    witness: Witness | None = None


UNDECIDED = Verdict(Grade.PLAUSIBLE, "", "neither proven nor refuted yet")


def decide(
    child: Measure, parent: Measure, box: Sequence[Term], inside: Measure | None, own: Measure | None, child_typed: bool
) -> Verdict:
    """The verdict that measures allow, cheapest way first.

    Args:
        child: the child under the pair's projection.
        parent: the whole parent under it.
        box: the terms of the pair's box.
        inside: the parent's rows in the box; None if there is no box.
        own: the child's rows in its own box; None if there is no box.
        child_typed: whether terms are evaluated exactly on the child.
    """
    return (
        proves_by_digest(child, parent)
        or refutes_by_digest(child, parent)
        or refutes_by_sketch(child, parent)
        or proves_by_complete_sketches(child, parent)
        or (inside and proves_by_box(child, inside))
        or (inside and own and refutes_by_box(child, box, inside, own, child_typed))
        or UNDECIDED
    )


def proves_by_digest(child: Measure, parent: Measure) -> Verdict | None:
    """Equal count and digest: the child is the whole parent under the projection."""
    if not parent.same_rows(child):
        return None
    return Verdict(Grade.PROVEN, "digest", f"all {child.rows} rows compared: the same rows")


def refutes_by_digest(child: Measure, parent: Measure) -> Verdict | None:
    """As many rows with another digest, or more rows: a bag can't be in one that is not larger and not equal."""
    if child.rows > parent.rows:
        return Verdict(Grade.REFUTED, "digest", f"it has {child.rows} rows, the other {parent.rows}")
    if child.rows == parent.rows and not parent.same_rows(child):
        return _sketch_witness(child, parent) or Verdict(
            Grade.REFUTED, "digest", f"as many rows ({child.rows}), but not the same ones"
        )
    return None


def refutes_by_sketch(child: Measure, parent: Measure) -> Verdict | None:
    """A row of the child that the parent lacks, or holds too rarely, among the hashes that both sketches cover."""
    return _sketch_witness(child, parent)


def proves_by_complete_sketches(child: Measure, parent: Measure) -> Verdict | None:
    """Both sketches hold every row, and no row of the child is missing: exact."""
    if not (child.sketch and parent.sketch and child.sketch.complete and parent.sketch.complete):
        return None
    if refutes_on_common_range(child.sketch, parent.sketch):
        return None
    return Verdict(Grade.PROVEN, "sketch", f"all {child.rows} rows compared one by one")


def proves_by_box(child: Measure, inside: Measure) -> Verdict | None:
    """The parent's rows in the box are the child's rows, however the box was found."""
    if not inside.same_rows(child):
        return None
    return Verdict(Grade.PROVEN, "box", f"all {child.rows} rows compared: exactly the other's rows in a range")


def refutes_by_box(
    child: Measure, box: Sequence[Term], inside: Measure, own: Measure, child_typed: bool
) -> Verdict | None:
    """Too few rows in the box, or as many and others. Only if every row of the child lies in its own box."""
    holds = own.rows == child.rows and (child_typed or all(condition.valid for condition in box))
    if not holds:
        return None
    if inside.rows < child.rows:
        reason = f"in the range of its values the other has {inside.rows} rows, it has {child.rows}"
        return Verdict(Grade.REFUTED, "box", reason)
    if inside.rows == child.rows and not inside.same_rows(child):
        reason = f"in the range of its values the other has as many rows ({child.rows}), but not the same ones"
        return Verdict(Grade.REFUTED, "box", reason)
    return None


def _sketch_witness(child: Measure, parent: Measure) -> Verdict | None:
    witness = child.sketch and parent.sketch and refutes_on_common_range(child.sketch, parent.sketch)
    if not witness:
        return None
    reason = f"a row that it holds {times(witness.in_child)} is in the other {times(witness.in_parent)}"
    return Verdict(Grade.REFUTED, "sketch", reason, witness)


def times(number: int) -> str:
    """How often, in words.

    >>> times(0), times(1), times(3)
    ('not at all', 'once', '3 times')
    """
    return {0: "not at all", 1: "once"}.get(number, f"{number} times")
