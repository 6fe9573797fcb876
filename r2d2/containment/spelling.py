"""NULL and the empty text in CSV and TSV: what such a file can't say, in words for the reason of a refutation.

An empty field without quotes is NULL, one with quotes is the empty text (EXACTNESS 4). Many writers spell both alike.
Such a file can't be told from one that holds only the one or only the other, so it differs from typed data that holds
both, and is refuted against it by its counts, its bounds or its rows. These functions never decide: they only explain.
"""

from __future__ import annotations

from r2d2.model.dataset import Dataset, Leaf
from r2d2.model.family import STRING

_SEPARATED = ("csv", "tsv")


def alike_note(child: tuple[Dataset, Leaf], parent: tuple[Dataset, Leaf], family: str) -> str:
    """Whether a side of a refuted pair spells NULL and the empty text alike in a column, where the other may hold both.

    Returns:
        a clause for people, empty where spelling plays no part.
    """
    if family != STRING:
        return ""
    return _side_note("its", *child, *parent) or _side_note("the other's", *parent, *child)


def null_note(child: Dataset, family: str) -> str:
    """Which fields of a child count as NULL, where it has more of them than the other; empty for typed data."""
    if child.format not in _SEPARATED:
        return ""
    quoted = ", and one with quotes as an empty text" if family == STRING else ""
    return f"an empty field without quotes counts as NULL{quoted}"


def text_note(dataset: Dataset, leaf: Leaf) -> str:
    """What makes a column text that may look typed: a field of nothing between quotes is neither NULL nor a number."""
    if dataset.format not in _SEPARATED or not _holds_empty(dataset, leaf):
        return ""
    return "it is text here: some of its fields have nothing between quotes, which counts as an empty text"


def _side_note(whose: str, text: Dataset, mine: Leaf, other: Dataset, theirs: Leaf) -> str:
    if text.format not in _SEPARATED or mine.nulls is None:
        return ""
    empty = _holds_empty(text, mine)
    if mine.nulls and empty is False and _holds_empty(other, theirs) is not False:
        return f"{whose} file writes all empty fields without quotes, as NULL; an empty text can't be told from that"
    if not mine.nulls and empty and theirs.nulls != 0:
        return f"{whose} file writes all empty fields with quotes, as empty texts; a NULL can't be told from that"
    return ""


def _holds_empty(dataset: Dataset, leaf: Leaf) -> bool | None:
    """Whether a row holds the empty text, which is the smallest of all; None if unknown."""
    if leaf.nulls is not None and leaf.nulls == dataset.rows:
        return False
    bounds = leaf.bounds.get(STRING)
    if bounds is None:
        return None
    if bounds.low == "":
        return True if bounds.low_tight else None
    return False if bounds.low_valid else None
