"""``r2d2 apply`` and ``r2d2 purge``: what was approved goes into quarantine, and after its time there for good."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from r2d2.catalog import lakes
from r2d2.catalog.patterns import Patterns
from r2d2.catalog.runs import Run
from r2d2.commands.asking import ask
from r2d2.commands.output import print_rows
from r2d2.commands.recovering import Command
from r2d2.commands.reviews import plan_of
from r2d2.errors import NotRetirable
from r2d2.model.plan import Plan
from r2d2.model.receipt import RETIRED, Receipt, Status
from r2d2.recovery import apply as applying
from r2d2.recovery import purge as purging
from r2d2.recovery.apply import Outcome
from r2d2.recovery.moves.quarantined import retired_dataset
from r2d2.recovery.records.decisions import Decided, decisions_on
from r2d2.units import human_bytes, plural
from r2d2.usage.attempts import attempts
from r2d2.visible import visible

OUTCOME_COLUMNS = ("dataset", "done", "what", "hint", "bytes", "receipt")


def apply(
    command: Command,
    number: int | None,
    only: Sequence[str],
    dry_run: bool,
    yes: bool,
    output: str,
    leave_view: bool = False,
    by: str = "",
) -> int:
    """Retires what was approved of a plan.

    Args:
        leave_view: a view stands in the place of each table of a catalog.
        by: who applies it.

    Returns:
        The exit code: 9 if a dataset was left alone.

    Raises:
        UsageError: nobody is there to be asked.
    """
    plan, run = plan_of(command.state, number)
    wanted = _approved(command, plan, run, chosen(only))
    if not dry_run and wanted:
        size = sum(run_bytes for run_bytes in _bytes(command, wanted, run.run_id))
        ask(f"Retire {plural(len(wanted), 'dataset')} ({human_bytes(size)}) of plan {plan.number}?", yes)
    if not wanted:
        print_rows([], OUTCOME_COLUMNS, output)
        return 0
    with command.at_work([run], dry_run) as recovery:
        made = decisions_on(command.state, run, command.settings.recovery)
        newest = lakes.newest_plan(command.state, run.lake)
        outcomes = applying.apply(recovery, plan, made, wanted.__contains__, dry_run, leave_view, by, newest)
        return _show(command, outcomes, dry_run, output)


def purge(command: Command, older_than: float, only: Sequence[str], dry_run: bool, yes: bool, output: str) -> int:
    """Removes for good what has been in quarantine long enough, where nothing stands against it.

    Args:
        older_than: the grace period, in seconds.

    Returns:
        The exit code: 9 if a dataset whose time is over was left alone.

    Raises:
        UsageError: nobody is there to be asked.
    """
    grace, now = timedelta(seconds=older_than), datetime.now(UTC)
    asked = chosen(only)
    found = [each for each in command.receipts.values() if each.status is Status.QUARANTINED and asked(each.dataset)]
    due = [each for each in found if each.quarantined_at and now - each.quarantined_at >= grace]
    if len(due) < len(found):
        command.progress.say(f"{plural(len(found) - len(due), 'dataset')} in quarantine not long enough yet")
    if not due:
        print_rows([], OUTCOME_COLUMNS, output)
        return 0
    if not dry_run:
        size = human_bytes(sum(each.facts["child"]["bytes"] for each in due))
        ask(f"Purge {plural(len(due), 'dataset')} ({size}) for good?", yes)
    names = {each.dataset for each in due}
    with command.at_work(command.lake_of(due), dry_run) as recovery:
        outcomes = purging.purge(recovery, grace, names.__contains__, _readers(command, due), dry_run, now)
        return _show(command, outcomes, dry_run, output)


def chosen(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a dataset is one of those that ``--only`` names; all are if it was not given."""
    covering = Patterns(patterns)
    return lambda name: not patterns or name in patterns or covering.covers(name)


def _approved(command: Command, plan: Plan, run: Run, asked: Callable[[str], bool]) -> set[str]:
    """What is to be retired; how much of the plan is not is said."""
    made, gone = decisions_on(command.state, run, command.settings.recovery), _gone(command)
    entries = [entry for entry in plan.retired if asked(entry.dataset)]
    done = {entry.dataset for entry in entries if (entry.dataset, plan.number) in gone}
    left = {entry.dataset: made.on(entry) for entry in entries if entry.dataset not in done}
    for what in (Decided.UNDECIDED, Decided.REJECTED, Decided.LAPSED, Decided.RETIRED):
        number = sum(each == what for each in left.values())
        if number:
            command.progress.say(f"{plural(number, 'dataset')} of plan {plan.number} {what}: `r2d2 review list`")
    if done:
        command.progress.say(f"{plural(len(done), 'dataset')} of plan {plan.number} retired already")
    return {name for name, what in left.items() if what is Decided.APPROVED}


def _gone(command: Command) -> set[tuple[str, int]]:
    """(dataset, plan) of what is retired now."""
    return {(each.dataset, each.plan) for each in command.receipts.values() if each.status in RETIRED}


def _bytes(command: Command, names: set[str], run_id: str) -> Iterator[int]:
    rows = command.state.rows("datasets", run_id, columns=("dataset", "bytes")).to_pylist()
    return (row["bytes"] for row in rows if row["dataset"] in names)


def _readers(command: Command, due: Sequence[Receipt]) -> Callable[[Receipt], Sequence[str]]:
    """Who tried to read what was retired since then, as logs tell."""
    since = [each.quarantined_at or each.at for each in due]
    found = attempts([retired_dataset(each) for each in due], since, command.settings.usage)
    for problem in found.problems:
        command.progress.note(f"{visible(problem.where)}: {visible(problem.what)}")
    by_receipt = {each.id: found.readers.get(index, ()) for index, each in enumerate(due)}
    return lambda receipt: by_receipt.get(receipt.id, ())


def _show(command: Command, outcomes: Iterable[Outcome], dry_run: bool, output: str) -> int:
    left = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal left
        for outcome in outcomes:
            left += not outcome.done
            command.progress.say(
                f"{visible(outcome.dataset)}: {visible(outcome.what)}", "outcome", dataset=outcome.dataset
            )
            yield asdict(outcome)

    print_rows(rows(), OUTCOME_COLUMNS, output)
    return NotRetirable.exit_code if left and not dry_run else 0
