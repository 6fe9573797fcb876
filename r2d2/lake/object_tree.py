"""What lies below a URL of an object store, as a ``FileTree``."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from obstore import exceptions as failures

from r2d2.lake.arrow_storage import ArrowStorage
from r2d2.lake.file_tree import FileStat, FileTree, FoundFile, Unlisted, joined
from r2d2.lake.object_errors import store_errors
from r2d2.lake.object_listing import WORKERS, BadKey, pages
from r2d2.lake.object_requests import Requests
from r2d2.lake.urls import url_identity, url_key

if TYPE_CHECKING:
    from obstore import ObjectMeta

_SECOND = 1_000_000_000
#: A file, never a directory: what Spark leaves beside its files.
_SUCCESS = "_SUCCESS"
_BAD = "its key has an empty or dotted part, or a control character"


def object_tree(client: Requests, store: str, url: str, skip: Sequence[str]) -> FileTree:
    """Everything below ``url``.

    Args:
        store: the URL of the bucket.
        skip: URLs of directories that are left out.

    Raises:
        OSError: it can't be listed.
    """
    with store_errors(url):
        return _Tree(client, store, url, skip).run()


def object_names(client: Requests, store: str, directory: str) -> list[str]:
    """Names of the entries of one directory.

    Raises:
        OSError: it can't be listed, or there is none.
    """
    key = url_key(directory)
    with store_errors(directory):
        try:
            files, below = client.children(key)
        except failures.InvalidPathError:
            files, below, _ = by_name(client, store, key)
    if key and not files and not below:
        raise FileNotFoundError(2, "no such directory", directory)
    found = (path for path in (*(entry["path"] for entry in files), *below) if path != key)
    return [path.rpartition("/")[2] for path in found]


def stat_of(url: str, meta: ObjectMeta) -> FileStat:
    """What a store says of an object.

    A listing may tell milliseconds where the object itself tells seconds: both are taken to the second.
    """
    identity = url_identity(url)
    time = int(meta["last_modified"].timestamp()) * _SECOND
    path = identity if identity == url else url  # one text for both, of which there may be millions
    return FileStat(path, meta["size"], time, identity, tag=meta["e_tag"] or meta["version"] or "")


def by_name(client: Requests, store: str, prefix: str) -> tuple[Sequence[ObjectMeta], Sequence[str], Sequence[BadKey]]:
    """One directory, listed by pyarrow, which takes any key. What the client can spell is looked at one by one."""
    listed = ArrowStorage(store).entries(joined(store, prefix))
    spelled = [(name, is_file) for name, is_file in listed if not _is_bad(name)]
    paths = [(joined(prefix, name), is_file) for name, is_file in spelled]
    with ThreadPoolExecutor(WORKERS) as pool:
        files = list(pool.map(client.head, (path for path, is_file in paths if is_file)))
    bad = [BadKey(f"{prefix}/{name}" if prefix else name) for name, _ in listed if _is_bad(name)]
    return files, [path for path, is_file in paths if not is_file], bad


def _is_bad(name: str) -> bool:
    parts = name.split("/")
    return any(part in ("", ".", "..") for part in parts) or any(
        ord(letter) < 32 or ord(letter) == 127 for letter in name
    )


class _Tree:
    """One listing on its way to a ``FileTree``."""

    def __init__(self, client: Requests, store: str, url: str, skip: Sequence[str]) -> None:
        self.client, self.url, self.base = client, url, url_key(url)
        self.by_name = partial(by_name, client, store)
        self.left_out = [url_identity(directory) for directory in skip]
        self.files: dict[str, FileStat] = {}
        self.directories, self.skipped = set[str](), set[str]()
        self.bad: set[str] = set()
        self.anything = False

    def run(self) -> FileTree:
        for page in pages(self.client, self.base, self._leave_out, self.by_name):
            self.anything = self.anything or bool(page)
            for entry in page:
                self._take(entry)
        if not self.anything and not self.skipped and self.base:
            raise FileNotFoundError(2, "no such file or directory", self.url)
        self._markers()
        return FileTree(
            self.url,
            files=tuple(FoundFile(name, self.files[name]) for name in sorted(self.files)),
            directories=tuple(sorted(self.directories)),
            unlisted=tuple(Unlisted(name, _BAD, "rename it") for name in sorted(self.bad)),
            skipped=tuple(sorted(self.skipped)),
        )

    def _leave_out(self, key: str) -> bool:
        name = self._below(key)
        hit = next((d for d in self.left_out if f"{url_identity(joined(self.url, name))}/".startswith(f"{d}/")), None)
        if hit is not None:
            self.skipped.add(hit.removeprefix(url_identity(self.url)).strip("/"))
        return hit is not None

    def _below(self, key: str) -> str:
        return (key[len(self.base) + 1 :] if self.base else key) or "/"

    def _take(self, entry: ObjectMeta | BadKey) -> None:
        key = entry.key if isinstance(entry, BadKey) else entry["path"]
        if key == self.base or (self.left_out and self._leave_out(key)):
            return
        name = self._below(key)
        above = name.rpartition("/")[0]
        while above and above not in self.directories:
            self.directories.add(above)
            above = above.rpartition("/")[0]
        if isinstance(entry, BadKey):
            self.bad.add(name)
        else:
            self.files[name] = stat_of(joined(self.url, name), entry)

    def _markers(self) -> None:
        """Empty objects ``x/`` stand for directories; the client gives them as ``x``, for which a store is asked."""
        empty = [name for name, stat in self.files.items() if not stat.size and self._may_be_marker(name)]
        with ThreadPoolExecutor(WORKERS) as pool:
            for name, is_file in zip(empty, pool.map(self._is_file, empty), strict=True):
                if not is_file:
                    del self.files[name]
                    self.directories.add(name)

    def _may_be_marker(self, name: str) -> bool:
        last = name.rpartition("/")[2]
        return name in self.directories or ("." not in last and last != _SUCCESS)

    def _is_file(self, name: str) -> bool:
        try:
            self.client.head(joined(self.base, name))
        except FileNotFoundError:
            return False
        return True
