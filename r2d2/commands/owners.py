"""``r2d2 report --owners``: a page for each owner, and one that leads to them all."""

from __future__ import annotations

from pathlib import Path

from r2d2.catalog.state import State
from r2d2.commands.own_pages import OwnPages
from r2d2.config import Settings
from r2d2.pipeline import Reported
from r2d2.recovery.records.decisions import decisions_on
from r2d2.report.data import ReportData
from r2d2.report.owners import owner_pages, standing
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
    decisions = decisions_on(state, found.job.roots, settings.recovery)
    stands = {entry.dataset: standing(decisions, entry) for entry in found.plan.retired}
    pages = owner_pages(data, settings.report.decide_days, stands)
    floor = found.job.settings.retention.min_saving
    texts = {page.file: render_owner(page, data, floor) for page in pages}
    OwnPages(place, owners_mark(data)).write({**texts, INDEX: render_owners(pages, data)})
    return len(pages)
