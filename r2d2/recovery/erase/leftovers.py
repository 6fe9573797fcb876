"""What a crash left of files that were being written may hold people's rows, or keys: it goes, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from r2d2.lake.file_tree import joined
from r2d2.lake.local_writes import BEING_WRITTEN
from r2d2.lake.storage import is_local, storage_for
from r2d2.recovery.context import Recovery
from r2d2.recovery.moves.places import AREA


def remove_leftovers(recovery: Recovery) -> None:
    """Removes such files from the state, and from what is kept in the lake.

    None of them is being written now, for both are locked. Stores have none: there a file comes to be in one step.

    Raises:
        StateError: a lock is not held any more.
        OSError: one of them can't be removed.
    """
    for path in _left(recovery.state.location):
        recovery.state.lock.fence()
        recovery.state.storage.delete(path)
    for root in recovery.lake.roots:
        for path in _left(joined(root, AREA)):
            recovery.lake.delete(path)


def _left(place: str) -> Iterator[str]:
    if not is_local(place):
        return
    with suppress(FileNotFoundError):
        paths = [file.stat.path for file in storage_for(place).tree(place, [place]).files]
        yield from (path for path in paths if path.rpartition("/")[2].startswith(BEING_WRITTEN))
