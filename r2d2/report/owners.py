"""A page for each owner: what of theirs could go and is not decided, a sentence each; silence means keep."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from r2d2.report.data import DatasetRow, ReportData
from r2d2.report.standing import Stand
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
class Held:
    """A dataset that lies in quarantine.

    Attributes:
        owner: as the plan knew it by which it went; empty if unknown.
        due: from then on a purge may remove it; None while it was rejected, or a person is asked about it.
    """

    dataset: str
    owner: str
    since: date
    due: date | None


@dataclass(frozen=True)
class OwnerPage:
    """What an owner is asked.

    Attributes:
        owner: empty for datasets whose owner is unknown.
        items: what saves most of what nobody decided on, the most first.
        more: how many more are open, and what they would save a month.
        small: datasets that are kept because they would save less than ``retention.min_saving``.
        saving: a month, of all that is open.
        deadline: the last day to decide.
        decided: how many are decided on, by how.
        held: what lies in quarantine, whichever plan retired it; what is due first comes first.
    """

    owner: str
    items: tuple[Item, ...]
    more: tuple[int, float]
    small: int
    saving: float
    deadline: date
    decided: Mapping[Stand, int] = field(default_factory=dict)
    held: tuple[Held, ...] = ()

    @property
    def open(self) -> int:
        """Datasets that somebody should decide on."""
        return len(self.items) + self.more[0]

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


def owner_pages(data: ReportData, days: int, held: Iterable[Held] = ()) -> tuple[OwnerPage, ...]:
    """A page for each owner of anything that could go, is too small for that or is in quarantine.

    Args:
        days: that owners have to decide, from the start of the run.
        held: what of the lake lies in quarantine.

    Returns:
        The pages, the largest saving first.
    """
    theirs: dict[str, _Theirs] = defaultdict(_Theirs)
    for row in data.gone:
        theirs[row.owner].gone.append(row)
    for row in data.with_action("keep"):
        if saves_too_little(row.reason):
            theirs[row.owner].small += 1
    for each in sorted(held, key=lambda each: (each.due or date.max, each.dataset)):
        theirs[each.owner].held.append(each)
    deadline = data.run.started.date() + timedelta(days=days)
    pages = [_page(owner, found, deadline, data) for owner, found in theirs.items()]
    return tuple(sorted(pages, key=lambda page: (-page.saving, page.owner)))


@dataclass
class _Theirs:
    """What an owner has: what could go, how many are too small for that, what is in quarantine."""

    gone: list[DatasetRow] = field(default_factory=list)
    small: int = 0
    held: list[Held] = field(default_factory=list)


def _page(owner: str, found: _Theirs, deadline: date, data: ReportData) -> OwnerPage:
    left = [row for row in found.gone if row.stand is Stand.OPEN]
    items = tuple(Item(row, sentence(row, data)) for row in left[:MOST])
    more = len(left) - len(items), sum(row.saving_per_month for row in left[MOST:])
    decided = Counter[Stand](row.stand for row in found.gone if row.stand is not Stand.OPEN)
    saving = sum(row.saving_per_month for row in left)
    return OwnerPage(owner, items, more, found.small, saving, deadline, decided, tuple(found.held))


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
