"""Records that are spelled otherwise than their header's advice says; no parent is needed to tell.

A text whose own value is spelled otherwise by the advice would come back otherwise. Of such texts a better style is
learned (``identity.closer``); where none gives back all of them, the column has more than one spelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from r2d2.errors import UnreadableData
from r2d2.lake.csv_grammar import Dialect
from r2d2.lake.layout import Reader
from r2d2.recovery.formats.headers_json import spelled_in
from r2d2.recovery.formats.headers_text import content_of
from r2d2.recovery.formats.json_style import JsonStyle, spelled_values
from r2d2.recovery.formats.spellings import spelled
from r2d2.recovery.formats.texts import values_of

_Texts = list[tuple[int, str]]


def misspelt(reader: Reader, advice: Mapping[str, Any], records: Sequence[bytes]) -> list[int]:
    """Places of the records that the advice would spell otherwise, sorted.

    Args:
        advice: of ``headers_text``.
    """
    if not records:
        return []
    found = _in_json(advice, records) if reader.format == "json" else _in_csv(reader, advice, records)
    return sorted(set(found))


def _in_csv(reader: Reader, advice: Mapping[str, Any], records: Sequence[bytes]) -> Iterator[int]:
    dialect = Dialect.of(reader.options)
    rows = [dialect.raw(record) for record in records]
    for place, (column, said) in enumerate(zip(reader.columns, advice["columns"], strict=True)):
        texts: _Texts = []
        for number, row in enumerate(rows):
            text = row[place].decode("utf-8", "surrogateescape")
            if text in ("", column.null_token):
                if text != said["null"]:
                    yield number
                continue
            content = content_of(text, dialect)
            texts.append((number, content))
            quoted = not content or not said["quoted"] or re.search(said["quoted"], content) is not None
            if quoted is not text.startswith('"'):
                yield number
        yield from _otherwise(texts, said["styles"])


def _in_json(advice: Mapping[str, Any], records: Sequence[bytes]) -> Iterator[int]:
    texts = [record.strip(b" \t\r").decode("utf-8", "surrogateescape") for record in records]
    values = [spelled_values(text) for text in texts]
    style = JsonStyle(**advice["style"])
    for number, (value, text) in enumerate(zip(values, texts, strict=True)):
        if style.value(value) != text:
            yield number
    yield from _in_objects(list(enumerate(values)), advice["keys"])


def _in_objects(objects: Sequence[tuple[int, Any]], keys: Sequence[Any]) -> Iterator[int]:
    """Objects of one level with their records' places: order of keys, NULLs that are written or not, and values."""
    names = [key[0] for key in keys]
    for number, value in objects:
        if [name for name in names if name in value] != list(value):
            yield number
    for name, _, opened, written, styles, inner in keys:
        values = [(number, value.get(name)) for number, value in objects]
        yield from (n for (n, value), (_, held) in zip(values, objects, strict=True) if _is_odd(name, held, written))
        if opened >= 0:
            yield from _in_objects([(n, value) for n, value in values if isinstance(value, dict)], inner)
        else:
            yield from _otherwise([(n, text) for n, value in values for text in spelled_in([value])], styles)


def _is_odd(name: str, held: Mapping[str, Any], written: bool) -> bool:
    """Whether the NULL of a key is written where no NULL is, or left out where they are written."""
    return held.get(name) is None and (name in held) is not written


def _otherwise(texts: _Texts, styles: Mapping[str, str]) -> Iterator[int]:
    """Places of the texts that a style spells otherwise."""
    for family, style in styles.items():
        again = _again([text for _, text in texts], family, style)
        yield from (number for (number, text), other in zip(texts, again, strict=True) if other != text)


def _again(texts: Sequence[str], family: str, style: str) -> Sequence[str | None]:
    """Texts spelled anew from their values; None for what is no such value, or has more digits than the style."""
    values = values_of(texts, family) if texts else None
    try:
        if values is not None:
            found: list[str | None] = spelled(values, family, style).to_pylist()
            return found
    except (UnreadableData, pa.ArrowException):
        pass
    return [None] if len(texts) == 1 else [_again([text], family, style)[0] for text in texts]
