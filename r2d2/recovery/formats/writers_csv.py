"""Writes CSV and TSV files that have a given header (``headers_text``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from r2d2.errors import UnreadableData
from r2d2.recovery.formats.respelling import respelled
from r2d2.recovery.formats.spellings import USUAL, family_of_type, spelled
from r2d2.recovery.formats.text_files import TextFile

_NOTHING, _MARK = (pa.scalar(text, pa.large_string()) for text in ("", '"'))


class CsvWriter:
    """One file."""

    def __init__(self, header: str, path: Path) -> None:
        raw = json.loads(header)
        self._advice = raw["advice"]
        self._file = TextFile(raw["identity"], path)

    def write(self, batch: pa.RecordBatch) -> None:
        """Adds rows, the columns by their position.

        Raises:
            UnreadableData: a column holds what no text stands for.
        """
        columns = zip(batch.columns, self._advice["columns"], strict=True)
        fields = [_fields(column, advice, self._advice["escape"]) for column, advice in columns]
        self._file.write(_records(fields, self._advice["delimiter"]))

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


def _records(fields: Sequence[pa.Array], delimiter: str) -> pa.Array:
    if len(fields) == 1:
        return fields[0]
    return pc.binary_join_element_wise(*fields, pa.scalar(delimiter, pa.large_string()))


def _fields(values: pa.Array, advice: Mapping[str, Any], escape: str) -> pa.Array:
    """The fields as they stand in the file; never NULL."""
    family = family_of_type(values.type)
    if family is None:
        texts, null = respelled(_texts(values), advice["styles"]), ""
    else:
        style = advice["styles"].get(family, USUAL[family])
        texts, null = spelled(values, family, style).cast(pa.large_string()), advice["null"]
    quoted = pc.equal(texts, "")
    if advice["quoted"]:
        quoted = pc.or_(quoted, pc.match_substring_regex(texts, advice["quoted"]))
    else:
        quoted = pc.is_valid(texts)
    inside = pc.replace_substring(texts, '"', f'{escape}"')
    between = pc.binary_join_element_wise(_MARK, inside, _MARK, _NOTHING)
    return pc.if_else(quoted, between, texts).fill_null(null)


def _texts(values: pa.Array) -> pa.Array:
    """Texts of any layout; columns without a value may have no type of their own."""
    if pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    if values.null_count == len(values):
        return pa.nulls(len(values), pa.large_string())
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        raise UnreadableData(f"no text stands for values of the type {values.type}")
    return values.cast(pa.large_string())
