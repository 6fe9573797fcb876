"""Files in HDFS through ``pyarrow.fs``, and in other stores through fsspec.

Directories of object stores whose keys ``obstore`` can't spell are listed here too.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, BinaryIO, cast

import pyarrow.fs as arrow_fs

from r2d2.errors import LakeError, R2D2Error
from r2d2.lake.file_tree import FileStat, FileTree, FoundFile, Unlisted, joined
from r2d2.lake.not_written import NotWritten
from r2d2.lake.urls import SAME_STORE, split_url, url_identity, url_inside, without_credentials

_KNOWN_TO_ARROW = ("s3", "gs", "abfs", "hdfs", "viewfs")


class ArrowStorage(NotWritten):
    """Storage on one authority (bucket, name node) of a URL scheme; credentials come from the environment."""

    def __init__(self, url: str) -> None:
        scheme, authority, _ = split_url(url)
        self.scheme, self.authority = SAME_STORE.get(scheme, scheme), authority
        self.prefix = f"{scheme}://{authority}"

    def resolved(self, path: str) -> str:
        """The URL without a slash at its end."""
        return path.rstrip("/")

    def tree(self, root: str, within: Sequence[str], skip: Sequence[str] = ()) -> FileTree:
        """Everything below ``root``; ``skip`` names URLs of directories that are left out.

        Raises:
            OSError: the root itself can't be listed.
        """
        url = self.resolved(root)
        with _as_os_error(url):
            info = self._files.get_file_info(self._key(url))
        if info.type == arrow_fs.FileType.File:
            stat = self._stat(url, info)
            return FileTree(url, is_file=True, files=(FoundFile(url.rpartition("/")[2], stat),))
        return self._sorted_tree(url, skip)

    def names(self, directory: str) -> list[str]:
        """Names of the entries of one directory.

        Raises:
            OSError: it can't be listed.
        """
        with _as_os_error(directory):
            found = self._files.get_file_info(arrow_fs.FileSelector(self._key(directory)))
        return [info.path.rstrip("/").rpartition("/")[2] for info in found]

    def entries(self, directory: str) -> list[tuple[str, bool]]:
        """Names of the entries of one directory, as their keys spell them, and whether each is a file.

        Raises:
            OSError: it can't be listed.
        """
        base = self._key(directory)
        with _as_os_error(directory):
            found = self._files.get_file_info(arrow_fs.FileSelector(base))
        return [(info.path[len(base) + 1 :], info.type == arrow_fs.FileType.File) for info in found]

    def stat(self, path: str) -> FileStat:
        """The file at ``path``.

        Raises:
            OSError: there is none, or it can't be looked at.
        """
        with _as_os_error(path):
            info = self._files.get_file_info(self._key(path))
        if info.type == arrow_fs.FileType.NotFound:
            raise FileNotFoundError(2, "no such file", without_credentials(path))
        if info.type != arrow_fs.FileType.File:
            raise OSError(0, "not a file", without_credentials(path))
        return self._stat(path, info)

    def identity(self, path: str) -> str:
        """The object's one spelling; the store is not asked."""
        return url_identity(path)

    def open(self, path: str, tag: str = "") -> BinaryIO:
        """The file at ``path`` for reading, with random access; these stores give no ``tag`` to ask for.

        Raises:
            OSError: there is none, or it can't be read.
        """
        with _as_os_error(path):
            return cast(BinaryIO, self._files.open_input_file(self._key(path)))

    def read_bytes(self, path: str) -> bytes:
        """The content of the file at ``path``.

        Raises:
            OSError: there is none, or it can't be read.
        """
        with _as_os_error(path), self._files.open_input_stream(self._key(path)) as source:
            return bytes(source.read())

    def inside(self, path: str, within: Sequence[str]) -> bool:
        """Whether ``path`` lies in one of the directories ``within``; stores have no links."""
        return url_inside(path, within)

    def file_system(self, url: str) -> tuple[Any, str]:
        """The pyarrow file system of the store, and its path for a URL."""
        return self._files, self._key(url)

    @cached_property
    def _files(self) -> Any:
        if self.scheme == "s3":
            # the AWS SDK puts it into the user agent, so that access logs tell r2d2's own reads (usage.own)
            os.environ.setdefault("AWS_SDK_UA_APP_ID", "r2d2")
            return arrow_fs.S3FileSystem(**_s3_options(os.environ))
        with _as_os_error(self.prefix):
            if self.scheme in _KNOWN_TO_ARROW:
                return arrow_fs.FileSystem.from_uri(f"{self.scheme}://{self.authority}/")[0]
        return arrow_fs.PyFileSystem(_TimedHandler(_fsspec_filesystem(self.prefix)))

    def _key(self, url: str) -> str:
        """The path that the file system itself uses for a URL."""
        _, authority, path = split_url(url)
        if self.scheme in ("s3", "gs"):
            return f"{authority}{path}".rstrip("/")
        if self.scheme in _KNOWN_TO_ARROW:
            container = authority.partition("@")[0] if self.scheme == "abfs" else ""
            return f"{container}{path}".rstrip("/") or "/"
        return str(self._files.handler.fs._strip_protocol(url))

    def _stat(self, url: str, info: arrow_fs.FileInfo) -> FileStat:
        time = info.mtime_ns or 0
        if isinstance(self._files, arrow_fs.PyFileSystem):
            # pyarrow takes times from Python through a double in some calls and not in others
            time = (time + 500) // 1000 * 1000
        return FileStat(url, info.size or 0, time, self.identity(url))

    def _sorted_tree(self, url: str, skip: Sequence[str]) -> FileTree:
        files, directories, unlisted, skipped = [], [], [], set[str]()
        base, left_out = self._key(url).strip("/"), [self.identity(directory) for directory in skip]
        for entry in self._entries(self._key(url)):
            if isinstance(entry, _Refused):
                unlisted.append(Unlisted(_below(base, entry.path), entry.reason, "give the right to list it"))
                continue
            name = _below(base, entry.path)
            hit = next((d for d in left_out if f"{self.identity(joined(url, name))}/".startswith(f"{d}/")), None)
            if hit is not None:
                skipped.add(hit.removeprefix(self.identity(url)).strip("/"))
                continue
            if {"", ".", ".."} & set(name.split("/")):
                unlisted.append(Unlisted(name, "its key has an empty or dotted part", "rename it"))
                continue
            if entry.type == arrow_fs.FileType.Directory:
                directories.append(name)
                continue
            if entry.type == arrow_fs.FileType.File:
                files.append(FoundFile(name, self._stat(joined(url, name), entry)))
                continue
            unlisted.append(Unlisted(name, "it is no regular file", "move it out of the lake"))
        return FileTree(
            url,
            files=tuple(sorted(files)),
            directories=tuple(sorted(directories)),
            unlisted=tuple(sorted(unlisted)),
            skipped=tuple(sorted(skipped)),
        )

    def _entries(self, key: str) -> Iterator[arrow_fs.FileInfo | _Refused]:
        """All entries in one request where the store allows that, else directory by directory."""
        try:
            with _as_os_error(key):
                yield from self._files.get_file_info(arrow_fs.FileSelector(key, recursive=True))
            return
        except FileNotFoundError:
            raise
        except OSError:
            pending = [key]
        while pending:
            directory = pending.pop()
            try:
                with _as_os_error(directory):
                    found = self._files.get_file_info(arrow_fs.FileSelector(directory))
            except OSError as error:
                if directory == key:
                    raise
                yield _Refused(directory, f"can't be listed: {error}")
                continue
            pending += [info.path for info in found if info.type == arrow_fs.FileType.Directory]
            yield from found


class _Refused:
    """A directory that the store does not list."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason


class _TimedHandler(arrow_fs.FSSpecHandler):  # type: ignore[misc]  # pyarrow has no types
    """An fsspec file system whose files tell when they last changed, whatever their store calls it."""

    @staticmethod
    def _create_file_info(path: str, info: Mapping[str, Any]) -> arrow_fs.FileInfo:
        kinds = {"file": arrow_fs.FileType.File, "directory": arrow_fs.FileType.Directory}
        kind = kinds.get(info["type"], arrow_fs.FileType.Unknown)
        size = info.get("size") if kind == arrow_fs.FileType.File else None
        return arrow_fs.FileInfo(path, kind, size=size, mtime_ns=_mtime_ns(info))


def _mtime_ns(info: Mapping[str, Any]) -> int | None:
    for key in ("mtime", "LastModified", "last_modified", "modified", "updated", "created"):
        value = info.get(key)
        if isinstance(value, str):
            try:
                value = datetime.datetime.fromisoformat(value)
            except ValueError:
                continue
        if isinstance(value, datetime.datetime):
            aware = value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
            since = aware - datetime.datetime.fromtimestamp(0, datetime.UTC)
            return (since // datetime.timedelta(microseconds=1)) * 1000
        if isinstance(value, int | float) and not isinstance(value, bool):
            return int(value * 1_000_000_000)
    return None


def _s3_options(environ: Mapping[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        scheme, _, host = endpoint.rpartition("://")
        options |= {"endpoint_override": host.rstrip("/"), "scheme": scheme or "https"}
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if region:
        options["region"] = region
    if environ.get("AWS_SKIP_SIGNATURE", "").lower() == "true":
        options["anonymous"] = True
    return options


def _fsspec_filesystem(prefix: str) -> Any:
    import fsspec

    try:
        return fsspec.core.url_to_fs(f"{prefix}/")[0]
    except (ImportError, ValueError) as error:
        raise LakeError(
            f"{prefix}: there is no file system for it: {without_credentials(str(error))}",
            "install the fsspec package of this store, or copy the lake to a store that is known",
        ) from error


def _below(base: str, path: str) -> str:
    return path.strip("/").removeprefix(base).removeprefix("/") if base else path.strip("/")


@contextmanager
def _as_os_error(url: str) -> Iterator[None]:
    """Whatever a store's client raises becomes an OSError whose message carries no credentials."""
    try:
        yield
    except R2D2Error:
        raise
    except Exception as error:
        kind = type(error) if type(error) in (FileNotFoundError, NotADirectoryError, PermissionError) else OSError
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise kind(without_credentials(f"{url}: {first}")) from error
