"""What lies at the location of a dataset now, to be compared with what lay there before."""

from __future__ import annotations

import os
from collections.abc import Iterable

from r2d2.errors import NotRetirable
from r2d2.lake.file_tree import FileStat, joined, shown
from r2d2.lake.storage import is_local, storage_for
from r2d2.recovery.moves.put_away import Seen


def seen_below(location: str) -> tuple[Seen, ...]:
    """Every file at a location, or below it; nothing if there is nothing.

    Raises:
        NotRetirable: it can't be listed as a whole, or a link in it leads elsewhere.
    """
    storage = storage_for(location)
    try:
        tree = storage.tree(location, [location])
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        reason = f"{shown(location)} can't be listed: {error.strerror or error}"
        raise NotRetirable(reason, "give the right to read it") from error
    if tree.unlisted:
        entry = tree.unlisted[0]
        raise NotRetirable(f"{shown(joined(location, entry.name))}: {entry.reason}", entry.hint)
    if tree.is_file:
        return (seen(tree.files[0].stat),)
    return tuple(seen(found.stat) for found in tree.files)


def seen_files(paths: Iterable[str]) -> tuple[Seen, ...]:
    """Files as they are now; those that are gone are left out."""
    found = []
    for path in paths:
        try:
            found.append(seen(storage_for(path).stat(path)))
        except FileNotFoundError:
            continue
    return tuple(found)


def seen(stat: FileStat) -> Seen:
    """What is remembered of a file.

    On disk giving a file another name changes its ``ctime_ns`` and nothing else of it; in a store a copy is another
    object with another time, whose size and tag are the same.
    """
    mark = [stat.size, stat.mtime_ns, stat.identity] if is_local(stat.path) else [stat.size]
    return Seen(stat.path, stat.version, "/".join(map(str, mark)))


def exists(path: str) -> bool:
    """Whether there is a file, a directory with anything in it, or a link, wherever that leads."""
    if is_local(path) and os.path.islink(path):
        return True
    storage = storage_for(path)
    try:
        return bool(storage.names(path))
    except NotADirectoryError:
        return True
    except FileNotFoundError:
        pass
    try:
        storage.stat(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # a directory that could not be listed, or something that is no file
    return True
