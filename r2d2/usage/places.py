"""Which dataset a path, URL, id or table name from a log belongs to. Names are compared as texts, never followed."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from r2d2.lake.storage import absolute, is_local
from r2d2.lake.urls import split_url, url_identity
from r2d2.model.dataset import Dataset

_CATALOG = "catalog:"
#: Two datasets have this name, so that it says nothing.
_AMBIGUOUS = -1
_FILE_URL = re.compile(r"(?i)file:")
_PART = re.compile(r'"[^"]*"|`[^`]*`|\[[^\]]*\]|[^.]+')


class Places:
    """Datasets by what logs call them; results are indexes into ``datasets``.

    Args:
        aliases: further names, each with the index of its dataset.
    """

    def __init__(self, datasets: Sequence[Dataset], aliases: Iterable[tuple[str, int]] = ()) -> None:
        self.datasets = datasets
        self._paths = [canonical(dataset.location) for dataset in datasets]
        self._locations: dict[str, int] = {}
        self._files: dict[str, int] = {}
        self._names: dict[str, int] = {}
        self._tables: dict[str, int] = {}
        for index, dataset in enumerate(datasets):
            _put(self._locations, self._paths[index], index)
            for name in (dataset.id, *dataset.names):
                _put(self._names, name, index)
                if name.startswith(_CATALOG):
                    _put(self._tables, table_name(name.removeprefix(_CATALOG).replace("/", ".")), index)
        for name, index in aliases:
            _put(self._locations if _is_path(name) else self._names, canonical(name), index)
            _put(self._tables, table_name(name), index)
        self._add_files()
        self.of = lru_cache(maxsize=2**16)(self._of)
        self.at = lru_cache(maxsize=2**16)(self._at)

    def _add_files(self) -> None:
        """Files whose path does not say whose they are: outside of their dataset, or where two have one location."""
        for index, dataset in enumerate(self.datasets):
            for file in dataset.files:
                path = canonical(file.path)
                if self._at(path) != index:
                    _put(self._files, path, index)

    def _at(self, path: str) -> int | None:
        """The dataset of a canonical path: of the file itself, else of the nearest directory that is one."""
        if path in self._files:
            return _one(self._files[path])
        while path and path != "/":
            if path in self._locations:
                return _one(self._locations[path])
            path = path.rpartition("/")[0]
        return None

    def _of(self, text: str) -> int | None:
        """The dataset of an id, another name, a path or URL of it or of a file in it, or a table's name."""
        if text in self._names:
            return _one(self._names[text])
        if _is_path(text):
            return self._at(canonical(text))
        if "/" in text:
            return self._below_id(text)
        return self._table(table_name(text))

    def _below_id(self, text: str) -> int | None:
        while text := text.rpartition("/")[0]:
            if text in self._names:
                return _one(self._names[text])
        return None

    def _table(self, name: str) -> int | None:
        """``database.table`` of a Spark catalog is found by the end of a name of three parts, too."""
        found = self._tables.get(name)
        if found is None and name.count(".") == 2:
            found = self._tables.get(name.partition(".")[2])
        return None if found is None else _one(found)

    def below(self, text: str) -> list[int]:
        """The dataset of this very path, URL, id or name; where there is none, all datasets below it."""
        path = canonical(text)
        exact = self._locations.get(path, self._names.get(text, self._tables.get(table_name(text))))
        if exact is not None:
            return [] if exact == _AMBIGUOUS else [exact]
        prefix = f"{path.rstrip('/')}/"
        if _is_path(text):
            return [i for i, place in enumerate(self._paths) if place.startswith(prefix)]
        return sorted({i for name, i in self._names.items() if i != _AMBIGUOUS and name.startswith(prefix)})


def canonical(text: str) -> str:
    """One spelling of a path or URL; what is neither stays as it is.

    >>> canonical("s3a://b/x/"), canonical("file:///lake//a/./b")
    ('s3://b/x', '/lake/a/b')
    """
    if text.startswith("/"):
        return posixpath.normpath(text)
    if not _is_path(text):
        return text
    return absolute(text) if is_local(text) else url_identity(text)


def table_name(text: str) -> str:
    """The name of a table, without quotes and without case.

    >>> table_name('"Main".`sales`.[Orders]')
    'main.sales.orders'
    """
    return ".".join(part[1:-1] if part[0] in '"`[' else part for part in _PART.findall(text)).casefold()


def _is_path(text: str) -> bool:
    return text.startswith("/") or "://" in text or bool(_FILE_URL.match(text))


def _put(names: dict[str, int], name: str, index: int) -> None:
    names[name] = index if names.get(name, index) == index else _AMBIGUOUS


def _one(index: int) -> int | None:
    return None if index == _AMBIGUOUS else index


def by_bucket(datasets: Sequence[Dataset]) -> Mapping[str, list[int]]:
    """The datasets that lie in each S3 bucket."""
    buckets: dict[str, list[int]] = {}
    for index, dataset in enumerate(datasets):
        scheme, authority, _ = split_url(canonical(dataset.location))
        if scheme == "s3":
            buckets.setdefault(authority, []).append(index)
    return buckets
