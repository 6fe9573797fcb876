"""The oracle's values: families, canonical keys, and the grammar of text (EXACTNESS 2 to 4). No code of r2d2."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

Key = tuple[str, ...]
TEXT_ORDER = ("boolean", "number", "floating", "date", "timestamp", "instant", "string")


class Undecidable(Exception):
    """A dataset or value that the oracle refuses."""


@dataclass
class Leaf:
    """One leaf: its values (an Arrow array if typed, else texts with None), and what it may be compared as."""

    families: tuple[str, ...]
    typed: pa.ChunkedArray | None = None
    texts: list[str | None] = field(default_factory=list)
    scale: int = 0  # digits behind the point of a number leaf
    cache: dict[str, list[Any]] = field(default_factory=dict)

    def keys(self, family: str) -> list[Any]:
        """The values as hashable Python keys that are equal exactly when the values are."""
        if family not in self.cache:
            if self.typed is None:
                known = {text: None if text is None else CONVERT[family](text) for text in set(self.texts)}
                self.cache[family] = [known[text] for text in self.texts]
            else:
                kind = self.typed.type
                self.cache[family] = [_key(kind, value) for value in stored_values(self.typed)]
        return self.cache[family]


@dataclass
class Table:
    id: str
    rows: int
    leaves: dict[Key, Leaf]
    files: frozenset[tuple[int, int, str]]
    linked: bool


def stored_values(column: pa.ChunkedArray) -> list[Any]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("ns", tz=kind.tz)).cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return values


def _key(kind: pa.DataType, value: Any) -> Any:
    """A hashable key; lists, maps and structs recursively."""
    if value is None:
        return None
    if pa.types.is_floating(kind):
        return "nan" if math.isnan(value) else value + 0.0
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return Decimal(value)
    if pa.types.is_map(kind):
        entries = value.items() if isinstance(value, dict) else value
        keyed = Counter((_key(kind.key_type, k), _key(kind.item_type, v)) for k, v in entries)
        return ("map", frozenset(keyed.items()))
    if _is_list(kind):
        return ("list", *(_key(kind.value_type, item) for item in value))
    if pa.types.is_struct(kind):
        names = sorted((kind.field(i).name for i in range(kind.num_fields)), key=str.lower)
        return ("struct", *(_key(kind.field(n).type, value[n]) for n in names))
    return value


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def family_of(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return family_of(kind.value_type)
    if pa.types.is_timestamp(kind):
        return "instant" if kind.tz else "timestamp"
    if pa.types.is_map(kind):
        return f"map<{family_of(kind.key_type)},{family_of(kind.item_type)}>"
    if _is_list(kind):
        return f"list<{family_of(kind.value_type)}>"
    if pa.types.is_struct(kind):
        fields = sorted((kind.field(i).name.lower(), family_of(kind.field(i).type)) for i in range(kind.num_fields))
        return "struct<" + ",".join(f"{name}:{family}" for name, family in fields) + ">"
    checks: list[tuple[Callable[[pa.DataType], bool], str]] = [
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "number"),
        (pa.types.is_decimal, "number"),
        (pa.types.is_floating, "floating"),
        (pa.types.is_date, "date"),
        (is_string, "string"),
        (_is_binary, "binary"),
    ]
    for check, family in checks:
        if check(kind):
            return family
    raise Undecidable(f"type {kind}")


def is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view())


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?")


def _to_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise Undecidable(text)
    return text == "true"


def _to_number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise Undecidable(text)
    number = Decimal(text)
    if abs(number.adjusted()) > 60:
        raise Undecidable(text)
    return number


def _to_floating(text: str) -> Any:
    """A double whose shortest spelling denotes the same number as the text."""
    if text in ("NaN", "Infinity", "-Infinity"):
        return "nan" if text == "NaN" else float(text)
    if not _NUMBER.fullmatch(text) or Decimal(repr(float(text))) != Decimal(text):
        raise Undecidable(text)
    return float(text) + 0.0


def _to_date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise Undecidable(text)
    day: date = _parsed(date.fromisoformat, text)
    return day


def _to_timestamp(text: str) -> int:
    return _nanoseconds(text, zoned=False)


def _to_instant(text: str) -> int:
    return _nanoseconds(text, zoned=True)


def _nanoseconds(text: str, zoned: bool) -> int:
    found = _TIME.fullmatch(text)
    if not found or bool(found[4]) != zoned:
        raise Undecidable(text)
    clock = datetime.combine(_parsed(date.fromisoformat, found[1]), _parsed(time.fromisoformat, found[2]))
    if zoned and found[4] != "Z":
        hours, minutes = int(found[4][1:3]), int(found[4][4:6])
        offset = timedelta(hours=hours, minutes=minutes)
        clock = clock - offset if found[4][0] == "+" else clock + offset
    since = clock - datetime(1970, 1, 1)
    return (since.days * 86_400 + since.seconds) * 10**9 + int((found[3] or ".0")[1:].ljust(9, "0"))


def _parsed(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise Undecidable(text) from error


CONVERT: dict[str, Callable[[str], Any]] = {
    "boolean": _to_boolean,
    "number": _to_number,
    "floating": _to_floating,
    "date": _to_date,
    "timestamp": _to_timestamp,
    "instant": _to_instant,
    "string": str,
}


def text_leaf(texts: list[str | None]) -> Leaf:
    """A leaf of a text file, with every family to which all its values convert exactly."""
    distinct = {text for text in texts if text is not None}
    return Leaf(tuple(family for family in TEXT_ORDER if _converts(distinct, family)), texts=texts)


def _converts(texts: set[str], family: str) -> bool:
    try:
        for text in texts:
            CONVERT[family](text)
    except Undecidable:
        return False
    return True
