"""Directories that a table format claims whole: nothing below them is a dataset of its own (EXACTNESS 1)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from r2d2.catalog.patterns import prefixes
from r2d2.errors import LakeError
from r2d2.lake.file_tree import FileTree, joined, shown
from r2d2.lake.storage import Storage

FORMAT_NAMES = {
    "delta": "Delta table",
    "iceberg": "Iceberg table",
    "hudi": "Hudi table",
    "paimon": "Paimon table",
    "lance": "Lance dataset",
    "spark-sink": "Spark streaming sink (_spark_metadata)",
    "mixed": "directory that several table formats claim",
}
_DIRECTORIES = {"_delta_log": "delta", ".hoodie": "hudi", "_versions": "lance", "_spark_metadata": "spark-sink"}
_ICEBERG_FILE = re.compile(r".*\.metadata\.json(\.gz)?|.*\.gz\.metadata\.json|version-hint\.text", re.DOTALL)
_PAIMON_FILE = re.compile(r"schema-\d+")


def claimed_directories(tree: FileTree) -> Mapping[str, str]:
    """Directory (relative to the root, empty for the root) → format; the outermost of nested ones only.

    A directory that can't be listed claims as one that can.
    """
    claims: dict[str, set[str]] = defaultdict(set)
    names = {directory for name in _all_names(tree) for directory in prefixes(name)}
    unlisted = {entry.name for entry in tree.unlisted}
    for name in names:
        base, _, last = name.rpartition("/")
        if last in _DIRECTORIES:
            claims[base].add(_DIRECTORIES[last])
        elif name in unlisted and last == "metadata" and joined(base, "data") in names:
            claims[base].add("iceberg")
    for found in tree.files:
        directory, _, name = found.name.rpartition("/")
        base, _, last = directory.rpartition("/")
        if last == "metadata" and _ICEBERG_FILE.fullmatch(name):
            claims[base].add("iceberg")
        elif last == "schema" and _PAIMON_FILE.fullmatch(name) and joined(base, "snapshot") in names:
            claims[base].add("paimon")
    outermost = {base for base in claims if not any(above in claims for above in _above(base))}
    return {base: kinds.pop() if len(kinds := set(claims[base])) == 1 else "mixed" for base in sorted(outermost)}


def owner_of(claims: Iterable[str]) -> Callable[[str], str | None]:
    """A function that tells which claimed directory a path lies in or is; remembers what it looked up."""
    owners: dict[str, str | None] = {base: base for base in claims}

    def owner(name: str) -> str | None:
        """The claimed directory, or None."""
        pending = []
        while name not in owners and name:
            pending.append(name)
            name = name.rpartition("/")[0]
        found = owners.get(name)
        for below in pending:
            owners[below] = found
        return found

    return owner


def claim_above(storage: Storage, root: str) -> tuple[str, str] | None:
    """The format and the directory of a table that ``root`` itself lies in, or None.

    Directories above a root are often closed to its reader; one that may not be listed claims nothing.

    Raises:
        LakeError: what is above could not be looked at for another reason, so that nobody knows.
    """
    scheme, separator, rest = root.rpartition("://")
    parts = rest.split("/")
    for depth in range(len(parts) - 1, 0, -1):
        directory = f"{scheme}{separator}{'/'.join(parts[:depth])}"
        for marker, kind in (*_DIRECTORIES.items(), ("metadata", "iceberg"), ("schema", "paimon")):
            names = _names(storage, f"{directory}/{marker}")
            if marker == "metadata":
                names = [name for name in names if _ICEBERG_FILE.fullmatch(name)]
            if marker == "schema":
                names = [name for name in names if _PAIMON_FILE.fullmatch(name)]
            if names:
                return kind, directory
    return None


def _names(storage: Storage, directory: str) -> list[str]:
    try:
        return storage.names(directory)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    except OSError as error:
        hint = "it may hold the log of a table that the root lies in: run it again, or give that table as the root"
        raise LakeError(f"{shown(directory)}: can't be listed: {error.strerror or error}", hint) from error


def _all_names(tree: FileTree) -> set[str]:
    """Directories, those of files and what could not be listed; stores don't list all their directories."""
    of_files = {found.name.rpartition("/")[0] for found in tree.files}
    return (of_files | set(tree.directories) | {entry.name for entry in tree.unlisted}) - {""}


def _above(base: str) -> list[str]:
    return ["", *prefixes(base)[:-1]] if base else []
