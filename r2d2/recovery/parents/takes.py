"""What the retirement of a dataset takes, told before anybody approves it; no data is read (DELETION 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from r2d2.config import Settings
from r2d2.errors import NotRetirable, R2D2Error
from r2d2.lake.file_tree import shown
from r2d2.model.dataset import Dataset
from r2d2.model.receipt import Acceptance
from r2d2.recovery.moves.listing import seen_below
from r2d2.recovery.moves.quarantine import kind_of
from r2d2.recovery.parents.delta_times import kept_for
from r2d2.recovery.parents.doubts import doubts
from r2d2.recovery.parents.protection import guard_interval
from r2d2.recovery.recipes.losses import About, history, losses


@dataclass(frozen=True)
class Takes:
    """What it takes.

    Attributes:
        kind: how the dataset would be quarantined, or why it can't be.
        accept: what must be accepted besides before it can be purged, as far as that can be told.
        lost: what does not come back after a purge, in words.
        doubts: what may come back merely equal after it, or keep the dataset from being retired; apply's trial tells.
    """

    kind: str
    accept: tuple[Acceptance, ...] = ()
    lost: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def takes(child: Dataset, parent: Dataset, promised_seconds: float, settings: Settings) -> Takes:
    """What retiring a dataset takes, as it was when the plan was made.

    Args:
        promised_seconds: that a rebuild may take.
    """
    try:
        kind = kind_of(child, settings.recovery.objects).value
        about = About.dataset(child, list(_others(child)))
        lost = losses(about)
    except NotRetirable as error:
        return Takes(str(error))
    except (R2D2Error, OSError) as error:
        return Takes("unknown", lost=(f"what is lost can't be told: {shown(str(error))}",))
    accept = [Acceptance.HISTORY_LOST] if history(about) else []
    if not _is_protected(parent, promised_seconds, settings):
        accept.append(Acceptance.UNPROTECTED_PARENT)
    return Takes(kind, tuple(accept), lost, doubts(child, parent))


def _others(child: Dataset) -> Iterator[str]:
    """Files of its directory that are not its data, relative to it."""
    own, base = {file.path for file in child.files}, f"{child.location.rstrip('/')}/"
    there = seen_below(child.location.rstrip("/"))
    return (file.path.removeprefix(base) for file in there if file.path not in own and file.path.startswith(base))


def _is_protected(parent: Dataset, promised_seconds: float, settings: Settings) -> bool:
    """Whether the parent, if the guard runs as often as is said, can't lose rows between two of its looks."""
    if parent.format != "delta":
        return False
    needed = guard_interval(settings.retention) + timedelta(seconds=promised_seconds)
    try:
        return needed < kept_for({key: str(value) for key, value in parent.properties.items()})
    except ValueError:
        return False
