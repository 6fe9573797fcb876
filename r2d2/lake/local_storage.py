"""Files on local disks and mounted file systems."""

from __future__ import annotations

import io
import os
import stat as modes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import BinaryIO, NamedTuple

from r2d2.lake import local_writes
from r2d2.lake.file_tree import FileStat, FileTree, FoundFile, Unlisted, joined

#: Directories entered through symbolic links in one listing; links that multiply paths beyond it are refused.
MAX_LINKED_DIRECTORIES = 10_000


class LocalStorage:
    """Storage on local paths; links are followed only inside the roots, and special files are never opened."""

    def resolved(self, path: str) -> str:
        """The absolute path without links."""
        return os.path.realpath(path)

    def tree(self, root: str, within: Sequence[str], skip: Sequence[str] = ()) -> FileTree:
        """Everything below ``root``; a link is followed if it leads inside ``within``, but not into ``skip``.

        Raises:
            OSError: the root itself can't be listed.
        """
        real = os.path.realpath(root)
        linked = real != os.path.abspath(root)
        if not modes.S_ISDIR(os.stat(real).st_mode):
            found = FoundFile(os.path.basename(real), self.stat(real), linked)
            return FileTree(real, is_file=True, linked=linked, files=(found,))
        return _Walk(real, linked, within, skip).run()

    def names(self, directory: str) -> list[str]:
        """Names of the entries of one directory.

        Raises:
            OSError: it can't be listed.
        """
        return os.listdir(directory)

    def stat(self, path: str) -> FileStat:
        """The regular file at ``path``, links followed.

        Raises:
            OSError: there is none.
        """
        return _file_stat(path, os.stat(path))

    def identity(self, path: str) -> str:
        """The device and inode of the regular file at ``path``, links followed.

        Raises:
            OSError: there is none.
        """
        return self.stat(path).identity

    def open(self, path: str, tag: str = "") -> BinaryIO:
        """The regular file at ``path`` for reading; never waits for a writer, as opening a pipe would.

        Disks have no ``tag``: whether it is the file that was listed is looked at before and after.

        Raises:
            OSError: there is none, or it can't be read.
        """
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _file_stat(path, os.fstat(handle))
            return io.BufferedReader(io.FileIO(handle))
        except BaseException:
            os.close(handle)
            raise

    def read_bytes(self, path: str) -> bytes:
        """The content of the regular file at ``path``.

        Raises:
            OSError: there is none, or it can't be read.
        """
        with self.open(path) as source:
            return source.read()

    def put(self, path: str, data: bytes, only_if: str | None = None, private: bool = False) -> str:
        """Writes a file in one step, synced; see ``Storage.put``. Directories that are missing are made.

        Raises:
            FileExistsError: the condition does not hold.
            OSError: it can't be written.
        """
        local_writes.make_directory(os.path.dirname(path))
        if not only_if:
            (local_writes.put if only_if is None else local_writes.put_new)(path, data, private)
            return self.stat(path).version
        with self._unchanged(path, only_if):
            local_writes.put(path, data, private)
            return self.stat(path).version

    def copy(self, source: str, target: str) -> None:
        """Copies a file, synced, if there is none at ``target``.

        Raises:
            FileExistsError: there is one.
            OSError: it can't be read or written.
        """
        local_writes.make_directory(os.path.dirname(target))
        local_writes.copy_new(source, target)

    def rename(self, source: str, target: str) -> None:
        """Renames a file or a directory, synced, if there is nothing at ``target``; directories above it are made.

        Raises:
            FileExistsError: there is something.
            OSError: it can't be renamed.
        """
        local_writes.make_directory(os.path.dirname(target))
        local_writes.rename_new(source, target)

    def delete(self, path: str, only_if: str | None = None) -> None:
        """Removes a file, synced; see ``Storage.delete``.

        Raises:
            FileExistsError: it is not the one that was meant.
            OSError: there is none, or it can't be removed.
        """
        with self._unchanged(path, only_if) if only_if else nullcontext():
            local_writes.delete(path)

    def remove_directory(self, path: str) -> bool:
        """Removes a directory, synced, if it is there and empty.

        Raises:
            OSError: it can't be removed.
        """
        return local_writes.remove_directory(path)

    @contextmanager
    def _unchanged(self, path: str, version: str) -> Iterator[None]:
        """Nobody who asks here changes the file meanwhile."""
        with local_writes.directory_locked(path):
            if self.stat(path).version != version:
                raise FileExistsError(17, "it has changed", path)
            yield

    def inside(self, path: str, within: Sequence[str]) -> bool:
        """Whether ``path``, with its links resolved, lies in one of the directories ``within``."""
        return _inside(os.path.realpath(path), [os.path.realpath(directory) for directory in within])


class _Directory(NamedTuple):
    """A directory on the way down; ``parent`` leads back to the root, to notice a link to where it came from."""

    path: str
    name: str
    identity: tuple[int, int]
    parent: _Directory | None
    linked: bool

    def leads_back_to(self, identity: tuple[int, int]) -> bool:
        directory: _Directory | None = self
        while directory is not None:
            if directory.identity == identity:
                return True
            directory = directory.parent
        return False


class _Walk:
    """One listing, without recursion on the Python stack."""

    def __init__(self, root: str, linked: bool, within: Sequence[str], skip: Sequence[str]) -> None:
        self.within = [os.path.realpath(directory) for directory in within]
        self.skip = [os.path.realpath(directory) for directory in skip]
        self.root, self.linked = root, linked
        self.files: list[FoundFile] = []
        self.directories: list[str] = []
        self.unlisted: list[Unlisted] = []
        self.skipped: list[str] = []
        self.linked_directories = 0
        status = os.stat(root)
        self.stack = [_Directory(root, "", (status.st_dev, status.st_ino), None, linked)]

    def run(self) -> FileTree:
        """Lists until nothing is left to list."""
        while self.stack:
            self._list(self.stack.pop())
        return FileTree(
            self.root,
            linked=self.linked,
            files=tuple(sorted(self.files)),
            directories=tuple(sorted(self.directories)),
            unlisted=tuple(sorted(self.unlisted)),
            skipped=tuple(sorted(self.skipped)),
        )

    def _list(self, directory: _Directory) -> None:
        try:
            with os.scandir(directory.path) as entries:
                children = list(entries)
        except OSError as error:
            if directory.parent is None:
                raise
            self._refuse(directory.name, f"can't be listed: {error.strerror}", "give the right to read and enter it")
            return
        for entry in children:
            name = joined(directory.name, entry.name)
            try:
                self._visit(entry, name, directory)
            except OSError as error:
                self._refuse(name, f"can't be looked at: {error.strerror}", "it may have changed during the listing")

    def _visit(self, entry: os.DirEntry[str], name: str, directory: _Directory) -> None:
        if not _is_utf8(entry.name):
            readable = joined(directory.name, os.fsencode(entry.name).decode("utf-8", "backslashreplace"))
            self._refuse(readable, "its name is not valid UTF-8", "rename it")
        elif entry.is_symlink():
            self._follow(entry.path, name, directory)
        elif entry.is_dir(follow_symlinks=False):
            self._enter(entry.path, name, entry.stat(follow_symlinks=False), directory, directory.linked)
        elif entry.is_file(follow_symlinks=False):
            status = _file_stat(entry.path, entry.stat(follow_symlinks=False))
            self.files.append(FoundFile(name, status, directory.linked))
        else:
            self._refuse(name, "it is a pipe, socket or device, not a file", "move it out of the lake")

    def _follow(self, path: str, name: str, directory: _Directory) -> None:
        try:
            target = os.path.realpath(path, strict=True)
        except OSError as error:
            self._refuse(name, f"it is a link that leads nowhere: {error.strerror}", "remove or mend the link")
            return
        if not _inside(target, self.within):
            self._refuse(name, "it is a link out of the lake's roots and is not followed", "add its target as a root")
        elif _inside(target, self.skip):
            self.skipped.append(name)
        elif modes.S_ISDIR((status := os.stat(target)).st_mode):
            self._enter(path, name, status, directory, linked=True)
        elif modes.S_ISREG(status.st_mode):
            self.files.append(FoundFile(name, _file_stat(path, status), linked=True))
        else:
            self._refuse(name, "it is a link to a pipe, socket or device", "remove the link")

    def _enter(self, path: str, name: str, status: os.stat_result, directory: _Directory, linked: bool) -> None:
        identity = (status.st_dev, status.st_ino)
        self.linked_directories += linked and not self.linked
        if _inside(os.path.realpath(path) if linked else path, self.skip):
            self.skipped.append(name)
        elif linked and directory.leads_back_to(identity):
            self._refuse(name, "it is a link back to a directory above it", "remove the link")
        elif self.linked_directories > MAX_LINKED_DIRECTORIES:
            self._refuse(name, f"more than {MAX_LINKED_DIRECTORIES} directories behind links", "remove needless links")
        else:
            self.directories.append(name)
            self.stack.append(_Directory(path, name, identity, directory, linked))

    def _refuse(self, name: str, reason: str, hint: str) -> None:
        self.unlisted.append(Unlisted(name, reason, hint))


def _file_stat(path: str, status: os.stat_result) -> FileStat:
    if not modes.S_ISREG(status.st_mode):
        raise OSError(0, "not a regular file", path)
    identity = f"{status.st_dev}:{status.st_ino}"
    return FileStat(path, status.st_size, status.st_mtime_ns, identity, status.st_ctime_ns)


def _inside(real: str, within: Sequence[str]) -> bool:
    return any(real == directory or real.startswith(f"{directory.rstrip('/')}/") for directory in within)


def _is_utf8(name: str) -> bool:
    if name.isascii():
        return True
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
