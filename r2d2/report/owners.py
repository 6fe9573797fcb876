"""A page for each owner: what of theirs could go, a sentence each, until when to decide; silence means keep."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from r2d2.model.plan import GONE
from r2d2.report.data import DatasetRow, ReportData
from r2d2.retention.reasons import saves_too_little
from r2d2.units import human_seconds, money, plural
from r2d2.visible import visible

#: Items on a page; how many more there are is said.
MOST = 20
#: Readers that a log names of one dataset, at most (``model.usage.Reads``).
_NAMED = 20
#: What those are called that nobody owns, as far as is known.
NOBODY = "no known owner"


@dataclass(frozen=True)
class Item:
    """A dataset that could go, and why that is no loss, in a sentence."""

    row: DatasetRow
    sentence: str


@dataclass(frozen=True)
class OwnerPage:
    """What an owner is asked.

    Attributes:
        owner: empty for datasets whose owner is unknown.
        items: what saves most, the most first.
        more: how many more could go, and what they would save a month.
        small: datasets that are kept because they would save less than ``retention.min_saving``.
        saving: a month, of all that could go.
        deadline: the last day to decide.
    """

    owner: str
    items: tuple[Item, ...]
    more: tuple[int, float]
    small: int
    saving: float
    deadline: date

    @property
    def title(self) -> str:
        """Whose page it is."""
        return self.owner or NOBODY

    @property
    def file(self) -> str:
        """A file name that no owner's name can lead astray: letters of the name, and a hash of it."""
        letters = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")[:40]
        digest = hashlib.sha256(self.owner.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        return f"{letters or 'owner'}-{digest}.html"


def owner_pages(data: ReportData, days: int) -> tuple[OwnerPage, ...]:
    """A page for each owner of anything that could go or is too small for that, the largest saving first.

    Args:
        days: that owners have to decide, from the start of the run.
    """
    gone: dict[str, list[DatasetRow]] = defaultdict(list)
    small: dict[str, int] = defaultdict(int)
    for row in data.rows:
        if row.action in GONE:
            gone[row.owner].append(row)
        elif saves_too_little(row.reason):
            small[row.owner] += 1
    deadline = data.run.started.date() + timedelta(days=days)
    pages = [_page(owner, gone[owner], small[owner], deadline, data) for owner in {*gone, *small}]
    return tuple(sorted(pages, key=lambda page: (-page.saving, page.owner)))


def _page(owner: str, rows: list[DatasetRow], small: int, deadline: date, data: ReportData) -> OwnerPage:
    rows = sorted(rows, key=lambda row: (-row.saving_per_month, row.id))
    items = tuple(Item(row, sentence(row, data)) for row in rows[:MOST])
    rest = rows[MOST:]
    more = len(rest), sum(row.saving_per_month for row in rest)
    return OwnerPage(owner, items, more, small, sum(row.saving_per_month for row in rows), deadline)


def sentence(row: DatasetRow, data: ReportData) -> str:
    """Why it is no loss that a dataset goes: where its rows are, who reads it, how fast it is back, what that saves.

    >>> sentence(row, data)  # doctest: +SKIP
    'Every row is in warehouse/orders, 4 people read it, it is back in 6 min 0 s, and it saves 1.20 USD a month.'
    """
    back = f"it is back in {human_seconds(row.rebuild_seconds)}"
    if row.action == "redirect":
        back = "a view stands in its place"
    saves = f"it saves {money(row.saving_per_month, data.currency)} a month"
    return f"Every row is in {visible(row.parent or '')}, {_read_by(row.readers)}, {back}, and {saves}."


def _read_by(readers: int | None) -> str:
    if readers is None:
        return "no log says who reads it"
    if readers >= _NAMED:
        return f"{_NAMED} people or more read it"
    return (
        f"{plural(readers, 'person', 'people')} {'reads' if readers == 1 else 'read'} it"
        if readers
        else "nobody was seen reading it"
    )
