"""Whether a parent can lose the rows of a retired child between two looks of the guard (DELETION 4)."""

from __future__ import annotations

from datetime import datetime, timedelta

from r2d2.config import RetentionSettings
from r2d2.errors import NotRetirable, R2D2Error
from r2d2.lake.file_tree import shown
from r2d2.lake.object_versions import versions_kept_for
from r2d2.lake.storage import is_local
from r2d2.model.receipt import Acceptance, Receipt, Status
from r2d2.model.recipe import Recipe
from r2d2.recovery.catalogs.catalog_tags import ICEBERG, not_kept
from r2d2.recovery.context import Recovery
from r2d2.recovery.parents.delta_times import kept_for
from r2d2.recovery.parents.parent_now import Parents

_MONTH = timedelta(days=30)
_SELDOM = 0.001  # looks a month; never is no number
_UNSEEN = "its parent may lose the rows between two looks of the guard"
_HINT = "leave it in quarantine; or restore it, approve it with --accept unprotected-parent, and apply that"


def refuse_unprotected(recovery: Recovery, receipt: Receipt, recipe: Recipe, now: datetime) -> None:
    """Raises if the parent may lose the rows unseen, unless a reviewer accepted that.

    Raises:
        NotRetirable: why it may, and what may be accepted; or the recipe is to be carried over first.
    """
    parents = Parents()
    parent = parents.now(recipe)
    if not parent.good:
        raise NotRetirable(parent.why, "`r2d2 guard --state DIR` carries its recipe over, or restores it")
    if Acceptance.UNPROTECTED_PARENT in receipt.accepted:
        return
    why = _unguarded(recovery, now) or unprotected(recovery, receipt, recipe, parents)
    if why:
        raise NotRetirable(f"{_UNSEEN}: {why}", _HINT)


def exposed(recovery: Recovery, receipt: Receipt, recipe: Recipe, parents: Parents) -> str:
    """Why what was purged might be lost unseen from now on, though nobody accepted that; empty if it can't be.

    Raises:
        NotRetirable: a store can't be asked.
    """
    if receipt.status is not Status.PURGED or Acceptance.UNPROTECTED_PARENT in receipt.accepted:
        return ""
    why = unprotected(recovery, receipt, recipe, parents)
    return f"{_UNSEEN}: {why}" if why else ""


def guard_interval(settings: RetentionSettings) -> timedelta:
    """The time between two looks of the guard, going by how often it is said to run."""
    return _MONTH / max(settings.guard_checks, _SELDOM)


def _unguarded(recovery: Recovery, now: datetime) -> str:
    """Why the guard can't be relied on; empty if it runs as often as settings say."""
    interval = guard_interval(recovery.settings.retention)
    looks = (record.at for record in reversed(recovery.journal.records) if record.event == "guarded")
    last = next(looks, None)
    if last is None:
        return "`r2d2 guard` never ran with this state"
    if now - last <= interval:
        return ""
    return f"`r2d2 guard` ran {_days(now - last)} ago last, and retention.guard_checks says every {_days(interval)}"


def unprotected(recovery: Recovery, receipt: Receipt, recipe: Recipe, parents: Parents) -> str:
    """Why the parent may lose the rows unseen; empty if it can't.

    Raises:
        NotRetirable: a store can't be asked.
    """
    pin = recipe.parent
    needed = guard_interval(recovery.settings.retention) + timedelta(seconds=receipt.promised_seconds)
    if pin.format == "delta":
        base = f"{pin.location.rstrip('/')}/"
        if not all(file.path.startswith(base) for file in pin.files):
            return f"{shown(pin.dataset)} holds files of another table, which may clean them away"
        return _short(recipe, needed, parents)
    if pin.format == ICEBERG:
        return not_kept(recovery, receipt, recipe)
    if is_local(pin.location):
        return f"{shown(pin.dataset)} is files on disk, which can be written over at any time"
    return _unversioned(recipe, needed)


def _unversioned(recipe: Recipe, needed: timedelta) -> str:
    """Why a bucket keeps older versions of objects for too short a time; empty if it does not."""
    name = shown(recipe.parent.dataset)
    try:
        kept = versions_kept_for(recipe.parent.location)
    except R2D2Error as error:
        what = f"whether older versions of {name} are kept can't be told: {error}"
        raise NotRetirable(what, _HINT) from error
    if needed < kept:
        return ""
    if not kept:
        return f"{name} lies in a bucket that keeps no older versions"
    return f"older versions of {name} are kept for {_days(kept)}, and a look with a restore takes {_days(needed)}"


def _short(recipe: Recipe, needed: timedelta, parents: Parents) -> str:
    """Why a Delta table keeps what it removes for too short a time; empty if it does not."""
    pin = recipe.parent
    try:
        kept = kept_for(parents.snapshot(pin.location).configuration)
    except (R2D2Error, ValueError) as error:
        return f"how long {shown(pin.dataset)} keeps old files can't be told: {error}"
    if needed < kept:
        return ""
    return f"{shown(pin.dataset)} keeps old files for {_days(kept)}, and a look with a restore takes {_days(needed)}"


def _days(time: timedelta) -> str:
    return f"{time.total_seconds() / 86_400:.2f} days"
