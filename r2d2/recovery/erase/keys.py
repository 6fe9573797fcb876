"""Whose rows are to go: a file that names people by values of columns (DELETION 4)."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from r2d2.delimited import csv_line
from r2d2.errors import UsageError
from r2d2.model.dataset import LeafPath
from r2d2.model.names import fold_name

_HINT = "the first line names columns, each further one a person; a row is theirs if all cells that are given match"


@dataclass(frozen=True)
class Keys:
    """People, each by values of columns.

    Attributes:
        columns: leaf paths as text, levels joined by dots.
        people: for each a text for each column; empty where none is given.
    """

    columns: tuple[str, ...]
    people: tuple[tuple[str, ...], ...]

    def to_csv(self) -> bytes:
        """As ``from_csv`` reads it; equal keys give equal bytes."""
        return "".join(map(csv_line, (self.columns, *self.people))).encode("utf-8")

    @staticmethod
    def from_csv(data: bytes, where: str) -> Keys:
        """The people of a CSV file in UTF-8.

        Raises:
            UsageError: what is wrong and in which line; values are not cited.
        """
        try:
            reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
            columns = tuple(next(reader, ()))
            people = [_person(cells, columns, where, reader.line_num) for cells in reader if cells]
        except (UnicodeDecodeError, csv.Error) as error:
            reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            raise UsageError(f"--keys {where}: {reason}", _HINT) from None
        if not columns or not all(columns) or len(set(map(fold_name, columns))) < len(columns):
            raise UsageError(f"--keys {where}: its first line must name columns, each once", _HINT)
        if not people:
            raise UsageError(f"--keys {where}: it names nobody", _HINT)
        return Keys(columns, tuple(dict.fromkeys(people)))

    @cached_property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.to_csv()).hexdigest()

    @cached_property
    def cells(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """For each person the given cells, as (folded column, text)."""
        names = tuple(map(fold_name, self.columns))
        return tuple(tuple((n, text) for n, text in zip(names, one, strict=True) if text) for one in self.people)

    def names(self, path: LeafPath) -> str | None:
        """The folded column that a leaf is named by; None if it is none of the keys'."""
        name = fold_name(".".join(path))
        return name if name in self._columns else None

    def may_hold(self, paths: Iterable[LeafPath]) -> bool:
        """Whether leaves with these paths are all by which some person is named."""
        held = {self.names(path) for path in paths}
        return any(all(name in held for name, _ in one) for one in self.cells)

    def within(self, paths: Iterable[LeafPath]) -> Keys | None:
        """People of whose columns some and not all are among the paths, by those; None for nobody."""
        held = {self.names(path) for path in paths}
        names = [fold_name(column) for column in self.columns]
        people = []
        for one in self.people:
            own = tuple(text if name in held else "" for name, text in zip(names, one, strict=True))
            people += [own] if any(own) and own != one else []
        return Keys(self.columns, tuple(dict.fromkeys(people))) if people else None

    @cached_property
    def apart(self) -> Keys:
        """Each cell as a key of its own: for what can be made again, or is worth less than being sure."""
        cells = dict.fromkeys(cell for person in self.cells for cell in person)
        columns = tuple(dict.fromkeys(name for name, _ in cells))
        return Keys(columns, tuple(tuple(text if name == own else "" for name in columns) for own, text in cells))

    @cached_property
    def _columns(self) -> frozenset[str]:
        return frozenset(map(fold_name, self.columns))


def read_keys(path: str) -> Keys:
    """The people that a file on disk names.

    Raises:
        UsageError: it can't be read, or is wrong.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"--keys {path}: {error.strerror or error}", _HINT) from error
    return Keys.from_csv(data, path)


def _person(cells: list[str], columns: tuple[str, ...], where: str, line: int) -> tuple[str, ...]:
    if len(cells) != len(columns):
        raise UsageError(f"--keys {where}, line {line}: {len(cells)} cells, not {len(columns)}", _HINT)
    if not any(cells):
        raise UsageError(f"--keys {where}, line {line}: no cell is given, so that every row would match", _HINT)
    return tuple(cells)
