"""File summaries as text and back, without loss: what travels from kernels and what the state keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from r2d2.model.dataset import Bounds, BoundValue, FileSummary, Leaf


def to_json(summary: FileSummary) -> str:
    """``summary`` as JSON text in ASCII; equal summaries give equal text.

    >>> from_json(to_json(FileSummary(rows=3))) == FileSummary(rows=3)
    True
    """
    packed: dict[str, Any] = {
        "rows": summary.rows,
        "reader": summary.reader,
        "leaves": [pack_leaf(leaf) for leaf in summary.leaves],
        "properties": dict(summary.properties),
        "status": summary.status,
        "reason": summary.reason,
        "bytes_read": summary.bytes_read,
    }
    return json.dumps(packed, separators=(",", ":"), sort_keys=True)


def from_json(text: str) -> FileSummary:
    """The reverse of ``to_json``.

    Raises:
        ValueError, KeyError: the text is not from ``to_json``.
    """
    raw = json.loads(text)
    leaves = tuple(unpack_leaf(leaf) for leaf in raw["leaves"])
    rest = raw["properties"], raw["status"], raw["reason"], raw["bytes_read"]
    return FileSummary(raw["rows"], raw["reader"], leaves, *rest)


def pack_leaf(leaf: Leaf) -> list[Any]:
    """A leaf as lists and scalars that JSON can hold."""
    bounds = {family: _pack_bounds(bounds) for family, bounds in leaf.bounds.items()}
    packed: list[Any] = [list(leaf.path), list(leaf.families), leaf.type, leaf.nulls, bounds]
    return [*packed, leaf.shape] if leaf.shape else packed


def unpack_leaf(raw: list[Any]) -> Leaf:
    """The reverse of ``pack_leaf``."""
    path, families, kind, nulls, bounds, *shape = raw
    return Leaf(tuple(path), tuple(families), kind, nulls, _unpack_all_bounds(bounds), *shape)


def _unpack_all_bounds(raw: Mapping[str, list[Any]]) -> dict[str, Bounds]:
    return {family: Bounds(_unpack(low), _unpack(high), *flags) for family, (low, high, *flags) in raw.items()}


def _pack_bounds(bounds: Bounds) -> list[Any]:
    flags = (bounds.low_tight, bounds.high_tight, bounds.low_valid, bounds.high_valid)
    return [_pack(bounds.low), _pack(bounds.high), *flags]


def _pack(value: BoundValue) -> Any:
    """Whole numbers, booleans and texts are themselves in JSON; what isn't is a list of its type and its spelling."""
    if isinstance(value, Decimal):
        return ["decimal", str(value)]
    if isinstance(value, float):
        return ["float", value.hex()]
    return value


def _unpack(raw: Any) -> BoundValue:
    if isinstance(raw, list):
        kind, text = raw
        return Decimal(text) if kind == "decimal" else float.fromhex(text)
    value: BoundValue = raw
    return value
