r"""The grammar of each family in text, and exact conversion, as DuckDB SQL (EXACTNESS 4).

A text field converts to a family if it matches the fixed grammar below and denotes exactly the value; several
spellings of one value are allowed. ``x`` is always an SQL expression of type VARCHAR, made by R2D2 (never from data).

=========== ================================================================================================
family      grammar of a TEXT field (bytes 0-9 only; no spaces, ``+``, hex, underscores, leading zeros)
=========== ================================================================================================
boolean     ``true false True False TRUE FALSE``
number      ``-?(0|[1-9][0-9]*)(\.[0-9]+)?`` or ``-?\.[0-9]+``, then an exponent ``[eE][+-]?[0-9]+`` or none; at
            most 1,000 characters, an exponent within 999, at most 400 digits when written without exponent
floating    a number that equals the shortest decimal that rounds to its double; ``NaN nan inf -inf Infinity -Infinity``
date        ``YYYY-MM-DD``, a real day from 0001-01-01 to 9999-12-31
timestamp   a date, a space or ``T``, ``HH:MM:SS``, then ``.`` and one to nine digits or nothing; no zone
instant     a timestamp and ``Z`` or ``±HH``, ``±HH:MM``, ``±HH:MM:SS``
string      everything
=========== ================================================================================================

The kind JSON is the canonical text of one JSON value (``lake.json_text``): only JSON numbers are number or floating,
only ``true`` and ``false`` are boolean, only JSON strings are string, date, timestamp or instant; all is ``json``.

DuckDB's casts are no grammar (they read ``1.7`` as the integer 2, ``0x10`` as 16), and its DOUBLE to VARCHAR is wrong
for some doubles (*seen* in 2.0.0: 2**81 printed as 2**82), so doubles are printed by ``to_json``, which is right.
"""

from __future__ import annotations

from r2d2.lake.layout import Column
from r2d2.model.family import BINARY, BOOLEAN, DATE, FLOATING, INSTANT, JSON, NUMBER, STRING, TIMESTAMP, is_nested

#: Families of a text leaf, narrowest first. ``BINARY`` and, for TEXT, ``JSON`` admit nothing but NULL.
TEXT_FAMILIES = (BOOLEAN, NUMBER, FLOATING, DATE, TIMESTAMP, INSTANT, STRING)
JSON_FAMILIES = (*TEXT_FAMILIES, JSON)

_BOOLEANS = "('true', 'false', 'True', 'False', 'TRUE', 'FALSE')"
_SPECIALS = "('NaN', 'nan', 'inf', '-inf', 'Infinity', '-Infinity')"
_DECIMAL = r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)"
_NUMBER = _DECIMAL + r"(?:[eE][+-]?0*[0-9]{1,3})?"
_CANONICAL = r"0|-?[1-9][0-9]*|-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9]"
DATE_PATTERN = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIMESTAMP_PATTERN = DATE_PATTERN + r"[ T](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
INSTANT_PATTERN = TIMESTAMP_PATTERN + "(?:Z|[+-](?:[01][0-9]|2[0-3])(?::[0-5][0-9](?::[0-5][0-9])?)?)"

_PATTERNS = {DATE: DATE_PATTERN, TIMESTAMP: TIMESTAMP_PATTERN, INSTANT: INSTANT_PATTERN}

#: Texts that may stand for NULL in a CSV column of values of another family: those that pandas reads so, ``\N`` of
#: Hive and databases, and a dash.
NULL_TOKENS = (
    "NULL", "null", "Null", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "None", "none", "\\N", "-", "NaN", "nan", "NaT",
)  # fmt: skip

MOST_CHARACTERS = 1000
MOST_DIGITS = 400
MOST_EXPONENT = 999
#: The function on a connection that ``json_nested.register`` makes.
NESTED_FUNCTION = "r2d2_nested_text"

_IN_JSON_STRINGS = frozenset({DATE, TIMESTAMP, INSTANT, STRING})
_SQL_TYPES = {
    BOOLEAN: "BOOLEAN",
    NUMBER: "VARCHAR",
    FLOATING: "DOUBLE",
    DATE: "DATE",
    TIMESTAMP: "HUGEINT",
    INSTANT: "HUGEINT",
    BINARY: "BLOB",
    STRING: "VARCHAR",
    JSON: "VARCHAR",
}


def convertible(x: str, kind: str, family: str) -> str:
    """SQL BOOLEAN, never NULL for a ``x`` that is not NULL: does ``x`` convert to ``family`` losslessly?

    Args:
        x: SQL expression of type VARCHAR.
        kind: ``TEXT`` or ``JSON`` (``lake.layout``).
        family: a scalar family or ``json``; another one admits nothing.
    """
    if family == JSON:
        return "true" if kind == "JSON" else "false"
    if family not in TEXT_FAMILIES:
        return "false"
    if kind == "JSON" and family in _IN_JSON_STRINGS:
        test = _text_convertible(_inside(x), family)
        return f"(CASE WHEN starts_with({x}, '\"') THEN {test} ELSE false END)"
    return _text_convertible(x, family)


def converted(x: str, kind: str, family: str) -> str:
    """SQL value of ``x`` in the canonical type of ``family``; NULL for NULL, undefined where it isn't convertible.

    BOOLEAN; number: VARCHAR, plain decimal without exponent, leading zeros, trailing zeros after the point or ``-0``;
    floating: DOUBLE without -0.0; DATE; timestamp and instant: HUGEINT nanoseconds since 1970-01-01 (UTC);
    string: VARCHAR; json: VARCHAR, canonical; binary: BLOB, always NULL.

    Raises:
        ValueError: a family that no text converts to.
    """
    if is_nested(family):
        return nested_text(x, family) if kind == "JSON" else "CAST(NULL AS VARCHAR)"
    if family not in _SQL_TYPES:
        raise ValueError(f"no text converts to {family}")
    if family == BINARY or (family == JSON and kind != "JSON"):
        return f"CAST(NULL AS {_SQL_TYPES[family]})"
    if kind == "JSON" and family == STRING:
        return f"(CASE WHEN contains({x}, '\\') THEN json_extract_string({x}, '$') ELSE {_inside(x)} END)"
    return _text_converted(_inside(x) if kind == "JSON" and family in _IN_JSON_STRINGS else x, family)


def nested_text(x: str, family: str) -> str:
    """SQL of the encoding of a JSON list under a nested family, by ``json_nested``; fails where it does not convert."""
    return f"{NESTED_FUNCTION}({x}, decode(unhex('{family.encode('utf-8').hex()}')))"


def present(x: str, column: Column, family: str) -> str:
    """SQL of the text of a column's value under ``family``, NULL where the column's token for NULL stands.

    As a string the token is the text that it is.

    Raises:
        ValueError: the token is not on the list; what is not never reaches SQL.
    """
    if not column.null_token or family == STRING:
        return x
    if column.null_token not in NULL_TOKENS:
        raise ValueError("an unknown token for NULL")
    return f"nullif({x}, '{column.null_token}')"


def exact(x: str, column: Column, family: str) -> str:
    """Like ``converted``, for the values of a column: NULL for its token, too.

    The scan fails where a value has become one that doesn't convert.
    """
    x = present(x, column, family)
    value = converted(x, column.kind, family)
    if family in (STRING, JSON, BINARY) or is_nested(family):
        return value
    failure = f"error('a text is no {family}')::{_SQL_TYPES[family]}"
    return f"CASE WHEN ({x}) IS NOT NULL THEN coalesce({value}, {failure}) END"


def _inside(x: str) -> str:
    """What stands between the quotes of a JSON string; equal to its value if it has no escapes."""
    return f"substring({x}, 2, length({x}) - 2)"


def _text_convertible(x: str, family: str) -> str:
    if family == STRING:
        return "true"
    if family == BOOLEAN:
        return f"({x} IN {_BOOLEANS})"
    if family == NUMBER:
        return _is_number(x)
    if family == FLOATING:
        return _is_floating(x)
    if family == DATE:
        return f"(CASE WHEN length({x}) = 10 AND {_matches(x, DATE_PATTERN)} THEN {_is_day(x)} ELSE false END)"
    in_length = f"length({x}) BETWEEN 19 AND 38"
    return f"(CASE WHEN {in_length} AND {_matches(x, _PATTERNS[family])} THEN {_is_day(f'{x}[1:10]')} ELSE false END)"


def _text_converted(x: str, family: str) -> str:
    if family == BOOLEAN:
        return f"(lower({x}) = 'true')"
    if family == NUMBER:
        return _canonical_number(x)
    if family == FLOATING:
        return f"(TRY_CAST({x} AS DOUBLE) + 0.0::DOUBLE)"  # -0.0 + 0.0 is 0.0
    if family == DATE:
        return f"TRY_CAST({x} AS DATE)"
    if family == TIMESTAMP:
        return _wall_clock(x)
    if family == INSTANT:
        return f"({_wall_clock(x)} - {_offset_seconds(x)}::HUGEINT * 1000000000)"
    return x


def _matches(x: str, pattern: str) -> str:
    return f"regexp_full_match({x}, '{pattern}')"


def _is_number(x: str) -> str:
    """Short and without exponent: no further question. Otherwise the digits of the plain form are counted."""
    digits = f"length(replace(ltrim({_plain_decimal(x)}, '-'), '.', ''))"
    return (
        f"(CASE WHEN length({x}) <= 100 AND {_matches(x, _DECIMAL)} THEN true "
        f"WHEN length({x}) <= {MOST_CHARACTERS} AND {_matches(x, _NUMBER)} THEN {digits} <= {MOST_DIGITS} "
        "ELSE false END)"
    )


def _is_floating(x: str) -> str:
    """Up to 15 digits near 1 always come back from a double; otherwise the shortest decimal of the double decides.

    That decimal has at most 400 digits, so a text that equals it has, too.
    """
    shortest = f"CAST(to_json(TRY_CAST({x} AS DOUBLE)) AS VARCHAR)"
    return (
        f"(CASE WHEN {x} IN {_SPECIALS} THEN true WHEN length({x}) <= 15 AND {_matches(x, _DECIMAL)} THEN true "
        f"WHEN length({x}) > {MOST_CHARACTERS} OR NOT {_matches(x, _NUMBER)} THEN false "
        f"WHEN NOT coalesce(isfinite(TRY_CAST({x} AS DOUBLE)), false) THEN false "
        f"WHEN {shortest} = {x} THEN true "
        f"ELSE {_plain_decimal(x)} = {_plain_decimal(shortest)} END)"
    )


def _canonical_number(x: str) -> str:
    return f"(CASE WHEN {_matches(x, _CANONICAL)} THEN {x} ELSE {_plain_decimal(x)} END)"


def _plain_decimal(x: str) -> str:
    """The number ``x`` without exponent and needless zeros: its digits, and the place of the point among them.

    Lambdas over one-element lists bind what is used several times. Exponents are within 999, by the grammar.
    """
    split = (
        f"list_transform([lower(ltrim({x}, '-'))], lambda v: {{"
        "'s': replace(split_part(v, 'e', 1), '.', ''), "
        "'p': length(split_part(split_part(v, 'e', 1), '.', 1)) "
        "+ coalesce(TRY_CAST(split_part(v, 'e', 2) AS INTEGER), 0)})"
    )
    stripped = (
        f"list_transform({split}, lambda t: {{'d': rtrim(ltrim(t.s, '0'), '0'), "
        "'p': t.p - length(t.s) + length(ltrim(t.s, '0'))})"
    )
    return (
        f"list_transform({stripped}, lambda t: CASE WHEN t.d = '' THEN '0' ELSE "
        f"CASE WHEN starts_with({x}, '-') THEN '-' ELSE '' END || "
        "CASE WHEN t.p <= 0 THEN '0.' || repeat('0', -t.p) || t.d "
        "WHEN t.p >= length(t.d) THEN t.d || repeat('0', t.p - length(t.d)) "
        "ELSE t.d[1:t.p] || '.' || t.d[t.p + 1:] END END)[1]"
    )


def _is_day(x: str) -> str:
    """A day of the calendar in years 1 to 9999: DuckDB prints year 0 as ``(BC)``, so it doesn't come back."""
    return f"coalesce(CAST(TRY_CAST({x} AS DATE) AS VARCHAR) = {x}, false)"


def _wall_clock(x: str) -> str:
    """Nanoseconds of what the clock shows, whatever follows the fraction."""
    days = f"(TRY_CAST({x}[1:10] AS DATE) - DATE '1970-01-01')::HUGEINT"
    seconds = " + ".join(f"{_digits(x, start)} * {unit}" for start, unit in ((12, 3600), (15, 60), (18, 1)))
    fraction = f"regexp_extract({x}, '^.{{19}}[.]([0-9]+)', 1)"
    return f"(({days} * 86400 + {seconds}) * 1000000000 + TRY_CAST(rpad({fraction}, 9, '0') AS BIGINT))"


def _offset_seconds(x: str) -> str:
    """Seconds by which the clock of an instant is ahead of UTC."""
    zone = f"ltrim({x}[20:], '.0123456789')"
    ahead = " + ".join(f"{_digits(zone, start)} * {unit}" for start, unit in ((2, 3600), (5, 60), (8, 1)))
    return f"(({ahead}) * CASE WHEN starts_with({zone}, '-') THEN -1 ELSE 1 END)"


def _digits(x: str, start: int) -> str:
    """Two digits from ``start`` (from 1) as a number, 0 where the text ends before."""
    return f"coalesce(TRY_CAST(({x})[{start}:{start + 1}] AS BIGINT), 0)"
