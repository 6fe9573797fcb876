"""Whether a parent can lose the rows of a retired child between two looks of the guard (DELETION 4)."""

from __future__ import annotations

from datetime import datetime

from r2d2.errors import NotRetirable
from r2d2.model.receipt import Acceptance, Receipt
from r2d2.model.recipe import Recipe
from r2d2.recovery.context import Recovery


def refuse_unprotected(recovery: Recovery, receipt: Receipt, recipe: Recipe, now: datetime) -> None:
    """Raises if the parent may lose the rows unseen, unless a reviewer accepted that.

    Raises:
        NotRetirable: why it may, and what may be accepted.
    """
    del recovery, recipe, now
    if Acceptance.UNPROTECTED_PARENT not in receipt.accepted:
        hint = "approve it with --accept unprotected-parent, or leave it in quarantine"
        raise NotRetirable("its parent may lose the rows between two looks of the guard", hint)
