"""Whether Spark gives what ORC files hold as it is, where a catalog says of which types the columns are.

*Seen*: it converts what it finds to the table's type, 1.5 to 1, and what does not fit to NULL, and passes over columns
and fields that the table has not; none with a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from r2d2.errors import UnsupportedData
from r2d2.lake.parquet_types import shown

_INTEGERS = {"byte": pa.int8(), "short": pa.int16(), "integer": pa.int32(), "long": pa.int64()}
#: Type of Spark → what files may hold for it.
_HELD = {
    **{kind: tuple(list(_INTEGERS.values())[: place + 1]) for place, kind in enumerate(_INTEGERS)},
    "boolean": (pa.bool_(),),
    "float": (pa.float32(),),
    "double": (pa.float32(), pa.float64()),
    "string": (pa.string(),),
    "binary": (pa.binary(),),
    "date": (pa.date32(),),
}
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


def require_columns(held: Iterable[pa.Field], struct: Mapping[str, Any], above: tuple[str, ...] = ()) -> None:
    """Refuses files with other columns, or columns of other types, than the table's.

    Args:
        held: columns of a file, or fields of one of them.
        struct: Spark's JSON of the table's columns without those of its partitions, or of the fields.
        above: the path of that column.

    Raises:
        UnsupportedData: naming the column.
    """
    ours = {field["name"].lower(): field["type"] for field in struct["fields"]}
    for field in held:
        path = (*above, field.name)
        if field.name.lower() not in ours:
            raise UnsupportedData(f"its files have a column {shown(path)} that the table has not")
        _require_type(field.type, ours[field.name.lower()], path)


def _require_type(held: pa.DataType, kind: Any, path: tuple[str, ...]) -> None:
    name = kind["type"] if isinstance(kind, Mapping) else kind
    if name == "struct" and pa.types.is_struct(held):
        require_columns(held, kind, path)
    elif name == "array" and pa.types.is_list(held):
        _require_type(held.value_type, kind["elementType"], (*path, "element"))
    elif name == "map" and pa.types.is_map(held):
        _require_type(held.key_type, kind["keyType"], (*path, "key"))
        _require_type(held.item_type, kind["valueType"], (*path, "value"))
    elif not _is_kept(held, name):
        raise UnsupportedData(f"column {shown(path)} is {held} in its files and {name} in the table: Spark converts it")


def _is_kept(held: pa.DataType, kind: str) -> bool:
    decimal = _DECIMAL.fullmatch(kind)
    if decimal and pa.types.is_decimal(held):
        return bool(held.scale == int(decimal[2]) and held.precision <= int(decimal[1]))
    return held in _HELD.get(kind, ())
