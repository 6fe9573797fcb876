"""What a crash left of files that were being written may hold people's rows, or keys: it goes, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from r2d2.lake.file_tree import FoundFile, joined
from r2d2.lake.local_writes import BEING_WRITTEN
from r2d2.lake.storage import is_local, storage_for
from r2d2.recovery.context import Recovery
from r2d2.recovery.moves.places import AREA, is_put_away


def remove_leftovers(recovery: Recovery) -> None:
    """Removes such files from the state, and from what is kept in the lake but for the data in quarantine.

    None of them is being written now, for both are locked. Stores have none: there a file comes to be in one step.

    Raises:
        StateError: a lock is not held any more.
        OSError: one of them can't be removed.
    """
    for file in _left(recovery.state.location):
        recovery.state.lock.fence()
        recovery.state.storage.delete(file.stat.path)
    for root in recovery.lake.roots:
        for file in _left(joined(root, AREA)):
            if not is_put_away(file.name):  # which comes back as it was, whatever its names are
                recovery.lake.delete(file.stat.path)


def _left(place: str) -> Iterator[FoundFile]:
    if not is_local(place):
        return
    with suppress(FileNotFoundError):
        files = storage_for(place).tree(place, [place]).files
        yield from (file for file in files if file.name.rpartition("/")[2].startswith(BEING_WRITTEN))
