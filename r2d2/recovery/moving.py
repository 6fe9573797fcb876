"""Files and directories go from one place to another, so that a move that was cut short can be done again."""

from __future__ import annotations

import os

from r2d2.lake.file_tree import FileTree, joined
from r2d2.lake.storage import is_local, storage_for
from r2d2.recovery.lake_writer import LakeWriter
from r2d2.recovery.listing import exists
from r2d2.recovery.pins import sha256_of


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
    if is_local(one):
        return os.path.isfile(one) and os.path.isfile(other) and os.path.samefile(one, other)
    return sha256_of(one) == sha256_of(other)


def remove_below(lake: LakeWriter, directory: str) -> None:
    """Removes what R2D2 itself wrote: a scratch place, or what is left of one; links are not followed.

    Raises:
        OSError: something can't be removed.
    """
    tree = _tree(directory)
    if is_local(directory):
        for name in ("", *sorted(tree.directories)):  # they may have got the rights of those that they stand for
            if os.path.isdir(joined(directory, name)):
                os.chmod(joined(directory, name), 0o700)
        tree = _tree(directory)
    for found in tree.files:
        if not found.linked:
            lake.delete(joined(directory, found.name) if not tree.is_file else directory)
    remove_empty(lake, directory)


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
