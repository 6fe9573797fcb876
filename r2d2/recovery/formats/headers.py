"""What a file says besides its rows, as one JSON text (DELETION 3).

A header has a kind, a part that belongs to the data's identity, and advice for who writes the file again: what no
reader of the data sees, such as compression.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

#: Kinds of headers: files that come back only as the bytes they were have nothing to say. Records of JSON are ``LINES``
#: in a document, too.
PARQUET, CSV, LINES, BYTES = "parquet", "csv", "jsonl", "bytes"


def _text(raw: Mapping[str, Any]) -> str:
    return json.dumps(raw, sort_keys=True, separators=(",", ":"))


def pack(kind: str, identity: Mapping[str, Any], advice: Mapping[str, Any] | None = None) -> str:
    """A header as text; equal headers give equal text."""
    return _text({"kind": kind, "identity": identity, "advice": advice or {}})


#: The header of all files that are told by their bytes alone.
OF_BYTES = pack(BYTES, {})


def kind_of(header: str) -> str:
    """``PARQUET``, ``CSV``, ``LINES`` or ``BYTES``."""
    return str(json.loads(header)["kind"])


def identity_of(header: str) -> str:
    """The header without advice; equal ones are the same header."""
    raw = json.loads(header)
    return _text({"kind": raw["kind"], "identity": raw["identity"]})


def with_advice_of(headers: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Headers, those that are the same as a known one with its advice, which may tell more of all rows."""
    advised = {identity_of(header): header for header in reversed(known)}
    return tuple(advised.get(identity_of(header), header) for header in headers)
