"""Commands on plans: one of them, what it would be otherwise, how two differ, which there are. None starts Spark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from r2d2.catalog import lakes, runs
from r2d2.catalog.state import State, open_state
from r2d2.commands.masking import text_masked, without_values
from r2d2.commands.output import print_object, print_rows
from r2d2.errors import UsageError
from r2d2.model.edge import Edge
from r2d2.model.plan import Plan, PlannedDataset
from r2d2.retention.holdings import DAYS_PER_MONTH
from r2d2.units import human_bytes, money, some_of
from r2d2.visible import visible

PLAN_COLUMNS = ("dataset", "action", "parent", "saving_per_month", "rebuild_cost", "rebuild_seconds", "reason")
DETAILS = ("once_cost", "tier", "owner", "conditions", "changes_if", "version", "parent_version", "evidence")
PLANS_COLUMNS = ("plan", "run_id", "at", "datasets", "retired", "total_saving_per_month", "bytes_retired", "solver")
DIFF_COLUMNS = ("dataset", "before", "after", "saving_before", "saving_after", "reason")


def show_plan(
    state_dir: str,
    run_id: str,
    number: int | None,
    what_if: Sequence[str],
    diff: Sequence[int] | None,
    details: bool,
    output: str,
    show_values: bool,
) -> None:
    """Prints a plan: the newest of a run, the one with a number, or what it would be at other prices; or a comparison.

    Args:
        number: of a plan in the state.
        what_if: ``NAME=NUMBER`` (``retention.what_if``).
        details: also what it takes once, who is asked, what would change it, and how the parent was proven.
        diff: the numbers of two plans, of which the second is told by what is other than in the first.
        show_values: whether cell values may be shown (``report.show_values``).
    """
    if sum(map(bool, (number is not None, what_if, diff))) > 1:
        raise UsageError("--number, --what-if and --diff exclude each other", "give one of them")
    if details and (what_if or diff):
        raise UsageError("--details goes with a plan that was made", "leave --what-if and --diff out")
    state = open_state(state_dir)
    if diff:
        before, after = (runs.numbered_plan(state, each) for each in diff)
        _show_diff(before, after, output, show_values)
    elif number is not None:
        _show_made(
            state, runs.numbered_plan(state, number), runs.run_of_plan(state, number), details, output, show_values
        )
    elif what_if:
        _show_what_if(state, runs.find_run(state, run_id, runs.CONTAINED), what_if, output, show_values)
    else:
        run = runs.find_run(state, run_id, runs.PLANNED)
        _show_made(state, runs.plan(state, run), run, details, output, show_values)


def show_plans(state_dir: str, output: str) -> None:
    """Prints the plans of a state, the newest first."""
    rows = [{**head, "at": f"{head['at']:%Y-%m-%d %H:%M:%S}Z"} for head in runs.plan_heads(open_state(state_dir))]
    print_rows([{column: row[column] for column in PLANS_COLUMNS} for row in rows], PLANS_COLUMNS, output)


def planned_row(entry: PlannedDataset) -> dict[str, Any]:
    """A line of the plan as the ``plan`` command gives it."""
    return {column: getattr(entry, column) for column in PLAN_COLUMNS} | {"action": entry.action.value}


def plan_object(plan: Plan, show_values: bool) -> dict[str, Any]:
    """The plan as ``plan --format json`` gives it."""
    return {
        "datasets": list(without_values(map(planned_row, plan.datasets), show_values)),
        "total_saving_per_month": plan.total_saving_per_month,
        "bytes_retired": plan.bytes_retired,
        "currency": plan.currency,
        "solver": plan.solver,
        "optimal": plan.optimal,
    }


def differences(before: Plan, after: Plan) -> Iterator[dict[str, Any]]:
    """Lines for datasets whose action or parent differs, or that only one plan has, as ``plan --diff`` gives them."""
    one, other = ({entry.dataset: entry for entry in plan.datasets} for plan in (before, after))
    for name in sorted(one.keys() | other.keys()):
        was, becomes = one.get(name), other.get(name)
        if _decision(was) != _decision(becomes):
            yield {
                "dataset": name,
                "before": _decision(was),
                "after": _decision(becomes),
                "saving_before": was.saving_per_month if was else None,
                "saving_after": becomes.saving_per_month if becomes else None,
                "reason": becomes.reason if becomes else "it is not in the lake any more",
            }


def _decision(entry: PlannedDataset | None) -> str | None:
    if entry is None:
        return None
    action = f"{entry.action.value} to {entry.tier}" if entry.tier else entry.action.value
    return f"{action} for {entry.parent}" if entry.parent else action


def _show_made(state: State, plan: Plan, run: runs.Run, details: bool, output: str, show_values: bool) -> None:
    newest = runs.find_run(state, reached=runs.DISCOVERED)
    old: tuple[str, ...] = ()
    if newest.run_id != run.run_id:
        old = plan.out_of_date({dataset.id: dataset.version for dataset in runs.datasets(state, newest)})
    if old and output == "table":
        some = some_of([visible(name) for name in old])
        print(f"out of date, for run {newest.run_id} saw other versions of them or their parents: {some}")
    if not details:
        _show(plan, "saves", output, show_values)
        return
    proofs = {(edge.parent, edge.child): edge for edge in runs.proven(state, run)}
    rows = list(without_values((planned_row(e) | _details(e, proofs) for e in plan.datasets), show_values))
    if output == "json":
        facts = {
            "once_cost": plan.once_cost,
            "run_cost": plan.run_cost,
            "findings": list(map(text_masked(show_values), plan.findings)),
        }
        facts |= {"out_of_date": list(old)}
        months = plan.payback_months if math.isfinite(plan.payback_months) else None
        date = _paid_back(plan, run.started)
        print_object(
            plan_object(plan, show_values) | {"datasets": rows, "payback_months": months, "payback_date": date} | facts
        )
        return
    print_rows(rows, (*PLAN_COLUMNS, *DETAILS), output)


def _paid_back(plan: Plan, since: datetime) -> str | None:
    """The day on which the plan has saved what it takes once, if carried out at once; None if it never will."""
    try:
        return f"{since + timedelta(days=plan.payback_months * DAYS_PER_MONTH):%Y-%m-%d}"
    except (OverflowError, ValueError):
        return None


def _details(entry: PlannedDataset, proofs: Mapping[tuple[str, str], Edge]) -> dict[str, Any]:
    """What a line of the plan says besides."""
    edge = proofs.get((entry.parent or "", entry.dataset))
    implied = "implied: it follows from other pairs that were compared" if entry.parent else ""
    evidence = f"{edge.how}: {edge.reason}" if edge else implied
    own = {name: getattr(entry, name) for name in DETAILS if name != "evidence"}
    return own | {"conditions": list(entry.conditions), "evidence": evidence}


def _show(plan: Plan, saves: str, output: str, show_values: bool) -> None:
    if output == "json":
        print_object(plan_object(plan, show_values))
        return
    print_rows(without_values(map(planned_row, plan.datasets), show_values), PLAN_COLUMNS, output)
    if output == "table":
        print(f"{f'plan {plan.number} ' if plan.number else ''}{saves} {_saved(plan)}; {visible(plan.solver)}")
        print(_once(plan))
        for finding in map(text_masked(show_values), plan.findings):
            print(f"finding: {visible(finding)}")


def _once(plan: Plan) -> str:
    months = plan.payback_months
    back = f"paid back in {months:,.1f} months" if math.isfinite(months) else "never paid back"
    once, run = money(plan.once_cost, plan.currency), money(plan.run_cost, plan.currency)
    return f"it takes {once} once, {run} of that for the run; {back}"


def _saved(plan: Plan) -> str:
    return f"{money(plan.total_saving_per_month, plan.currency)} a month and {human_bytes(plan.bytes_retired)}"


def _show_what_if(state: State, run: runs.Run, what_if: Sequence[str], output: str, show_values: bool) -> None:
    from r2d2.retention.context import Context
    from r2d2.retention.planner import make_plan  # takes longer to import than other commands to answer
    from r2d2.retention.what_if import changed

    settings = changed(run.retention, what_if)
    duplicates = runs.groups(state, run).duplicates
    made = runs.plan(state, run) if run.reached(runs.PLANNED) else None
    before = lakes.plan_before(state, run.lake, made.number if made else None)
    context = Context.of(runs.usage(state, run), len(run.roots), before, run.started)
    if made:
        context = replace(context, run_cost=made.run_cost)
    plan = make_plan(runs.datasets(state, run), runs.proven(state, run), duplicates, settings, context)
    _show(plan, "would save", output, show_values)
    if output == "table" and made:
        print(f"plan {made.number} saves {_saved(made)}")


def _show_diff(before: Plan, after: Plan, output: str, show_values: bool) -> None:
    print_rows(without_values(differences(before, after), show_values), DIFF_COLUMNS, output)
    if output == "table":
        print(f"plan {before.number} saves {_saved(before)}, plan {after.number} {_saved(after)}")
