"""``r2d2 restore``, ``r2d2 recover`` and ``r2d2 guard``: what keeps the way back open, and goes it."""

from __future__ import annotations

from dataclasses import asdict

from r2d2.commands.asking import ask
from r2d2.commands.output import print_object, print_rows
from r2d2.commands.recovering import Command
from r2d2.commands.retired import newest_receipt
from r2d2.recovery import receipts
from r2d2.recovery import recover as recovery_of_crashes
from r2d2.recovery import restore as restoring
from r2d2.recovery.journal import Journal
from r2d2.report.units import human_seconds, plural
from r2d2.report.visible import visible

RECOVERED_COLUMNS = ("receipt", "dataset", "what")


def restore(command: Command, dataset: str, to: str, as_of: str, output: str) -> None:
    """Gives a dataset back, and says how long that took.

    Raises:
        NotFound: it never was retired.
        NotRetirable: it is not retired now, or its place is in use again.
    """
    found = newest_receipt(command.receipts, dataset, as_of)
    with command.at_work(command.lake_of([found])) as recovery:
        done = restoring.restore(recovery, recovery.receipts[found.id], to)
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
    left = receipts.unfinished(command.receipts)
    erasing = bool(receipts.unfinished_erasure(Journal(command.state).records))
    for receipt in left:
        what = recovery_of_crashes.what_would_be_done(receipt)
        command.progress.say(f"{visible(receipt.dataset)} ({receipt.id}): {what}")
    if left:
        ask(f"{plural(len(left), 'retirement')} left half done. Go on?", yes)
    with command.at_work(command.whole_lake()) as recovery:
        rows = [asdict(done) for done in recovery_of_crashes.recover(recovery)]
        still = receipts.unfinished(recovery.receipts)
    print_rows(rows, RECOVERED_COLUMNS, output)
    if not left:
        what = "an erasure was finished" if erasing else "nothing was left half done"
        command.progress.say(what)
    return 9 if still else 0
