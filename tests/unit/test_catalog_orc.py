"""ORC files of a catalog's table: what Spark would convert to the table's types, or leave out, is refused."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from r2d2.catalog.catalog_orc import require_columns
from r2d2.errors import UnsupportedData


def struct(kind: Any) -> dict[str, Any]:
    return {"type": "struct", "fields": [{"name": "a", "type": kind}]}


def require(held: pa.DataType, kind: Any) -> None:
    require_columns([pa.field("A", held)], struct(kind))


INNER = struct("long")
LIST = {"type": "array", "elementType": INNER}
MAP = {"type": "map", "keyType": "string", "valueType": INNER}


@pytest.mark.parametrize(
    ("held", "kind"),
    [
        (pa.int8(), "long"),
        (pa.float32(), "double"),
        (pa.decimal128(9, 2), "decimal(10,2)"),
        (pa.list_(pa.struct({"a": pa.int32()})), LIST),
        (pa.map_(pa.string(), pa.struct({"a": pa.int64()})), MAP),
    ],
)
def test_types_that_keep_every_value_pass(held: pa.DataType, kind: Any) -> None:
    require(held, kind)


@pytest.mark.parametrize(
    ("held", "kind"),
    [
        (pa.int64(), "integer"),
        (pa.float64(), "float"),
        (pa.string(), "integer"),
        (pa.int32(), "string"),
        (pa.decimal128(10, 4), "decimal(10,2)"),
        (pa.decimal128(20, 2), "decimal(10,2)"),
        (pa.binary(), "string"),
        (pa.struct({"b": pa.int64()}), INNER),
        (pa.list_(pa.struct({"a": pa.int64(), "b": pa.int64()})), LIST),
        (pa.map_(pa.int32(), pa.struct({"a": pa.int64()})), MAP),
        (pa.int32(), INNER),
    ],
)
def test_others_are_refused_by_name(held: pa.DataType, kind: Any) -> None:
    with pytest.raises(UnsupportedData, match=r'"A"|"A"\."b"'):
        require(held, kind)
