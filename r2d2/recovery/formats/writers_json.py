"""Writes JSON records, on lines or in one document, by a given header (``headers_text``, ``headers_json``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from r2d2.errors import UnreadableData
from r2d2.model.family import BOOLEAN, FLOATING, NUMBER
from r2d2.recovery.formats.json_style import JsonStyle, spelled_values
from r2d2.recovery.formats.respelling import respelled
from r2d2.recovery.formats.spellings import USUAL, family_of_type, spelled
from r2d2.recovery.formats.text_files import TextFile

_TEXT = pa.large_string()
_NULL = pa.scalar(None, _TEXT)
_BARE = (BOOLEAN, NUMBER, FLOATING)
_SPECIAL = "^(NaN|nan|-?[iI]nf.*)$"
_SCALAR = "^[a-z0-9-]"


class JsonWriter:
    """One file."""

    def __init__(self, header: str, path: Path) -> None:
        raw = json.loads(header)
        self._style = JsonStyle(**raw["advice"]["style"])
        self._keys = raw["advice"]["keys"]
        self._file = TextFile(raw["identity"], path)

    def write(self, batch: pa.RecordBatch) -> None:
        """Adds rows, the columns by their position.

        Raises:
            UnreadableData: a column holds what no JSON stands for.
        """
        self._file.write(self._object(self._keys, batch.columns, batch.num_rows, 0))

    def close(self) -> None:
        """Ends the file."""
        self._file.close()

    def _object(self, keys: Sequence[Any], columns: Sequence[pa.Array], rows: int, level: int) -> pa.Array:
        """The objects of a level, one a row."""
        members = []
        for name, column, opened, written, styles, inner in keys:
            if opened >= 0:
                objects = self._object(inner, columns, rows, level + 1)
                values = pc.if_else(columns[opened], objects, _NULL)
            else:
                values = self._values(columns[column], styles, level + 1)
            values = values.fill_null("null") if written else values
            members.append(_joined(_text(f"{self._style.string(name)}{self._style.key}"), values))
        if not members:
            return pa.array(["{}"] * rows, _TEXT)
        return self._within("{", self._members(members, level), "}", level)

    def _values(self, values: pa.Array, styles: Mapping[str, str], level: int, inside: bool = False) -> pa.Array:
        """The JSON texts of values; NULL for NULL.

        Args:
            inside: of lists, structs or maps, where a text is a text; else it is the JSON text of a value.
        """
        kind = values.type
        if values.null_count == len(values):
            return pa.nulls(len(values), _TEXT)
        if pa.types.is_struct(kind):
            return self._struct(values, styles, level)
        if pa.types.is_map(kind):
            return self._map(values, styles, level)
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            elements = self._values(values.flatten(), styles, level + 1, inside=True).fill_null("null")
            return self._within("[", _lists(values, elements, self._item(level)), "]", level)
        family = family_of_type(kind)
        if family is None:
            texts = _as_texts(values)
            return self._strings(texts) if inside else self._restyled(texts, styles, level)
        texts = spelled(values, family, styles.get(family, USUAL[family])).cast(_TEXT)
        if family not in _BARE:
            return _joined(_text('"'), texts, _text('"'))
        special = pc.match_substring_regex(texts, _SPECIAL)
        return pc.if_else(special, _joined(_text('"'), texts, _text('"')), texts)

    def _struct(self, values: pa.Array, styles: Mapping[str, str], level: int) -> pa.Array:
        members = [
            _joined(
                _text(f"{self._style.string(field.name)}{self._style.key}"),
                self._values(child, styles, level + 1, inside=True),
            )
            for field, child in zip(values.type, values.flatten(), strict=True)
        ]
        within = self._within("{", self._members(members, level), "}", level)
        return pc.if_else(pc.is_valid(values), within, _NULL)

    def _map(self, values: pa.Array, styles: Mapping[str, str], level: int) -> pa.Array:
        kind = values.type
        entry = pa.struct([pa.field("key", kind.key_type, nullable=False), pa.field("value", kind.item_type)])
        lists = values.cast(pa.list_(entry))
        keys, items = lists.flatten().flatten()
        members = _joined(
            self._strings(_as_texts(keys)),
            _text(self._style.key),
            self._values(items, styles, level + 1, inside=True).fill_null("null"),
        )
        return self._within("{", _lists(lists, members, self._item(level)), "}", level)

    def _item(self, level: int) -> str:
        """What stands between two items of a value of a level."""
        return f"{self._style.item}{self._style.start(level + 1)}"

    def _members(self, members: Sequence[pa.Array], level: int) -> pa.Array:
        """The members that are there, one after the other."""
        return pc.binary_join_element_wise(*members, _text(self._item(level)), null_handling="skip")

    def _within(self, opening: str, items: pa.Array, end: str, level: int) -> pa.Array:
        """Items between marks; nothing but the marks where there are none."""
        start, last = self._style.start(level + 1), self._style.start(level)
        whole = _joined(_text(f"{opening}{start}"), items, _text(f"{last}{end}"))
        return pc.if_else(pc.equal(items, ""), _text(f"{opening}{end}"), whole) if start else whole

    def _strings(self, texts: pa.Array) -> pa.Array:
        return pa.array([None if text is None else self._style.string(text) for text in texts.to_pylist()], _TEXT)

    def _restyled(self, texts: pa.Array, styles: Mapping[str, str], level: int) -> pa.Array:
        """JSON texts of the parent in the style of the child: strings, or anything else."""
        quoted = pc.starts_with(texts, '"')
        inside = pc.if_else(quoted, pc.utf8_slice_codeunits(texts, 1, -1), _NULL)
        strings = respelled(inside, {family: style for family, style in styles.items() if family not in _BARE})
        others = respelled(pc.if_else(quoted, _NULL, texts), {f: style for f, style in styles.items() if f in _BARE})
        texts = pc.coalesce(_joined(_text('"'), strings, _text('"')), others)
        plain = pc.match_substring_regex(texts, f'^"{self._style.plain}"$|{_SCALAR}')
        if pc.all(plain).as_py():
            return texts
        known = [
            text if text is None or same else self._style.value(spelled_values(text), level)
            for text, same in zip(texts.to_pylist(), plain.to_pylist(), strict=True)
        ]
        return pa.array(known, _TEXT)


def _as_texts(values: pa.Array) -> pa.Array:
    if pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        raise UnreadableData(f"no JSON stands for values of the type {values.type}")
    return values.cast(_TEXT)


def _lists(values: pa.Array, elements: pa.Array, separator: str) -> pa.Array:
    """The texts of the elements of each list, one after the other; NULL where there is no list."""
    lengths = np.asarray(pc.list_value_length(values).cast(pa.int64()).fill_null(0))
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    lists = pa.LargeListArray.from_arrays(offsets, elements, mask=pc.is_null(values))
    return pc.binary_join(lists, _text(separator))


def _text(text: str) -> pa.Scalar:
    return pa.scalar(text, _TEXT)


def _joined(*parts: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(*parts, _text(""))
