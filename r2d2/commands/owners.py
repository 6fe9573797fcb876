"""``r2d2 report --owners``: a page for each owner, and one that leads to them all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from r2d2.catalog import lakes, runs
from r2d2.catalog.state import State
from r2d2.commands.own_pages import OwnPages
from r2d2.config import Settings
from r2d2.errors import NotFound
from r2d2.model.receipt import Receipt, Status
from r2d2.pipeline import Reported
from r2d2.recovery.records.decisions import rejections
from r2d2.recovery.records.journal import Journal
from r2d2.recovery.records.receipts import receipts
from r2d2.report.data import ReportData
from r2d2.report.owners import Held, OwnerPage, owner_pages
from r2d2.report.render import owners_mark, render_owner, render_owners

INDEX = "index.html"


def write_owner_pages(state: State, found: Reported, data: ReportData, place: Path, settings: Settings) -> int:
    """Writes a page for each owner, and removes those that a run on this state left of owners who have none any more.

    Returns:
        how many owners have one.

    Raises:
        UsageError: the directory holds a file of that name that is no page of this state.
        OSError: a page can't be written or removed.
    """
    pages = _pages(state, found, data, settings)
    floor = found.job.settings.retention.min_saving
    texts = {page.file: render_owner(page, data, floor) for page in pages}
    OwnPages(place, owners_mark(data)).write({**texts, INDEX: render_owners(pages, data)})
    return len(pages)


def owner_files(
    state: State, found: Reported, data: ReportData, place: Path, settings: Settings
) -> tuple[int, list[str]]:
    """How many owners would get a page, and the files that would be removed; nothing is written.

    Raises:
        UsageError: as ``write_owner_pages``.
    """
    pages = _pages(state, found, data, settings)
    names = (INDEX, *(page.file for page in pages))
    own = OwnPages(place, owners_mark(data))
    own.refuse_others(names)
    return len(pages), [path.name for path in own.outdated(names)]


def _pages(state: State, found: Reported, data: ReportData, settings: Settings) -> tuple[OwnerPage, ...]:
    return owner_pages(data, settings.report.decide_days, held_of(state, found.job.lake, settings))


def held_of(state: State, lake: frozenset[str], settings: Settings) -> list[Held]:
    """What of a lake lies in quarantine, whichever of its plans retired it."""
    own = lakes.plans_of_lake(state, lake)
    told = receipts(Journal(state).records).values()
    found = [each for each in told if each.status is Status.QUARANTINED and each.plan in own]
    owners = {number: _owners(state, number) for number in {each.plan for each in found}}
    grace, rejected = timedelta(days=settings.retention.grace_days), rejections(state)
    return [
        _held(each, owners[each.plan].get(each.dataset, ""), None if each.frozen or rejected(each) else grace)
        for each in found
    ]


def _held(receipt: Receipt, owner: str, grace: timedelta | None) -> Held:
    since = receipt.quarantined_at or receipt.at
    return Held(receipt.dataset, owner, since.date(), (since + grace).date() if grace is not None else None)


def _owners(state: State, number: int) -> Mapping[str, str]:
    """Who owns what, as a plan knew it."""
    try:
        return {entry.dataset: entry.owner for entry in runs.numbered_plan(state, number).datasets}
    except NotFound:  # its rows are damaged: what it retired is told to nobody in particular
        return {}
