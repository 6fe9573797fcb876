from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.config import load_settings
from r2d2.model.edge import Edge, Grade, Witness
from r2d2.model.funnel import Funnel, SparkFigures, StageFigures, unusable_by_status
from r2d2.model.plan import Plan
from r2d2.report.data import MAX_SHARED, ReportData, build_report, dataset_anchor
from r2d2.report.near_misses import NearMisses
from r2d2.report.problems import Problem, masked
from r2d2.report.proofs import MAX_STEPS, ProofPaths
from r2d2.report.standing import Stand, Standing, Stands
from tests.report_fakes import HOSTILE, dataset, edge, hostile_report, plan_of, run_facts, tpch_report

EMPTY = Plan((), 0.0, 0, "HiGHS", True)
SHOW = load_settings(overrides=("report.show_values=true",), environ={})


def built(datasets: list, **parts: object) -> ReportData:
    fields: dict = {"edges": [], "groups": [], "near": NearMisses(), "plan": EMPTY, "funnel": Funnel(), **parts}
    return build_report(run_facts(), datasets, **fields)


def test_every_dataset_has_one_row_and_what_to_retire_comes_first_by_saving() -> None:
    data = tpch_report()
    assert len({row.id for row in data.rows}) == len(data.rows) == 70
    actions = [row.action for row in data.rows]
    assert actions == sorted(actions, key=["retire", "keep", "none"].index)
    savings = [row.saving_per_month for row in data.with_action("retire")]
    assert savings == sorted(savings, reverse=True)
    assert sum(savings) == pytest.approx(data.saving_per_month)
    assert sum(row.bytes for row in data.with_action("retire")) == data.bytes_retired


def test_the_model_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        tpch_report().rows[0].action = "keep"  # type: ignore[misc]


def test_a_retired_dataset_shows_the_edges_from_its_parent_down_to_it() -> None:
    data = tpch_report()
    row = next(row for row in data.rows if row.id == "dashboards/lineitem_1994_keys")
    steps = [(data.edges[i].parent, data.edges[i].child) for i in row.proof]
    middle = "exports/lineitem/lineitem_1994.csv"
    assert steps == [("warehouse/lineitem", middle), (middle, row.id)]


def test_only_proven_edges_are_shown() -> None:
    a, b = dataset("a"), dataset("b")
    data = built([a, b], edges=[edge(a, b, grade=grade) for grade in Grade])
    assert len(data.edges) == 1


def test_near_misses_are_shown_in_their_order_and_counted_as_they_were() -> None:
    a, b, c = dataset("a"), dataset("b"), dataset("c")
    near = NearMisses((edge(a, c, "join", grade=Grade.REFUTED), edge(a, b, "box", grade=Grade.REFUTED)), 1_400_000)
    data = built([a, b, c], near=near)
    assert [(miss.parent, miss.child, miss.how) for miss in data.near_misses] == [("a", "c", "join"), ("a", "b", "box")]
    assert data.near_miss_count == 1_400_000


def test_cell_values_are_masked_unless_allowed() -> None:
    a, b = dataset("a"), dataset("b")
    bad = dataset("sales/k=ID", status="error", reason="sales/k=ID/day=SECRET/p.parquet is cut short")
    found = edge(a, b, predicate="x between 'SECRET' and 'TWO'")
    near = edge(a, b, grade=Grade.REFUTED, witness=Witness("SECRET", 2, 1))
    problem = Problem("/lake/country=SECRET/f.csv", "country=SECRET/f.csv line 3, and /lake/x=SECRET: denied")
    parts = {"edges": [found], "near": NearMisses((near,), 1), "problems": [problem]}
    masked = built([a, b, bad], **parts)
    text = json.dumps(dataclasses.asdict(dataclasses.replace(masked, run=None)), default=str)  # type: ignore[arg-type]
    assert "SECRET" not in text
    assert "sales/k=ID/day=•••/p.parquet is cut short" in {p.what for p in masked.problems}
    assert masked.edges[0].masked
    assert masked.near_misses[0].witness == "2× here, 1× in the other"
    shown = built([a, b, bad], settings=SHOW, **parts)
    assert "SECRET" in shown.edges[0].predicate
    assert "SECRET" in shown.near_misses[0].witness
    assert "SECRET" in shown.problems[0].where
    assert not shown.edges[0].masked


def test_credentials_in_roots_and_spark_properties_do_not_reach_the_report() -> None:
    settings = load_settings(overrides=("spark.conf=fs.s3a.secret.key=hunter2", "retention.keep=a,b"), environ={})
    roots = ("s3://user:hunter2@bucket/x?sig=hunter2", "/plain/a?b", "abfss://box@account/x", "https://[bad:hunter2@x")
    run = dataclasses.replace(run_facts(), roots=roots)
    data = build_report(run, [], [], [], NearMisses(), EMPTY, Funnel(), (), settings)
    assert "hunter2" not in repr(data)
    assert data.run.roots[:3] == ("s3://bucket/x", "/plain/a?b", "abfss://box@account/x")
    assert ("retention.keep", "a, b") in data.settings


def test_unusable_datasets_are_problems_with_a_hint_and_take_no_part_in_the_plan() -> None:
    data = tpch_report()
    assert [p.status for p in data.problems] == ["error", "error", "unsupported", "empty"]
    assert all(p.hint for p in data.problems)
    assert {row.status for row in data.with_action("none")} == {"error", "unsupported", "empty"}


def test_a_name_that_no_dataset_has_is_refused() -> None:
    a, b = dataset("a"), dataset("b")
    with pytest.raises(ValueError, match="'b'"):
        built([a], edges=[edge(a, b)])
    with pytest.raises(ValueError, match="'b'"):
        built([a], plan=plan_of([a, b], {}))
    with pytest.raises(ValueError, match="'z'"):
        built([a], groups=[("a", "z")])


def test_a_row_says_how_its_dataset_stands_and_the_report_when_that_was_looked_at() -> None:
    names = ["whole", "yes", "no", "old"]
    datasets = [dataset(name) for name in names]
    at = datetime(2026, 11, 28, 1, 30, tzinfo=UTC)
    stood = {"yes": Standing(Stand.APPROVED), "no": Standing(Stand.REJECTED), "old": Standing(Stand.OPEN, "it is old")}
    plan = plan_of(datasets, dict.fromkeys(names[1:], "whole"))
    data = built(datasets, plan=plan, stands=Stands(stood, at))
    rows = {row.id: row for row in data.rows}
    assert {name: (row.stand, row.stand_note) for name, row in rows.items()} == {"whole": Standing(), **stood}
    assert {row.id for row in data.to_retire} == {"yes", "old"}
    assert {row.id for row in data.gone} == {"yes", "no", "old"}
    assert data.stood_at == at


def test_anchors_are_distinct_stable_and_plain() -> None:
    data = hostile_report()
    assert len(set(data.anchors.values())) == len(data.anchors) == 2 * len(HOSTILE) + 1
    assert all(anchor.removeprefix("d-").isalnum() for anchor in data.anchors.values())
    assert dataset_anchor("orders") == "d-1c168adb00d2"


def test_a_text_dataset_may_be_in_two_groups() -> None:
    a, b, c = dataset("a"), dataset("b"), dataset("c")
    data = built([a, b, c], groups=[("a", "c"), ("b", "c"), ("a",)])
    assert {row.id: row.groups for row in data.rows} == {"a": (0,), "b": (1,), "c": (0, 1)}
    assert len(data.groups) == 2


def test_a_proof_never_enters_a_text_dataset_by_one_view_and_leaves_it_by_another() -> None:
    a, b, c = dataset("a"), dataset("text"), dataset("c")
    number, string = ((("k",), "number"),), ((("K",), "string"),)
    crossing = ProofPaths([edge(a, b, projection=number), edge(b, c, projection=string)], {})
    assert crossing.between("a", "c") == ()
    both = ProofPaths([edge(a, b, projection=number), edge(b, c, projection=((("K",), "number"),))], {})
    assert both.between("a", "c") == (0, 1)


def test_a_proof_takes_a_group_as_one_place_prefers_short_ways_and_gives_up_on_long_ones() -> None:
    a, b, b2, c = (dataset(name) for name in ("a", "b", "b2", "c"))
    paths = ProofPaths([edge(b, b2), edge(a, b), edge(b2, c), edge(a, c)], {"b": 0, "b2": 0})
    assert paths.between("a", "c") == (3,)
    assert paths.between("b", "c") == (2,)
    assert paths.between("b", "b2") == ()
    chain = [dataset(f"s{i:04}") for i in range(2000)]
    long = ProofPaths([edge(chain[i], chain[i + 1]) for i in range(1999)], {})
    assert long.between("s0000", f"s{MAX_STEPS:04}") == tuple(range(MAX_STEPS))
    assert all(long.between("s0000", each.id) == () for each in chain[MAX_STEPS + 1 :])


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(1, 11), st.integers(1, 3)), max_size=40),
    st.integers(0, 11),
    st.integers(0, 11),
)
def test_a_proof_is_as_short_as_the_shortest_of_all_ways(links: list[tuple[int, int, int]], top: int, end: int) -> None:
    names = [dataset(f"{number:02}") for number in range(12)]
    columns = {wide: tuple(((f"c{place}",), "int") for place in range(wide)) for wide in (1, 2, 3)}
    edges = [
        edge(names[min(one, other)], names[max(one, other)], projection=columns[wide])
        for one, other, wide in links
        if one != other
    ]
    best = shortest(edges, names[top].id, names[end].id)
    way = ProofPaths(edges, {}).between(names[top].id, names[end].id)
    assert len(way) == best
    assert all(edges[one].child == edges[other].parent for one, other in pairwise(way))
    assert all(set(edges[other].projection) <= set(edges[one].projection) for one, other in pairwise(way))
    assert not way or (edges[way[0]].parent, edges[way[-1]].child) == (names[top].id, names[end].id)


def shortest(edges: list[Edge], top: str, end: str) -> int:
    """By trying all ways, a step longer each time."""
    ways = [(each,) for each in edges if each.parent == top]
    for steps in range(1, MAX_STEPS + 1):
        if any(way[-1].child == end for way in ways):
            return steps
        lower = {(way[-1].child, len(way[-1].projection)) for way in ways}
        ways = [(each,) for each in edges if any(each.parent == at and len(each.projection) <= n for at, n in lower)]
    return 0


def test_a_funnel_survives_its_json() -> None:
    funnel = Funnel(
        datasets=5, usable=4, unusable={"error": 1}, classes=2, pairs=12, candidates=6, shared=2, after_minmax=3,
        proven={"box": 2}, refuted={"join": 1}, not_compared={"limit": 4, "value": 5},
        limit="max_bytes", groups=1, edges=2, bytes_saved=10, money_saved=0.5, currency="EUR",
        cost=0.25, unchanged_since="before",
        stages=(StageFigures("s", 1.5, 9, 2, 1 << 20, SparkFigures(3, 1, 0.5, 7, 8)), StageFigures("t", 0.5)),
    )  # fmt: skip
    assert all(value for name, value in vars(funnel).items() if name != "undecided"), "each field with a value"
    assert Funnel.from_json(funnel.to_json()) == funnel
    assert Funnel.from_json(Funnel().to_json()) == Funnel()
    assert (funnel.proven_pairs, funnel.refuted_pairs) == (2, 1)


def test_a_funnel_of_an_older_version_loads() -> None:
    older = json.loads(Funnel(datasets=5, usable=4).to_json())
    del older["unusable"], older["shared"], older["not_compared"], older["limit"]
    assert Funnel.from_json(json.dumps(older)) == Funnel(datasets=5, usable=4)


def test_what_takes_no_part_is_counted_by_status_the_most_frequent_first() -> None:
    statuses = ["ok", "empty", "error", "unsupported", "unprovable", "unsupported", "ok"]
    datasets = [dataset(f"d{i}", status=status) for i, status in enumerate(statuses)]
    counts = unusable_by_status(datasets)
    assert list(counts.items()) == [("unsupported", 2), ("empty", 1), ("error", 1), ("unprovable", 1)]


def test_datasets_that_share_files_are_listed_with_whom_after_what_can_not_be_used() -> None:
    many = tuple(f"snapshot {i:04}" for i in range(1000))
    bad, clone = dataset("bad", status="error", reason="gone"), dataset("clone", shared_with=("bad", "x/k=v"))
    data = built([clone, dataset("large", shared_with=many), bad, dataset("alone")])
    assert [(p.where, p.status) for p in data.problems] == [("bad", "error"), ("clone", "shared"), ("large", "shared")]
    assert [p.what for p in data.problems[1:]] == [
        "holds files that are also in bad, x/k=v",
        "holds files that are also in snapshot 0000, snapshot 0001, snapshot 0002 and 997 more",
    ]
    large = next(row for row in data.rows if row.id == "large")
    assert (large.shared_with, large.shared_count) == (many[:MAX_SHARED], 1000)


@pytest.mark.parametrize(
    ("text", "name", "shown"),
    [
        ("every row is in sales/day=2024-01-02/orders", "sales/day=2024-01-0", "every row is in sales/day=•••/orders"),
        ("a=15/b=3/x: can't be read", "a=1", "a=•••/b=•••/x: can't be read"),
        ("sales/v=1.5/x is cut", "sales/v=1", "sales/v=•••/x is cut"),
        ("t=10:30/x is cut", "t=10", "t=•••/x is cut"),
        ("in x/day=1/y", "day=1", "in x/day=•••/y"),
        ("kept: 'sales/day=1'; it is used.", "sales/day=1", "kept: 'sales/day=1'; it is used."),
        ("rebuilt from sales/day=1.", "sales/day=1", "rebuilt from sales/day=1."),
    ],
)
def test_a_dataset_that_is_called_by_a_partition_shows_no_value_that_begins_alike(
    text: str, name: str, shown: str
) -> None:
    assert masked(text, name) == shown
