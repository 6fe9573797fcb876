"""Why a pair is proven or refuted, in words for people: names and counts, no cell values."""

from __future__ import annotations

from r2d2.model.edge import Grade, Witness

FOLLOWS = "it follows from proven containments"
FOLLOWS_BY_VALUES = "it follows from containments whose rows were compared by their values"


def reason(
    grade: Grade, how: str, child_rows: int, parent_rows: int, number: int, witness: Witness | None, by_values: bool
) -> str:
    """The reason of a verdict.

    Args:
        number: rows in the box, or distinct rows that the parent lacks.
        by_values: whether proofs rest on comparisons of values.
    """
    if grade is Grade.PROVEN:
        return _proven(how, child_rows, by_values)
    if grade is Grade.REFUTED:
        return _refuted(how, child_rows, parent_rows, number, witness)
    if grade is Grade.CANDIDATE:
        return "a side could not be read as one whole version"
    return {
        "value": "not compared: retiring it with the help of the other could not save money",
        "limit": "not compared yet: the run's limit was reached; the same command goes on from here",
    }.get(how, "neither proven nor refuted yet")


def _proven(how: str, rows: int, by_values: bool) -> str:
    return {
        "digest": f"all {rows} rows compared: the same rows",
        "sketch": f"all {rows} rows compared one by one",
        "join": f"all {rows} rows compared one by one",
        "values": f"all {rows} rows compared by their values",
        "box": f"all {rows} rows compared: exactly the other's rows in a range",
        "implied": FOLLOWS_BY_VALUES if by_values else f"all {rows} rows compared: {FOLLOWS}",
    }[how]


def _refuted(how: str, child: int, parent: int, number: int, witness: Witness | None) -> str:
    if how == "implied":
        return "what holds all of the other's rows lacks a row of it"
    if how == "values":
        return (
            f"{number} of its distinct rows are missing or too rare in the other, though their hashes are there: "
            "somebody may have made them so"
        )
    if how == "join":
        assert witness is not None, "a lacking row is its own witness"
        return (
            f"{number} of its distinct rows are missing or too rare in the other; one that it holds "
            f"{times(witness.in_child)} is there {times(witness.in_parent)}"
        )
    if witness is not None:
        return f"a row that it holds {times(witness.in_child)} is in the other {times(witness.in_parent)}"
    if how == "digest":
        same = f"as many rows ({child}), but not the same ones"
        return f"it has {child} rows, the other {parent}" if child > parent else same
    if number < child:
        return f"in the range of its values the other has {number} rows, it has {child}"
    return f"in the range of its values the other has as many rows ({child}), but not the same ones"


def times(number: int) -> str:
    """How often, in words.

    >>> times(0), times(1), times(3)
    ('not at all', 'once', '3 times')
    """
    return {0: "not at all", 1: "once"}.get(number, f"{number} times")
