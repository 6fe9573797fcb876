"""What lies below a URL of an object store, as a ``FileTree``."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from obstore import exceptions as failures

from r2d2.lake.arrow_storage import ArrowStorage
from r2d2.lake.file_tree import FileStat, FileTree, FoundFile, Unlisted, joined
from r2d2.lake.object_errors import reason_of, store_errors
from r2d2.lake.object_listing import WORKERS, BadKey, pages
from r2d2.lake.object_requests import Requests
from r2d2.lake.urls import is_spelled, url_identity, url_key

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
    identity, tag = url_identity(url), meta["e_tag"] or ""
    if tag and not tag.endswith('"'):  # as ADLS lists it; a header has quotes
        tag = f'"{tag}"'
    time = int(meta["last_modified"].timestamp()) * _SECOND
    path = identity if identity == url else url  # one text for both, of which there may be millions
    return FileStat(path, meta["size"], time, identity, tag=tag or meta["version"] or "")


def by_name(client: Requests, store: str, prefix: str) -> tuple[Sequence[ObjectMeta], Sequence[str], Sequence[BadKey]]:
    """One directory, listed by pyarrow, which takes any key. What the client can spell is looked at one by one."""
    listed = ArrowStorage(store).entries(joined(store, prefix))
    paths = [(joined(prefix, name), is_file) for name, is_file in listed if is_spelled(name)]
    bad = [
        BadKey(f"{prefix}/{name}" if prefix else name, _BAD, "rename it") for name, _ in listed if not is_spelled(name)
    ]
    files: list[ObjectMeta] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for found in pool.map(partial(_looked_at, client), (path for path, is_file in paths if is_file)):
            if isinstance(found, BadKey):
                bad.append(found)
            elif found:
                files.append(found)
    return files, [path for path, is_file in paths if not is_file], bad


def _looked_at(client: Requests, key: str) -> ObjectMeta | BadKey | None:
    """None if it is gone since it was listed."""
    try:
        return client.head(key)
    except FileNotFoundError:
        return None
    except failures.BaseError as error:
        return BadKey(key, f"can't be looked at: {reason_of(error)}", "give the right to read it")


class _Tree:
    """One listing on its way to a ``FileTree``."""

    def __init__(self, client: Requests, store: str, url: str, skip: Sequence[str]) -> None:
        self.client, self.url, self.base = client, url, url_key(url)
        self.by_name = partial(by_name, client, store)
        self.left_out = [url_identity(directory) for directory in skip]
        self.files: dict[str, FileStat] = {}
        self.directories, self.skipped = set[str](), set[str]()
        self.bad: dict[str, BadKey] = {}
        self.twice: dict[str, FileStat] = {}  # the other of ``x`` and ``x/``, which have one name here
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
            unlisted=tuple(Unlisted(name, self.bad[name].reason, self.bad[name].hint) for name in sorted(self.bad)),
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
            self.bad[name] = entry
            return
        stat = stat_of(joined(self.url, name), entry)
        if self.files.setdefault(name, stat) != stat:
            self.twice[name] = stat

    def _markers(self) -> None:
        """Empty objects ``x/`` stand for directories; the client gives them as ``x``, for which a store is asked."""
        empty = {name for name, stat in self.files.items() if not stat.size and self._may_be_marker(name)}
        asked = sorted(empty | self.twice.keys())
        with ThreadPoolExecutor(WORKERS) as pool:
            keys = [joined(self.base, name) for name in asked]
            for name, found in zip(asked, pool.map(partial(_looked_at, self.client), keys), strict=True):
                if found is None:
                    del self.files[name]
                    self.directories.add(name)
                elif not isinstance(found, BadKey):  # what may not be looked at is a file until somebody reads it
                    self._choose(name, stat_of(joined(self.url, name), found))

    def _choose(self, name: str, stat: FileStat) -> None:
        """The object ``name``; one with a slash after it is a directory, if it is empty, else no path spells it."""
        if any(other.size and other != stat for other in (self.files[name], self.twice.get(name, stat))):
            self.bad[f"{name}/"] = BadKey(f"{name}/", _BAD, "rename it")
        self.files[name] = stat

    def _may_be_marker(self, name: str) -> bool:
        last = name.rpartition("/")[2]
        return name in self.directories or ("." not in last and last != _SUCCESS)
