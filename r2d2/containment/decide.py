"""How a pair is decided from measures, each function named for the side on which it is sound (EXACTNESS 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from r2d2.containment.request import Term
from r2d2.containment.scanner import Measure
from r2d2.containment.sketch import refutes_on_common_range
from r2d2.model.edge import Grade, Witness


@dataclass(frozen=True)
class Verdict:
    """How a pair stands, and by which way; the words for it are in ``reasons``."""

    grade: Grade
    how: str
    witness: Witness | None = None


UNDECIDED = Verdict(Grade.PLAUSIBLE, "")


def decide(child: Measure, parent: Measure | None, inside: Measure | None) -> Verdict:
    """The verdict that measures allow, cheapest way first.

    Args:
        child: the child under the pair's projection.
        parent: the whole parent under it, if that was measured.
        inside: the parent's rows in the pair's box, if it has one.
    """
    return (parent and _by_whole(child, parent)) or (inside and proves_by_box(child, inside)) or UNDECIDED


def _by_whole(child: Measure, parent: Measure) -> Verdict | None:
    return (
        proves_by_digest(child, parent)
        or refutes_by_digest(child, parent)
        or refutes_by_sketch(child, parent)
        or proves_by_complete_sketches(child, parent)
    )


def proves_by_digest(child: Measure, parent: Measure) -> Verdict | None:
    """Equal count and digest: the child is the whole parent under the projection."""
    return Verdict(Grade.PROVEN, "digest") if parent.same_rows(child) else None


def refutes_by_digest(child: Measure, parent: Measure) -> Verdict | None:
    """As many rows with another digest, or more rows: a bag can't be in one that is not larger and not equal."""
    if child.rows > parent.rows:
        return Verdict(Grade.REFUTED, "digest")
    if child.rows == parent.rows and not parent.same_rows(child):
        return refutes_by_sketch(child, parent) or Verdict(Grade.REFUTED, "digest")
    return None


def refutes_by_sketch(child: Measure, parent: Measure) -> Verdict | None:
    """A row of the child that the parent lacks, or holds too rarely, among the hashes that both sketches cover."""
    witness = child.sketch and parent.sketch and refutes_on_common_range(child.sketch, parent.sketch)
    return Verdict(Grade.REFUTED, "sketch", witness) if witness else None


def proves_by_complete_sketches(child: Measure, parent: Measure) -> Verdict | None:
    """Both sketches hold every row, and no row of the child is missing: exact."""
    if not (child.sketch and parent.sketch and child.sketch.complete and parent.sketch.complete):
        return None
    return None if refutes_by_sketch(child, parent) else Verdict(Grade.PROVEN, "sketch")


def proves_by_box(child: Measure, inside: Measure) -> Verdict | None:
    """The parent's rows in the box are the child's rows, however the box was found."""
    return Verdict(Grade.PROVEN, "box") if inside.same_rows(child) else None


def refutes_by_box(child: Measure, inside: Measure) -> Verdict | None:
    """Too few rows in the box, or as many and others, or a row that is not there.

    Sound only if every row of the child lies in its own box: ``holds_for_child``.
    """
    if inside.rows < child.rows or (inside.rows == child.rows and not inside.same_rows(child)):
        return Verdict(Grade.REFUTED, "box")
    found = refutes_by_sketch(child, inside)
    return found and replace(found, how="box")


def holds_for_child(child: Measure, box: Sequence[Term], own: Measure, child_typed: bool) -> bool:
    """Whether every row of the child lies in the box, as the same code counts it.

    Args:
        own: the child's rows in the box.
        child_typed: whether terms are evaluated exactly on the child; if not, its bounds have to be valid.
    """
    return own.rows == child.rows and (child_typed or all(condition.valid for condition in box))
