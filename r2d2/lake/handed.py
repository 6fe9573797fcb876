"""Files that a kernel need not fetch: something else has put them on the task's disk, or knows why they can't be had.

Kernels stage what they read (``lake.staging``). Where Spark reads instead of them (``lake.spark_rows``,
``lake.spark_files``), what it gave lies in the task's scratch space already, and staging finds it here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType

from r2d2.errors import R2D2Error

#: By the path that a task knows a file by: where it lies, or why there is none.
Handed = Mapping[str, Path | R2D2Error]

_HANDED: ContextVar[Handed] = ContextVar("handed", default=MappingProxyType({}))


@contextmanager
def handed(files: Handed) -> Iterator[None]:
    """Within it staging takes these files from here."""
    token = _HANDED.set(files)
    try:
        yield
    finally:
        _HANDED.reset(token)


def is_handed(path: str) -> bool:
    """Whether the file at ``path`` need not be fetched, and can't be looked at where it lies."""
    return path in _HANDED.get()


def handed_file(path: str) -> Path:
    """Where the file lies.

    Raises:
        R2D2Error: what kept it from being handed over.
        KeyError: it was not handed over.
    """
    found = _HANDED.get()[path]
    if isinstance(found, R2D2Error):
        raise found
    return found
