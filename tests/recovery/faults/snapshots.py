"""What is in a lake, and what of it people see."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from r2d2.lake.local_writes import BEING_WRITTEN
from r2d2.recovery.moves.places import AREA

#: By name, with a slash at the end of a directory's: the SHA-256 of the content, and permission bits (0 in a store).
Snapshot = Mapping[str, tuple[str, int]]
_RECEIPT, _TIME = re.compile(rb"\d{8}T\d{6}-[0-9a-f]{8}"), re.compile(rb'"(modificationTime|timestamp)": ?\d+')
_NOTE = re.compile(r"_[^/]*\.retired-by-r2d2\.txt")


def hashed(content: bytes) -> str:
    """Of a file, as if all retirements had one id, which a table's fence names, and all that a log tells one time."""
    return hashlib.sha256(_TIME.sub(b"TIME", _RECEIPT.sub(b"RECEIPT", content))).hexdigest()


def seen(everything: Snapshot) -> Snapshot:
    """Without what r2d2 keeps there for itself, and its notes."""
    return {name: found for name, found in everything.items() if not _own(name.rstrip("/").split("/"))}


def _own(parts: Iterable[str]) -> bool:
    return any(part == AREA or part.startswith(BEING_WRITTEN) or _NOTE.fullmatch(part) for part in parts)


def contents(everything: Snapshot) -> set[str]:
    """The SHA-256 of all files, wherever they are."""
    return {sha256 for sha256, _ in everything.values() if sha256}


def difference(now: Snapshot, then: Snapshot) -> str:
    """In words; empty for none."""
    lines = [f"gone: {name}" for name in sorted(then.keys() - now.keys())]
    lines += [f"new: {name}" for name in sorted(now.keys() - then.keys())]
    lines += [f"changed: {name}" for name in sorted(now.keys() & then.keys()) if now[name] != then[name]]
    return ", ".join(lines)
