"""Storage: the one interface through which files are listed and read.

Writing (conditional put, copy, rename, delete) joins it with the stages that need it; what is here asks for no right
to write (DESIGN 4, rule 9).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import BinaryIO, Protocol
from urllib.parse import unquote

from r2d2.lake.arrow_storage import ArrowStorage, split_url
from r2d2.lake.file_tree import FileStat, FileTree
from r2d2.lake.local_storage import LocalStorage

_FILE_URL = re.compile(r"(?i)file:(//[^/]*)?(?=/)")


class Storage(Protocol):
    """Where files are. Paths are absolute, local ones without a scheme. Every failure is an ``OSError``."""

    def resolved(self, path: str) -> str:
        """The one spelling of ``path``: without links or a slash at its end."""

    def tree(self, root: str, within: Sequence[str], skip: Sequence[str] = ()) -> FileTree:
        """Everything below ``root``; links are followed inside ``within``, directories in ``skip`` are left out."""

    def names(self, directory: str) -> list[str]:
        """Names of the entries of one directory."""

    def stat(self, path: str) -> FileStat:
        """The file at ``path``."""

    def identity(self, path: str) -> str:
        """The ``identity`` that ``stat`` would give; a store is not asked, so there may be no such file in it."""

    def open(self, path: str) -> BinaryIO:
        """The file at ``path`` for reading, with random access."""

    def read_bytes(self, path: str) -> bytes:
        """The content of the file at ``path``."""

    def inside(self, path: str, within: Sequence[str]) -> bool:
        """Whether ``path`` lies in one of the directories ``within``, links resolved."""


def storage_for(path: str) -> Storage:
    """The storage of a root or a file: local for paths and ``file:`` URLs, else by the URL's scheme.

    Raises:
        LakeError: nothing installed reaches that scheme, or the URL carries credentials.
    """
    if is_local(path):
        return LocalStorage()
    scheme, authority, _ = split_url(path)
    return _store(f"{scheme}://{authority}", "::" in path)


def is_local(path: str) -> bool:
    """Whether ``path`` is on a local or mounted file system."""
    return "://" not in path or path.startswith("/") or bool(_FILE_URL.match(path))


def absolute(root: str) -> str:
    """A root as an absolute local path or a URL; a ``file:`` URL becomes the path that it names."""
    if _FILE_URL.match(root):
        return os.path.abspath(unquote(_FILE_URL.sub("", root, count=1)))
    return os.path.abspath(root) if is_local(root) else root.rstrip("/")


@lru_cache(maxsize=64)
def _store(authority: str, chained: bool) -> Storage:
    return ArrowStorage(f"{authority}::" if chained else authority)
