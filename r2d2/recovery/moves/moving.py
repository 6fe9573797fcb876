"""Files and directories go from one place to another, so that a move that was cut short can be done again."""

from __future__ import annotations

import os
import stat

from r2d2.errors import LakeError
from r2d2.lake.file_tree import FileTree, joined, shown
from r2d2.lake.storage import is_local, storage_for
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.moves.listing import exists
from r2d2.recovery.moves.pins import sha256_of

_OPEN = 0o700


def carry(lake: LakeWriter, source: str, target: str) -> bool:
    """Moves a file, or on disk a directory, if it was not moved yet; nothing at ``target`` is written over.

    Returns:
        False if something else lies at ``target``; then nothing was done.

    Raises:
        OSError: it can't be moved; the same call goes on from there.
    """
    for path in (source, target):
        if is_local(path) and os.path.isdir(path):
            lake.remove_directory(path)  # an empty one is what a rename that was cut short leaves
    if not exists(source):
        return True
    if exists(target):
        if not _is_same(source, target):
            return False
        lake.delete(source)
        return True
    try:
        lake.rename(source, target)
    except FileExistsError:
        return False
    return True


def _is_same(one: str, other: str) -> bool:
    """Whether two paths hold the same file: what a move that was cut short leaves."""
    if is_local(one):  # two names of one file, not one name found in two ways: somebody may link to the quarantine
        first, second = os.lstat(one), os.lstat(other)
        two = first.st_nlink > 1 and os.path.realpath(one) != os.path.realpath(other)
        return two and stat.S_ISREG(first.st_mode) and os.path.samestat(first, second)
    return sha256_of(one) == sha256_of(other)


def remove_below(lake: LakeWriter, directory: str) -> None:
    """Removes what R2D2 itself wrote: a scratch place, or what is left of one. Links in it go, not what they lead to.

    Raises:
        LakeError: something is left there, so that nothing may be written there anew.
        OSError: something can't be removed.
    """
    if is_local(directory):
        if os.path.islink(directory):
            lake.delete(directory)
        _open_up(lake, directory)
    tree = _tree(directory)
    for found in tree.files:
        lake.delete(joined(directory, found.name) if not tree.is_file else directory)
    for entry in tree.unlisted:
        if is_local(directory) and os.path.lexists(joined(directory, entry.name)):
            lake.delete(joined(directory, entry.name))
    remove_empty(lake, directory)
    if exists(directory):
        raise LakeError(f"{shown(directory)} can't be emptied", "remove it by hand: it is a scratch place of r2d2")


def _open_up(lake: LakeWriter, directory: str) -> None:
    """Directories may have got the rights of those that they stand for."""
    if os.path.isdir(directory):
        lake.set_mode(directory, _OPEN)
        for name in _tree(directory).directories:
            lake.set_mode(joined(directory, name), _OPEN)


def remove_empty(lake: LakeWriter, directory: str) -> None:
    """Removes a directory and those below it, as far as no file is in them."""
    for name in sorted(_tree(directory).directories, key=len, reverse=True):
        lake.remove_directory(joined(directory, name))
    lake.remove_directory(directory)


def _tree(directory: str) -> FileTree:
    try:
        return storage_for(directory).tree(directory, [])
    except (FileNotFoundError, NotADirectoryError):
        return FileTree(directory)
