"""Finding people's keys in texts and bounds, wherever the state, a recipe or the journal holds some.

Of what can be made again more is taken for a key than is one: a result that is dropped costs only to be found again.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any
from urllib.parse import quote

from r2d2.catalog.codec import unpack_leaf
from r2d2.model.dataset import Bounds, BoundValue, Leaf
from r2d2.model.family import DATE, FLOATING, NUMBER, STRING
from r2d2.model.names import fold_name
from r2d2.recovery.erase.keys import Keys

#: What stands where a key stood.
GONE = "erased"
#: A shorter text, and a number, is a key only where its column is named with it.
_DISTINCT = 4
#: Writers cut bounds of texts at 16 characters, or later.
_CUT = 15
#: Spellings are looked up by so many characters at their start.
_KEY = 3
_WORD_STARTS, _IS_WORD = re.compile(r"(?<!\w)(?=\S)"), re.compile(r"\w")
_DAY_ZERO = date(1970, 1, 1)
#: What Hive and Spark escape in names of directories.
_HIVE = re.compile("[\\x00-\\x1f\\x7f\"#%'*/:=?\\\\{\\[\\]^]")

#: Folded column, and text.
Cell = tuple[str, str]


@dataclass(frozen=True)
class Words:
    """The texts of keys, and finding them."""

    keys: Keys

    def tells(self, text: str) -> bool:
        """Whether a text holds the key of a person: all cells that are given, each as a word of its own."""
        return bool(self._whole(cell for _, _, cells in self._spelled(text) for cell in cells))

    def cleared(self, text: str) -> str:
        """The text without keys."""
        spelled = list(self._spelled(text))
        whole = self._whole(cell for _, _, cells in spelled for cell in cells)
        pieces, end = [], 0
        for start, stop, cells in spelled:
            if not whole.isdisjoint(cells):
                pieces += [text[end:start], GONE]
                end = stop
        return "".join([*pieces, text[end:]])

    def mentions(self, text: str) -> bool:
        """Whether a text names a column of the keys, or holds any of their cells."""
        lowered = text.lower()
        return any(name in lowered for name in self._names) or any(self._spelled(text))

    def tells_in(self, value: Any) -> bool:
        """Whether any text in lists and mappings does, names of fields and JSON in texts included."""
        return bool(self.cleared_in(value) != value)

    def cleared_in(self, value: Any) -> Any:
        """The value with all its texts cleared; mappings, and lists of pairs, may be columns and their values."""
        if isinstance(value, str):
            raw = json_or_none(value)
            return self.cleared(value) if raw is None else spelled(value, raw, self.cleared_in(raw))
        if isinstance(value, Mapping):
            values = self._values(list(value.items()))
            return {self.cleared(str(name)): held for name, held in zip(value, values, strict=True)}
        if not isinstance(value, list | tuple):
            return value
        if value and all(map(_is_pair, value)):
            names = [self.cleared(name) for name, _ in value]
            return [list(pair) for pair in zip(names, self._values(value), strict=True)]
        return [self.cleared_in(held) for held in value]

    def _values(self, columns: Sequence[tuple[str, Any]]) -> list[Any]:
        """What columns have, cleared: of people of whom all cells are among them, as text or as number."""
        own = [self._cells(name, value) for name, value in columns]
        whole = self._whole(cell for cells in own for cell in cells)
        return [
            GONE if not whole.isdisjoint(cells) else self.cleared_in(value)
            for (_, value), cells in zip(columns, own, strict=True)
        ]

    def _cells(self, name: str, value: Any) -> set[Cell]:
        """Which cells a column's value is."""
        if value is None or isinstance(value, Mapping | list | tuple):
            return set()
        return self._by_value.get((fold_name(name), _plain(value)), set())

    def _whole(self, cells: Iterable[Cell]) -> set[Cell]:
        """Those of the cells that belong to a person of whom all cells are there."""
        held = set(cells)
        people = (person for cell in held for person in self._people[cell])
        return {cell for person in people if held.issuperset(person) for cell in person}

    def leaf_tells(self, leaf: Leaf) -> bool:
        """Whether bounds of a leaf are, or are cut from, a cell of a key."""
        name = self.keys.names(leaf.path)
        return any(self._bounds_tell(name, family, bounds) for family, bounds in leaf.bounds.items())

    def cleared_leaf(self, raw: list[Any]) -> list[Any]:
        """A packed leaf (``codec.pack_leaf``) without bounds that tell; one that doesn't is given back itself."""
        if not self.leaf_tells(unpack_leaf(raw)):
            return raw
        return [*raw[:4], {}, *raw[5:]]

    def _bounds_tell(self, name: str | None, family: str, bounds: Bounds) -> bool:
        if family == STRING:
            return any(self._text_tells(name, str(value)) for value in (bounds.low, bounds.high))
        if name is None:
            return False
        if family not in (NUMBER, FLOATING, DATE):
            return True  # times have many spellings
        own = {value for text in self._by_column[name] if (value := _value(text, family)) is not None}
        return bounds.low in own or bounds.high in own

    def _text_tells(self, name: str | None, text: str) -> bool:
        """A bound that was cut may end in another character than the value does."""
        words = self._distinct if name is None else self._by_column[name]
        start = text[:-1] if len(text) > (_CUT if name is None else 1) else text
        place = bisect_left(words, start)
        is_start = place < len(words) and words[place].startswith(start)
        return (is_start and (len(start) < len(text) or words[place] == text)) or any(self._spelled(text))

    def _spelled(self, text: str) -> Iterator[tuple[int, int, set[Cell]]]:
        """Where cells stand in a text as words of their own, in whatever case: start, end, and which they may be."""
        end = 0
        for match in _WORD_STARTS.finditer(text):
            start = match.start()
            if start < end:
                continue
            for length in self._lengths.get(text[start : start + _KEY].lower(), ()):
                stop = start + length
                cells = self._spellings.get(text[start:stop].lower())
                if cells and not _IS_WORD.match(text, stop):
                    yield start, stop, cells
                    end = stop
                    break

    @cached_property
    def _lengths(self) -> Mapping[str, list[int]]:
        """How long spellings are, by how they begin; the longest first."""
        found: dict[str, set[int]] = defaultdict(set)
        for form in self._spellings:
            found[form[:_KEY]].add(len(form))
        return {start: sorted(lengths, reverse=True) for start, lengths in found.items()}

    @cached_property
    def _spellings(self) -> Mapping[str, set[Cell]]:
        """Spelling in lower case → the cells that it may be."""
        found: dict[str, set[Cell]] = defaultdict(set)
        for cell in self._people:
            for form in _forms(*cell):
                found[form.lower()].add(cell)
        return dict(found)

    @cached_property
    def _by_column(self) -> Mapping[str, list[str]]:
        """The texts of each column, sorted."""
        found: dict[str, set[str]] = defaultdict(set)
        for name, text in self._people:
            found[name].add(text)
        return {name: sorted(texts) for name, texts in found.items()}

    @cached_property
    def _by_value(self) -> Mapping[tuple[str, str], set[Cell]]:
        """Cells by value and by their column's name or innermost name: what a path names may be nested."""
        found: dict[tuple[str, str], set[Cell]] = defaultdict(set)
        for cell in self._people:
            for name in (cell[0], cell[0].rpartition(".")[2]):
                found[name, _plain(cell[1])].add(cell)
        return found

    @cached_property
    def _people(self) -> Mapping[Cell, list[tuple[Cell, ...]]]:
        """People by each of their cells."""
        found: dict[Cell, list[tuple[Cell, ...]]] = defaultdict(list)
        for person in self.keys.cells:
            for cell in person:
                found[cell].append(person)
        return found

    @cached_property
    def _distinct(self) -> list[str]:
        """The texts that are words of their own, sorted."""
        return sorted({text for _, text in self._people if _is_distinct(text)})

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(name for person in self.keys.cells for name, _ in person)


def json_or_none(text: str | None) -> Any:
    """What a JSON list or object says; None if it is neither."""
    if not text or text[0] not in "{[":
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def spelled(text: str, raw: Any, cleared: Any) -> str:
    """The JSON text of what was cleared; the text itself where nothing was."""
    return text if cleared == raw else json.dumps(cleared)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str)


def _plain(value: Any) -> str:
    """A value in one spelling, whether it is a text, a number or the text of a number."""
    number = None if isinstance(value, bool) else _value(str(value), NUMBER)
    return str(value) if number is None or not Decimal(number).is_finite() else str(Decimal(number).normalize())


def _is_distinct(text: str) -> bool:
    return len(text) >= _DISTINCT and not re.fullmatch(r"[\d.,:+-]+", text)


def _forms(name: str, text: str) -> Iterable[str]:
    """A cell as texts, names of files and URLs spell it; one that is no word of its own only with its column."""
    hive = _HIVE.sub(lambda match: f"%{ord(match[0]):02X}", text)
    spelled = {text, hive, quote(hive), quote(text), quote(text, safe=""), quote(quote(text, safe=""), safe="")}
    return spelled if _is_distinct(text) else {f"{name}={each}" for each in spelled}


def _value(text: str, family: str) -> BoundValue | None:
    """A cell as bounds of a family hold it; None if it is none."""
    try:
        if family == DATE:
            return (date.fromisoformat(text) - _DAY_ZERO).days
        return float(text) if family == FLOATING else Decimal(text)
    except (ValueError, InvalidOperation):
        return None
