"""What was retired: what lies in quarantine, what is due, what the guard fears, what restores took, what was saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from r2d2.model.receipt import RETIRED, Receipt, Review, Status
from r2d2.recovery.parents.protection import guard_interval
from r2d2.recovery.records.decisions import rejections
from r2d2.recovery.records.journal import Record
from r2d2.recovery.records.receipts import is_unfinished
from r2d2.review.lake import Lake
from r2d2.review.table import Said, Table
from r2d2.review.tables import Cell, amount, day, plain, size, table, time, whole
from r2d2.units import human_bytes, human_seconds, plural

#: What waits for the guard.
_BEFORE = "only that is purged which was approved with unprotected-parent"
_NOTHING = "Nothing was retired yet: r2d2 review approve, then r2d2 apply."


def quarantine(lake: Lake) -> Table | Said:
    """What lies in quarantine, what of that is due for a purge, and what stands against it."""
    found = [each for each in lake.receipts if each.status is Status.QUARANTINED]
    if not lake.receipts:
        return Said(_NOTHING)
    days, now = lake.settings.retention.grace_days, datetime.now(UTC)
    columns = "dataset|since|due|#bytes|rebuilt from|approved by|may not be purged"
    note = f"Due {days:g} days after it went (retention.grace_days): r2d2 purge proves it anew, and removes it."
    rows = (_quarantined(each, days, now) for each in sorted(found, key=lambda each: (each.at, each.dataset)))
    held = f"{plural(len(found), 'dataset')}, {human_bytes(sum(map(_bytes, found)))}"
    return table(f"Can be given back at once: {held}", columns, rows, note if found else "")


def _quarantined(receipt: Receipt, days: float, now: datetime) -> tuple[Cell, ...]:
    since = receipt.quarantined_at
    due = since + timedelta(days=days) if since else None
    told = Cell(due, "" if due is None else f"{due:%Y-%m-%d}" + (", now" if due <= now else ""))
    held = size(_bytes(receipt))
    return (
        plain(receipt.dataset),
        day(since),
        told,
        held,
        plain(receipt.parent),
        plain(receipt.by),
        plain(receipt.frozen),
    )


def looks(lake: Lake, most: int = 10) -> Table | Said:
    """When the guard looked last and what it found, the newest look first; whether the next one is overdue."""
    if not lake.receipts:
        return Said(_NOTHING)
    made = [record for record in reversed(lake.journal) if record.event == "guarded"]
    every = guard_interval(lake.settings.retention)
    expected = f"retention.guard_checks says every {human_seconds(every.total_seconds())}"
    if not made:
        return Said(f"r2d2 guard never looked; {expected}, and before {_BEFORE}.")
    ago = datetime.now(UTC) - made[0].at
    late = f": it is overdue, and before {_BEFORE}" if ago > every else ""
    note = f"It looked {human_seconds(max(0.0, ago.total_seconds()))} ago last; {expected}{late}."
    return table("What r2d2 guard found", "at|#retired|found", map(_look, made[:most]), note)


def _look(record: Record) -> tuple[Cell, ...]:
    found = {str(verdict): int(number) for verdict, number in record.facts.get("findings", {}).items()}
    told = ", ".join(f"{number:,} {verdict}" for verdict, number in sorted(found.items()))
    return day(record.at), whole(sum(found.values())), plain(told)


def guard(lake: Lake) -> Table | Said:
    """What asks for a person: what was rejected after it went, is frozen, or was left half done by a crash."""
    found = lake.receipts
    if not found:
        return Said(_NOTHING)
    rejected = rejections(lake.state) if lake.state else lambda receipt: None
    asked = ((each, _asks(each, rejected)) for each in found)
    cells = ((plain(each.dataset), plain(each.status.value), day(each.at), plain(why)) for each, why in asked if why)
    retired = sum(each.status in RETIRED for each in found)
    note = f"{plural(retired, 'dataset')} retired."
    return table("A person should see to these", "dataset|status|since|why", cells, note)


def _asks(receipt: Receipt, rejected: Callable[[Receipt], Review | None]) -> str:
    """Why a person should see to a retirement; empty if nobody has to."""
    if is_unfinished(receipt):
        return "a command was cut short: r2d2 recover"
    if receipt.status not in RETIRED:
        return ""
    if review := rejected(receipt):
        return f"{review.by} wants it kept: {review.note}; r2d2 restore gives it back"
    return receipt.frozen


def restores(lake: Lake) -> Table | Said:
    """What restores took, and what plans had promised, the newest first."""
    known = {receipt.id: receipt for receipt in lake.receipts}
    if not known:
        return Said(_NOTHING)
    cells = (
        (
            plain(known[record.receipt].dataset),
            day(record.at),
            plain(record.facts["by"]),
            time(float(record.facts["seconds"])),
            time(known[record.receipt].promised_seconds),
            _ratio(float(record.facts["seconds"]), known[record.receipt].promised_seconds),
        )
        for record in reversed(lake.journal)
        if record.event == "restore-took" and record.receipt in known
    )
    columns = "dataset|at|from|#took|#promised|#of what was promised"
    return table("What was given back, the newest first", columns, cells)


def _ratio(took: float, promised: float) -> Cell:
    return Cell(took / promised, f"{took / promised:.0%}") if promised > 0 else Cell(None, "")


def realised(lake: Lake) -> Table | Said:
    """What retirements were to save a month, and what of that is saved: bytes are gone after a purge, not before."""
    if not lake.receipts:
        return Said(_NOTHING)
    currency = lake.data.currency if lake.data else lake.settings.retention.currency
    rows = list(_realised(lake.receipts, currency))
    note = "What lies in quarantine is stored still; it saves once it is purged."
    return table("Since the first retirement", "what|#datasets|#bytes|#saves a month", rows, note)


def _realised(receipts: tuple[Receipt, ...], currency: str) -> Iterator[tuple[Cell, ...]]:
    kinds = (
        ("promised: in quarantine", {Status.QUARANTINED}),
        ("realised: purged", {Status.PURGED, Status.ERASED}),
        ("given back", {Status.RESTORED}),
    )
    for name, statuses in kinds:
        found = [each for each in receipts if each.status in statuses]
        saved = sum(float(each.facts.get("saving_per_month", 0.0)) for each in found)
        yield plain(name), whole(len(found)), size(sum(map(_bytes, found))), amount(saved, currency)


def _bytes(receipt: Receipt) -> int:
    return int(receipt.facts.get("child", {}).get("bytes", 0))
