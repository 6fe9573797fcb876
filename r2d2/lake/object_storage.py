"""Files in object stores (S3, GCS, ADLS) through ``obstore``, read at the version that was listed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, cast

from r2d2.errors import LakeError
from r2d2.lake.file_tree import FileStat, FileTree, FoundFile
from r2d2.lake.object_client import open_client
from r2d2.lake.object_errors import store_errors
from r2d2.lake.object_reading import RangeReader
from r2d2.lake.object_requests import Requests
from r2d2.lake.object_tree import object_names, object_tree, stat_of
from r2d2.lake.urls import SAME_STORE, split_url, url_identity, url_inside, url_key

if TYPE_CHECKING:
    from obstore import PutMode

#: Bytes that stores copy in one request, and those that are sent in one where they are copied through here.
_MOST_COPIED, _PART = 5 * 1024**3, 8 * 1024**2
_NAME = re.compile(r"[!-~]+")


class ObjectStorage:
    """Storage on one bucket or container; credentials come from the environment."""

    def __init__(self, url: str) -> None:
        scheme, self.authority, _ = split_url(url)
        if not _NAME.fullmatch(self.authority):
            raise LakeError(f"{url}: that names no bucket or container", "give it as SCHEME://BUCKET/PREFIX")
        self.scheme = SAME_STORE.get(scheme, scheme)
        self.prefix = f"{scheme}://{self.authority}"

    def resolved(self, path: str) -> str:
        """The URL without a slash at its end."""
        return path.rstrip("/")

    def tree(self, root: str, within: Sequence[str], skip: Sequence[str] = ()) -> FileTree:
        """Everything below ``root``; ``skip`` names URLs of directories that are left out.

        Raises:
            OSError: the root itself can't be listed.
        """
        url = self.resolved(root)
        if url_key(url) and (found := self._file(url)) and not (found.size == 0 and self._is_directory(url)):
            return FileTree(url, is_file=True, files=(FoundFile(url.rpartition("/")[2], found),))
        return object_tree(self.client, self.prefix, url, skip)

    def names(self, directory: str) -> list[str]:
        """Names of the entries of one directory.

        Raises:
            OSError: it can't be listed, or there is none.
        """
        return object_names(self.client, self.prefix, directory)

    def stat(self, path: str) -> FileStat:
        """The object at ``path``.

        Raises:
            OSError: there is none, or it can't be looked at.
        """
        with store_errors(path):
            return stat_of(path, self.client.head(url_key(path)))

    def identity(self, path: str) -> str:
        """The object's one spelling; the store is not asked."""
        return url_identity(path)

    def open(self, path: str, tag: str = "") -> BinaryIO:
        """The object at ``path`` for reading, with random access; each read is a request of its own.

        Args:
            tag: as ``stat`` gave it: another version is not read. Empty for the version that is there now.

        Raises:
            OSError: there is none, it has another tag, or it can't be read.
        """
        key = url_key(path)
        with store_errors(path):
            meta = self.client.head(key, tag)
        return cast(BinaryIO, RangeReader(self.client, path, meta))

    def read_bytes(self, path: str) -> bytes:
        """The content of the object at ``path``.

        Raises:
            OSError: there is none, or it can't be read.
        """
        with store_errors(path):
            return self.client.read(url_key(path))[1]

    def put(self, path: str, data: bytes, only_if: str | None = None, private: bool = False) -> str:
        """Writes an object; see ``Storage.put``. Who may read it is the bucket's to say.

        Raises:
            FileExistsError: the condition does not hold.
            OSError: it can't be written.
        """
        try:
            mode = self._mode(path, only_if)
            with store_errors(path):
                found = self.client.put(url_key(path), data, mode)
        except FileExistsError:
            now = self._same(path, data)
            if not now:
                raise
            return now
        return found or self.stat(path).version

    def _mode(self, path: str, only_if: str | None) -> PutMode:
        if not only_if:
            return "overwrite" if only_if is None else "create"
        if self.scheme != "gs":
            return {"e_tag": only_if}
        try:  # GCS has conditions on numbers of its own only
            with store_errors(path):
                return {"e_tag": only_if, "version": self.client.head(url_key(path), only_if)["version"]}
        except FileNotFoundError as error:
            raise FileExistsError(17, "it is gone", path) from error

    def copy(self, source: str, target: str) -> None:
        """Copies an object within its bucket, if there is none at ``target``.

        Raises:
            FileExistsError: there is one, or the source changed meanwhile.
            OSError: it can't be read or written.
        """
        before, sure = self.stat(source), True
        if 0 < before.size <= _MOST_COPIED:
            with store_errors(target):
                sure = self.client.copy_new(url_key(source), url_key(target))
        else:
            self._copy_through_here(before, target)
        made = self.stat(target)
        if self.stat(source).version != before.version:
            self.delete(target, made.version)
            raise FileExistsError(17, "it changed while it was copied", source)
        if made.size != before.size or not (sure or self._are_equal(source, target)):
            raise FileExistsError(17, "somebody else writes there", target)

    def rename(self, source: str, target: str) -> None:
        """Copies an object, and removes it where it was; a crash between the two leaves both.

        Raises:
            FileExistsError: there is one at ``target``, or the source changed meanwhile.
            OSError: it can't be read or written.
        """
        before = self.stat(source)
        self.copy(source, target)
        self.delete(source, before.version)

    def delete(self, path: str, only_if: str | None = None) -> None:
        """Removes an object; see ``Storage.delete``. A client has no condition for it: its version is looked at before.

        Raises:
            FileExistsError: it is not the one that was meant.
            OSError: there is none, or it can't be removed.
        """
        if only_if and self.stat(path).version != only_if:
            raise FileExistsError(17, "it has changed", path)
        with store_errors(path):
            self.client.delete(url_key(path))

    def remove_directory(self, path: str) -> bool:
        """Stores have no directories."""
        return False

    def inside(self, path: str, within: Sequence[str]) -> bool:
        """Whether ``path`` lies in one of the directories ``within``; stores have no links."""
        return url_inside(path, within)

    @cached_property
    def client(self) -> Requests:
        """What requests go through; made when the first one does."""
        with store_errors(self.prefix):
            return open_client(self.scheme, self.authority)

    def _copy_through_here(self, source: FileStat, target: str) -> None:
        """What the store itself does not copy: nothing at all, and objects that are too large for one request."""
        if self._file(target):  # an upload in parts has no condition in the client
            raise FileExistsError(17, "there is one already", target)
        if not source.size:
            self.put(target, b"", only_if="")
            return
        with self.open(source.path, source.tag) as content, store_errors(target):
            self.client.put_parts(url_key(target), iter(lambda: content.read(_PART), b""))

    def _are_equal(self, one: str, other: str) -> bool:
        with self.open(one) as first, self.open(other) as second:
            while part := first.read(_PART):
                if second.read(_PART) != part:
                    return False
            return not second.read(1)

    def _same(self, path: str, data: bytes) -> str:
        """The version of the object if it holds ``data``; else nothing."""
        try:
            with store_errors(path):
                meta, found = self.client.read(url_key(path))
        except FileNotFoundError:  # the other writer, because of whom this one was refused, is not done yet, or failed
            return ""
        return stat_of(path, meta).version if found == data else ""

    def _is_directory(self, url: str) -> bool:
        """Whether anything lies below an empty object: ADLS and some writers have such objects for directories."""
        try:
            return bool(self.names(url))
        except FileNotFoundError:
            return False

    def _file(self, url: str) -> FileStat | None:
        try:
            return self.stat(url)
        except (FileNotFoundError, PermissionError):
            return None  # a directory, or one that may only be listed: the listing tells
