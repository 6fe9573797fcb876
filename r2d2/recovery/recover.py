"""Recover: what a crash left half done is finished, or undone (DELETION 5). Needs no JVM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from r2d2.errors import R2D2Error, StateError
from r2d2.lake.file_tree import refused, shown
from r2d2.model.receipt import Receipt, Status
from r2d2.recovery import purge, restore
from r2d2.recovery.context import Recovery
from r2d2.recovery.erase import erase
from r2d2.recovery.guard import honour
from r2d2.recovery.moves.listing import exists
from r2d2.recovery.moves.put_away import Kind, PutAway
from r2d2.recovery.moves.quarantine import is_whole, written_again
from r2d2.recovery.records import receipts
from r2d2.recovery.undo import undo


@dataclass(frozen=True)
class Recovered:
    """What was done about one retirement: ``finished``, ``undone``, or why it could not be."""

    receipt: str
    dataset: str
    what: str


def what_would_be_done(receipt: Receipt) -> str:
    """What ``recover`` would do about a retirement that a crash left half done."""
    if receipt.status is Status.APPLYING or (receipt.status is Status.MOVING and not _came_to_its_end(receipt)):
        return "its retirement would be undone"
    if receipt.status is Status.RESTORING and not _is_placing(receipt):
        return "its restore would be given up; it stays retired"
    if receipt.status is Status.PURGING:
        return "its purge would be finished; given up if its recipe does not give it back any more"
    return "it would be finished"


def recover(recovery: Recovery) -> Iterator[Recovered]:
    """Finishes or undoes whatever was begun, as far as it can be; can be run again.

    Yields:
        what was done about each.

    Raises:
        Tampered: the journal is not what was written, or lacks what the lake holds.
        StateError: the state can't be written.
    """
    for receipt in receipts.unfinished(recovery.receipts):
        try:
            what = _one(recovery, receipt)
        except StateError:
            raise
        except R2D2Error as error:
            what = f"{error} ({error.hint})"
        except OSError as error:
            what = f"{refused(error)} (look for rights and space there, then recover again)"
        yield Recovered(receipt.id, receipt.dataset, what)
    if receipts.unfinished_erasure(recovery.journal.records):
        for done in erase.go_on(recovery):
            yield Recovered(done.receipt, done.dataset, done.what + (f" ({done.hint})" if done.hint else ""))
    else:
        erase.remove_keys(recovery)


def _one(recovery: Recovery, receipt: Receipt) -> str:
    if receipt.facts.get(receipts.REPLACING):
        honour.go_on(recovery, receipt)
        return "rows that its parent lost were given up, as was decided"
    if receipt.status is Status.PURGING:
        return purge.resume(recovery, receipt)
    if receipt.status is Status.RESTORING:
        restore.resume(recovery, receipt)
        is_back = recovery.receipts[receipt.id].status is Status.RESTORED
        return "its restore was finished" if is_back else "its restore was given up: it stays retired"
    if receipt.status is Status.MOVING and _came_to_its_end(receipt):
        recovery.journal.append("quarantined", receipt.id, bytes=receipt.facts["child"]["bytes"])
        return "its retirement was finished"
    left = undo(recovery, receipt.id, "it was interrupted")
    return "its retirement was undone" + (f"; kept in quarantine: {shown(left[0].path)}" if left else "")


def _is_placing(receipt: Receipt) -> bool:
    """Whether a restore had come to the point where it changes the lake."""
    return receipt.facts["source"] == "quarantine" or "placing" in receipt.facts


def _came_to_its_end(receipt: Receipt) -> bool:
    """Whether all steps of a retirement were done; only the record of it is missing.

    Never of a catalog's table: where that took its directory only that record says.
    """
    away = PutAway.from_facts(receipt.facts["away"])
    if away.kind is Kind.CATALOG:
        return False
    return exists(away.note) and is_whole(away) and not written_again(away)
