"""Commands that read a state: what a run found. None of them starts Spark."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from r2d2.catalog import runs
from r2d2.catalog.state import State, open_state
from r2d2.commands.explain import explain_lines
from r2d2.commands.output import print_object, print_rows
from r2d2.containment.candidates import refuted_by_metadata, shared_pairs
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge, Grade
from r2d2.model.plan import Plan
from r2d2.report.units import human_bytes, money
from r2d2.report.visible import visible

DATASET_COLUMNS = ("dataset", "format", "rows", "bytes", "columns", "version", "names", "shared_with", "error")
EDGE_COLUMNS = ("parent", "child", "grade", "rows_child", "rows_parent", "equal", "how", "reason")
PLAN_COLUMNS = ("dataset", "action", "parent", "saving_per_month", "rebuild_cost", "rebuild_seconds", "reason")
RUN_COLUMNS = ("run_id", "started", "status", "roots", "datasets", "edges", "money_saved", "version")


def show_datasets(state_dir: str, run_id: str, output: str) -> None:
    """Prints the datasets of a run."""
    state = open_state(state_dir)
    run = runs.find_run(state, run_id)
    print_rows(map(dataset_row, runs.datasets(state, run)), DATASET_COLUMNS, output)


def show_edges(state_dir: str, run_id: str, grade: str, everything: bool, output: str) -> None:
    """Prints edges of one grade; of the proven ones the reduction, or every pair. Shared ones are always all given."""
    state = open_state(state_dir)
    run = runs.find_run(state, run_id, runs.CONTAINED)
    found = runs.datasets(state, run)
    if grade == Grade.PROVEN and everything:
        edges: Iterable[Edge] = runs.all_pairs(found, runs.proven(state, run), runs.groups(state, run))
    elif grade == Grade.SHARED:
        edges = shared_pairs(found, run.case_sensitive)
    else:
        edges = runs.edges(state, run, Grade(grade))
        if grade == Grade.REFUTED and everything:
            edges = chain(edges, refuted_by_metadata(found, run.case_sensitive))
    if output == "graphml":
        _print_graph(found, edges)
    else:
        print_rows(map(edge_row, edges), EDGE_COLUMNS, output)


def _print_graph(datasets: Sequence[Dataset], edges: Iterable[Edge]) -> None:
    import networkx as nx  # takes longer to import than most commands to answer

    from r2d2.catalog.graph import containment_graph

    graph = nx.relabel_nodes(containment_graph(datasets, edges), visible)  # XML can't hold control characters
    sys.stdout.writelines(f"{line}\n" for line in nx.generate_graphml(graph))


def show_plan(state_dir: str, run_id: str, what_if: Sequence[str], output: str) -> None:
    """Prints the plan of a run; or what it would be, which reads nothing but the state and keeps nothing.

    Args:
        what_if: ``NAME=NUMBER`` (``retention.what_if``).
    """
    state = open_state(state_dir)
    run = runs.find_run(state, run_id, runs.CONTAINED if what_if else runs.PLANNED)
    plan = _planned_anew(state, run, what_if) if what_if else runs.plan(state, run)
    if output == "json":
        print_object(plan_object(plan))
        return
    print_rows(map(planned_row, plan.datasets), PLAN_COLUMNS, output)
    if output == "table":
        saved = money(plan.total_saving_per_month, plan.currency)
        said = f"{'would save' if what_if else 'saves'} {saved} a month and {human_bytes(plan.bytes_retired)}"
        print(f"{said}; {visible(plan.solver)}")
        if what_if and run.reached(runs.PLANNED):
            planned = runs.plan(state, run)
            saved = money(planned.total_saving_per_month, planned.currency)
            print(f"the plan of run {run.run_id} saves {saved} a month and {human_bytes(planned.bytes_retired)}")


def _planned_anew(state: State, run: runs.Run, what_if: Sequence[str]) -> Plan:
    from r2d2.retention.planner import make_plan  # takes longer to import than other commands to answer
    from r2d2.retention.what_if import changed

    settings = changed(run.retention, what_if)
    duplicates = runs.groups(state, run).duplicates
    return make_plan(runs.datasets(state, run), runs.proven(state, run), duplicates, settings)


def show_runs(state_dir: str, output: str) -> None:
    """Prints the runs of a state, the newest first."""
    state = open_state(state_dir)
    found, busy = runs.runs(state), state.in_use()
    rows = [_run_row(run, live=busy and run is found[0]) for run in found]
    print_rows(rows, RUN_COLUMNS, output)


def explain(state_dir: str, run_id: str, dataset: str) -> None:
    """Prints why a dataset is or isn't redundant."""
    state = open_state(state_dir)
    run = runs.find_run(state, run_id)
    for line in explain_lines(state, run, dataset):
        print(line)


def dataset_row(dataset: Dataset) -> dict[str, Any]:
    """A dataset as the ``datasets`` command gives it."""
    return {
        "dataset": dataset.id,
        "format": dataset.format,
        "rows": dataset.rows,
        "bytes": dataset.bytes,
        "columns": len({leaf.path[0] for leaf in dataset.leaves}),
        "version": dataset.version,
        "names": list(dataset.names),
        "shared_with": list(dataset.shared_with),
        "error": dataset.error,
    }


def edge_row(edge: Edge) -> dict[str, Any]:
    """An edge as the ``edges`` command gives it."""
    return {
        "parent": edge.parent,
        "child": edge.child,
        "grade": edge.grade.value,
        "rows_child": edge.rows_child,
        "rows_parent": edge.rows_parent,
        "equal": edge.equal,
        "how": edge.how,
        "reason": f"{edge.reason}: {edge.predicate}" if edge.predicate else edge.reason,
    }


def planned_row(entry: Any) -> dict[str, Any]:
    """A line of the plan as the ``plan`` command gives it."""
    return {column: getattr(entry, column) for column in PLAN_COLUMNS} | {"action": entry.action.value}


def plan_object(plan: Plan) -> dict[str, Any]:
    """The plan as ``plan --format json`` gives it."""
    return {
        "datasets": [planned_row(entry) for entry in plan.datasets],
        "total_saving_per_month": plan.total_saving_per_month,
        "bytes_retired": plan.bytes_retired,
        "currency": plan.currency,
        "solver": plan.solver,
        "optimal": plan.optimal,
    }


def _run_row(run: runs.Run, live: bool) -> dict[str, Any]:
    """A run; one that began, did not end, and runs no more was interrupted."""
    return {
        "run_id": run.run_id,
        "started": f"{run.started:%Y-%m-%d %H:%M:%S}Z",
        "status": "interrupted" if run.status == runs.RUNNING and not live else run.status,
        "roots": list(run.roots),
        "datasets": run.funnel.datasets,
        "edges": run.funnel.edges,
        "money_saved": run.funnel.money_saved,
        "version": run.version,
    }
