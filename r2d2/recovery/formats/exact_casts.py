"""Arrow arrays brought to another type: the same values or an error, never other ones.

Values come as the parent's readers deliver them, or as text where the parent is text; the type is the one that the
child's files had. Fields of structs are told by their position.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from r2d2.errors import UnreadableData

_MOST_DIGITS = 76


def exact_cast(array: pa.Array, field: pa.Field) -> pa.Array:
    """The array as ``field`` holds it.

    Raises:
        UnreadableData: a value has no equal in that type, or is NULL where none may be; values are not cited.
    """
    try:
        return _cast(array, field)
    except pa.ArrowException as error:
        raise _no_equal(array.type, field.type) from error


def _no_equal(found: pa.DataType, wanted: pa.DataType) -> UnreadableData:
    return UnreadableData(f"a value of the type {found} has no equal of the type {wanted}")


def _cast(array: pa.Array, field: pa.Field) -> pa.Array:
    kind = field.type
    if not field.nullable and array.null_count:
        raise UnreadableData("a value is NULL in a column that may hold none")
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if isinstance(kind, pa.BaseExtensionType):
        storage = _cast(array, pa.field(field.name, kind.storage_type))
        return pa.ExtensionArray.from_storage(kind, storage)
    if pa.types.is_struct(kind):
        return _struct(array, kind)
    if pa.types.is_map(kind):
        return _map(array, kind)
    if pa.types.is_list(kind):
        offsets, elements = _elements(array)
        values = _cast(elements, kind.value_field)
        return pa.ListArray.from_arrays(offsets, values, type=kind, mask=pc.is_null(array))
    return array if array.type == kind else _leaf(array, kind)


def _struct(array: pa.Array, kind: pa.StructType) -> pa.Array:
    """Where the struct is NULL, required fields of it have no value, which is none of their own."""
    valid = pc.is_valid(array)
    fields = [kind.field(i) for i in range(kind.num_fields)]
    children = []
    for place, field in enumerate(fields):
        child = array.field(place)
        if array.null_count and not field.nullable and child.filter(valid).null_count:
            raise UnreadableData("a value is NULL in a column that may hold none")
        cast = _cast(child, field.with_nullable(field.nullable or bool(array.null_count)))
        children.append(cast if field.nullable else _filled(cast))
    return pa.StructArray.from_arrays(children, fields=fields, mask=pc.invert(valid))


def _filled(array: pa.Array) -> pa.Array:
    """Anything in the place of NULLs. *Seen*: Arrow's writer refuses them also where the struct itself is NULL."""
    kind = array.type
    if not array.null_count:
        return array
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, _filled(array.storage))
    if pa.types.is_struct(kind):
        fields = [kind.field(i) for i in range(kind.num_fields)]
        children = [array.field(i) if field.nullable else _filled(array.field(i)) for i, field in enumerate(fields)]
        return pa.StructArray.from_arrays(children, fields=fields)
    if pa.types.is_map(kind):
        return pa.MapArray.from_arrays(array.offsets, array.keys, array.items, type=kind)
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(array.offsets, array.values, type=kind)
    return pa.Array.from_buffers(kind, len(array), [None, *array.buffers()[1:]], 0, array.offset)


def _map(array: pa.Array, kind: pa.MapType) -> pa.Array:
    entries = pa.struct([pa.field("key", array.type.key_type, nullable=False), pa.field("value", array.type.item_type)])
    offsets, elements = _elements(array.cast(pa.list_(entries)))
    keys, items = (_cast(elements.field(i), of) for i, of in enumerate((kind.key_field, kind.item_field)))
    return pa.MapArray.from_arrays(offsets, keys, items, type=kind, mask=pc.is_null(array))


def _elements(array: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Offsets and elements of a list, those only that are in it."""
    lengths = np.asarray(pc.list_value_length(array).cast(pa.int64()).fill_null(0))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.array(offsets), array.flatten()


def _leaf(array: pa.Array, kind: pa.DataType) -> pa.Array:
    found = array.type
    if pa.types.is_string_view(found) or pa.types.is_binary_view(found):
        array = array.cast(pa.large_string() if pa.types.is_string_view(found) else pa.large_binary())
    if pa.types.is_decimal(kind):
        return _decimal(array, kind)
    if pa.types.is_floating(kind) and pa.types.is_floating(found):
        return _floating(array, kind)
    if pa.types.is_integer(kind) and pa.types.is_decimal(found):
        return array.cast(pa.decimal256(_MOST_DIGITS, found.scale)).cast(pa.decimal128(38, 0)).cast(kind)
    if pa.types.is_timestamp(kind) and pa.types.is_timestamp(found):
        return array.cast(pa.timestamp(found.unit, kind.tz)).cast(kind)
    return array.cast(kind)


def _decimal(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """By way of the widest decimal of the same scale: Arrow refuses to bring wide integers to narrow decimals."""
    if pa.types.is_integer(array.type):
        array = array.cast(pa.decimal128(20, 0))
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.decimal256(_MOST_DIGITS, array.type.scale)).cast(pa.decimal256(_MOST_DIGITS, kind.scale))
    return array.cast(kind)


def _floating(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Narrower only where nothing is lost; a NaN stays one."""
    cast = array.cast(kind)
    if kind.bit_width < array.type.bit_width:
        back = cast.cast(array.type)
        same = pc.or_(pc.equal(back, array), pc.and_(pc.is_nan(back), pc.is_nan(array)))
        if not pc.all(same, min_count=0).as_py():
            raise _no_equal(array.type, kind)
    return cast
