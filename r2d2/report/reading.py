"""How the text files of a dataset are read, in words: the dialect that was found, and what stands for NULL."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping

from r2d2.lake.layout import Column, Reader
from r2d2.model.dataset import TEXT_FORMATS, Dataset
from r2d2.model.family import STRING

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_NEWLINES = {"\n": "\\n", "\r\n": "\\r\\n"}
_ENCODINGS = {"utf-8": "", "utf-16-le": "UTF-16 (little endian)", "utf-16-be": "UTF-16 (big endian)"}


def reading_lines(dataset: Dataset) -> Iterator[str]:
    """A line for each dialect among the files, and one for each column in which a text stands for NULL."""
    if dataset.format not in TEXT_FORMATS:
        return
    readers = [Reader.from_json(text) for text in dataset.readers]
    for dialect in dict.fromkeys(filter(None, map(_dialect, readers))):
        yield f"read as {dialect}"
    tokens: dict[str, set[str]] = defaultdict(set)
    plain = {leaf.path[0] for leaf in dataset.leaves if leaf.families == (STRING,)}
    for reader in readers:
        for column in reader.columns:
            if column.null_token and column.name not in plain:
                tokens[_quoted(column)].add(column.null_token)
    for name, found in tokens.items():
        listed = " and ".join(sorted(found))
        yield f"{listed} in column {name} counts as NULL where it is compared as another type than text"


def _dialect(reader: Reader) -> str:
    options = reader.options
    encoding = _ENCODINGS.get(options.get("encoding", "utf-8"), "")
    if reader.format == "json":
        return f"JSON in {encoding}" if encoding else ""
    parts = [
        f"fields between {_DELIMITERS.get(options['delimiter'], 'a delimiter')}",
        "quotes doubled inside of quotes" if options["escape"] == '"' else "a backslash before quotes inside of quotes",
        _header(options),
        f"lines ended by {_NEWLINES.get(options['newline'], 'a line end')}",
    ]
    return ", ".join(part for part in (*parts, encoding) if part)


def _header(options: Mapping[str, str]) -> str:
    if options["header"] != "true":
        return "no header"
    return "a header" if options["header_certain"] == "true" else "a header (nothing but text tells so)"


def _quoted(column: Column) -> str:
    return json.dumps(column.name, ensure_ascii=False)
