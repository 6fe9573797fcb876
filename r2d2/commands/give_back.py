"""``r2d2 restore`` and ``r2d2 recover``: a dataset is given back; what a crash left half done is finished."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from r2d2.commands.asking import ask
from r2d2.commands.output import print_object, print_rows
from r2d2.commands.recovering import Command
from r2d2.commands.retired import newest_receipt
from r2d2.errors import NotRetirable
from r2d2.model.receipt import Acceptance
from r2d2.recovery import recover as recovery_of_crashes
from r2d2.recovery import restore as restoring
from r2d2.recovery.records import receipts
from r2d2.recovery.records.journal import Record
from r2d2.units import human_seconds, plural
from r2d2.visible import visible

RECOVERED_COLUMNS = ("receipt", "dataset", "what")


def restore(command: Command, dataset: str, to: str, as_of: str, accept: str, output: str) -> None:
    """Gives a dataset back, and says how long that took.

    Raises:
        NotFound: it never was retired.
        NotRetirable: it is not retired now, or its place is in use again.
        StateError: an erasure was begun and not finished.
    """
    found = newest_receipt(command.receipts, dataset, as_of)
    with command.at_work(command.lake_of([found])) as recovery:
        recovery.require_erased()
        done = restoring.restore(recovery, recovery.receipts[found.id], to, accept == Acceptance.MERELY_EQUAL)
    if output == "json":
        print_object(asdict(done))
        return
    took, promised = human_seconds(done.seconds), human_seconds(done.promised_seconds)
    print(f"{visible(done.dataset)} is at {visible(done.path)}, from its {done.source}")
    print(f"it took {took}; the plan promised {promised}")
    for note in done.notes:
        print(f"note: {visible(note)}")


def recover(command: Command, yes: bool, output: str) -> int:
    """Finishes or undoes what a crash left. Starts no Spark.

    Returns:
        The exit code: 9 if something could not be finished.

    Raises:
        Tampered: the journal is not what was written.
        UsageError: nobody is there to be asked.
    """
    left = list(_left(command.records))
    for what in left:
        command.progress.say(what)
    if left:
        ask(f"{plural(len(left), 'command')} left half done. Go on?", yes)
    with command.at_work(command.whole_lake()) as recovery:
        rows = [asdict(done) for done in recovery_of_crashes.recover(recovery)]
        still = list(_left(recovery.journal.records))
    print_rows(rows, RECOVERED_COLUMNS, output)
    if not left:
        command.progress.say("nothing was left half done")
    return NotRetirable.exit_code if still else 0


def _left(records: Sequence[Record]) -> Iterator[str]:
    """What was begun and not finished, and what would be done about it; fit to be shown."""
    for receipt in receipts.unfinished(receipts.receipts(records)):
        what = recovery_of_crashes.what_would_be_done(receipt)
        yield f"{visible(receipt.dataset)} ({receipt.id}): {what}"
    if receipts.unfinished_erasure(records):
        yield "an erasure: it would be finished"
