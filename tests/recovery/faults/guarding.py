"""Guard, decisions, erasing, and retiring the parent of what is retired, each a step that faults are tried on.

The child is retired, then something becomes of its parent; what comes back at the end is compared by its rows.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.errors import NotRetirable
from r2d2.lake.file_tree import joined
from r2d2.lake.storage import storage_for
from r2d2.model.receipt import Acceptance
from r2d2.recovery.erase.erase import erase
from r2d2.recovery.erase.keys import Keys
from r2d2.recovery.guard import frozen
from r2d2.recovery.guard.guard import Verdict, guard
from r2d2.recovery.moves.places import AREA
from r2d2.recovery.moves.quarantined import quarantined_dataset
from r2d2.recovery.purge import purge as purge_all
from r2d2.recovery.records.receipts import ENDED, REPLACING
from tests.recovery.bytes_of import holders
from tests.recovery.faults.operations import Operation
from tests.recovery.faults.parent_changes import (
    clean,
    copy_whole,
    delete_a_row,
    gone,
    key,
    overwrite,
    shorten_retention,
    without,
    write_anew,
)
from tests.recovery.faults.processes import Step
from tests.recovery.faults.retirements import (
    BOTH,
    all_done,
    nothing_is_left,
    purge,
    recover,
    restore,
    retire,
    retire_for,
)
from tests.recovery.faults.rows import hashed_rows, on_disk, rows_of
from tests.recovery.faults.small_worlds import CHILD, PARENT, WHOLE, child_rows, rows
from tests.recovery_runs import ALL, at_work

_KEYS = Keys(("text",), ((key(),),))


def _guard(lake: str, state: str, expected: Verdict, event: str) -> None:
    """Looks, for the second time after a fault; in either the event must have been."""
    with at_work(lake, state) as recovery:
        for finding in guard(recovery, datetime.now(UTC)):
            if finding.verdict is Verdict.UNSURE:
                raise NotRetirable(finding.what, finding.hint)
            assert finding.verdict in (expected, Verdict.GOOD), finding
        assert event in {record.event for record in recovery.journal.records}


def carry_over(lake: str, state: str) -> None:
    _guard(lake, state, Verdict.CARRIED, "rebound")


def bring_back(lake: str, state: str) -> None:
    _guard(lake, state, Verdict.RESTORED, "restored")


def ask(lake: str, state: str) -> None:
    _guard(lake, state, Verdict.ASKED, "frozen")


def keep_again(lake: str, state: str) -> None:
    _guard(lake, state, Verdict.KEPT, "kept-again")


def honour(lake: str, state: str) -> None:
    """Unless it was."""
    with at_work(lake, state) as recovery:
        for receipt in recovery.receipts.values():
            if receipt.frozen:
                frozen.decide(recovery, receipt, frozen.HONOUR, "ann")


def retire_the_parent(lake: str, state: str) -> None:
    """Unless it is retired."""
    retire_for(lake, state, PARENT, WHOLE)


def erase_a_person(lake: str, state: str) -> None:
    with at_work(lake, state) as recovery:
        all_done(list(erase(recovery, _KEYS)))


def retire_protected(lake: str, state: str) -> None:
    """Nobody accepted that the parent may lose rows unseen."""
    retire_for(lake, state, CHILD, PARENT, ALL - {Acceptance.UNPROTECTED_PARENT})


def purge_at_once(lake: str, state: str) -> None:
    """The guard has looked right before."""
    with at_work(lake, state) as recovery:
        now = datetime.now(UTC)
        assert [finding.verdict for finding in guard(recovery, now)] == [Verdict.GOOD]
        all_done(list(purge_all(recovery, timedelta(0), lambda _: True, lambda _: (), now=now)))


def recover_honoured(lake: str, state: str) -> None:
    """Once rows are given up, those that stay are there without the parent."""
    with at_work(lake, state) as recovery:
        begun = any(receipt.facts.get(REPLACING) for receipt in recovery.receipts.values())
    with gone(lake) if begun else nullcontext():
        recover(lake, state)


def child_is_back(lake: str, state: str) -> None:
    """All of it, whatever the parent cleans away."""
    clean(lake, state)
    _back(lake, state)


def child_is_rebuilt(lake: str, state: str) -> None:
    """From the recipe that is in force."""
    clean(lake, state)
    purge(lake, state)
    _back(lake, state)


def both_are_back(lake: str, state: str) -> None:
    """Child and parent."""
    _back(lake, state)
    with on_disk(lake) as files:
        assert rows_of(files)[PARENT][0] == hashed_rows(rows())


def rest_is_back(lake: str, state: str) -> None:
    """All but the row that the parent lost."""
    clean(lake, state)
    _back(lake, state, but_one=True)


def rest_is_back_without_the_person(lake: str, state: str) -> None:
    person_is_gone(lake, state)
    rest_is_back(lake, state)
    person_is_gone(lake, state)


def _back(lake: str, state: str, but_one: bool = False) -> None:
    restore(lake, state)
    with on_disk(lake) as files:
        wanted = child_rows(files)
        assert rows_of(files)[CHILD][0] == hashed_rows(without(wanted) if but_one else wanted)


def quarantine_is_whole_or_left(lake: str, state: str) -> None:
    """Rows were given up wherever they are, or nowhere."""
    nothing_is_left(lake, state)
    with at_work(lake, state) as recovery, on_disk(lake) as files:
        (receipt,) = recovery.receipts.values()
        wanted = child_rows(files) if receipt.frozen else without(child_rows(files))
        found = quarantined_dataset(receipt).files
        parts = [pq.read_table(BytesIO(storage_for(file.path).read_bytes(file.path))) for file in found]
        assert hashed_rows(pa.concat_tables(parts)) == hashed_rows(wanted)


def person_is_gone(lake: str, state: str) -> None:
    """Once the erasure has ended: from all that r2d2 keeps."""
    nothing_is_left(lake, state)
    with at_work(lake, state) as recovery:
        if ENDED not in {record.event for record in recovery.journal.records}:
            return
    for place in (joined(lake, AREA), state):
        with on_disk(place) as files:
            assert holders(files, key()) == []


def _operation(run: Step, *prepare: Step, end: Step, check: Step = nothing_is_left, keeps: bool = True) -> Operation:
    return Operation(run, prepare, recover, check=check, end=end, refusal=BOTH, portable=False, keeps=keeps)


def _honour(*prepare: Step) -> Operation:
    found = _operation(honour, *prepare, end=rest_is_back, check=quarantine_is_whole_or_left, keeps=False)
    return replace(found, recover=recover_honoured)


def _erase(*prepare: Step) -> Operation:
    return _operation(erase_a_person, *prepare, end=rest_is_back_without_the_person, check=person_is_gone, keeps=False)


_OF_ANY = (
    _operation(carry_over, retire, write_anew, end=child_is_rebuilt),
    _operation(carry_over, retire, purge, write_anew, end=child_is_back),
    _operation(bring_back, retire, overwrite, end=child_is_back),
    _operation(retire_the_parent, copy_whole, retire, end=both_are_back),
    _operation(retire_the_parent, copy_whole, retire, purge, end=both_are_back),
    _erase(retire, delete_a_row),
)
#: What was purged is rebuilt from what the parent keeps of older versions.
BRING_BACK_PURGED = replace(_operation(bring_back, retire, purge, overwrite, end=child_is_back), equal=True)
_OF_TABLES = (
    BRING_BACK_PURGED,
    _operation(ask, retire, purge, delete_a_row, end=child_is_back),
    _operation(keep_again, retire_protected, purge_at_once, shorten_retention, end=child_is_back),
    _honour(retire, delete_a_row, ask),
    _honour(retire, purge, delete_a_row, ask),
    _erase(retire, purge, delete_a_row),
)


def guarding(kind: str) -> tuple[Operation, ...]:
    """All that can be done with a kind of lake."""
    return (*_OF_ANY, *(_OF_TABLES if kind == "Delta" else ()))
