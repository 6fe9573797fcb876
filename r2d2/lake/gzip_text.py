"""Text files that may be packed by gzip: opened, and what is wrong with one in words for its owner."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from r2d2.errors import UnreadableData

_MAGIC = b"\x1f\x8b"


@contextmanager
def opened(path: Path, compressed: bool) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked if it is ``compressed``.

    Raises:
        UnreadableData: it is no gzip file, or a damaged one; also while it is read.
        OSError: it can't be opened.
    """
    try:
        with gzip.open(path) if compressed else path.open("rb") as stream:
            yield cast(BinaryIO, stream)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableData(f"damaged gzip: {_problem(path, error)}") from error


def _problem(path: Path, error: Exception) -> str:
    """Python's own words would cite bytes of the file."""
    if isinstance(error, EOFError):
        return "it ends too early"
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return "it is called .gz and is not compressed; rename it or compress it"
    return "it does not unpack to what was packed"
