"""Writes on local disks that are there, whole, after a crash: files and their directories are synced.

Conditions hold among those who write through here: a lock on the directory keeps two of them apart.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PRIVATE = 0o600
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)

#: What the names of files that are being written begin with.
BEING_WRITTEN = ".r2d2-"


def make_directory(path: str) -> None:
    """Makes a directory and those above it, as far as they are missing; synced from the top down."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    make_directory(above)
    with suppress(FileExistsError):  # of somebody who was faster; what is no directory shows when it is entered
        os.mkdir(path)
    _sync(above)


def put(path: str, data: bytes, private: bool) -> None:
    """Writes a file in one step; what is there is replaced."""
    with _written(path, data, private) as temporary:
        os.replace(temporary, path)


def put_new(path: str, data: bytes, private: bool) -> None:
    """Writes a file in one step, if none is there.

    Raises:
        FileExistsError: there is one.
    """
    with _written(path, data, private) as temporary:
        _link_new(temporary, path)


def copy_new(source: str, target: str) -> None:
    """Copies a file with its permission bits, if there is none at ``target``.

    Raises:
        FileExistsError: there is one.
    """
    temporary = _temporary(target)
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))
        shutil.copy(source, temporary)
        _sync(temporary)
        _link_new(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)
    _sync(os.path.dirname(target))


def rename_new(source: str, target: str) -> None:
    """Renames a file or a directory, if there is nothing at ``target``.

    Of a file that a crash cuts short both names may be left; of a directory an empty one at ``target``.

    Raises:
        FileExistsError: there is something.
    """
    if os.path.isdir(source) and not os.path.islink(source):
        _rename_directory(source, target)
        _sync(os.path.dirname(target))
    else:
        os.link(source, target, follow_symlinks=False)
        _sync(os.path.dirname(target))  # before the old name goes: no order is promised between two directories
        os.unlink(source)
    _sync(os.path.dirname(source))


def _rename_directory(source: str, target: str) -> None:
    os.mkdir(target)
    try:
        os.rename(source, target)
    except OSError as error:
        with suppress(OSError):  # it is left empty, or another's
            os.rmdir(target)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # somebody wrote to it at once
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from error
        raise


def _link_new(temporary: str, path: str) -> None:
    """Gives a file its name, if that is free; some mounts have no links, and there a reader may see it half made."""
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with open(temporary, "rb") as source, open(path, "xb", opener=_as_private) as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        shutil.copymode(temporary, path)


def _as_private(path: str, flags: int) -> int:
    return os.open(path, flags, _PRIVATE)


def keep(path: str) -> None:
    """Syncs a file that other code wrote, and the entries of its directory and of the one above."""
    directory = os.path.dirname(path)
    for each in (path, directory, os.path.dirname(directory)):
        _sync(each)


def delete(path: str) -> None:
    """Removes a file."""
    os.unlink(path)
    _sync(os.path.dirname(path))


def remove_directory(path: str) -> bool:
    """Removes a directory that is empty; whether there was one."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            return False
        raise
    _sync(os.path.dirname(path))
    return True


@contextmanager
def directory_locked(path: str) -> Iterator[None]:
    """Keeps others who ask here from changing entries of the directory that ``path`` is in."""
    handle = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _written(path: str, data: bytes, private: bool) -> Iterator[str]:
    temporary = _temporary(path)
    try:
        mode = _PRIVATE if private else 0o666
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        Path(temporary).unlink(missing_ok=True)
    _sync(os.path.dirname(path))


def _temporary(path: str) -> str:
    """Hidden, so that no listing takes it for data."""
    return os.path.join(os.path.dirname(path), f"{BEING_WRITTEN}{uuid.uuid4().hex}")


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
