"""Storage: the one interface through which files are listed, read and written.

Finding asks for no right to write (DESIGN 4, rule 9): only the state, and what a person approved, are written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import BinaryIO, Protocol
from urllib.parse import unquote

from r2d2.errors import LakeError
from r2d2.lake.arrow_storage import ArrowStorage
from r2d2.lake.file_tree import FileStat, FileTree
from r2d2.lake.local_storage import LocalStorage
from r2d2.lake.object_client import OBJECT_STORES
from r2d2.lake.object_storage import ObjectStorage
from r2d2.lake.urls import SAME_STORE, refuse_credentials, split_url, url_identity, without_credentials

#: ``local:`` is what fsspec also calls the same disks.
_FILE_URL = re.compile(r"(?i)(file:(//[^/]*)?|local://)(?=/)")
#: A key may hold two colons, too.
_CHAINED = re.compile(r"^[^/]*::|::[\w+.-]+://")


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

    def open(self, path: str, tag: str = "") -> BinaryIO:
        """The file at ``path`` for reading, with random access; in a store only the version with this ``tag``."""

    def read_bytes(self, path: str) -> bytes:
        """The content of the file at ``path``."""

    def put(self, path: str, data: bytes, only_if: str | None = None, private: bool = False) -> str:
        """Writes a file in one step, so that others see all of it or nothing; its ``FileStat.version``.

        A store's answer may be lost, and then it is asked again: if what is there has the same content, it counts as
        written by this call. Where two writers must not both win, their contents must differ.

        Args:
            only_if: write only if the file has this version; the empty text: only if there is none; None: in any case.
            private: on disk, only its owner may read it.

        Raises:
            FileExistsError: the condition does not hold.
        """

    def copy(self, source: str, target: str) -> None:
        """Copies a file within the store, if there is none at ``target``.

        Raises:
            FileExistsError: there is one, or the source changed meanwhile.
        """

    def rename(self, source: str, target: str) -> None:
        """Moves a file, on disk also a directory, if there is nothing at ``target``; in a store that is a copy first.

        Raises:
            FileExistsError: there is something, or the source changed meanwhile.
        """

    def delete(self, path: str, only_if: str | None = None) -> None:
        """Removes a file; with ``only_if`` only the one with that version.

        Raises:
            FileExistsError: it has another version.
        """

    def remove_directory(self, path: str) -> bool:
        """Removes a directory if it is there and empty; whether it did. Stores have none."""

    def inside(self, path: str, within: Sequence[str]) -> bool:
        """Whether ``path`` lies in one of the directories ``within``, links resolved."""


def storage_for(path: str) -> Storage:
    """The storage of a root or a file: local for paths and ``file:`` URLs, else by the URL's scheme.

    Raises:
        LakeError: nothing installed reaches that scheme; or the URL carries credentials, is a chain or names no bucket.
    """
    if is_local(path):
        return LocalStorage()
    if _CHAINED.search(path):
        raise LakeError(f"{without_credentials(path)}: chained URLs can't be listed", "give the store's own URL")
    refuse_credentials(path)
    scheme, authority, _ = split_url(path)
    return _store(f"{scheme}://{authority}", _environment())


def is_local(path: str) -> bool:
    """Whether ``path`` is on a local or mounted file system."""
    return "://" not in path or path.startswith("/") or bool(_FILE_URL.match(path))


def absolute(root: str) -> str:
    """A root as an absolute local path or a URL; a ``file:`` URL becomes the path that it names."""
    if _FILE_URL.match(root):
        return os.path.abspath(unquote(_FILE_URL.sub("", root, count=1)))
    if is_local(root):
        return os.path.abspath(root)
    stripped = root.rstrip("/")
    return stripped if "://" in stripped else root


def one_spelling(root: str) -> str:
    """A root as it is compared with those of other runs: absolute, links resolved, a store by one scheme."""
    if root.startswith("catalog:"):
        return root
    place = absolute(root)
    return os.path.realpath(place) if is_local(place) else url_identity(place)


@lru_cache(maxsize=64)
def _store(authority: str, environment: tuple[tuple[str, str], ...]) -> Storage:
    """One for each bucket and way to reach it: its connections are kept."""
    scheme, _, _ = split_url(authority)
    return (ObjectStorage if SAME_STORE.get(scheme, scheme) in OBJECT_STORES else ArrowStorage)(authority)


def _environment() -> tuple[tuple[str, str], ...]:
    return tuple(sorted(item for item in os.environ.items() if item[0].startswith(("AWS_", "GOOGLE_", "AZURE_"))))
