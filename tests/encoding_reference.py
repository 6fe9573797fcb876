"""docs/encoding.md once more, in plain Python: no DuckDB, no Arrow, no code of r2d2."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

#: A leaf: its path, folded, and its family.
Leaf = tuple[tuple[str, ...], str]


def part(value: Any, family: str) -> str:
    return "n" if value is None else f"v{text(value, family)};"


def text(value: Any, family: str) -> str:
    """The text of a value: Decimal, int, float, bool, str, bytes, list; pairs for a map, a dict for a struct."""
    if family.startswith("list<"):
        return f"{len(value)}[" + "".join(part(item, family[5:-1]) for item in value)
    if family.startswith("map<"):
        key, item = split(family[4:-1])
        entries = [part(k, key) + part(v, item) for k, v in value]
        return f"{len(entries)}{{" + "".join(sorted(entries, key=lambda entry: entry.encode()))
    if family.startswith("struct<"):
        fields = [field.split(":", 1) for field in split(family[7:-1])]
        return "".join(part(value[name], inner) for name, inner in fields)
    if family == "floating":
        bits = b"\x7f\xf8" + bytes(6) if math.isnan(value) else struct.pack(">d", value + 0.0)
        return bits.hex().upper()
    if family in ("boolean", "presence"):
        return "true" if value else "false"
    if family in ("string", "json"):
        return str(value).replace("\\", "\\\\").replace(";", "\\;")
    return bytes(value).hex().upper() if family == "binary" else number(Decimal(value))


def number(value: Decimal) -> str:
    plain = format(value, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain


def split(families: str) -> list[str]:
    """Families or fields between commas that stand in no brackets."""
    found, depth = [""], 0
    for character in families:
        depth += (character == "<") - (character == ">")
        if character == "," and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return found


def row(values: Sequence[Any], leaves: Sequence[Leaf]) -> str:
    return "".join(part(value, family) for value, (_, family) in zip(values, leaves, strict=True))


def digest(rows: Sequence[Sequence[Any]], leaves: Sequence[Leaf]) -> str:
    """The stored digest; leaves in the order of their paths, values of each row in that order."""
    described = "".join(
        f"{len(path)}[" + "".join(part(name, "string") for name in path) + part(family, "string")
        for path, family in leaves
    )
    hashes = (hashlib.sha256(row(values, leaves).encode()).digest() for values in rows)
    total = sum(int.from_bytes(value, "big") for value in hashes) % 2**256
    return f"r2d2-1:{len(rows)}:{hashlib.sha256(described.encode()).hexdigest()}:{total:064x}"
