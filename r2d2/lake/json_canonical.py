"""JSON values read without losing anything, and the one canonical text of each (EXACTNESS 4).

DuckDB's JSON functions turn ``1.10`` into ``1.1`` and long numbers into doubles: values are parsed here, with numbers
kept as text. Canonical: strings with one fixed escaping, numbers by value, objects with their keys sorted, no spaces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from json.encoder import encode_basestring
from typing import Any

#: Longest run of digits that a number is written out to; a longer one becomes digits and exponent.
_PLAIN_DIGITS = 100
#: Levels of lists and objects in a record; ``canonical`` calls itself for each.
MAX_DEPTH = 200
_EXPONENT_CHARACTERS = 18
#: What is canonical as it stands, if it is short.
_PLAIN_FRACTION = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9]")


class BadJson(ValueError):
    """A JSON text that is malformed, ambiguous or beyond what can be compared; says why without citing it."""


class Number(str):
    """A JSON number in canonical text. ``-0`` is ``0``, ``1.0`` and ``10e-1`` are ``1``."""

    __slots__ = ()


def canonical(value: Any) -> str:
    """The canonical text of a parsed value.

    >>> canonical(parse('{"b": [1.50, "é"], "a": 1e2}'))
    '{"a":100,"b":[1.5,"é"]}'
    """
    if type(value) is Number:
        return str(value)
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, list):
        return f"[{','.join(map(canonical, value))}]"
    return f"{{{','.join(f'{encode_basestring(k)}:{canonical(value[k])}' for k in sorted(value))}}}"


def parse(text: str, decoder: json.JSONDecoder | None = None) -> Any:
    """The value of a JSON text: dict, list, str, ``Number``, bool or None.

    Args:
        text: one JSON value, and spaces around it.
        decoder: ``DECODER``, or one ``decoder_with_memory``.

    Raises:
        BadJson: malformed, a repeated key, half of a surrogate pair, NaN or Infinity, nested too deeply.
    """
    try:
        value = (decoder or DECODER).decode(text)
    except json.JSONDecodeError as error:
        raise BadJson(f"is no valid JSON ({error.msg})") from None
    except RecursionError:
        raise BadJson("is nested too deeply") from None
    check(text, value)
    return value


def check(text: str, value: Any) -> None:
    """What the parser lets pass: deep nesting, and half of a surrogate pair, which only an escape can bring in.

    Raises:
        BadJson: the value holds such.
    """
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(value):
        raise BadJson(f"is nested too deeply (more than {MAX_DEPTH} levels)")
    if "\\ud" not in text and "\\uD" not in text:
        return
    try:
        canonical(value).encode()
    except UnicodeEncodeError:
        raise BadJson("holds half of a surrogate pair (\\ud800 to \\udfff), which is no character") from None


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return any(isinstance(inner, dict | list) for inner in level)


def canonical_number(text: str) -> Number:
    """The canonical text of a JSON number with a fraction or exponent.

    Raises:
        BadJson: an exponent of more than 18 characters.
    """
    if len(text) <= _PLAIN_DIGITS and _PLAIN_FRACTION.fullmatch(text):
        return Number(text)
    negative = text.startswith("-")
    mantissa, _, exponent = text.lstrip("-").lower().partition("e")
    if len(exponent) > _EXPONENT_CHARACTERS:
        raise BadJson("holds a number with an exponent that is too long")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    stripped = digits.rstrip("0")
    if not stripped:
        return Number("0")
    power = int(exponent or "0") - len(fraction) + len(digits) - len(stripped)
    return Number(("-" if negative else "") + _written(stripped, power))


def _written(digits: str, power: int) -> str:
    """``digits`` times ten to the ``power``; no zero at either end of ``digits``."""
    point = len(digits) + power
    if max(point, len(digits), 1 - power) > _PLAIN_DIGITS:
        return f"{digits}e{power}" if power else digits
    if power >= 0:
        return digits + "0" * power
    if point <= 0:
        return "0." + "0" * -point + digits
    return f"{digits[:point]}.{digits[point:]}"


def _integer(text: str) -> Number:
    return Number(text) if len(text) <= _PLAIN_DIGITS and text != "-0" else canonical_number(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadJson("holds an object with the same key twice")
    return found


def _constant(name: str) -> Any:
    raise BadJson(f"holds {name}, which is not JSON")


_WORDS = {None: "null", True: "true", False: "false"}


def _decoder(integer: Callable[[str], Number], fraction: Callable[[str], Number]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_object, parse_int=integer, parse_float=fraction, parse_constant=_constant
    )


def decoder_with_memory() -> json.JSONDecoder:
    """A decoder for one text of bounded size: most numbers of a file stand in it many times, and are made once."""
    return _decoder(cache(_integer), cache(canonical_number))


#: Parses one value at a position; the hooks raise ``BadJson``.
DECODER = _decoder(_integer, canonical_number)
