"""Receipts: the journal's records, told by retirement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from typing import Any

from r2d2.errors import NotFound
from r2d2.model.receipt import UNFINISHED, Acceptance, Receipt, Status
from r2d2.recovery.records.journal import Journal, Record

#: Events that say how far a retirement is; all others only add facts.
STATUS_OF: Mapping[str, Status] = {
    "apply-begun": Status.APPLYING,
    "quarantine-begun": Status.MOVING,
    "quarantined": Status.QUARANTINED,
    "undone": Status.UNDONE,
    "restore-begun": Status.RESTORING,
    "restored": Status.RESTORED,
    "restore-undone": Status.QUARANTINED,  # or purged, as it was before: see ``_told``
    "purge-begun": Status.PURGING,
    "purge-undone": Status.QUARANTINED,
    "purged": Status.PURGED,
    "erased-whole": Status.ERASED,
    "kept-again": Status.QUARANTINED,
}
#: Events by which a dataset leaves the lake, or comes back; a purge of what is in quarantine is none.
_MOVES = frozenset({"quarantined", "restored", "erased-whole"})
#: A fact of a receipt: its quarantine was removed, and is to be filled again (``recovery.honour``).
REPLACING = "replacing"
#: Events that begin and end an erasure.
BEGUN, ENDED = "erase-begun", "erase-ended"
_TEXTS = ("kind", "parent", "parent_location", "recipe", "frozen")


def receipts(records: Iterable[Record]) -> dict[str, Receipt]:
    """All retirements by id, in the order in which they were begun."""
    found: dict[str, Receipt] = {}
    _tell(found, records)
    return found


class Receipts:
    """All retirements of a journal while it is appended to: each record is looked at once."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._records: list[Record] = []
        self._found: dict[str, Receipt] = {}
        self._looked_at = 0

    @property
    def now(self) -> Mapping[str, Receipt]:
        """What ``receipts`` gives of the journal's records now. It changes with the journal: loops go over a copy."""
        records = self.journal.records
        if records is not self._records:  # read anew, for facts were replaced
            self._records, self._found, self._looked_at = records, {}, 0
        _tell(self._found, islice(records, self._looked_at, None))
        self._looked_at = len(records)
        return MappingProxyType(self._found)


def of_dataset(found: Mapping[str, Receipt], dataset: str, receipt: str = "") -> Receipt:
    """The newest retirement of a dataset that is not undone, or the one whose id is, or begins with, ``receipt``.

    Raises:
        NotFound: there is none.
    """
    hint = "`r2d2 history DATASET --state DIR` tells what was done with it"
    own = [each for each in found.values() if each.dataset == dataset and each.id.startswith(receipt)]
    kept = [each for each in own if each.status is not Status.UNDONE]
    if not kept:
        raise NotFound(f"{dataset} was not retired" + (f" as {receipt}" if receipt else ""), hint)
    return kept[-1]


def unfinished(found: Mapping[str, Receipt]) -> list[Receipt]:
    """What a crash left half done."""
    return [each for each in found.values() if is_unfinished(each)]


def is_unfinished(receipt: Receipt) -> bool:
    """Whether a step was begun, and neither finished nor undone."""
    return receipt.status in UNFINISHED or bool(receipt.facts.get(REPLACING))


def unfinished_erasure(records: Iterable[Record]) -> str:
    """SHA-256 of the keys of an erasure that was begun and has not ended; empty for none."""
    keys = ""
    for record in records:
        keys = record.facts["keys_sha256"] if record.event == BEGUN else "" if record.event == ENDED else keys
    return keys


def _tell(found: dict[str, Receipt], records: Iterable[Record]) -> None:
    """Adds to retirements what further records tell."""
    for record in records:
        if record.event == "apply-begun":
            found[record.receipt] = _begun(record)
        elif record.receipt in found:
            found[record.receipt] = _told(found[record.receipt], record)


def _begun(record: Record) -> Receipt:
    facts = record.facts
    return Receipt(
        id=record.receipt,
        dataset=facts["dataset"],
        status=Status.APPLYING,
        at=record.at,
        root=facts["root"],
        location=facts["location"],
        parent=facts["parent"],
        parent_location=facts["parent_location"],
        plan=facts["plan"],
        by=facts["by"],
        note=facts["note"],
        accepted=frozenset(map(Acceptance, facts["accepted"])),
        promised_seconds=facts["promised_seconds"],
        facts=facts,
        sequence=record.sequence,
    )


def _told(receipt: Receipt, record: Record) -> Receipt:
    status = STATUS_OF.get(record.event, receipt.status)
    if record.event == "restore-undone":
        status = Status(record.facts["status"])
    changed: dict[str, Any] = {name: record.facts[name] for name in _TEXTS if name in record.facts}
    if status is Status.QUARANTINED and receipt.quarantined_at is None:
        changed["quarantined_at"] = record.at
    at = record.at if record.event in STATUS_OF else receipt.at
    moved = record.event in _MOVES and status is not receipt.status
    before = {key: value for key, value in receipt.facts.items() if record.event != "restore-begun" or key != "placing"}
    facts = {**before, **record.facts}
    sequence = record.sequence if moved else receipt.sequence
    return replace(receipt, status=status, at=at, sequence=sequence, facts=facts, **changed)
