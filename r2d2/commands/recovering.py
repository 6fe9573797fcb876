"""What commands that change a lake work with: the state and its turn, the lake's roots and their locks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from r2d2.catalog import runs
from r2d2.catalog.runs import Run
from r2d2.catalog.state import State, open_state
from r2d2.commands.engine import Engine
from r2d2.config import Settings
from r2d2.errors import StateError
from r2d2.lake.session import is_submitted
from r2d2.lake.storage import absolute, storage_for
from r2d2.model.dataset import Dataset
from r2d2.model.receipt import Receipt
from r2d2.operations.turns import turn
from r2d2.progress import Progress
from r2d2.recovery.claims.locks import RootLocks
from r2d2.recovery.context import Recovery, recovering
from r2d2.recovery.look import look
from r2d2.recovery.moves.listing import exists
from r2d2.recovery.moves.places import CATALOG
from r2d2.recovery.records import receipts
from r2d2.recovery.records.derived import keep_derived
from r2d2.recovery.records.journal import Journal, Record
from r2d2.recovery.records.reviews import reviews


@dataclass(frozen=True)
class Command:
    """What every command of this kind is given."""

    state: State
    settings: Settings
    progress: Progress
    wait: float = 0.0

    @staticmethod
    def on(state_dir: str, settings: Settings, progress: Progress, wait: float = 0.0) -> Command:
        """The command on the state in a directory."""
        return Command(open_state(state_dir), settings, progress, wait)

    @property
    def records(self) -> list[Record]:
        """The journal, read now; for what is looked at before locks are taken."""
        return Journal(self.state).records

    @property
    def receipts(self) -> dict[str, Receipt]:
        """All retirements, as the journal tells them now."""
        return receipts.receipts(self.records)

    @contextmanager
    def at_work(self, lake: Sequence[Run], dry_run: bool = False) -> Iterator[Recovery]:
        """Holds the state and the roots of a lake, which is looked at as the newest of its runs did.

        Args:
            lake: the runs that looked at it, the newest first.
            dry_run: the roots are not locked, for that would write to them; nothing can be changed then.

        Raises:
            StateInUse: another r2d2 is at work.
        """
        given = list(dict.fromkeys(root for run in lake for root in run.roots))
        settings = looking_as(lake[0], self.settings) if lake else self.settings
        engine = Engine(settings, settings.recovery.spark_bytes)
        catalogs = any(root.startswith(CATALOG) for root in given)
        if is_submitted():
            engine.spark  # noqa: B018  # a cluster takes a program that never starts Spark for one that failed

        def see() -> Mapping[str, Dataset]:
            return look(given, settings, self.state, engine.over, engine.spark if catalogs else None)

        common = self.state, given, settings, self.progress, engine.run, see
        session = (lambda: engine.spark) if catalogs else None
        with turn(self.state, self.wait, self.progress):
            if dry_run:
                yield Recovery(*common, _NotLocked(()), session)
                return
            with recovering(*common, session) as recovery:
                yield recovery
                keep_derived(self.state, recovery.journal.records)

    def lake_of(self, found: Sequence[Receipt]) -> list[Run]:
        """The runs by whose plans these were retired, the newest first."""
        return runs.runs_of_plans(self.state, {receipt.plan for receipt in found})

    def whole_lake(self) -> list[Run]:
        """All runs of whose plans anything was approved or retired; roots that are gone and hold nothing are left out.

        What the journal tells is not enough where its end may have been cut off.
        """
        told = list(self.receipts.values())
        approved = {review.plan for review in reviews(self.state) if review.approved}
        needed = {receipt.root for receipt in told}
        found = runs.runs_of_plans(self.state, {receipt.plan for receipt in told} | approved)
        return [replace(run, roots=tuple(root for root in run.roots if _is_there(root, needed))) for run in found]


def looking_as(run: Run, settings: Settings) -> Settings:
    """Settings with those by which a run told datasets apart: with others its plan would not fit the lake."""
    containment = replace(settings.containment, case_sensitive=run.case_sensitive)
    return replace(settings, discovery=run.discovery, containment=containment)


class _NotLocked(RootLocks):
    """Nothing is changed while roots are not locked."""

    def fence(self) -> None:
        raise StateError("a dry run changes nothing in the lake", "report this")


def _is_there(root: str, needed: set[str]) -> bool:
    if root.startswith(CATALOG):
        return True
    place = absolute(root)
    return storage_for(place).resolved(place) in needed or exists(place)
