"""Values inside of JSON lists: what they can be compared as, and their encoding (docs/encoding.md, EXACTNESS 4).

DuckDB can't take JSON lists apart without losing digits, so this is Python: the grammar of ``text_views`` for what
stands inside of lists, and the text that ``containment.encoding`` gives a typed value.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from r2d2.errors import UnreadableData
from r2d2.lake.json_canonical import Number, parse
from r2d2.lake.text_views import (
    DATE_PATTERN,
    INSTANT_PATTERN,
    MOST_CHARACTERS,
    MOST_DIGITS,
    MOST_EXPONENT,
    NESTED_FUNCTION,
    TIMESTAMP_PATTERN,
)
from r2d2.model.family import BOOLEAN, DATE, FLOATING, INSTANT, NUMBER, STRING, TIMESTAMP, is_nested, taken_apart
from r2d2.model.names import fold_name

_EPOCH = date(1970, 1, 1).toordinal()
_ZONE = re.compile("(?:Z|([+-])([0-9]{2})(?::([0-9]{2})(?::([0-9]{2}))?)?)")


def register(con: duckdb.DuckDBPyConnection) -> None:
    """Makes ``text_views.nested_text`` work on a connection."""
    con.create_function(NESTED_FUNCTION, _encoded, ["VARCHAR", "VARCHAR"], "VARCHAR")


def scalar_families(value: Any) -> frozenset[str]:
    """The families to which a parsed scalar that is not null converts."""
    return frozenset(f for f in _candidates(value) if f == STRING or _text(value, f) is not None)


def encoded(value: Any, family: str) -> str:
    """The text of a parsed value that is not null under a family.

    Raises:
        UnreadableData: it does not convert; it did when the file was listed.
    """
    if is_nested(family):
        return _NESTED[taken_apart(family).kind](value, family)
    text = _text(value, family) if family in _candidates(value) else None
    if text is None:
        raise UnreadableData("a value became something else: the file changed while it was read")
    return text


def _encoded(text: str, family: str) -> str:
    return encoded(parse(text), family)


def part(value: Any, family: str) -> str:
    """A parsed value, or null, as a part of the encoding (``containment.encoding.as_part``)."""
    return "n" if value is None else f"v{encoded(value, family)};"


def _list(value: Any, family: str) -> str:
    (inner,) = taken_apart(family).inner
    return f"{len(_of(value, list))}[" + "".join(part(item, inner) for item in value)


def _map(value: Any, family: str) -> str:
    key, item = taken_apart(family).inner
    entries = [part(k, key) + part(v, item) for k, v in _of(value, dict).items()]
    return f"{len(entries)}{{" + "".join(sorted(entries))


def _struct(value: Any, family: str) -> str:
    parts = taken_apart(family)
    held = {fold_name(name): item for name, item in _of(value, dict).items()}
    if len(held) < len(value) or not held.keys() <= set(parts.names):
        raise UnreadableData("an object has other keys than before: the file changed while it was read")
    return "".join(part(held.get(name), inner) for name, inner in zip(parts.names, parts.inner, strict=True))


def _of(value: Any, kind: type) -> Any:
    if isinstance(value, kind):
        return value
    raise UnreadableData("a value became something else: the file changed while it was read")


_NESTED: dict[str, Callable[[Any, str], str]] = {"list": _list, "map": _map, "struct": _struct}


def _candidates(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return (BOOLEAN,)
    if isinstance(value, Number):
        return NUMBER, FLOATING
    return (DATE, TIMESTAMP, INSTANT, STRING) if isinstance(value, str) else ()


def _text(value: str | bool, family: str) -> str | None:
    """The text of a scalar under one of its candidates; None if it does not convert."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if family == STRING:
        return value.replace("\\", "\\\\").replace(";", "\\;")
    return _CONVERT[family](value)


def _number(text: str) -> str | None:
    exponent = text.lower().partition("e")[2]
    if len(text) > MOST_CHARACTERS or len(exponent.lstrip("+-0")) > len(str(MOST_EXPONENT)):
        return None
    plain = format(Decimal(text), "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return plain if len(plain.lstrip("-").replace(".", "")) <= MOST_DIGITS else None


def _floating(text: str) -> str | None:
    if len(text) > MOST_CHARACTERS:
        return None
    double = float(text)
    if not math.isfinite(double) or Decimal(repr(double)) != Decimal(text):
        return None
    return struct.pack(">d", double + 0.0).hex().upper()


def _days(text: str) -> int | None:
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        return None


def _date(text: str) -> str | None:
    days = _days(text) if re.fullmatch(DATE_PATTERN, text) else None
    return None if days is None else str(days)


def _clock(text: str) -> int | None:
    """Nanoseconds of what the clock shows, whatever follows the fraction."""
    days = _days(text[:10])
    if days is None:
        return None
    seconds = int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])
    fraction = re.match("[.]([0-9]+)", text[19:])
    return (days * 86_400 + seconds) * 10**9 + int((fraction[1] if fraction else "0").ljust(9, "0"))


def _timestamp(text: str) -> str | None:
    clock = _clock(text) if re.fullmatch(TIMESTAMP_PATTERN, text) else None
    return None if clock is None else str(clock)


def _instant(text: str) -> str | None:
    clock = _clock(text) if re.fullmatch(INSTANT_PATTERN, text) else None
    zone = _ZONE.search(text, 19)
    if clock is None or zone is None:
        return None
    sign, hours, minutes, seconds = zone.groups(default="0")
    ahead = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return str(clock - (-ahead if sign == "-" else ahead) * 10**9)


_CONVERT: dict[str, Callable[[str], str | None]] = {
    NUMBER: _number,
    FLOATING: _floating,
    DATE: _date,
    TIMESTAMP: _timestamp,
    INSTANT: _instant,
}
