"""Paths as a Delta log spells them: URL-encoded, relative to the table or absolute."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.hadoop_paths import local_path

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/|/")


def decoded_path(encoded: str, where: str) -> str:
    """The path that a log means: relative to the table, or an absolute path or URL, without links to parents.

    Args:
        where: what spells it, for people.

    Raises:
        UnreadableData: it is not valid UTF-8.
        UnsupportedData: it has a part that is not followed.
    """
    try:
        path = unquote(encoded, errors="strict")
    except UnicodeDecodeError as error:
        raise UnreadableData(f"{where} names a file that is not valid UTF-8") from error
    if "\0" in path or not path or ".." in path.split("/"):
        raise UnsupportedData(f"{where} names a file by a path with '..' or a NUL, or by none")
    if not is_absolute(path):
        return path
    # a file: URL is decoded once above; what is left of it must not be decoded again
    path = local_path(path)
    return posixpath.normpath(path) if path.startswith("/") else path


def is_absolute(path: str) -> bool:
    """Whether it is an absolute path or a URL."""
    return bool(_ABSOLUTE.match(path))
