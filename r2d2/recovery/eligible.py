"""Whether a dataset may be retired as planned, in the lake as it is now (DELETION 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from r2d2.errors import NotRetirable
from r2d2.lake.file_tree import shown
from r2d2.model.dataset import Dataset
from r2d2.model.plan import GONE, PlannedDataset
from r2d2.recovery.claims.sharing import Sharing
from r2d2.recovery.context import Recovery
from r2d2.retention.context import Context, with_reads
from r2d2.retention.policies import pinned_datasets


class Pair(NamedTuple):
    """The dataset and its parent as they are now."""

    child: Dataset
    parent: Dataset


def eligible(recovery: Recovery, entry: PlannedDataset) -> Pair:
    """The dataset and its parent, if nothing stands against its retirement.

    Raises:
        NotRetirable: one of them is not what the plan was made for; its files are others' too; a policy keeps it.
    """
    if entry.action not in GONE:
        raise NotRetirable(
            f"{entry.action} is not done by apply", "plan again with retention.actions retire or redirect"
        )
    if entry.parent == entry.dataset:
        raise NotRetirable(f"{shown(entry.dataset)} is itself what it would be rebuilt from", "plan again")
    found = recovery.datasets()
    child, parent = _named(found, entry.dataset), _named(found, entry.parent or "")
    if child.version != entry.version:
        raise NotRetirable("it changed since the plan was made", "plan again")
    for dataset in (child, parent):
        if dataset.status != "ok":
            raise NotRetirable(f"{shown(dataset.id)} can't be used: {dataset.error}", "")
    refuse_shared(child, recovery.sharing())
    _refuse_kept(recovery, child)
    return Pair(child, parent)


def _named(found: Mapping[str, Dataset], name: str) -> Dataset:
    if name not in found:
        raise NotRetirable(f"{shown(name)} is not in the lake any more", "plan again")
    return found[name]


def refuse_shared(child: Dataset, sharing: Sharing) -> None:
    """A file that another dataset holds or refers to is not ours to take away (EXACTNESS 1).

    Raises:
        NotRetirable: names that dataset.
    """
    others = sharing.others(child)
    if others:
        raise NotRetirable(f"{shown(min(others))} holds some of its files, or refers to them", "keep it")


def _refuse_kept(recovery: Recovery, child: Dataset) -> None:
    """Policies as they are now: a hold may have come after the plan."""
    told, retention = recovery.usage().get(child.id), recovery.settings.retention
    usage = {child.id: told} if told else {}
    known = with_reads([child], usage, retention.read_window_days)
    kept = pinned_datasets(known, retention, Context(usage, roots=len(recovery.roots)))
    if child.id in kept:
        raise NotRetirable(kept[child.id], "")
