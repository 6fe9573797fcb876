"""Headers of text files: what frames their records, and how the writer is to spell values.

Records are told by their bytes, so the header need not say how these are made; what it says of that is advice, told
from a sample of the records.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from r2d2.lake.csv_grammar import Dialect
from r2d2.lake.layout import Reader
from r2d2.lake.text_encoding import UTF_8
from r2d2.recovery.formats.headers import CSV, LINES, pack
from r2d2.recovery.formats.headers_json import json_advice
from r2d2.recovery.formats.json_document import Frame
from r2d2.recovery.formats.spellings import styles_of

#: Records that are sampled of each chunk of the file, as many again of those with quotes, and in all.
_OF_CHUNK, _MOST = 64, 4096


@dataclass
class Sample:
    """What is seen of a text file in one pass.

    Attributes:
        rows: number of records.
        records: some of them.
        header: the header line as it stands there; None for none.
        blanks: lines that are no records.
        last_end: whether the last record has a line end.
        frame: what stands around the records of a JSON document; None for records on lines.
    """

    reader: Reader
    rows: int = 0
    records: list[bytes] = field(default_factory=list)
    header: bytes | None = None
    blanks: int = 0
    bom: bool = False
    last_end: bool = True
    frame: Frame | None = None

    @property
    def is_record_empty(self) -> bool:
        """Whether an empty line is a record: NULL in the one column that there is."""
        return self.reader.format == "csv" and len(self.reader.columns) == 1

    @property
    def blank(self) -> bytes:
        """What may stand in a line that is no record."""
        return b" \t\r" if self.reader.format == "json" else b""

    def look(self, records: Sequence[bytes]) -> None:
        """Counts records, and keeps some."""
        self.rows += len(records)
        step = max(1, len(records) // _OF_CHUNK)
        if len(self.records) < _MOST:
            self.records += records[::step]
            quoted = (record for record in records if b'"' in record)
            self.records += [record for _, record in zip(range(_OF_CHUNK), quoted, strict=False)]


def text_header(sample: Sample) -> str:
    """The header of the file."""
    options = sample.reader.options
    newline = options.get("newline", "\n")
    if sample.reader.format == "json" and sample.records and all(record.endswith(b"\r") for record in sample.records):
        newline = "\r\n"
    identity: dict[str, object] = {
        "encoding": options.get("encoding", UTF_8),
        "compression": options["compression"],
        "bom": sample.bom,
        "newline": newline,
        "last_newline": sample.last_end,
        "blank_lines": sample.blanks,
        "header": None if sample.header is None else sample.header.decode("utf-8", "surrogateescape"),
    }
    if sample.frame:
        around = {"newline": sample.frame.between, "last_newline": False}
        identity |= {**around, "before": sample.frame.before, "after": sample.frame.after}
    kind = LINES if sample.reader.format == "json" else CSV
    return pack(kind, identity, text_advice(sample.reader, sample.records))


def text_advice(reader: Reader, records: Sequence[bytes]) -> dict[str, Any]:
    """The advice of a header, from some records."""
    return json_advice(reader, records) if reader.format == "json" else _csv_advice(reader, records)


def _csv_advice(reader: Reader, records: Sequence[bytes]) -> dict[str, Any]:
    dialect = Dialect.of(reader.options)
    rows = [raw for record in records if len(raw := dialect.raw(record)) == len(reader.columns)]
    columns = []
    for place, column in enumerate(reader.columns):
        fields = [row[place] for row in rows]
        texts = [text.decode("utf-8", "surrogateescape") for text in fields]
        columns.append(_column_advice(texts, column.null_token, dialect))
    return {"delimiter": dialect.delimiter, "escape": dialect.escape, "columns": columns}


def _column_advice(fields: Sequence[str], null_token: str, dialect: Dialect) -> dict[str, object]:
    values = [(text.startswith('"'), content_of(text, dialect)) for text in fields if text and text != null_token]
    texts = [text for _, text in values]
    empty = sum(not text for text in fields)
    token = null_token if sum(text == null_token for text in fields) > empty else ""
    return {"null": token, "quoted": _quoted(values, dialect.delimiter), "styles": styles_of(texts)}


def content_of(text: str, dialect: Dialect) -> str:
    """What a field holds, without its quotes."""
    return text[1:-1].replace(f'{dialect.escape}"', '"') if text.startswith('"') else text


def _quoted(values: Sequence[tuple[bool, str]], delimiter: str) -> str:
    """The pattern of the values that stand between quotes; that of the usual writers where none explains all."""
    usual, *others = quoting(delimiter)
    for pattern in (usual, *others):
        if all(quoted == bool(re.search(pattern, text)) for quoted, text in values if text):
            return pattern
    return usual


def quoting(delimiter: str) -> tuple[str, ...]:
    """Which values writers put between quotes, as patterns that Python and RE2 read alike; the empty text always is."""
    special = f'[{delimiter}"\\r\\n]'
    return (special, f"{special}|^#", f"{special}|^[ \\t]|[ \\t]$", f"[{delimiter}\\r\\n]", "")
