"""What apply, restore, purge, guard and recover work with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from r2d2.catalog.state import State
from r2d2.config import Settings
from r2d2.containment.scanner import Runner
from r2d2.errors import LakeError, StateError
from r2d2.lake.catalog_changes import Catalogs
from r2d2.lake.file_tree import shown
from r2d2.model.dataset import Dataset
from r2d2.model.receipt import Receipt
from r2d2.model.usage import Usage
from r2d2.progress import Progress
from r2d2.recovery.claims.claims import Claims
from r2d2.recovery.claims.forgotten import refuse_forgotten
from r2d2.recovery.claims.locks import RootLocks, roots_locked
from r2d2.recovery.claims.sharing import Sharing
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.records import receipts
from r2d2.recovery.records.journal import Journal
from r2d2.recovery.records.receipts import Receipts
from r2d2.usage.collect import collect

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Lists the lake and reads its metadata, as it is now; by id.
Look = Callable[[], Mapping[str, Dataset]]
RECOVER_FIRST = "run `r2d2 recover --state DIR` first"
#: Seconds after which what a look saw is looked at again.
_LOOKS_AGAIN_AFTER = 60.0


@dataclass
class Recovery:
    """A command at work on one lake, whose roots it has locked.

    Attributes:
        state: whose lock is held, too.
        roots: of the lake, as given.
        run: runs kernels, with Spark or in this process.
        look: see there.
        session: gives the Spark session in which the lake's catalogs are known; None where no root is one.
    """

    state: State
    roots: Sequence[str]
    settings: Settings
    progress: Progress
    run: Runner
    look: Look
    locks: RootLocks
    session: Callable[[], SparkSession] | None = None
    _seen: tuple[float, Mapping[str, Dataset]] | None = field(default=None, repr=False)
    _looked_twice: bool = field(default=False, repr=False)
    _told: tuple[Mapping[str, Dataset], Mapping[str, Usage]] | None = field(default=None, repr=False)
    _sharing: tuple[Mapping[str, Dataset], Sharing] | None = field(default=None, repr=False)

    @cached_property
    def journal(self) -> Journal:
        """The journal of the state."""
        return Journal(self.state)

    @cached_property
    def lake(self) -> LakeWriter:
        """The one way to change the lake."""
        return LakeWriter(self.roots, self.locks.fence)

    @cached_property
    def claims(self) -> Claims:
        """Claims in the lake."""
        return Claims(self.state, self.lake)

    @property
    def catalogs(self) -> Catalogs:
        """The catalogs that keep tables of the lake.

        Raises:
            LakeError: none is among the roots.
        """
        if self.session is None:
            hint = "give the database as a root (catalog:DATABASE), and its properties by spark.conf"
            raise LakeError("a table of a catalog is changed through that only, and none is given", hint)
        return Catalogs(self.session)

    @cached_property
    def _receipts(self) -> Receipts:
        return Receipts(self.journal)

    @property
    def receipts(self) -> Mapping[str, Receipt]:
        """All retirements, as the journal tells them now; what is told later shows in it, too."""
        return self._receipts.now

    def datasets(self) -> Mapping[str, Dataset]:
        """The lake as it is now, or was a moment ago."""
        now = time.monotonic()
        if self._seen is None or now - self._seen[0] > _LOOKS_AGAIN_AFTER:
            self._seen, self._looked_twice = (now, self.look()), False
        return self._seen[1]

    def usage(self) -> Mapping[str, Usage]:
        """What logs and facts tell of the datasets, read once for each look at the lake."""
        found = self.datasets()
        if self._told is None or self._told[0] is not found:
            collected = collect([*found.values()], self.settings.usage, (), datetime.now(UTC))
            self._told = found, {usage.dataset: usage for usage in collected.usages}
        return self._told[1]

    def sharing(self) -> Sharing:
        """Who refers to whose files, told once for each look at the lake."""
        found = self.datasets()
        if self._sharing is None or self._sharing[0] is not found:
            self._sharing = found, Sharing.of(found.values())
        return self._sharing[1]

    def dataset_at(self, location: str) -> Dataset | None:
        """What lies at a location now; None if there is no dataset."""
        wanted = location.rstrip("/")
        return next((each for each in self.datasets().values() if each.location.rstrip("/") == wanted), None)

    def look_again(self) -> None:
        """Lists the lake a second time, and no third: what was seen may be what a store refused to show."""
        if not self._looked_twice:
            self._seen, self._looked_twice = (time.monotonic(), self.look()), True

    def require_finished(self) -> None:
        """Raises unless everything that was begun was finished or undone.

        Raises:
            StateError: a crash left something.
        """
        self.require_erased()
        left = receipts.unfinished(self.receipts)
        if left:
            names = ", ".join(shown(receipt.dataset) for receipt in left)
            raise StateError(f"something was begun and not finished: {names}", RECOVER_FIRST)

    def require_erased(self) -> None:
        """Raises if an erasure has not come to its end: it would not find rows that come back meanwhile.

        Raises:
            StateError: says so.
        """
        if receipts.unfinished_erasure(self.journal.records):
            raise StateError("an erasure was begun and not finished", RECOVER_FIRST)


@contextmanager
def recovering(
    state: State,
    roots: Sequence[str],
    settings: Settings,
    progress: Progress,
    run: Runner,
    look: Look,
    session: Callable[[], SparkSession] | None = None,
) -> Iterator[Recovery]:
    """Locks the roots. The caller holds the state's lock.

    Raises:
        StateInUse: another r2d2 is at work on a root.
        Tampered: the journal is not what was written.
    """
    with roots_locked(roots) as locks:
        recovery = Recovery(state, roots, settings, progress, run, look, locks, session)
        refuse_forgotten(recovery.lake, recovery.claims, recovery.receipts)
        yield recovery
