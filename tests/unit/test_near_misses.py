"""The nearest of many refuted pairs: chosen from columns, in an order that does not depend on how they were kept."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest

from r2d2.catalog.records import edge_row
from r2d2.catalog.tables import SCHEMAS
from r2d2.containment.pairs import HOWS
from r2d2.model.edge import Edge, Grade, Witness
from r2d2.report.near_misses import MAX_NEAR_MISSES, NearMisses, near_misses
from tests.report_fakes import dataset, edge

A, SMALL, LARGE = dataset("a"), dataset("small", 1), dataset("large", 9)


def rows_of(edges: list[Edge], folded: bool = False) -> pa.Table:
    """Edges as the state has them, with texts as such or as dictionaries."""
    rows = pa.Table.from_pylist([edge_row("run", each) for each in edges], schema=SCHEMAS["edges"])
    kind = pa.dictionary(pa.int32(), pa.string())
    fields = [f.with_type(kind) if folded and f.type == pa.string() else f for f in rows.schema]
    return rows.cast(pa.schema(fields))


@pytest.mark.parametrize("folded", [False, True])
def test_they_are_ranked_by_how_far_they_came_then_by_bytes_then_by_names(folded: bool) -> None:
    edges = [
        edge(parent, child, how, grade=Grade.REFUTED, witness=Witness("ff", 2, 1))
        for how in HOWS
        for parent, child in itertools.permutations((A, SMALL, LARGE), 2)
    ]
    found = near_misses(rows_of(edges, folded), [A, SMALL, LARGE])
    ways = ["values", "join", "sketch", "box", "digest", "sample"]  # those that refute; no other is nearer
    sizes = {each.id: each.bytes for each in (A, SMALL, LARGE)}

    def nearness(each: Edge) -> tuple[object, ...]:
        return ways.index(each.how) if each.how in ways else len(ways), -sizes[each.child], each.child, each.parent

    assert [nearness(each) for each in found.nearest] == sorted(map(nearness, edges))
    assert set(found.nearest) == set(edges)


def test_only_refuted_ones_count_and_only_the_nearest_are_edges() -> None:
    given = [edge(A, SMALL, grade=grade) for grade in Grade] + [edge(A, LARGE, grade=Grade.REFUTED)] * 500
    found = near_misses(rows_of(given), [A, SMALL, LARGE])
    assert (len(found.nearest), found.count) == (MAX_NEAR_MISSES, 501)
    assert {each.child for each in found.nearest} == {"large"}


def test_no_edges_have_no_near_misses() -> None:
    assert near_misses(rows_of([]), []) == NearMisses()
