"""Text tables whose first line may be a header or a row: nothing in them tells (all their columns are text).

Such a line is taken as a header, so it is not among the rows that are compared. That must not lose a row: the names
have to stand in the other table letter by letter, and if its first line is as doubtful, in the same order. Then the
line is in the other table whatever it is: as its header, or as its first row.
"""

from __future__ import annotations

import json

from r2d2.model.dataset import Dataset


def doubtful_header(dataset: Dataset) -> bool:
    """Whether a first line was taken as a header without anything that tells."""
    if dataset.format not in ("csv", "tsv"):
        return False
    return any(json.loads(reader)["options"].get("header_certain") == "false" for reader in dataset.readers)


def refutes_by_header(parent: Dataset, child: Dataset, doubtful: tuple[bool, bool]) -> str | None:
    """Why a doubtful first line keeps the pair apart; None if it does not.

    Args:
        doubtful: of the parent's and of the child's header.
    """
    if not any(doubtful):
        return None
    order = {leaf.path: position for position, leaf in enumerate(parent.leaves)}
    found = [order.get(leaf.path) for leaf in child.leaves]
    if None in found:
        return "line 1 may be a header or a row; the names would have to match to the letter"
    if all(doubtful) and found != sorted(found, key=lambda position: position or 0):
        return "line 1 may be a header or a row; the names would have to stand in the same order"
    return None
