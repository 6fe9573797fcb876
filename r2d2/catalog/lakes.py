"""Which runs and plans of a state are of one lake, however its roots were spelled. Needs no JVM."""

from __future__ import annotations

from typing import Any

from r2d2.catalog import runs
from r2d2.catalog.state import State
from r2d2.model.plan import Plan


def of_lake(state: State, lake: frozenset[str]) -> frozenset[str]:
    """The ids of all runs on a lake."""
    return frozenset(run.run_id for run in runs.runs(state) if run.lake == lake)


def plans_of_lake(state: State, lake: frozenset[str]) -> frozenset[int]:
    """The numbers of all plans of a lake."""
    return frozenset(number for number, of in lakes_of_plans(state).items() if of == lake)


def lakes_of_plans(state: State) -> dict[int, frozenset[str]]:
    """What lake each plan is of."""
    lakes = {run.run_id: run.lake for run in runs.runs(state)}
    return {head["plan"]: lakes[head["run_id"]] for head in runs.plan_heads(state) if head["run_id"] in lakes}


def plan_before(state: State, lake: frozenset[str], number: int | None = None) -> Plan | None:
    """The newest plan of a lake that was made before the one with this number (None: of all)."""
    alike = of_lake(state, lake)
    heads = (head for head in runs.plan_heads(state) if head["run_id"] in alike)
    return runs.first_whole(state, (head for head in heads if number is None or head["plan"] < number))


def newest_plan(state: State, lake: frozenset[str]) -> Plan | None:
    """The newest plan of the newest run on a lake that has one."""
    return runs.first_whole(state, by_run(state, lake))


def by_run(state: State, lake: frozenset[str]) -> list[dict[str, Any]]:
    """Rows of ``plans`` of a lake, those of the newest run first: a later plan of an older run knows less.

    Runs are told apart by their first plan, whatever the clocks of the computers that they ran on said.
    """
    own, first = of_lake(state, lake), dict[str, int]()
    heads = [head for head in runs.plan_heads(state) if head["run_id"] in own]
    for head in heads:
        first[head["run_id"]] = min(head["plan"], first.get(head["run_id"], head["plan"]))
    return sorted(heads, key=lambda head: (first[head["run_id"]], head["plan"]), reverse=True)
