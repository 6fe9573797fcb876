"""Who may read a dataset on a POSIX file system: by the modes of its files, its directories and what is above them.

A principal may read the dataset if each file lets it read, and each directory on the way lets it pass. What modes can't
tell (access control lists, modes that give others more than the group) is unknown.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from r2d2.lake.storage import is_local
from r2d2.model.dataset import Dataset

EVERYONE = "*"
_ACL = "system.posix_acl_access"


class Access(NamedTuple):
    """What one file or directory lets whom do: its owner, its group and others."""

    user: str
    group: str
    for_user: bool
    for_group: bool
    for_others: bool


class Rights:
    """Rights of datasets; what directories say is asked once for all of them."""

    def __init__(self) -> None:
        self._real = lru_cache(maxsize=2**16)(os.path.realpath)
        self._passes = lru_cache(maxsize=2**16)(lambda directory: _access(directory, stat.S_IXUSR))

    def of(self, dataset: Dataset) -> frozenset[str] | None:
        """Principals that may read the dataset; None where that is unknown, as in any object store."""
        if not is_local(dataset.location) or not dataset.files:
            return None
        try:
            return allowed(self._accesses(dataset))
        except OSError:  # it went, or can't be looked at: then nobody knows
            return None

    def _accesses(self, dataset: Dataset) -> Iterator[Access | None]:
        directories: set[str] = set()
        for file in dataset.files:
            yield _access(file.path, stat.S_IRUSR)
            for directory in self._above(file.path):
                while directory not in directories:
                    directories.add(directory)
                    yield self._passes(directory)
                    directory = os.path.dirname(directory)
        if os.path.isdir(dataset.location):
            yield _access(dataset.location, stat.S_IRUSR)  # else it can't be listed

    def _above(self, path: str) -> Iterator[str]:
        """The directory that a file is named in, and that which it is in, where links lead elsewhere."""
        yield os.path.dirname(path)
        yield os.path.dirname(os.path.realpath(path)) if os.path.islink(path) else self._real(os.path.dirname(path))


def allowed(accesses: Iterable[Access | None]) -> frozenset[str] | None:
    """The principals that everything lets in; None if something does not tell.

    >>> sorted(allowed([Access("ann", "etl", True, True, False), Access("ben", "etl", True, True, True)]))
    ['group:etl', 'user:ann']
    """
    common: frozenset[str] | None = None
    for access in dict.fromkeys(accesses):
        if access is None or access.for_others > access.for_group or access.for_group > access.for_user:
            return None
        if access.for_others:
            continue  # it lets everyone in, and so takes away nobody
        named = {f"user:{access.user}": access.for_user, f"group:{access.group}": access.for_group}
        these = frozenset(name for name, may in named.items() if may)
        common = these if common is None else common & these
    return frozenset({EVERYONE}) if common is None else common


def _access(path: str, bit: int) -> Access | None:
    """The access that a path gives by one of read and execute; None if it has an access control list.

    Raises:
        OSError: it can't be looked at.
    """
    found = os.stat(path)
    if _has_acl(path):
        return None
    bits = (bool(found.st_mode & each) for each in (bit, bit >> 3, bit >> 6))
    return Access(_user(found.st_uid), _group(found.st_gid), *bits)


def _has_acl(path: str) -> bool:
    if not hasattr(os, "getxattr"):
        return False
    try:
        os.getxattr(path, _ACL)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return False
        raise
    return True


@lru_cache(maxsize=2**12)
def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


@lru_cache(maxsize=2**12)
def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
