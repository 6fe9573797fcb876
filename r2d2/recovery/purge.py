"""Purge: what is in quarantine is removed for good, when its way back is proven anew and can't be lost (DELETION 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from r2d2.errors import NotRetirable, R2D2Error
from r2d2.lake.file_tree import shown
from r2d2.model.receipt import Receipt, Status
from r2d2.recovery import recipe_store
from r2d2.recovery.apply import Outcome
from r2d2.recovery.context import Recovery
from r2d2.recovery.identity import look_at
from r2d2.recovery.losses import refuse_unpurgeable
from r2d2.recovery.moving import remove_empty
from r2d2.recovery.places import Area
from r2d2.recovery.protection import refuse_unprotected
from r2d2.recovery.prove import tried
from r2d2.recovery.put_away import Kind, PutAway
from r2d2.recovery.quarantine import is_whole, removal_order, seen_now
from r2d2.recovery.quarantined import quarantined_dataset


def purge(
    recovery: Recovery,
    older_than: timedelta,
    wanted: Callable[[str], bool],
    failed_reads: Callable[[Receipt], Sequence[str]],
    dry_run: bool = False,
    now: datetime | None = None,
) -> Iterator[Outcome]:
    """Removes what has been in quarantine for longer than the grace period, where nothing stands against it.

    Args:
        older_than: the grace period.
        wanted: which datasets, by id.
        failed_reads: who tried to read a retired dataset since it was retired, as logs tell.
        dry_run: only says what would be done.
        now: when it is, UTC.

    Yields:
        an outcome for each wanted dataset that is in quarantine.

    Raises:
        StateError: something was begun earlier and is not finished.
    """
    recovery.require_finished()
    for receipt in recovery.receipts.values():
        if receipt.status is Status.QUARANTINED and wanted(receipt.dataset):
            yield _one(recovery, receipt, older_than, failed_reads, dry_run, now or datetime.now(UTC))


def _one(
    recovery: Recovery,
    receipt: Receipt,
    older_than: timedelta,
    failed_reads: Callable[[Receipt], Sequence[str]],
    dry_run: bool,
    now: datetime,
) -> Outcome:
    try:
        _refuse_early(receipt, older_than, now)
        if receipt.frozen:
            raise NotRetirable(f"it is frozen: {receipt.frozen}", "`r2d2 guard --state DIR` tells what to decide")
        readers = failed_reads(receipt)
        if readers:
            who = ", ".join(shown(reader) for reader in readers[:3])
            raise NotRetirable(f"it was asked for since it was retired, by {who}", "restore it, or ask them")
        recipe = recipe_store.load(recovery.state, receipt)
        refuse_unpurgeable(recipe.manifest, receipt)
        refuse_unprotected(recovery, receipt, recipe, now)
        if dry_run:
            return Outcome(receipt.dataset, False, f"would be purged: {recipe.manifest.bytes:,} bytes")
        _prove_anew(recovery, receipt)
    except R2D2Error as error:
        return Outcome(receipt.dataset, False, str(error), error.hint, receipt.id)
    recovery.journal.append("purge-begun", receipt.id)
    go_on(recovery, recovery.receipts[receipt.id])
    return Outcome(
        receipt.dataset, True, "purged; it comes back from its recipe", "", receipt.id, recipe.manifest.bytes
    )


def go_on(recovery: Recovery, receipt: Receipt) -> None:
    """The steps of a purge after its proof; can be done again from wherever they ended.

    Only files that were there when it was retired, and are still the same, are removed: a table's newest log entries
    and its fence last.
    """
    away = PutAway.from_facts(receipt.facts["away"])
    known = {away.moved(file.path): file for file in away.seen}
    there = {file.path: file for file in seen_now(away, moved=True)}
    gone = [path for path, file in there.items() if path in known and known[path].mark == file.mark]
    for path in sorted(gone, key=removal_order):
        recovery.lake.delete(path, there[path].version)
    if away.fence:
        recovery.lake.delete(away.moved(away.fence))
    for move in away.moves:
        if move.directory:
            remove_empty(recovery.lake, move.target)
    if away.kind is not Kind.FENCED_RENAMED:
        remove_empty(recovery.lake, away.location)
    recovery.journal.append("purged", receipt.id)


def _refuse_early(receipt: Receipt, older_than: timedelta, now: datetime) -> None:
    since = receipt.quarantined_at
    if since is None or now - since < older_than:
        left = older_than if since is None else older_than - (now - since)
        raise NotRetirable(f"its grace period lasts for {left.total_seconds() / 86_400:.1f} more days", "")


def _prove_anew(recovery: Recovery, receipt: Receipt) -> None:
    """The quarantined data is read again, and a rebuild from the recipe gives the same.

    Raises:
        NotRetirable: one of both is not what it was.
    """
    away = PutAway.from_facts(receipt.facts["away"])
    if not is_whole(away):
        raise NotRetirable("it was written to while it was in quarantine", "restore it and look what was written")
    recipe = recipe_store.load(recovery.state, receipt)
    dataset = quarantined_dataset(receipt)
    (looked,) = look_at([dataset], recovery.settings.containment, recovery.run).values()
    if isinstance(looked, str) or looked.identity != recipe.manifest.identity:
        why = looked if isinstance(looked, str) else "it holds other data than when it was retired"
        raise NotRetirable(f"its quarantine: {why}", "restore it and look what was written")
    if tried(recovery, recipe, Area(receipt.root, receipt.id)) is not recipe.fidelity:
        hint = "`r2d2 guard --state DIR` finds another way, or restores it"
        raise NotRetirable(f"its recipe does not give it back any more: {shown(recipe.parent.dataset)} changed", hint)
