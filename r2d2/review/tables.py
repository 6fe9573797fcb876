"""Tables of rows with a value and a text in each cell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from r2d2.review.table import Column, Table
from r2d2.units import count, human_bytes, human_seconds, money


class Cell(NamedTuple):
    """A value, and how it is written."""

    value: Any
    text: str


def plain(value: Any) -> Cell:
    """As it is; None is nothing."""
    return Cell(value, "" if value is None else str(value))


def whole(value: int | None) -> Cell:
    """A number of things."""
    return Cell(value, count(value))


def size(value: int) -> Cell:
    """Bytes."""
    return Cell(value, human_bytes(value))


def time(value: float) -> Cell:
    """Seconds."""
    return Cell(value, human_seconds(value))


def amount(value: float, currency: str) -> Cell:
    """Money."""
    return Cell(value, money(value, currency))


def day(value: datetime | None) -> Cell:
    """A moment, to the minute, UTC."""
    return Cell(value, "" if value is None else f"{value:%Y-%m-%d %H:%M}")


def table(title: str, columns: str, rows: Iterable[tuple[Cell, ...]], note: str = "") -> Table:
    """A table of cells.

    Args:
        columns: names between bars; those of numbers begin with ``#``: ``dataset|#bytes``.
    """
    made = tuple(Column(name.lstrip("#"), name.startswith("#")) for name in columns.split("|"))
    cells = [tuple(row) for row in rows]
    texts = tuple(tuple(cell.text for cell in row) for row in cells)
    return Table(title, made, texts, tuple(tuple(cell.value for cell in row) for row in cells), note)
