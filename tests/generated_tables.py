"""Small generated tables for property tests: values as Python objects, stored as types drawn for each table.

What is contained in what is decided on the Python values, before anything is written: no DuckDB, no hash, no reader.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from tests.oracle_pairs import canonical

D = Decimal
Value = Any

#: Numbers that a type can hold together: whole and of all widths, with two decimals, around the short form's edges.
_WIDE = [
    D(text)
    for text in (
        "0", "-1", "1", "127", "128", "-128", "255", "256", "65536", "2147483648", "9007199254740993", "999999999999",
        "1000000000000", "9223372036854775807", "18446744073709551615", "18446744073709551617", "-9223372036854775808",
        "99999999999999999999999999999999999999",
    )
]  # fmt: skip
_TALL = [D(t) for t in ("0", "-0.01", "-1", "18446744073709551617", "1.5", "-0.5", "999999999999.5", "1000000000000")]
_FINE = [D(t) for t in ("0", "0.5", "0.0000001", "0.1234567", "-0.5", "999999999999.5", "999999999999.9999999", "1")]
_NUMBERS = frozenset({"small", "number", "wide", "tall", "fine"})
_DOUBLES = [
    0.0, -0.0, 1.0, -1.5, math.nan, math.inf, -math.inf, 0.1, struct.unpack("<f", struct.pack("<f", 0.1))[0], 2.0**81,
    2.0**82, 5e-324, 1.7976931348623157e308, 9007199254740993.0,
]  # fmt: skip
_STRINGS = [
    "", "a", "a;vb", "b;va", "b", "a;", ";", "n", "v", "\\", "ab", "A", "a" * 33, "a" * 32 + "b",
    "a" * 300, "a" * 299 + "b", "é",
    "\U0001f600", "\x00", "a\x00", "'", "1", "01", "1.0", "NULL", "0[", "true",
]  # fmt: skip
#: Nanoseconds: below a millisecond, below a microsecond, before 1970, far away.
_MOMENTS = [0, 1, 999, 1000, 1001, 999_999, 1_000_000, -1, -1000, -1_000_000, 1_600_000_000_000_000_000, 10**18 + 1]
_COLLIDING = [bytes(range(1, 25)), bytes(b ^ (0x80 if i in (7, 15) else 0) for i, b in enumerate(range(1, 25)))]


def _nullable(strategy: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return st.one_of(strategy, strategy, strategy, st.none())


def _few(values: Sequence[Value]) -> st.SearchStrategy[Value]:
    return _nullable(st.sampled_from(values))


_INTS = _few([D(0), D(1), D(2), D(-1)])
_LISTS = _nullable(st.lists(_INTS, max_size=2))
#: Families of columns, and the values that each draws from.
FAMILIES: dict[str, st.SearchStrategy[Value]] = {
    "small": _few([D(n) for n in range(6)]),
    "wide": _few(_WIDE),
    "tall": _few(_TALL),
    "fine": _few(_FINE),
    "floating": _few(_DOUBLES),
    "string": _few(_STRINGS),
    "binary": _few([*_COLLIDING, b"", b"\x00", b"a", b"a\x00", b"a" * 33]),
    "boolean": _few([True, False]),
    "date": _few([0, 1, -1, 19000, -719162, 2932896]),
    "timestamp": _few(_MOMENTS),
    "instant": _few([ns for ns in _MOMENTS if ns % 1000 == 0]),
    "list<number>": _LISTS,
    "list<list<number>>": _nullable(st.lists(_LISTS, max_size=2)),
    "list<string>": _nullable(st.lists(_few(_STRINGS[:10]), max_size=3)),
    "list<floating>": _nullable(st.lists(_few(_DOUBLES), max_size=2)),
    "list<timestamp>": _nullable(st.lists(_few(_MOMENTS), max_size=2)),
    "map": _nullable(st.dictionaries(st.sampled_from(["a", "b", "", "a;"]), _INTS, max_size=3)),
    "struct": _nullable(st.fixed_dictionaries({"p": _INTS, "q": _few(_STRINGS[:5])})),
    "list<struct>": _nullable(
        st.lists(_nullable(st.fixed_dictionaries({"p": _INTS, "q": _few(["", "a"])})), max_size=2)
    ),
}


@dataclass(frozen=True)
class Column:
    """A name and the family that its values are drawn from."""

    name: str
    family: str

    @property
    def compared_as(self) -> str:
        """The family of EXACTNESS 3 that the values are of."""
        return "number" if self.family in _NUMBERS else _SPELLED.get(self.family, self.family)


_SPELLED = {
    "map": "map<string,number>",
    "struct": "struct<p:number,q:string>",
    "list<struct>": "list<struct<p:number,q:string>>",
}


@dataclass(frozen=True)
class GeneratedTable:
    """Columns, and rows of Python values."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]

    def values(self, place: int) -> list[Value]:
        """Of one column."""
        return [row[place] for row in self.rows]


@st.composite
def tables(draw: st.DrawFn, families: Sequence[str] = tuple(FAMILIES), most_rows: int = 10) -> GeneratedTable:
    """A table of one to four columns."""
    spread = random.Random(draw(st.integers(0, 2**32)))  # what Hypothesis draws itself is far from even
    chosen = spread.choices(list(families), k=draw(st.integers(1, 4)))
    columns = tuple(Column("abcd"[i], family) for i, family in enumerate(chosen))
    row = st.tuples(*(FAMILIES[column.family] for column in columns))
    rows = draw(st.lists(row, min_size=1, max_size=most_rows))
    return GeneratedTable(columns, tuple(rows))


@st.composite
def derived(draw: st.DrawFn, table: GeneratedTable, steps: Sequence[str] = ()) -> GeneratedTable:
    """What people and accidents make of a table: slices, projections, and changes of one cell or row."""
    for step in draw(st.lists(st.sampled_from(steps or [*_STEPS, "twin cell"]), min_size=1, max_size=2)):
        table = draw(_STEPS[step](table))
    return table


Step = Callable[[GeneratedTable], st.SearchStrategy[GeneratedTable]]


def _subset(table: GeneratedTable) -> st.SearchStrategy[GeneratedTable]:
    indexes = st.lists(st.integers(0, len(table.rows) - 1), min_size=1, max_size=len(table.rows), unique=True)
    return indexes.map(lambda kept: GeneratedTable(table.columns, tuple(table.rows[i] for i in kept)))


@st.composite
def _range(draw: st.DrawFn, table: GeneratedTable) -> GeneratedTable:
    """The rows of a range of one column, which a box finds."""
    column = draw(st.integers(0, len(table.columns) - 1))
    present = sorted(
        (row for row in table.rows if row[column] is not None), key=lambda row: repr(canonical(row[column]))
    )
    if not present:
        return table
    first = draw(st.integers(0, len(present) - 1))
    return GeneratedTable(table.columns, tuple(present[first : draw(st.integers(first + 1, len(present)))]))


@st.composite
def _projection(draw: st.DrawFn, table: GeneratedTable) -> GeneratedTable:
    places = range(len(table.columns))
    kept = draw(st.lists(st.sampled_from(places), min_size=1, max_size=len(places), unique=True))
    rows = tuple(tuple(row[i] for i in kept) for row in table.rows)
    return GeneratedTable(tuple(table.columns[i] for i in kept), rows)


def _repeated_row(table: GeneratedTable) -> st.SearchStrategy[GeneratedTable]:
    return st.sampled_from(range(len(table.rows))).map(
        lambda i: GeneratedTable(table.columns, (*table.rows, table.rows[i]))
    )


@st.composite
def _changed_cell(draw: st.DrawFn, table: GeneratedTable) -> GeneratedTable:
    r, c = draw(st.integers(0, len(table.rows) - 1)), draw(st.integers(0, len(table.columns) - 1))
    row = list(table.rows[r])
    row[c] = draw(FAMILIES[table.columns[c].family])
    return GeneratedTable(table.columns, (*table.rows[:r], tuple(row), *table.rows[r + 1 :]))


@st.composite
def twin_cell(draw: st.DrawFn, table: GeneratedTable) -> GeneratedTable:
    """One cell becomes what it might be mistaken for."""
    r, c = draw(st.integers(0, len(table.rows) - 1)), draw(st.integers(0, len(table.columns) - 1))
    row = list(table.rows[r])
    row[c] = draw(st.sampled_from(_twins(row[c], table.columns[c].family)))
    return GeneratedTable(table.columns, (*table.rows[:r], tuple(row), *table.rows[r + 1 :]))


_EMPTY: dict[str, Value] = {
    "floating": 0.0, "string": "", "binary": b"", "boolean": False, "date": 0, "timestamp": 0, "instant": 0, "map": {},
    "struct": {"p": None, "q": None},
}  # fmt: skip


def _twins(value: Value, family: str) -> list[Value]:
    """Values of the family that a careless encoding takes for ``value``."""
    empty = _EMPTY.get(family, [] if family.startswith("list<") else D(0))
    if value is None:
        return [empty]
    if isinstance(value, list):
        nested = [[*value[:-1], twin] for twin in _twins(value[-1], family[5:-1])] if value else [[None]]
        return [*nested, [*value, None], [*value, *value], None]
    if isinstance(value, dict):
        return [None] if family == "struct" else [None, {**value, "a": None}, dict.fromkeys(value, D(1))]
    if isinstance(value, float):
        return [value * 2, None, math.nan]
    if isinstance(value, bytes):
        return [*_COLLIDING, value + b"\x00", None]
    if isinstance(value, str):
        return [value + "\x00", value[:-1], f"{value};", None]
    if family in ("timestamp", "instant"):
        return [value + 1, value + 1000, None] if family == "timestamp" else [value + 1000, None]
    if family in _STEP:
        return [_nearer_zero(value, _STEP[family]), empty, None]
    return [empty, None]


def _nearer_zero(value: Value, step: Value) -> Value:
    """Exact: numbers of 38 digits are more than a decimal context takes by itself."""
    with localcontext(prec=80):
        return value + step if value < 0 else value - step


#: By how much numbers differ that a careless form takes for equal.
_STEP = {"small": D(1), "wide": D(1), "tall": D("0.01"), "fine": D("0.0000001"), "number": D(1), "date": 1}


@st.composite
def _permuted_column(draw: st.DrawFn, table: GeneratedTable) -> GeneratedTable:
    c = draw(st.integers(0, len(table.columns) - 1))
    values = draw(st.permutations([row[c] for row in table.rows]))
    rows = tuple((*row[:c], value, *row[c + 1 :]) for row, value in zip(table.rows, values, strict=True))
    return GeneratedTable(table.columns, rows)


def _swapped_columns(table: GeneratedTable) -> st.SearchStrategy[GeneratedTable]:
    """The values of two columns of one family change places, under the old names."""
    pairs = [
        (i, j)
        for i in range(len(table.columns))
        for j in range(i)
        if table.columns[i].family == table.columns[j].family
    ]
    if not pairs:
        return st.just(table)

    def swap(places: tuple[int, int]) -> GeneratedTable:
        order = list(range(len(table.columns)))
        order[places[0]], order[places[1]] = places[1], places[0]
        return GeneratedTable(table.columns, tuple(tuple(row[i] for i in order) for row in table.rows))

    return st.sampled_from(pairs).map(swap)


def _distinct(table: GeneratedTable) -> st.SearchStrategy[GeneratedTable]:
    rows = {tuple(map(canonical, row)): row for row in table.rows}
    return st.just(GeneratedTable(table.columns, tuple(rows.values())))


_STEPS: dict[str, Step] = {
    "copy": st.just,
    "subset": _subset,
    "range": _range,
    "projection": _projection,
    "repeated row": _repeated_row,
    "changed cell": _changed_cell,
    "twin cell": twin_cell,
    "permuted column": _permuted_column,
    "swapped columns": _swapped_columns,
    "distinct": _distinct,
}


def _number_types(values: list[D], delta: bool) -> list[pa.DataType]:
    """Every Arrow type (that Delta has, too) that holds all the numbers exactly."""
    parts = [(v.as_tuple().digits, int(v.as_tuple().exponent)) for v in values]
    scale = max([0, *(-exponent for _, exponent in parts)])
    whole = max([0, *(len(digits) + exponent for (digits, exponent), v in zip(parts, values, strict=True) if v)])
    shapes = [(max(1, whole + scale), scale), (38, scale), (38, 38 - whole), (whole + scale + 1, scale + 1), (18, 6)]
    fitting = {(p, s) for p, s in shapes if 0 < p <= 38 and scale <= s and whole <= p - s}
    kinds: list[pa.DataType] = [pa.decimal128(p, s) for p, s in sorted(fitting)]
    if scale == 0:
        for bits in (8, 16, 32, 64):
            signed, unsigned = getattr(pa, f"int{bits}")(), getattr(pa, f"uint{bits}")()
            kinds += [signed] * all(-(2 ** (bits - 1)) <= v < 2 ** (bits - 1) for v in values)
            kinds += [unsigned] * (not delta and all(0 <= v < 2**bits for v in values))
    return kinds


def _moment_types(values: list[int], zone: str | None) -> list[pa.DataType]:
    units = {"ms": 10**6, "us": 1000} if zone else {"ms": 10**6, "us": 1000, "ns": 1}
    return [pa.timestamp(unit, zone) for unit, size in units.items() if all(v % size == 0 for v in values)]


def _is_single(value: float) -> bool:
    if math.isnan(value) or math.isinf(value):
        return True
    try:
        return bool(struct.unpack("<f", struct.pack("<f", value))[0] == value)
    except OverflowError:
        return False


@st.composite
def arrow_types(draw: st.DrawFn, family: str, values: list[Value], delta: bool = False) -> pa.DataType:
    """A type of the family (that Delta has, too) that holds all the values exactly."""
    held = [value for value in values if value is not None]
    if family.startswith("list<") and family != "list<struct>":
        return pa.list_(draw(arrow_types(family[5:-1], [item for value in held for item in value], delta)))
    if family in ("struct", "list<struct>"):
        records = held if family == "struct" else [item for value in held for item in value if item is not None]
        fields = [
            pa.field("p", draw(arrow_types("number", [record["p"] for record in records], delta))),
            pa.field("q", draw(arrow_types("string", [record["q"] for record in records]))),
        ]
        kind = pa.struct(draw(st.permutations(fields)))
        return kind if family == "struct" else pa.list_(kind)
    if family == "map":
        items = [item for value in held for item in value.values()]
        return pa.map_(pa.string(), draw(arrow_types("number", items, delta)))
    if family in _NUMBERS:
        return draw(st.sampled_from(_number_types(held, delta)))
    if family in ("timestamp", "instant"):
        kinds = _moment_types(held, "UTC" if family == "instant" else None)
        return draw(st.sampled_from([kind for kind in kinds if not delta or kind.unit == "us"]))
    if family == "floating":
        return draw(st.sampled_from([pa.float64(), *([pa.float32()] if all(map(_is_single, held)) else [])]))
    return draw(st.sampled_from(_TYPES[family]))  # Arrow itself fails on dictionaries inside of structs


_TYPES = {
    "string": [pa.string(), pa.large_string()],
    "binary": [pa.binary(), pa.large_binary()],
    "boolean": [pa.bool_()],
    "date": [pa.date32()],
}


def _stored(value: Value, kind: pa.DataType) -> Value:
    """The value as ``pa.array`` takes it for a type."""
    if value is None:
        return None
    if pa.types.is_list(kind):
        return [_stored(item, kind.value_type) for item in value]
    if pa.types.is_map(kind):
        return [(key, _stored(item, kind.item_type)) for key, item in value.items()]
    if pa.types.is_struct(kind):
        return {field.name: _stored(value[field.name], field.type) for field in kind.fields}
    if pa.types.is_integer(kind):
        return int(value)
    if pa.types.is_timestamp(kind):
        return value // {"ms": 10**6, "us": 1000, "ns": 1}[kind.unit]
    return value


def arrow_array(values: list[Value], kind: pa.DataType) -> pa.Array:
    """The values as an array of the type."""
    return pa.array([_stored(value, kind) for value in values], kind)


@st.composite
def arrow_tables(draw: st.DrawFn, table: GeneratedTable, delta: bool = False) -> pa.Table:
    """The table under types (that Delta has, too) drawn for it, its rows, columns and maps in another order."""
    rows = draw(st.permutations(table.rows))
    places = draw(st.permutations(range(len(table.columns))))
    coin = st.booleans()
    arrays = {}
    for place in places:
        values = [row[place] for row in rows]
        if table.columns[place].family == "map" and draw(coin):
            values = [value and dict(reversed(value.items())) for value in values]
        kind = draw(arrow_types(table.columns[place].family, values, delta))
        array = arrow_array(values, kind)
        arrays[table.columns[place].name] = array.dictionary_encode() if kind == pa.string() and draw(coin) else array
    return pa.table(arrays)
