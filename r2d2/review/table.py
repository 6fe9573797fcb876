"""A table for people in a notebook, and for programs as a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from r2d2.visible import shortened, visible

if TYPE_CHECKING:
    import pandas as pd

#: Rows that Jupyter shows; ``frame`` has all.
SHOWN = 200
#: Rows that a page has, to be turned, searched and sorted as a whole.
PAGED = 5_000
#: The table for a page, beside what Jupyter shows, which makes nothing of this type.
PAGE = "text/vnd.r2d2.page+html"
#: Columns whose longest text has more than so many letters, by what the style sheet calls them.
_ROOM = ((60, "prose"), (16, "long"), (7, "word"))


@dataclass(frozen=True)
class Column:
    """A column: what it is called, and how its values are written; numbers stand right."""

    name: str
    number: bool = False


@dataclass(frozen=True)
class Table:
    """Rows with what they say.

    Attributes:
        title: a sentence.
        rows: as shown, a text for each column.
        values: the same as numbers, times and ids, for ``frame``.
        note: what a reader should know besides; empty for nothing.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    values: tuple[tuple[Any, ...], ...]
    note: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def frame(self) -> pd.DataFrame:
        """All rows as a data frame, numbers as numbers."""
        import pandas as pd

        return pd.DataFrame(list(self.values), columns=[column.name for column in self.columns])

    def _repr_html_(self) -> str:
        """For Jupyter: names from the lake are text, whatever they hold."""
        return self._html(SHOWN)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Besides, for a page, what Jupyter need not draw."""
        return {PAGE: self._html(PAGED)} if len(self.rows) > SHOWN else {}

    def _html(self, most: int) -> str:
        rows = self.rows[:most]
        kinds = [self._kind(place, rows) for place in range(len(self.columns))]
        named = zip(self.columns, kinds, strict=True)
        head = "".join(f'<th scope="col"{kind}>{escape(column.name)}</th>' for column, kind in named)
        body = "".join(f"<tr>{_cells(row, kinds)}</tr>" for row in rows)
        inner = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        box = f'<div class="box" tabindex="0" role="region" aria-label="{_text(self.title)}">'
        table = f"{box}{inner}</div>" if rows else ""
        said = f"<p>{_text(self.title)}{self._more(most)}</p>"
        return f'<div class="r2d2-table">{said}{table}{_paragraph(self.note)}</div>'

    def _kind(self, place: int, rows: Sequence[Sequence[str]]) -> str:
        """Numbers stand right; names and sentences have room to be read."""
        if self.columns[place].number:
            return ' class="num"'
        longest = max((len(row[place]) for row in rows), default=0)
        return next((f' class="{kind}"' for letters, kind in _ROOM if longest > letters), "")

    def _more(self, most: int) -> str:
        if not self.rows:
            return ": none."
        hidden = len(self.rows) - most
        return f" (the first {most:,} of {len(self.rows):,}; <code>.frame</code> has all)" if hidden > 0 else ""

    def __repr__(self) -> str:
        return f"{self.title}: {len(self.rows):,} rows"


@dataclass(frozen=True)
class Said:
    """A few sentences."""

    text: str

    def _repr_html_(self) -> str:
        return _paragraph(self.text)

    def __repr__(self) -> str:
        return self.text


class Preformatted(Said):
    """Lines as they are."""

    def _repr_html_(self) -> str:
        return f"<pre>{escape(chr(10).join(map(visible, self.text.split(chr(10)))))}</pre>"


def _cells(row: Sequence[str], kinds: Sequence[str]) -> str:
    return "".join(f"<td{kind}>{_text(shortened(cell, 400))}</td>" for cell, kind in zip(row, kinds, strict=True))


def _text(text: str) -> str:
    return escape(visible(text))


def _paragraph(text: str) -> str:
    return f"<p>{_text(text)}</p>" if text else ""
