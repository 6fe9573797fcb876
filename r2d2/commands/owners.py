"""``r2d2 report --owners``: a page for each owner, and one that leads to them all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from r2d2.catalog.state import State
from r2d2.config import Settings
from r2d2.pipeline import Reported
from r2d2.recovery.records.decisions import decisions_on
from r2d2.report.data import ReportData
from r2d2.report.owners import owner_pages, standing
from r2d2.report.render import owners_mark, render_owner, render_owners

INDEX = "index.html"
#: A page's mark is in the first so many bytes of it.
_HEAD = 2048


def write_owner_pages(state: State, found: Reported, data: ReportData, place: Path, settings: Settings) -> int:
    """Writes a page for each owner, and removes those that a run on this state left of owners who have none any more.

    Returns:
        how many owners have one.

    Raises:
        OSError: a page can't be written or removed.
    """
    decisions = decisions_on(state, found.job.roots, settings.recovery)
    stands = {entry.dataset: standing(decisions, entry) for entry in found.plan.retired}
    pages = owner_pages(data, settings.report.decide_days, stands)
    place.mkdir(parents=True, exist_ok=True)
    for page in pages:
        text = render_owner(page, data, found.job.settings.retention.min_saving)
        (place / page.file).write_text(text, encoding="utf-8")
    (place / INDEX).write_text(render_owners(pages, data), encoding="utf-8")
    for old in _outdated(place, {INDEX, *(page.file for page in pages)}, owners_mark(data)):
        old.unlink()
    return len(pages)


def _outdated(place: Path, current: Iterable[str], mark: str) -> list[Path]:
    """Pages of this state's owners that were not written now; no other file is theirs."""
    return [path for path in place.glob("*.html") if path.name not in current and mark in _head(path)]


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_HEAD).decode("utf-8", "replace")
