"""Purge: what is in quarantine is removed for good, when its way back is proven anew and can't be lost (DELETION 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from r2d2.errors import NotRetirable, R2D2Error, StateError, Tampered, UnreadableData
from r2d2.lake.file_tree import refused, shown
from r2d2.model.receipt import Receipt, Review, Status
from r2d2.model.recipe import Recipe
from r2d2.recovery.apply import Outcome
from r2d2.recovery.claims.claims import ClaimKind
from r2d2.recovery.context import Recovery
from r2d2.recovery.eligible import refuse_shared
from r2d2.recovery.identity.identity import look_at
from r2d2.recovery.moves.listing import seen_files
from r2d2.recovery.moves.moving import remove_empty
from r2d2.recovery.moves.pins import as_now
from r2d2.recovery.moves.places import Area
from r2d2.recovery.moves.put_away import Kind, PutAway
from r2d2.recovery.moves.quarantine import is_whole, removal_order, seen_now
from r2d2.recovery.moves.quarantined import quarantined_dataset
from r2d2.recovery.parents.parent_now import Parents
from r2d2.recovery.parents.protection import refuse_unprotected
from r2d2.recovery.rebuild.prove import tried
from r2d2.recovery.recipes import recipe_store
from r2d2.recovery.recipes.losses import refuse_unpurgeable
from r2d2.recovery.records.decisions import rejections


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
    kept = rejections(recovery.state)
    for receipt in [*recovery.receipts.values()]:
        if receipt.status is Status.QUARANTINED and wanted(receipt.dataset):
            yield _one(recovery, receipt, older_than, failed_reads, kept, dry_run, now or datetime.now(UTC))


def _one(
    recovery: Recovery,
    receipt: Receipt,
    older_than: timedelta,
    failed_reads: Callable[[Receipt], Sequence[str]],
    kept: Callable[[Receipt], Review | None],
    dry_run: bool,
    now: datetime,
) -> Outcome:
    try:
        _refuse_early(receipt, older_than, now)
        if rejected := kept(receipt):
            what = f"it was rejected since it was retired, by {shown(rejected.by)}: {shown(rejected.note)}"
            raise NotRetirable(what, "`r2d2 restore DATASET --state DIR` gives it back; or approve it again")
        if receipt.frozen:
            raise NotRetirable(f"it is frozen: {receipt.frozen}", "`r2d2 guard --state DIR` tells what to decide")
        if PutAway.from_facts(receipt.facts["away"]).kind is Kind.CATALOG:
            what = "no recipe makes the entry of a catalog's table anew, with its rights and properties"
            raise NotRetirable(what, "it stays in quarantine")
        readers = failed_reads(receipt)
        if readers:
            who = ", ".join(shown(reader) for reader in readers[:3])
            raise NotRetirable(f"it was asked for since it was retired, by {who}", "restore it, or ask them")
        recipe = recipe_store.load(recovery.state, receipt)
        refuse_unpurgeable(recipe.manifest, receipt)
        refuse_unprotected(recovery, receipt, recipe, now)
        if dry_run:
            return _would_be(recovery, receipt, recipe)
        _claim(recovery, receipt)
        gone = to_remove(PutAway.from_facts(receipt.facts["away"]))
        _prove_anew(recovery, receipt, recipe)
        refuse_other_readers(recovery, receipt)
    except StateError:
        raise
    except R2D2Error as error:
        return Outcome(receipt.dataset, False, str(error), error.hint, receipt.id)
    except OSError as error:
        what, hint = refused(error), "look for rights and space there"
        return Outcome(receipt.dataset, False, what, hint, receipt.id)
    recovery.journal.append("purge-begun", receipt.id, gone=gone)
    go_on(recovery, recovery.receipts[receipt.id])
    return Outcome(
        receipt.dataset, True, "purged; it comes back from its recipe", "", receipt.id, recipe.manifest.bytes
    )


def _would_be(recovery: Recovery, receipt: Receipt, recipe: Recipe) -> Outcome:
    """What a dry run says: all is looked at but what has to be written to the lake for it."""
    to_remove(PutAway.from_facts(receipt.facts["away"]))
    recovery.claims.refuse_taken(receipt.location, receipt.parent_location, receipt.id)
    refuse_other_readers(recovery, receipt)
    return Outcome(receipt.dataset, False, f"would be proven anew, and then purged: {recipe.manifest.bytes:,} bytes")


def go_on(recovery: Recovery, receipt: Receipt) -> None:
    """The steps of a purge after its proof; can be done again from wherever they ended.

    Only what was there before the proof, and was not written to since, is removed.
    """
    away = PutAway.from_facts(receipt.facts["away"])
    kept = []
    for path, version in receipt.facts["gone"]:
        try:
            recovery.lake.delete(path, version)
        except FileExistsError:
            kept.append(path)
    if kept:
        recovery.progress.note(f"{shown(kept[0])} was written to meanwhile and is left, and {len(kept) - 1} more")
    if away.moves:
        remove_empty(recovery.lake, Area(receipt.root, receipt.id).data)
    recovery.journal.append("purged", receipt.id, kept=kept)


def resume(recovery: Recovery, receipt: Receipt) -> str:
    """Finishes a purge that a crash cut short, or gives it up where its proof does not hold any more; what was done.

    Raises:
        NotRetirable: some of the data was removed, and the recipe does not give it back: the rest is kept.
        LakeError: what became of the parent can't be told.
    """
    away = PutAway.from_facts(receipt.facts["away"])
    good, intact, why = _way_back(recovery, receipt)
    if not good and is_whole(away):
        recovery.journal.append("purge-undone", receipt.id, why=why)
        return f"its purge was given up, it stays in quarantine: {why}"
    if not intact and seen_now(away, moved=True):
        what = f"{shown(receipt.dataset)}: some of it was purged, and its recipe does not give it back: {why}"
        raise NotRetirable(what, f"what is left is kept; restore {shown(receipt.parent)} from a backup, then recover")
    go_on(recovery, receipt)
    return "its purge was finished"


def _way_back(recovery: Recovery, receipt: Receipt) -> tuple[bool, bool, str]:
    """Whether the recipe can be followed now and later, whether it can now, and why not."""
    try:
        recipe = recipe_store.load(recovery.state, receipt)
        parent = Parents().now(recipe)
        if not parent.intact:
            as_now(recipe)  # files that came back from a backup are the same
    except (Tampered, UnreadableData) as error:
        return False, False, str(error)
    return parent.good, True, parent.why


def to_remove(away: PutAway) -> list[tuple[str, str]]:
    """Paths and versions of all files of a dataset in quarantine, in the order in which they are removed.

    Raises:
        NotRetirable: something else than what was put away is there.
    """
    if not is_whole(away):
        raise NotRetirable("it was written to while it was in quarantine", "restore it and look what was written")
    there = [*seen_now(away, moved=True), *(seen_files([away.moved(away.fence)]) if away.fence else ())]
    fence = away.moved(away.fence)
    ordered = sorted(there, key=lambda file: (file.path == fence, removal_order(file.path)))
    return [(file.path, file.version) for file in ordered]


def _refuse_early(receipt: Receipt, older_than: timedelta, now: datetime) -> None:
    since = receipt.quarantined_at
    if since is None or now - since < older_than:
        left = older_than if since is None else older_than - (now - since)
        raise NotRetirable(f"its grace period lasts for {left.total_seconds() / 86_400:.1f} more days", "")


def _claim(recovery: Recovery, receipt: Receipt) -> None:
    """Reads the claims on the dataset and its parent again; those of this retirement stand while it is rebuilt from it.

    Raises:
        NotRetirable: another state retired the parent meanwhile, or rebuilds something from the dataset.
        Tampered, LakeError: they can't be read.
    """
    claims = recovery.claims
    for kind, location in ((ClaimKind.RETIRED, receipt.location), (ClaimKind.PARENT, receipt.parent_location)):
        claims.mend(kind, location, receipt.location, receipt.id)
    claims.refuse_taken(receipt.location, receipt.parent_location, receipt.id)


def refuse_other_readers(recovery: Recovery, receipt: Receipt) -> None:
    """Files that stayed where they were may have got other readers since.

    Raises:
        NotRetirable: another dataset holds some, or refers to them.
    """
    if not PutAway.from_facts(receipt.facts["away"]).moves:
        refuse_shared(quarantined_dataset(receipt), recovery.sharing())


def _prove_anew(recovery: Recovery, receipt: Receipt, recipe: Recipe) -> None:
    """The quarantined data is read again, and a rebuild from the recipe gives the same.

    Raises:
        NotRetirable: one of both is not what it was.
    """
    (looked,) = look_at([quarantined_dataset(receipt)], recovery.settings.containment, recovery.run).values()
    if isinstance(looked, str) or looked.identity != recipe.manifest.identity:
        why = looked if isinstance(looked, str) else "it holds other data than when it was retired"
        raise NotRetirable(f"its quarantine: {why}", "restore it and look what was written")
    if tried(recovery, recipe, Area(receipt.root, receipt.id)) is not recipe.fidelity:
        hint = "`r2d2 guard --state DIR` finds another way, or restores it"
        raise NotRetirable(f"its recipe does not give it back any more: {shown(recipe.parent.dataset)} changed", hint)
