"""One r2d2 at a time changes what lies below a root, whatever its state (DELETION 1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from r2d2.catalog.state_lock import Lock, lock_of
from r2d2.errors import LakeError
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.storage import storage_for
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.moves.places import AREA, AREAS, path_roots

_KEPT = "README.txt"
_SAYS = b"R2D2 keeps here what it took out of this lake, so that it can be given back. `r2d2 restore` does that.\n"


class RootLocks:
    """The locks of several roots, held together."""

    def __init__(self, locks: Sequence[Lock]) -> None:
        self.locks = locks

    def fence(self) -> None:
        """To be asked right before each step that changes the lake.

        Raises:
            StateError: a lease ran out, and another process may have begun to change things.
        """
        for lock in self.locks:
            lock.fence()


@contextmanager
def roots_locked(roots: Sequence[str]) -> Iterator[RootLocks]:
    """Holds the locks of all roots, taken in an order of their own so that no two wait for each other.

    Raises:
        StateInUse: another r2d2 is at work there.
        LakeError: a root can't be written to.
    """
    places = sorted({joined(storage_for(root).resolved(root), AREA) for root in path_roots(roots)})
    for place in places:
        _make(place, roots)
    locks = [lock_of(place) for place in places]
    with ExitStack() as stack:
        for lock in locks:
            stack.enter_context(lock.held())
        yield RootLocks(locks)


def _make(place: str, roots: Sequence[str]) -> None:
    storage = storage_for(place)
    for path in (place, *(joined(place, name) for name in AREAS)):
        if storage.resolved(path) != path:
            raise LakeError(f"{shown(path)} is a link", "remove it: what r2d2 keeps in a lake lies in the lake itself")
    try:
        LakeWriter(roots, lambda: None).put(joined(place, _KEPT), _SAYS)
    except FileExistsError:
        return
    except OSError as error:
        hint = "give r2d2 the right to write to the lake's roots: what is retired is kept there"
        raise LakeError(f"{shown(place)} can't be written: {error.strerror or error}", hint) from error
