"""What could not be read or compared, and texts of the lake without cell values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from r2d2.config import Settings
from r2d2.model.dataset import Dataset
from r2d2.units import some_of
from r2d2.visible import masked_id, masked_partitions, public_url

_HINTS = {
    "error": "Repair or remove what is named here, or give R2D2 the right to read it, and run again.",
    "unsupported": "Nothing needs doing. It is kept as it is, because it can't be compared exactly.",
    "unprovable": "It is kept, because not every row of it can be read. Lift the restriction named here to compare it.",
    "empty": "It holds no rows, so comparing it says nothing. If nobody writes to it, its owner can delete it.",
    "archived": "It is kept. Restore it and set retention.read_archived if it is to be compared.",
    "unread": "Run the same command again: it goes on from there.",
    "retired": "`r2d2 history DATASET` tells its story, `r2d2 restore DATASET` gives it back.",
    "shared": "Nothing needs doing. It is kept: whoever deletes its files takes them from the other dataset, too.",
}

#: Where an id begins and ends in a text: a part of a longer name or value is none.
_BEFORE, _AFTER = r"(?<![^\s('\"“‘])", r"(?![^\s,;/)'\"”’.:]|[.:]\S)"


@dataclass(frozen=True)
class Problem:
    """Something that could not be read or compared: where, what is wrong, and what to do about it."""

    where: str
    what: str
    hint: str = ""
    status: str = "error"


def masked(text: str, *ids: str) -> str:
    """``text`` with partition values masked, except within the ids: those are how a dataset is called.

    >>> masked("its rows are in sales/day=1, not in sales/day=12/x", "sales/day=1")
    'its rows are in sales/day=1, not in sales/day=•••/x'
    """
    own = [identifier for identifier in ids if "=" in identifier]
    if "=" not in text or not own:
        return masked_partitions(text) if "=" in text else text
    names = "|".join(re.escape(i) for i in sorted(own, key=len, reverse=True))
    pieces = re.split(f"{_BEFORE}({names}){_AFTER}", text)
    return "".join(piece if piece in own else masked_partitions(piece) for piece in pieces)


def masked_selection(predicate: str) -> str:
    """Which rows of a parent a child holds: columns are named, and nothing is told of their values.

    >>> masked_selection("a range of day"), masked_selection("day in (1, 2)")
    ('a range of day', 'rows chosen by values, which are masked')
    """
    named = all(part.startswith("a range of ") for part in predicate.split(" and "))
    return predicate if named or not predicate else "rows chosen by values, which are masked"


def masked_problems(problems: Iterable[Problem], show_values: bool) -> Iterable[Problem]:
    """Problems without credentials, and without values of partitions unless these are shown."""
    for p in problems:
        where, what = public_url(p.where), p.what
        yield p if show_values else Problem(masked_id(where), masked_partitions(what), p.hint, p.status)


def dataset_problems(datasets: Sequence[Dataset], settings: Settings) -> Iterable[Problem]:
    """A problem for each dataset that can't be used, by status; then for each that shares files with others."""
    order = list(_HINTS)
    bad = [d for d in datasets if d.status != "ok"]
    for dataset in sorted(bad, key=lambda d: (order.index(d.status) if d.status in order else -1, d.id)):
        what = dataset.reason if settings.report.show_values else masked(dataset.reason, dataset.id)
        yield Problem(dataset.id, what, _HINTS.get(dataset.status, ""), dataset.status)
    for dataset in sorted((d for d in datasets if d.status == "ok" and d.shared_with), key=lambda d: d.id):
        what = f"holds files that are also in {some_of(dataset.shared_with)}"
        yield Problem(dataset.id, what, _HINTS["shared"], "shared")
