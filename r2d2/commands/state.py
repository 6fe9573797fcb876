"""Commands that read a state: what a run found. None of them starts Spark."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from r2d2.catalog import runs
from r2d2.catalog.state import open_state
from r2d2.commands.explain import explain_lines
from r2d2.commands.masking import without_values
from r2d2.commands.output import print_rows
from r2d2.commands.retired import retired_lines
from r2d2.containment.candidates import refuted_by_metadata, shared_pairs
from r2d2.errors import NotFound
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge, Grade
from r2d2.report.problems import masked_selection
from r2d2.visible import visible

DATASET_COLUMNS = ("dataset", "format", "rows", "bytes", "columns", "version", "names", "shared_with", "error")
EDGE_COLUMNS = ("parent", "child", "grade", "rows_child", "rows_parent", "equal", "how", "reason")
RUN_COLUMNS = ("run_id", "started", "status", "roots", "datasets", "edges", "money_saved", "seconds", "cost", "version")


def show_datasets(state_dir: str, run_id: str, output: str, show_values: bool) -> None:
    """Prints the datasets of a run."""
    state = open_state(state_dir)
    run = runs.find_run(state, run_id)
    rows = without_values(map(dataset_row, runs.datasets(state, run)), show_values)
    print_rows(rows, DATASET_COLUMNS, output)


def show_edges(state_dir: str, run_id: str, grade: str, everything: bool, output: str, show_values: bool) -> None:
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
        told = edges if show_values else (replace(e, predicate=masked_selection(e.predicate)) for e in edges)
        print_rows(without_values(map(edge_row, told), show_values), EDGE_COLUMNS, output)


def _print_graph(datasets: Sequence[Dataset], edges: Iterable[Edge]) -> None:
    import networkx as nx  # takes longer to import than most commands to answer

    from r2d2.catalog.graph import containment_graph

    graph = nx.relabel_nodes(containment_graph(datasets, edges), visible)  # XML can't hold control characters
    sys.stdout.writelines(f"{line}\n" for line in nx.generate_graphml(graph))


def show_runs(state_dir: str, output: str) -> None:
    """Prints the runs of a state, the newest first."""
    state = open_state(state_dir)
    found, busy = runs.runs(state), state.in_use()
    rows = [_run_row(run, live=busy and run is found[0]) for run in found]
    print_rows(rows, RUN_COLUMNS, output)


def explain(state_dir: str, run_id: str, dataset: str, show_values: bool) -> None:
    """Prints why a dataset is or isn't redundant; of one that was retired, by whom, and how it comes back.

    Args:
        show_values: whether cell values may be shown.

    Raises:
        NotFound: it is in neither the run nor the journal.
    """
    state = open_state(state_dir)
    run = runs.find_run(state, run_id)
    retired = list(retired_lines(state, dataset))
    for line in retired:
        print(line)
    try:
        for line in explain_lines(state, run, dataset, show_values):
            print(line)
    except NotFound:
        if not retired:
            raise


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
        "seconds": round(sum(stage.seconds for stage in run.funnel.stages), 3),
        "cost": run.funnel.cost,
        "version": run.version,
    }
