"""A deletion in the parent is honoured: a retired dataset gives up the rows that its parent deleted (DELETION 4)."""

from __future__ import annotations

from r2d2.errors import NotRetirable
from r2d2.lake.file_tree import shown
from r2d2.model.receipt import Receipt
from r2d2.recovery.context import Recovery


def honour(recovery: Recovery, receipt: Receipt) -> None:
    """Removes the rows that the parent lacks from quarantine and recipe.

    Raises:
        NotRetirable: it can't be done; nothing was changed.
    """
    del recovery
    what = f"{shown(receipt.dataset)}: rows can't be taken out of a quarantine yet"
    raise NotRetirable(what, "decide restore, or leave it in quarantine")
