"""``r2d2 review``: what the plan would retire, what that takes, and what people decided of it. None starts Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from r2d2.catalog import lakes, runs
from r2d2.catalog.runs import Run
from r2d2.catalog.state import State, open_state
from r2d2.commands.output import print_rows
from r2d2.config import Settings
from r2d2.errors import Tampered, UsageError
from r2d2.model.dataset import Dataset
from r2d2.model.plan import Plan, PlannedDataset
from r2d2.model.receipt import RETIRED, Acceptance, Review, Status
from r2d2.operations.turns import turn
from r2d2.progress import Progress
from r2d2.recovery.parents.takes import takes
from r2d2.recovery.records.decisions import Decided, Decisions, decisions_on
from r2d2.recovery.records.journal import Journal
from r2d2.recovery.records.receipts import receipts
from r2d2.recovery.records.reviews import decide
from r2d2.visible import visible

#: Columns of the table, which has no room for all.
_BRIEF = ("dataset", "parent", "saving_per_month", "decision", "lapsed", "quarantine", "accept", "lost", "doubts")
LIST_COLUMNS = (
    *("dataset", "parent", "saving_per_month", "decision", "lapsed", "by", "note", "accepted"),
    *("quarantine", "accept", "lost", "doubts", "owner", "conditions"),
)
REVIEW_COLUMNS = ("dataset", "decision", "by", "note", "at", "plan", "accepted")


def plan_of(state: State, number: int | None) -> tuple[Plan, Run]:
    """A plan and the run that made it; the newest one if no number is given.

    Raises:
        NotFound: there is none.
    """
    if number is not None:
        return runs.numbered_plan(state, number), runs.run_of_plan(state, number)
    run = runs.find_run(state, reached=runs.PLANNED)
    return runs.plan(state, run), run


def show_reviews(state_dir: str, number: int | None, settings: Settings, output: str) -> None:
    """Prints a line for each dataset that a plan would retire: what was decided, what it takes and what is lost."""
    state = open_state(state_dir)
    plan, run = plan_of(state, number)
    found = {dataset.id: dataset for dataset in runs.datasets(state, run)}
    made = decisions_on(state, run, settings.recovery)
    columns = _BRIEF if output == "table" else LIST_COLUMNS
    print_rows((listed(entry, made, found, settings) for entry in plan.retired), columns, output)


def review(
    state_dir: str,
    number: int | None,
    names: Sequence[str],
    everything: bool,
    approved: bool,
    by: str,
    note: str,
    accepted: Sequence[str],
    progress: Progress,
    wait: float,
    settings: Settings,
    output: str,
) -> None:
    """Keeps a decision on datasets of a plan, and prints it.

    Args:
        everything: on all that the plan would retire and nobody has decided on.

    Raises:
        UsageError: it is about no dataset; one is not to be retired by this plan; nobody decided.
    """
    if bool(names) is everything:
        raise UsageError("which datasets?", "name them, or give --all for all that nobody has decided on")
    state = open_state(state_dir)
    plan, run = plan_of(state, number)
    with turn(state, wait, progress):
        made = decide(
            state,
            plan,
            _undecided(plan, decisions_on(state, run, settings.recovery)) if everything else names,
            approved,
            by,
            note,
            [Acceptance(each) for each in accepted],
        )
    print_rows(map(_made, made), REVIEW_COLUMNS, output)
    if approved:
        progress.say(f"`r2d2 apply {plan.number} --state DIR` retires what was approved of plan {plan.number}")
    else:
        _say_what_is_gone(state, run, {each.dataset for each in made}, progress)


def _say_what_is_gone(state: State, run: Run, names: set[str], progress: Progress) -> None:
    """To reject what was retired keeps it from a purge, and does not give it back."""
    plans = lakes.plans_of_lake(state, run.lake)
    try:
        done = receipts(Journal(state).records)
    except Tampered as error:  # the rejection was kept all the same
        progress.note(visible(f"whether any of it was retired can't be told: {error}"))
        return
    for receipt in done.values():
        if receipt.dataset in names and receipt.plan in plans and receipt.status in RETIRED:
            now = "lies in quarantine, and is not purged" if receipt.status is Status.QUARANTINED else "was purged"
            progress.say(f"{visible(receipt.dataset)} {now}: `r2d2 restore DATASET --state DIR` gives it back")


def _undecided(plan: Plan, made: Decisions) -> list[str]:
    """What nobody has decided on; what lapsed is asked for by name."""
    return [entry.dataset for entry in plan.retired if made.on(entry) is Decided.UNDECIDED]


def listed(entry: PlannedDataset, made: Decisions, found: Mapping[str, Dataset], settings: Settings) -> dict[str, Any]:
    """A dataset that a plan would retire, as ``review list`` gives it."""
    newest = made.newest.get(entry.dataset)
    what = takes(found[entry.dataset], found[entry.parent or ""], entry.rebuild_seconds, settings)
    return {
        "dataset": entry.dataset,
        "parent": entry.parent,
        "saving_per_month": entry.saving_per_month,
        "decision": made.on(entry).value,
        "lapsed": made.lapse(entry),
        "by": newest.by if newest else "",
        "note": newest.note if newest else "",
        "accepted": sorted(newest.accepted) if newest else [],
        "quarantine": what.kind,
        "accept": list(what.accept),
        "lost": list(what.lost),
        "doubts": list(what.doubts),
        "owner": entry.owner,
        "conditions": list(entry.conditions),
    }


def _made(made: Review) -> dict[str, Any]:
    return {
        "dataset": made.dataset,
        "decision": "approved" if made.approved else "rejected",
        "by": made.by,
        "note": made.note,
        "at": f"{made.at:%Y-%m-%d %H:%M:%S}Z",
        "plan": made.plan,
        "accepted": sorted(made.accepted),
    }
