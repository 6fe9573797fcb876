"""A retirement that was begun and did not come to its end is undone: the lake is as it was."""

from __future__ import annotations

from r2d2.lake.file_tree import shown
from r2d2.model.receipt import Receipt
from r2d2.recovery.catalogs.catalog_quarantine import bring_back
from r2d2.recovery.catalogs.catalog_tags import let_go
from r2d2.recovery.context import Recovery
from r2d2.recovery.moves.bring_back import Left, remove_own
from r2d2.recovery.moves.moving import remove_below, remove_empty
from r2d2.recovery.moves.places import Area
from r2d2.recovery.moves.put_away import PutAway


def undo(recovery: Recovery, receipt: str, why: str) -> tuple[Left, ...]:
    """Takes back whatever was done of a retirement; again from the start if it was interrupted.

    Returns:
        What could not go back, because its old path is in use again. It stays in quarantine, for people to look at.

    Raises:
        OSError: a step failed; ``r2d2 recover`` goes on from there.
    """
    begun = recovery.receipts[receipt]
    left: tuple[Left, ...] = ()
    if "away" in begun.facts:
        away = PutAway.from_facts(begun.facts["away"])
        left = bring_back(recovery, away)
        remove_own(recovery.lake, away.note, away.note_text)
    (_unclaim if left else release)(recovery, begun)
    recovery.journal.append("undone", receipt, why=why, left=[file.path for file in left])
    for file in left:
        recovery.progress.note(f"{shown(file.wanted)} is in use again; what was there is kept at {shown(file.path)}")
    return left


def release(recovery: Recovery, receipt: Receipt) -> None:
    """Lets go of all that a retirement keeps in the lake, once the dataset is back: scratch, recipe, claims."""
    area = Area(receipt.root, receipt.id)
    for made in (area.scratch, area.next):
        remove_below(recovery.lake, made)
    recovery.lake.delete(area.recipe)
    remove_empty(recovery.lake, area.directory)  # and never a file: what is there was not given back
    _unclaim(recovery, receipt)


def _unclaim(recovery: Recovery, receipt: Receipt) -> None:
    let_go(recovery, receipt)
    recovery.claims.release(receipt.parent_location, receipt.id)
    recovery.claims.release(receipt.location, receipt.id)
