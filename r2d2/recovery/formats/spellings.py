"""How a column of text spells its values: told from some of its texts, and done again with the parent's values.

A style is short text that a header keeps. Whether it gives back every text only a rebuild shows: the identity of what
was written is compared with what it was.

========= =============================================================================================================
family    styles
========= =============================================================================================================
boolean   ``true``, ``True`` or ``TRUE``: the case
number    the number of digits after the point; ``short``: as few as there are; ``point``: as few, but one at least
floating  who writes like that (``_FLOATS``), then the texts for NaN and infinity: the shortest digits that read back
date      ``iso``
timestamp what stands before the time; digits of the fraction, or ``trim`` (no zeros at its end), ``python`` (six or
          none), ``java`` (three, six, nine or none); what stands for the zone
========= =============================================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from r2d2.errors import UnreadableData
from r2d2.model.family import BOOLEAN, DATE, FLOATING, INSTANT, NUMBER, TIMESTAMP
from r2d2.recovery.formats.texts import FAMILIES, values_of

_SEP = "|"
_FALSE = {"true": "false", "True": "False", "TRUE": "FALSE"}
_ZONE = re.compile(r"(?:Z|([+-])(\d\d)(?::?(\d\d))?(?::(\d\d))?)?$")
_TIME = re.compile(r".{10}([ T]).{8}(?:\.(\d+))?(.*)$", re.DOTALL)


#: What is written where no style gives back all that was seen: equal values, spelled otherwise.
USUAL: Mapping[str, str] = {
    BOOLEAN: "true",
    NUMBER: "short",
    FLOATING: f"python{_SEP}NaN{_SEP}Infinity",
    DATE: "iso",
    TIMESTAMP: f" {_SEP}trim{_SEP}",
    INSTANT: f" {_SEP}trim{_SEP}Z",
}


class Floats(NamedTuple):
    """How doubles are written: plain where low ≤ exponent < high, else with an exponent.

    Attributes:
        plain_point, exponent_point: ``.0`` after an integer.
        exponent: format of the exponent.
        two_digits: where one digit would do, the nearest number of two (Java writes 4.9E-324).
    """

    low: int
    high: int
    plain_point: bool
    exponent_point: bool
    exponent: str
    two_digits: bool = False


_FLOATS = {
    "python": Floats(-4, 16, True, False, "e{:+03d}"),  # pandas and DuckDB, too
    "java": Floats(-3, 7, True, True, "E{:d}", True),  # Spark
    "polars": Floats(-5, 16, True, False, "e{:+d}"),
    "arrow": Floats(-6, 10, False, False, "e{:+d}"),
    "pandas": Floats(-10, 17, True, False, "e{:+d}"),  # its JSON
    "short": Floats(-4, 16, False, False, "e{:+03d}"),
}


def styles_of(texts: Sequence[str]) -> dict[str, str]:
    """For each family that all the texts are of, the style that gives them back; without texts none."""
    found = {}
    for family in FAMILIES if texts else ():
        values = values_of(texts, family)
        style = None if values is None else _style_of(texts, values, family)
        if style is not None:
            found[family] = style
    return found


def spelled(values: pa.Array, family: str, style: str) -> pa.Array:
    """The texts of values; NULL for NULL.

    Raises:
        UnreadableData: a value has more digits than the style writes.
    """
    if family == BOOLEAN:
        return pc.if_else(values, style, _FALSE[style])
    if family == NUMBER:
        return _numbers(values, style)
    if family == FLOATING:
        return _floats(values, style)
    return values.cast(pa.string()) if family == DATE else _times(values, style)


def family_of_type(kind: pa.DataType) -> str | None:
    """The family that values of a type are spelled as; None for texts."""
    if pa.types.is_boolean(kind):
        return BOOLEAN
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return NUMBER
    if pa.types.is_floating(kind):
        return FLOATING
    if pa.types.is_date(kind):
        return DATE
    if pa.types.is_timestamp(kind):
        return INSTANT if kind.tz else TIMESTAMP
    return None


def _style_of(texts: Sequence[str], values: pa.Array, family: str) -> str | None:
    """The first style under which the values give the texts."""
    for style in _candidates(texts, family):
        try:
            if spelled(values, family, style).to_pylist() == list(texts):
                return style
        except (UnreadableData, pa.ArrowException):
            continue
    return None


def _candidates(texts: Sequence[str], family: str) -> Iterator[str]:
    if family == BOOLEAN:
        yield from _FALSE
    elif family == NUMBER:
        # where no text tells: most writers of doubles put a point after integers, too
        yield from dict.fromkeys((str(len(texts[0].partition(".")[2])), "point", "short"))
    elif family == FLOATING:
        nan = next((text for text in texts if text.lower() == "nan"), "NaN")
        infinity = next((text.lstrip("-") for text in texts if text.lstrip("-").lower().startswith("inf")), "Infinity")
        yield from (f"{name}{_SEP}{nan}{_SEP}{infinity}" for name in _FLOATS)
    elif family == DATE:
        yield "iso"
    else:
        yield from _time_styles(texts)


def _time_styles(texts: Sequence[str]) -> Iterator[str]:
    parts = _TIME.match(texts[0])
    if parts:
        for fraction in dict.fromkeys((str(len(parts[2] or "")), "trim", "python", "java")):
            yield f"{parts[1]}{_SEP}{fraction}{_SEP}{parts[3]}"


def _numbers(values: pa.Array, style: str) -> pa.Array:
    """By way of the unscaled value: Arrow writes small decimals with an exponent."""
    scale = values.type.scale if pa.types.is_decimal(values.type) else 0
    digits = max(scale, int(style)) if style.isdigit() else scale
    wide = values.cast(pa.decimal128(20, 0)) if pa.types.is_integer(values.type) else values
    wide = wide.cast(pa.decimal256(76, scale)).cast(pa.decimal256(76, digits))
    texts = _unscaled(wide).cast(pa.string())
    negative = pc.starts_with(texts, "-")
    padded = pc.utf8_lpad(pc.utf8_ltrim(texts, "-"), digits + 1, "0")
    whole = pc.utf8_slice_codeunits(padded, 0, -digits) if digits else padded
    fraction = pc.utf8_slice_codeunits(padded, -digits) if digits else pc.utf8_slice_codeunits(padded, 0, 0)
    return _joined(pc.if_else(negative, "-", ""), whole, _fraction(fraction, style))


def _unscaled(values: pa.Array) -> pa.Array:
    """The digits of decimals as integers; the same bytes are read with another scale."""
    integers = pa.decimal256(76, 0)
    return pa.Array.from_buffers(integers, len(values), values.buffers(), values.null_count, values.offset)


def _fraction(digits: pa.Array, style: str) -> pa.Array:
    """Digits of a fraction as a style shows them, with the point where there are any."""
    short = pc.utf8_rtrim(digits, "0")
    if style.isdigit():
        wanted = int(style)
        if (pc.max(pc.utf8_length(short)).as_py() or 0) > wanted:
            raise UnreadableData(f"a value has more than {wanted} digits after the point")
        shown = pc.utf8_slice_codeunits(pc.utf8_rpad(short, wanted, "0"), 0, wanted)
    elif style == "point":
        shown = pc.if_else(pc.equal(short, ""), "0", short)
    elif style == "python":
        shown = pc.if_else(pc.equal(short, ""), "", pc.utf8_rpad(short, 6, "0"))
    elif style == "java":
        length = pc.utf8_length(short)
        shown = pc.utf8_rpad(short, 9, "0")
        for width in (6, 3):
            shown = pc.if_else(pc.less_equal(length, width), pc.utf8_slice_codeunits(shown, 0, width), shown)
        shown = pc.if_else(pc.equal(length, 0), "", shown)
    else:
        shown = short
    return pc.if_else(pc.equal(shown, ""), "", _joined(pa.scalar("."), shown))


def _floats(values: pa.Array, style: str) -> pa.Array:
    name, nan, infinity = style.split(_SEP)
    floats = _FLOATS[name]
    texts = [None if value is None else _float(value, floats, nan, infinity) for value in values.to_pylist()]
    return pa.array(texts, pa.string())


def _float(value: float, style: Floats, nan: str, infinity: str) -> str:
    """A double by the digits of Python's ``repr``, the shortest ones that read back."""
    text = repr(value)
    if not text[-1].isdigit():
        return nan if text == "nan" else text.replace("inf", infinity)
    if style.two_digits and len(text.partition("e")[0].strip("-")) == 1:
        text = f"{value:.1e}"
    sign, text = ("-", text[1:]) if text[0] == "-" else ("", text)
    mantissa, _, power = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    exponent = int(power or 0) + len(whole) - 1 - (len(whole + fraction) - len(digits) if whole == "0" else 0)
    digits = digits.rstrip("0") or "0"
    exponent = exponent if digits != "0" else 0
    if style.low <= exponent < style.high:
        return sign + _plain(digits, exponent, style.plain_point)
    rest = digits[1:] or ("0" if style.exponent_point else "")
    return f"{sign}{digits[0]}{'.' if rest else ''}{rest}{style.exponent.format(exponent)}"


def _plain(digits: str, exponent: int, point: bool) -> str:
    if exponent < 0:
        return f"0.{'0' * (-exponent - 1)}{digits}"
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    fraction = digits[exponent + 1 :] or ("0" if point else "")
    return f"{whole}{'.' if fraction else ''}{fraction}"


def _times(values: pa.Array, style: str) -> pa.Array:
    separator, fraction, zone = style.split(_SEP)
    unit = "ns" if values.type.unit == "ns" else "us"
    local = values.cast(pa.timestamp(values.type.unit, values.type.tz and "UTC")).cast(pa.timestamp(values.type.unit))
    moved = pc.add(local.cast(pa.timestamp(unit)), pa.scalar(_offset(zone), pa.duration("s")).cast(pa.duration(unit)))
    texts = moved.cast(pa.string())
    day, clock = pc.utf8_slice_codeunits(texts, 0, 10), pc.utf8_slice_codeunits(texts, 11, 19)
    digits = pc.utf8_slice_codeunits(texts, 20)
    return _joined(day, pa.scalar(separator), clock, _fraction(digits, fraction), pa.scalar(zone))


def _offset(zone: str) -> int:
    """Seconds that the clock of a zone is ahead."""
    found = _ZONE.match(zone)
    if not found or not found[1]:
        return 0
    seconds = sum(int(part or 0) * factor for part, factor in zip(found.groups()[1:], (3600, 60, 1), strict=True))
    return seconds if found[1] == "+" else -seconds


def _joined(*parts: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(*parts, pa.scalar(""))
