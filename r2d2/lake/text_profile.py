"""What all values of text columns have in common: families, null counts, bounds.

The columns are stacked into one, (position, text), so that a query says each long expression once, however many columns
there are (*seen*: said for each of 184 columns, DuckDB planned for 220 s). The first rows rule most families out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from r2d2.lake.text_views import JSON_FAMILIES, NULL_TOKENS, TEXT_FAMILIES, converted, convertible
from r2d2.model.dataset import Bounds, BoundValue
from r2d2.model.family import BOOLEAN, DATE, FLOATING, JSON, NARROWEST_FIRST, NUMBER, ORDERED, PRESENCE, STRING

#: Strings longer than this, in bytes, are no bounds.
MAX_BOUND_BYTES = 256

_SAMPLE_ROWS = 1000
_FAMILIES = {"TEXT": TEXT_FAMILIES, "JSON": JSON_FAMILIES}
#: What a column of NULLs only can be compared as.
_ALL_FAMILIES = tuple(f for f in NARROWEST_FIRST if f != PRESENCE)
_EPOCH = 719163  # date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Profile:
    """What all values of one column have in common; families narrowest first, every one for a column of NULLs.

    ``nulls`` is None where it depends on the family (``lake.null_tokens``). ``tokens``: values that may stand for NULL.
    """

    rows: int
    nulls: int | None
    families: tuple[str, ...]
    bounds: dict[str, Bounds]
    tokens: int = 0


def profiles(con: duckdb.DuckDBPyConnection, table: str, kind: str, positions: Sequence[int]) -> dict[int, Profile]:
    """Profiles by column position.

    Args:
        con: any connection.
        table: SQL table expression with the columns ``c0 .. cN``, all VARCHAR; scanned several times.
        kind: ``TEXT`` or ``JSON``.
        positions: the columns to look at.
    """
    stack = Stack(con, table, kind)
    counts = stack.counts(positions)
    candidates = stack.candidates(positions)
    fitting: dict[int, dict[str, Bounds | None]] = {p: {} for p in positions}
    for family in _FAMILIES[kind]:
        columns = {p: counts[p][1] for p in candidates[family] if counts[p][1]}
        for position, bounds in stack.fitting(family, columns):
            fitting[position][family] = bounds
    return {p: _profile(*counts[p], fitting[p]) for p in positions}


def _profile(rows: int, present: int, tokens: int, fitting: dict[str, Bounds | None]) -> Profile:
    bounds = {family: found for family, found in fitting.items() if found}
    return Profile(rows, rows - present, tuple(fitting) if present else _ALL_FAMILIES, bounds, tokens)


@dataclass(frozen=True)
class Stack:
    """The columns of a table stacked into one."""

    con: duckdb.DuckDBPyConnection
    table: str
    kind: str

    def counts(self, positions: Sequence[int]) -> dict[int, tuple[int, int, int]]:
        """By position: rows, values that are not NULL, and among them texts that may stand for NULL."""
        short = max(map(len, NULL_TOKENS))
        tokens = f"CASE WHEN strlen(x) <= {short} THEN x IN {_listed(NULL_TOKENS)} ELSE false END"
        found = self._by_position(f"count(*), count(x), count(*) FILTER ({tokens})", positions)
        return {p: (row[0], row[1], row[2]) if (row := found.get(p)) else (0, 0, 0) for p in positions}

    def candidates(self, positions: Sequence[int]) -> dict[str, list[int]]:
        """By family: the columns whose first rows don't rule it out; most are ruled out at once."""
        families = _FAMILIES[self.kind]
        found = self._fitting_first_rows(positions, families, "x IS NOT NULL")
        return {f: [p for p, row in found.items() if row[i]] for i, f in enumerate(families)}

    def typed_without(self, positions: Sequence[int], tokens: Sequence[str]) -> list[int]:
        """The columns whose first rows are of a family narrower than string, if ``tokens`` are left out."""
        narrower = [family for family in _FAMILIES[self.kind] if family not in (STRING, JSON)]
        found = self._fitting_first_rows(positions, narrower, f"x NOT IN {_listed(tokens)}")
        return [p for p, row in found.items() if any(row)]

    def _fitting_first_rows(
        self, positions: Sequence[int], families: Sequence[str], among: str
    ) -> dict[int, tuple[Any, ...]]:
        """By position: for each family whether all first values, of those ``among`` which to look, convert to it."""
        if not positions:
            return {}
        columns = ", ".join(f"c{p}" for p in positions)
        sample = Stack(self.con, f"(SELECT {columns} FROM {self.table} LIMIT {_SAMPLE_ROWS})", self.kind)
        tests = [convertible("x", self.kind, family) for family in families]
        asked = ", ".join(f"coalesce(bool_and({test}) FILTER ({among}), true)" for test in tests)
        return sample._by_position(asked, positions)

    def occurrences(self, positions: Sequence[int], tokens: Sequence[str]) -> dict[int, dict[str, int]]:
        """By position: which of ``tokens`` are values of the column, and how often."""
        counts = ", ".join(f"count(*) FILTER (x = {_listed([token])[1:-1]})" for token in tokens)
        found = self._by_position(counts, positions)
        return {p: {t: n for t, n in zip(tokens, row, strict=True) if n} for p, row in found.items()}

    def fitting(self, family: str, columns: dict[int, int]) -> Iterator[tuple[int, Bounds | None]]:
        """The columns all of whose values convert, with bounds; ``columns``: position → number of values."""
        test, value = convertible("x", self.kind, family), converted("x", self.kind, family)
        view = value if test == "true" else f"CASE WHEN {test} THEN {value} END"
        found = self._by_position(f"count(v), {_LIMITS.get(family, 'min(v), max(v)')}", columns, view)
        fits = [p for p, present in columns.items() if found[p][0] == present]
        long = [p for p in fits if family == NUMBER and found[p][3] != columns[p]]
        key = _number_order("v")
        exact = self._by_position(f"NULL, arg_min(v, {key}), arg_max(v, {key})", long, view)
        for position in fits:
            low, high = (exact if position in exact else found)[position][1:3]
            yield position, _bounds(family, low, high) if family in ORDERED else None

    def _by_position(self, asked: str, positions: Iterable[int], view: str = "NULL") -> dict[int, tuple[Any, ...]]:
        """Aggregates of ``x``, the text, and ``v``, its ``view``, for each column; no entry where there are no rows."""
        listed = list(positions)
        if not listed:
            return {}
        texts = ", ".join(f"c{p}" for p in listed)
        stacked = f"SELECT unnest({listed}) AS p, unnest([{texts}]) AS x FROM {self.table}"
        rows = self.con.execute(
            f"SELECT p, {asked} FROM (SELECT p, x, {view} AS v FROM ({stacked})) GROUP BY p"
        ).fetchall()
        return {row[0]: row[1:] for row in rows}


def _listed(tokens: Sequence[str]) -> str:
    """Texts of R2D2 itself, none of which holds a quote, as an SQL list."""
    return "(" + ", ".join(f"'{token}'" for token in tokens) + ")"


def _bounds(family: str, low: Any, high: Any) -> Bounds | None:
    if low is None or (family == STRING and max(len(low.encode()), len(high.encode())) > MAX_BOUND_BYTES):
        return None
    canonical = _CANONICAL.get(family, int)
    return Bounds(canonical(low), canonical(high), low_tight=True, high_tight=True, low_valid=True, high_valid=True)


def _number_order(v: str) -> str:
    """Text in whose byte order plain decimals of up to 400 digits have the order of their values."""
    magnitude = f"ltrim({v}, '-')"
    whole = f"split_part({magnitude}, '.', 1)"
    key = f"lpad(CAST(length({whole}) AS VARCHAR), 3, '0') || {whole} || '.' || split_part({magnitude}, '.', 2)"
    below_zero = f"'0' || translate({key}, '0123456789', '9876543210') || '~'"
    return f"CASE WHEN starts_with({v}, '-') THEN {below_zero} ELSE '1' || {key} END"


def _decimal(value: Decimal | str) -> Decimal:
    text = format(value, "f") if isinstance(value, Decimal) else value
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def _days(value: Any) -> int:
    return int(value.toordinal() - _EPOCH)


#: Numbers that fit it exactly are compared as DECIMAL(38, 10), and counted; one that doesn't takes ``_number_order``.
_SHORT = "TRY_CAST(CASE WHEN length(v) <= 28 AND length(split_part(v, '.', 2)) <= 10 THEN v END AS DECIMAL(38, 10))"
_LIMITS = {
    NUMBER: f"min({_SHORT}), max({_SHORT}), count({_SHORT})",
    FLOATING: "min(v) FILTER (NOT isnan(v)), max(v) FILTER (NOT isnan(v))",
}
_CANONICAL: dict[str, Callable[[Any], BoundValue]] = {
    BOOLEAN: bool,
    NUMBER: _decimal,
    FLOATING: float,
    DATE: _days,
    STRING: str,
}
