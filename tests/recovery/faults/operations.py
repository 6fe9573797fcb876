"""What faults are tried on. A step is a function of a module that gets the lake's root and the state's place."""

from __future__ import annotations

from dataclasses import dataclass

from r2d2.catalog.state import open_state
from r2d2.recovery.records.journal import Journal
from tests.recovery.faults.processes import Step


@dataclass(frozen=True)
class Operation:
    """Something that is done to a lake, and what must hold after a fault in it.

    Attributes:
        run: does it; done again after a fault and ``recover`` it must come to its end.
        prepare: what was done before.
        recover: what is done after a kill: then the lake is as before or as planned.
        back: takes it back: then the lake is as before.
        refusal: how it may say that it can't be done.
        portable: what ``prepare`` makes does not look at inodes and times, so that it is copied and not made again.
        equal: what comes back need not be the same files, only the same rows.
        keeps: no content that was in the lake is given up on the way, not even for a while.
        check: says whether the state is in order.
        end: the last of each try: gives back what is retired, and raises if rows are not what they should be then.
        lasting: directories below the state which, as the lake, a power loss after the end must not change.
    """

    run: Step
    prepare: tuple[Step, ...] = ()
    recover: Step | None = None
    back: Step | None = None
    check: Step | None = None
    end: Step | None = None
    refusal: tuple[str, ...] = ("R2D2Error",)
    portable: bool = True
    equal: bool = False
    keeps: bool = True
    lasting: tuple[str, ...] = ("journal",)

    @property
    def name(self) -> str:
        """Of the step, and of what was done before."""
        run, *before = (step.__name__.replace("_", " ") for step in (self.run, *self.prepare))
        return f"{run} after {', '.join(before)}" if before else run


def make_state(lake: str, state: str) -> None:
    """An empty state with a secret and one record in its journal."""
    opened = open_state(state, create=True)
    with opened.locked():
        Journal(opened).append("made")


def append_to_journal(lake: str, state: str) -> None:
    """Two records, each of which must be whole."""
    opened = open_state(state)
    with opened.locked():
        journal = Journal(opened)
        for event in ("first", "second"):
            journal.append(event, "toy", number=len(journal.records))


def check_journal(lake: str, state: str) -> None:
    """It can be read, and no record is without the one before it."""
    events = [record.event for record in Journal(open_state(state)).records]
    assert events[0] == "made"
    assert all(events[i - 1] == "first" for i, event in enumerate(events) if event == "second"), events


JOURNAL = Operation(append_to_journal, prepare=(make_state,), check=check_journal)
