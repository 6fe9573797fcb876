"""What all values of text columns have in common: families, null counts, bounds.

The columns are stacked into one (``lake.text_stack``), so that a query says each long expression once, however many
columns there are (*seen*: said for each of 184 columns, DuckDB planned for 220 s), and of however many files. The first
rows rule most families out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from r2d2.lake.text_stack import Stack
from r2d2.lake.text_views import JSON_FAMILIES, NULL_TOKENS, TEXT_FAMILIES, converted, convertible
from r2d2.model.dataset import Bounds, BoundValue
from r2d2.model.family import BOOLEAN, DATE, FLOATING, JSON, NARROWEST_FIRST, NUMBER, ORDERED, PRESENCE, STRING

#: Strings longer than this, in bytes, are no bounds.
MAX_BOUND_BYTES = 256

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


def profiles(stack: Stack, positions: Sequence[int]) -> dict[int, Profile]:
    """Profiles by column position.

    Args:
        stack: the texts of the columns; read several times.
        positions: the columns to look at.
    """
    asked = Questions(stack)
    counts = asked.counts(positions)
    candidates = asked.candidates(positions)
    fitting: dict[int, dict[str, Bounds | None]] = {p: {} for p in positions}
    for family in _FAMILIES[stack.kind]:
        columns = {p: counts[p][1] for p in candidates[family] if counts[p][1]}
        for position, bounds in asked.fitting(family, columns):
            fitting[position][family] = bounds
    return {p: _profile(*counts[p], fitting[p]) for p in positions}


def _profile(rows: int, present: int, tokens: int, fitting: dict[str, Bounds | None]) -> Profile:
    bounds = {family: found for family, found in fitting.items() if found}
    return Profile(rows, rows - present, tuple(fitting) if present else _ALL_FAMILIES, bounds, tokens)


@dataclass(frozen=True)
class Questions:
    """What is asked of all texts of a stack's columns."""

    stack: Stack

    def counts(self, positions: Sequence[int]) -> dict[int, tuple[int, int, int]]:
        """By position: rows, values that are not NULL, and among them texts that may stand for NULL."""
        short = max(map(len, NULL_TOKENS))
        tokens = f"CASE WHEN strlen(x) <= {short} THEN x IN {_listed(NULL_TOKENS)} ELSE false END"
        asked = f"sum(n), {_number_of('x IS NOT NULL')}, {_number_of(tokens)}"
        found = self._by_position(asked, self.stack.rows(positions), positions)
        return {p: (row[0], row[1], row[2]) if (row := found.get(p)) else (0, 0, 0) for p in positions}

    def candidates(self, positions: Sequence[int]) -> dict[str, list[int]]:
        """By family: the columns whose first rows don't rule it out; most are ruled out at once."""
        families = _FAMILIES[self.stack.kind]
        found = self._fitting_first_rows(positions, families, "x IS NOT NULL")
        return {f: [p for p, row in found.items() if row[i]] for i, f in enumerate(families)}

    def typed_without(self, positions: Sequence[int], tokens: Sequence[str]) -> list[int]:
        """The columns whose first rows are of a family narrower than string, if ``tokens`` are left out."""
        narrower = [family for family in _FAMILIES[self.stack.kind] if family not in (STRING, JSON)]
        found = self._fitting_first_rows(positions, narrower, f"x NOT IN {_listed(tokens)}")
        return [p for p, row in found.items() if any(row)]

    def _fitting_first_rows(
        self, positions: Sequence[int], families: Sequence[str], among: str
    ) -> dict[int, tuple[Any, ...]]:
        """By position: for each family whether all first values, of those ``among`` which to look, convert to it."""
        tests = [convertible("x", self.stack.kind, family) for family in families]
        asked = ", ".join(f"coalesce(bool_and({test}) FILTER ({among}), true)" for test in tests)
        return self._by_position(asked, self.stack.first(positions), positions)

    def occurrences(self, positions: Sequence[int], tokens: Sequence[str]) -> dict[int, dict[str, int]]:
        """By position: which of ``tokens`` are values of the column, and how often."""
        counts = ", ".join(_number_of(f"x = {_listed([token])[1:-1]}") for token in tokens)
        found = self._by_position(counts, self.stack.rows(positions), positions)
        return {p: {t: n for t, n in zip(tokens, row, strict=True) if n} for p, row in found.items()}

    def fitting(self, family: str, columns: dict[int, int]) -> Iterator[tuple[int, Bounds | None]]:
        """The columns all of whose values convert, with bounds; ``columns``: position → number of values."""
        kind, positions = self.stack.kind, list(columns)
        test, value = convertible("x", kind, family), converted("x", kind, family)
        view = value if test == "true" else f"CASE WHEN {test} THEN {value} END"
        asked = f"{_number_of('v IS NOT NULL')}, {_LIMITS.get(family, 'min(v), max(v)')}"
        found = self._by_position(asked, self.stack.rows(positions), positions, view)
        fits = [p for p, present in columns.items() if found[p][0] == present]
        long = [p for p in fits if family == NUMBER and found[p][3] != columns[p]]
        key = _number_order("v")
        exact = self._by_position(f"NULL, arg_min(v, {key}), arg_max(v, {key})", self.stack.rows(long), long, view)
        for position in fits:
            low, high = (exact if position in exact else found)[position][1:3]
            yield position, _bounds(family, low, high) if family in ORDERED else None

    def _by_position(
        self, asked: str, rows: str, positions: Sequence[int], view: str = "NULL"
    ) -> dict[int, tuple[Any, ...]]:
        """Aggregates of ``x``, the text, and ``v``, its ``view``, for each column; no entry where there are no rows."""
        if not positions:
            return {}
        query = f"SELECT p, {asked} FROM (SELECT p, x, n, {view} AS v FROM {rows}) GROUP BY p"
        return {row[0]: row[1:] for row in self.stack.con.execute(query).fetchall()}


def _number_of(condition: str) -> str:
    """SQL of the number of rows that meet a condition."""
    return f"coalesce(sum(n) FILTER ({condition}), 0)"


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
    NUMBER: f"min({_SHORT}), max({_SHORT}), {_number_of(f'{_SHORT} IS NOT NULL')}",
    FLOATING: "min(v) FILTER (NOT isnan(v)), max(v) FILTER (NOT isnan(v))",
}
_CANONICAL: dict[str, Callable[[Any], BoundValue]] = {
    BOOLEAN: bool,
    NUMBER: _decimal,
    FLOATING: float,
    DATE: _days,
    STRING: str,
}
