"""The allow-list of Parquet types: what DuckDB delivers for a column, and the family that it is compared as.

A type is on the list only if a test shows that DuckDB 2.0.0 delivers its values exactly. DuckDB goes by the older
annotation (ConvertedType) for all but timestamps; where a file has only the newer one, or the two differ, DuckDB and
other readers see different types (*seen*: a DATE read as INTEGER), so both are looked at and must agree.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from r2d2.errors import UnsupportedData
from r2d2.lake import file_tree
from r2d2.lake.layout import Column
from r2d2.lake.parquet_footer import REPEATED, REQUIRED, SchemaElement
from r2d2.model import family as families
from r2d2.model.names import fold_name

DEEPEST = 32  # levels of nesting; beyond them readers themselves fail
#: *Seen*: DuckDB plans lambdas inside lambdas in 0.1 s at four levels, 1 s at six, 40 s and 1.3 GB at eight.
MOST_LIST_LEVELS = 4

_CONVERTED = (
    "UTF8", "MAP", "MAP_KEY_VALUE", "LIST", "ENUM", "DECIMAL", "DATE", "TIME_MILLIS", "TIME_MICROS",
    "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS", "UINT_8", "UINT_16", "UINT_32", "UINT_64", "INT_8", "INT_16", "INT_32",
    "INT_64", "JSON", "BSON", "INTERVAL",
)  # fmt: skip
#: Logical types and units of time by their numbers in the format.
LOGICAL_TYPES = {
    1: "STRING", 2: "MAP", 3: "LIST", 4: "ENUM", 5: "DECIMAL", 6: "DATE", 7: "TIME", 8: "TIMESTAMP", 9: "INTERVAL",
    10: "INTEGER", 11: "NULL", 12: "JSON", 13: "BSON", 14: "UUID", 15: "FLOAT16", 16: "VARIANT", 17: "GEOMETRY",
    18: "GEOGRAPHY",
}  # fmt: skip
TIME_UNITS = {1: "MILLIS", 2: "MICROS", 3: "NANOS"}
_TEXT = {"UTF8": {"", "STRING"}, "ENUM": {"", "ENUM"}}
_INTEGERS = {
    ("INT32", "INT_8"): "TINYINT", ("INT32", "INT_16"): "SMALLINT", ("INT32", "INT_32"): "INTEGER",
    ("INT64", "INT_64"): "BIGINT", ("INT32", "UINT_8"): "UTINYINT", ("INT32", "UINT_16"): "USMALLINT",
    ("INT32", "UINT_32"): "UINTEGER", ("INT64", "UINT_64"): "UBIGINT",
}  # fmt: skip
_PLAIN = {
    "BOOLEAN": "BOOLEAN", "INT32": "INTEGER", "INT64": "BIGINT", "FLOAT": "FLOAT", "DOUBLE": "DOUBLE",
    "BYTE_ARRAY": "BLOB", "FIXED_LEN_BYTE_ARRAY": "BLOB",
}  # fmt: skip
_FAMILIES = {
    "BOOLEAN": families.BOOLEAN, "FLOAT": families.FLOATING, "DOUBLE": families.FLOATING, "VARCHAR": families.STRING,
    "BLOB": families.BINARY, "DATE": families.DATE, "TIMESTAMP": families.TIMESTAMP,
    "TIMESTAMP_MS": families.TIMESTAMP, "TIMESTAMP_NS": families.TIMESTAMP, "TIMESTAMPTZ": families.INSTANT,
    "INT96": families.INSTANT,
}  # fmt: skip
_PRECISIONS = {"INT32": 9, "INT64": 18}
_BARE_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def columns_of(root: SchemaElement) -> tuple[Column, ...]:
    """The column tree as DuckDB delivers it, in the file's order.

    Raises:
        UnsupportedData: a column of a type that is not on the list, naming it; no columns; names that repeat.
    """
    if not root.children:
        raise UnsupportedData("no columns")
    if root.repetition == REPEATED or root.converted is not None or root.logical is not None:
        raise UnsupportedData("a schema whose root is annotated")
    columns = _fields(root, ())
    for column in columns:
        if _list_levels(column) > MOST_LIST_LEVELS:
            raise _unsupported((column.name,), f"holds lists or maps nested more than {MOST_LIST_LEVELS} deep")
    return columns


def _list_levels(column: Column) -> int:
    """How many lists and maps stand inside each other; structs between them don't count."""
    inner = max((_list_levels(child) for child in column.children), default=0)
    return inner + (column.kind in ("LIST", "MAP"))


def family_of(column: Column) -> str:
    """The family that values of ``column`` are compared as (``model.family``).

    Fields of a struct inside a list or map are compared by name without case, and spelled in the order of their names.
    A name that is no plain word is spelled as a JSON string, so that two different structs never share a spelling.
    """
    if column.kind == "LIST":
        return f"list<{family_of(column.children[0])}>"
    if column.kind == "MAP":
        return f"map<{family_of(column.children[0])},{family_of(column.children[1])}>"
    if column.kind == "STRUCT":
        fields = sorted(((fold_name(field.name), field) for field in column.children), key=lambda item: item[0])
        return f"struct<{','.join(f'{_spelled(name)}:{family_of(field)}' for name, field in fields)}>"
    return _FAMILIES.get(column.kind, families.NUMBER)


def described(column: Column) -> str:
    """The type of ``column`` for people, as DuckDB would write it."""
    if column.kind == "LIST":
        return f"{described(column.children[0])}[]"
    if column.kind in ("MAP", "STRUCT"):
        named = column.kind == "STRUCT"
        inner = (f"{_spelled(c.name)} {described(c)}" if named else described(c) for c in column.children)
        return f"{column.kind}({', '.join(inner)})"
    return column.kind


def _spelled(name: str) -> str:
    return name if _BARE_WORD.fullmatch(name) else json.dumps(name)


def shown(path: tuple[str, ...]) -> str:
    """A column's path for messages: quoted, so that odd names can be read, and without control characters."""
    return file_tree.shown(".".join(json.dumps(name, ensure_ascii=False) for name in path))


def _fields(group: SchemaElement, path: tuple[str, ...]) -> tuple[Column, ...]:
    _refuse_repeated_names(group, path)
    return tuple(_column(child, (*path, child.name)) for child in group.children)


def _refuse_repeated_names(group: SchemaElement, path: tuple[str, ...]) -> None:
    seen: dict[str, SchemaElement] = {}
    for child in group.children:
        other = seen.setdefault(fold_name(child.name), child)
        if other is not child:
            both = f"{shown((*path, other.name))} and {shown((*path, child.name))}"
            how = "have the same name" if other.name == child.name else "differ only in case"
            raise UnsupportedData(f"columns {both} {how}")


def _column(element: SchemaElement, path: tuple[str, ...]) -> Column:
    if len(path) > DEEPEST:
        raise _unsupported(path[:3], f"is nested deeper than {DEEPEST} levels")
    if element.repetition == REPEATED:
        raise _unsupported(path, "is repeated without being a LIST (an older list layout)")
    nullable = element.repetition != REQUIRED
    if element.children:
        kind, children = _group(element, path)
    else:
        kind, children = _primitive(element, path), ()
    return Column(element.name, kind, children, nullable)


def _group(element: SchemaElement, path: tuple[str, ...]) -> tuple[str, tuple[Column, ...]]:
    converted, logical = _annotations(element, path)
    if not converted and not logical:
        return "STRUCT", _fields(element, path)
    if converted == "LIST" and logical in ("", "LIST"):
        return "LIST", (_list_element(element, path),)
    if converted == "MAP" and logical in ("", "MAP"):
        return "MAP", _map_entry(element, path)
    raise _unsupported(path, f"is a group annotated {_both(converted, logical)}")


def _list_element(element: SchemaElement, path: tuple[str, ...]) -> Column:
    """The element of a three-level list. In older layouts DuckDB and the specification see different elements."""
    middle = element.children[0]
    if (
        len(element.children) != 1
        or middle.repetition != REPEATED
        or len(middle.children) != 1
        or middle.children[0].repetition == REPEATED
        or middle.name in ("array", f"{element.name}_tuple")
        or _annotations(middle, path) != ("", "")
    ):
        raise _unsupported(path, "is a list in an older layout (not the three levels of the Parquet specification)")
    return _column(middle.children[0], (*path, middle.children[0].name))


def _map_entry(element: SchemaElement, path: tuple[str, ...]) -> tuple[Column, Column]:
    middle = element.children[0]
    if (
        len(element.children) != 1
        or middle.repetition != REPEATED
        or len(middle.children) != 2
        or _annotations(middle, path) not in (("", ""), ("MAP_KEY_VALUE", ""))
    ):
        raise _unsupported(path, "is a map in an older or incomplete layout")
    key, value = middle.children
    if key.repetition != REQUIRED or key.children:
        raise _unsupported(path, "is a map whose key may be NULL or is nested")
    return _column(key, (*path, key.name)), _column(value, (*path, value.name))


def _primitive(element: SchemaElement, path: tuple[str, ...]) -> str:
    converted, logical = _annotations(element, path)
    physical = element.physical
    if not physical:
        raise _unsupported(path, "is a group without columns")
    if physical == "INT96":  # each value is looked at by lake.parquet_int96
        if converted or logical:
            raise _unsupported(path, f"is an INT96 annotated {_both(converted, logical)}")
        return "INT96"
    if logical == "TIMESTAMP":
        return _timestamp(element, converted, path)
    if not converted and physical in _PLAIN and (not logical or _is_full_width(element)):
        return _PLAIN[physical]
    if logical == "FLOAT16" and not converted and physical == "FIXED_LEN_BYTE_ARRAY" and element.length == 2:
        return "FLOAT"  # DuckDB widens each of the 65,536 values exactly
    if converted == "DECIMAL" and logical in ("", "DECIMAL"):
        return _decimal(element, path)
    if physical == "BYTE_ARRAY" and logical in _TEXT.get(converted, ()):
        return "VARCHAR"
    if (physical, converted) in _INTEGERS and logical in ("", "INTEGER") and _integer_agrees(element, converted):
        return _INTEGERS[physical, converted]
    if physical == "INT32" and converted == "DATE" and logical in ("", "DATE"):
        return "DATE"
    if converted.startswith("TIMESTAMP"):
        raise _unsupported(path, "is a timestamp of the older annotation, which does not say whether it has a zone")
    if logical == "NULL":
        raise _unsupported(path, "is of the null type: it holds no value and can't be compared as any type")
    raise _unsupported(path, f"is of the type {_both(converted, logical)} on {physical}")


def _is_full_width(element: SchemaElement) -> bool:
    """Whether the newer annotation, alone (as Photon writes it), says what the physical type says anyway."""
    width = {"INT32": 32, "INT64": 64}.get(element.physical)
    assert element.logical is not None
    number, fields = element.logical
    return LOGICAL_TYPES[number] == "INTEGER" and fields.get(1) == width and fields.get(2) is True


def _integer_agrees(element: SchemaElement, converted: str) -> bool:
    if element.logical is None:
        return True
    _, fields = element.logical
    prefix = "INT" if fields.get(2) else "UINT"
    return converted == f"{prefix}_{fields.get(1)}"


def _timestamp(element: SchemaElement, converted: str, path: tuple[str, ...]) -> str:
    assert element.logical is not None
    _, fields = element.logical
    unit = TIME_UNITS.get(first_member(fields.get(2)), "")
    if element.physical != "INT64" or not unit or converted not in ("", f"TIMESTAMP_{unit}"):
        raise _unsupported(path, "is a timestamp whose annotations contradict each other")
    if unit == "NANOS" and fields.get(1):
        raise _unsupported(path, "is a timestamp with zone in nanoseconds")
    if fields.get(1):
        return "TIMESTAMPTZ"
    return "TIMESTAMP_NS" if unit == "NANOS" else "TIMESTAMP"


def in_milliseconds(element: SchemaElement) -> bool:
    """Whether a column in this part of the schema holds times in milliseconds."""
    if element.logical is not None and LOGICAL_TYPES.get(element.logical[0]) == "TIMESTAMP":
        return TIME_UNITS.get(first_member(element.logical[1].get(2))) == "MILLIS"
    return any(in_milliseconds(child) for child in element.children)


def first_member(union: Any) -> int:
    """The number of the member that a decoded Thrift union holds, 0 if it holds none or is no union."""
    return next(iter(union), 0) if isinstance(union, dict) else 0


def _decimal(element: SchemaElement, path: tuple[str, ...]) -> str:
    precision, scale = element.precision, element.scale
    if precision is None or scale is None or not 0 <= scale <= precision or precision < 1:
        raise _unsupported(path, f"is a decimal of precision {precision} and scale {scale}")
    if element.logical is not None and (element.logical[1].get(2), element.logical[1].get(1)) != (precision, scale):
        raise _unsupported(path, "is a decimal whose annotations contradict each other")
    if precision > 38:
        raise _unsupported(path, f"is DECIMAL({precision},{scale}): more than 38 digits")
    if element.physical not in ("INT32", "INT64", "FIXED_LEN_BYTE_ARRAY", "BYTE_ARRAY"):
        raise _unsupported(path, f"is a decimal on {element.physical}")
    if element.physical == "FIXED_LEN_BYTE_ARRAY" and not 1 <= element.length <= 16:
        raise _unsupported(path, f"is a decimal of {element.length} bytes")
    if precision > _digits(element):
        raise _unsupported(path, f"is DECIMAL({precision},{scale}), which {element.physical} can't hold")
    return f"DECIMAL({precision},{scale})"


def _digits(element: SchemaElement) -> int:
    if element.physical == "BYTE_ARRAY":
        return 38
    if element.physical in _PRECISIONS:
        return _PRECISIONS[element.physical]
    return int(math.log10(2 ** (8 * element.length - 1) - 1))


def _annotations(element: SchemaElement, path: tuple[str, ...]) -> tuple[str, str]:
    """Names of the older and of the newer annotation, empty where there is none."""
    converted = ""
    if element.converted is not None:
        if not 0 <= element.converted < len(_CONVERTED):
            raise _unsupported(path, f"has an unknown annotation ({element.converted})")
        converted = _CONVERTED[element.converted]
    if element.logical is None:
        return converted, ""
    number = element.logical[0]
    if number not in LOGICAL_TYPES:
        raise _unsupported(path, f"has an unknown logical type ({number})")
    return converted, LOGICAL_TYPES[number]


def _both(converted: str, logical: str) -> str:
    if converted and logical and converted != logical:
        return f"{logical} (and {converted} in the older annotation)"
    if logical and not converted and logical in ("STRING", "INTEGER", "DATE", "DECIMAL", "LIST", "MAP", "ENUM"):
        return f"{logical} in the newer annotation only, which DuckDB does not read"
    return logical or converted or "unknown"


def _unsupported(path: tuple[str, ...], what: str) -> UnsupportedData:
    return UnsupportedData(f"column {shown(path)} {what}")
