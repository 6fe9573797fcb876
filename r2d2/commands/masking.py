"""What commands print without cell values: texts of a state may hold those that partitions are called by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from r2d2.report.problems import masked

Row = Mapping[str, Any]
#: Columns that say which datasets a line is about: they are called so, whatever values are in their names.
_NAMES = ("dataset", "parent", "child")
#: Columns with sentences, in which values of other partitions may be cited.
_TEXTS = ("reason", "error", "evidence", "changes_if")


def without_values(rows: Iterable[Row], show_values: bool) -> Iterable[Row]:
    """Lines as they are printed, with cell values masked unless ``report.show_values`` is set."""
    return rows if show_values else _masked(rows)


def text_masked(show_values: bool) -> Callable[[str], str]:
    """What a sentence becomes that is about no single dataset."""
    return str if show_values else masked


def _masked(rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        ids = [row[name] for name in _NAMES if row.get(name)]
        yield {**row, **{name: masked(row[name], *ids) for name in _TEXTS if row.get(name)}}
