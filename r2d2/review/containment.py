"""What holds what: the graph, families of duplicates, the evidence of each edge, near misses."""

from __future__ import annotations

from collections.abc import Iterator

from r2d2.commands.explain import explain_lines
from r2d2.model.plan import GONE
from r2d2.report import charts
from r2d2.report.data import DatasetRow, Evidence
from r2d2.report.vega.chart import Chart
from r2d2.review.lake import Lake
from r2d2.review.table import Preformatted, Said, Table
from r2d2.review.tables import Cell, amount, plain, size, table, whole
from r2d2.units import some_of


def graph(lake: Lake) -> Chart | Said:
    """The containment graph; exact duplicates are one box."""
    return charts.graph_chart(lake.data)[0] if lake.data else lake.nothing


def families(lake: Lake) -> Table | Said:
    """Datasets that hold each other's rows, the family with most bytes to save first."""
    if lake.data is None:
        return lake.nothing
    found, _ = charts.families_of(lake.data)
    found.sort(key=lambda rows: (-sum(row.bytes for row in rows if row.action in GONE), min(row.id for row in rows)))
    columns = "stays|#datasets|#bytes|#can be retired|#bytes of these|#saves a month|which"
    return table("Families of datasets that hold each other's rows", columns, _families(found, lake.data.currency))


def _families(found: list[list[DatasetRow]], currency: str) -> Iterator[tuple[Cell, ...]]:
    for rows in found:
        gone = sorted((row for row in rows if row.action in GONE), key=lambda row: (-row.saving_per_month, row.id))
        stays = sorted((row for row in rows if row.action not in GONE), key=lambda row: (-row.bytes, row.id))
        yield (
            plain(some_of([row.id for row in stays])),
            whole(len(rows)),
            size(sum(row.bytes for row in rows)),
            whole(len(gone)),
            size(sum(row.bytes for row in gone)),
            amount(sum(row.saving_per_month for row in gone), currency),
            plain(some_of([row.id for row in gone])),
        )


def evidence(lake: Lake, dataset: str = "") -> Table | Said:
    """Proven containments with what proved them: of one dataset, or all of the reduction."""
    if lake.data is None:
        return lake.nothing
    edges = [edge for edge in lake.data.edges if not dataset or dataset in (edge.parent, edge.child)]
    title = f"Containments of {dataset}" if dataset else "Proven containments, transitive reduction"
    columns = "child|parent|proven by|#rows|#rows of the parent|#columns|why"
    return table(title, columns, map(_evidence, edges), _duplicates(lake))


def _evidence(edge: Evidence) -> tuple[Cell, ...]:
    compared = whole(edge.rows_child), whole(edge.rows_parent), whole(edge.column_count)
    return plain(edge.child), plain(edge.parent), plain(edge.how), *compared, plain(edge.reason)


def _duplicates(lake: Lake) -> str:
    groups = lake.data.groups if lake.data else ()
    return f"Besides, there are {len(groups):,} groups of exact duplicates." if groups else ""


def near_misses(lake: Lake) -> Table | Said:
    """Pairs that looked contained until their rows were compared, and what refuted them."""
    if lake.data is None:
        return lake.nothing
    columns = "not contained|in|refuted by|why|#rows|#in the other"
    misses = (
        (plain(e.child), plain(e.parent), plain(e.how), plain(e.reason), whole(e.rows_child), whole(e.rows_parent))
        for e in lake.data.near_misses
    )
    shown, all_ = len(lake.data.near_misses), lake.data.near_miss_count
    note = f"The nearest {shown:,} of {all_:,}; r2d2 edges --grade refuted lists all." if all_ > shown else ""
    return table("Near misses, the nearest to a proof first", columns, misses, note)


def duplicates(lake: Lake) -> Table | Said:
    """Groups of datasets that hold the same rows, as often, in the same columns."""
    if lake.data is None:
        return lake.nothing
    rows = (
        (whole(len(group)), size(sum(lake.rows[n].bytes for n in group)), plain(some_of(group, 10)))
        for group in lake.data.groups
    )
    return table("Groups of exact duplicates", "#datasets|#bytes|which", rows)


def explain(lake: Lake, dataset: str) -> Said:
    """Why a dataset is or isn't redundant, stage by stage, and the plan's arithmetic.

    Raises:
        NotFound: the run has no such dataset.
    """
    if lake.state is None or lake.run is None:
        return lake.nothing
    if not dataset:
        return Said("Give a dataset's id to see all that led to its place in the plan.")
    return Preformatted("\n".join(explain_lines(lake.state, lake.run, dataset, lake.settings.report.show_values)))
