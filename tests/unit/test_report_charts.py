"""What charts are made of, and where the boxes of the graph are."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from r2d2.config import load_settings
from r2d2.model.funnel import Funnel
from r2d2.report.bars import (
    decision_ways,
    funnel_steps,
    savings_parts,
    stage_bars,
    top_savings,
)
from r2d2.report.charts import (
    funnel_chart,
    graph_chart,
    savings_chart,
    sizes_chart,
    tradeoff_chart,
)
from r2d2.report.data import ReportData
from r2d2.report.graph_layout import NODE_HEIGHT, NODE_WIDTH, GraphLayout, lay_out
from r2d2.report.trends import LimitPoint
from r2d2.report.vega import chart
from r2d2.report.vega.chart import Chart, Record, runtime
from tests.report_fakes import decided_report, hostile_report, large_report, tpch_report

#: SHA-256 of vega 6.4.0 and vega-interpreter 2.3.2.
PUBLISHED = {
    "vega.min.js": "8f6a3587cf8d4f42c7e08120e3eb05d067e746d554e39d2dcf52acc0bd5ba28f",
    "vega-interpreter.js": "c0bdb735a63f9276f136e8d90d7fdf5d8e9df8031eb069048fc9975c876fd7f9",
}


def test_funnel_steps_carry_the_models_numbers() -> None:
    funnel = tpch_report().funnel
    steps = funnel_steps(funnel)
    assert [s.value for s in steps] == [funnel.pairs, funnel.candidates, funnel.after_minmax, funnel.proven_pairs]
    assert steps[1].share == pytest.approx(100 * funnel.candidates / funnel.pairs, abs=0.01)


def test_charts_of_an_empty_funnel_divide_by_nothing() -> None:
    assert [s.share for s in funnel_steps(Funnel())] == [0.0] * 4
    assert decision_ways(Funnel()) == ()
    assert stage_bars(Funnel()) == ()


def test_a_bar_never_leaves_its_track() -> None:
    steps = funnel_steps(Funnel(usable=2, pairs=2, candidates=2, after_minmax=1, proven={"implied": 7}))
    assert max(s.share for s in steps) == 100.0


def test_ways_keep_the_known_order_and_unknown_ones_follow() -> None:
    ways = decision_ways(Funnel(proven={"zz": 1, "join": 2, "digest": 4}, refuted={"box": 8, "aa": 1}))
    assert [w.how for w in ways] == ["digest", "box", "join", "aa", "zz"]
    assert ways[1].refuted_share == 100.0


def test_savings_add_up_to_the_lake_and_to_the_plan() -> None:
    data = tpch_report()
    parts = savings_parts(data)
    assert sum(p.bytes for p in parts) == sum(r.bytes for r in data.rows)
    assert sum(p.datasets for p in parts) == len(data.rows)
    assert sum(p.saving for p in parts) == pytest.approx(data.saving_per_month)
    kept = parts[0]
    assert kept.cost == pytest.approx(kept.bytes / 2**30 * 0.023 * 1000)


def test_the_first_to_retire_are_those_that_save_most() -> None:
    data = tpch_report()
    top = top_savings(data)
    assert [t.row for t in top] == list(data.with_action("retire")[:10])
    assert top[0].share == 100.0


def test_what_is_to_stay_by_decision_is_not_the_first_to_retire() -> None:
    data = decided_report()
    assert [t.row.id for t in top_savings(data)] == [data.gone[0].id, *(row.id for row in data.gone[4:13])]


def test_a_parent_lies_above_its_children() -> None:
    for layout in (drawn([("a", "b"), ("b", "c"), ("a", "c"), ("x", "c")]), drawn([("r", f"c{i}") for i in range(60)])):
        assert all(layout.nodes[e.parent].y + NODE_HEIGHT < layout.nodes[e.child].y for e in layout.links)


def test_boxes_do_not_overlap_and_lie_within_the_drawing() -> None:
    chains = [(f"p{i}", f"c{i}.{j}") for i in range(12) for j in range(i * 3 + 1)]
    layout = drawn(chains, [("c3.0", "copy"), ("c3.0x", "c3.0y")])
    for number, one in enumerate(layout.nodes):
        assert one.x >= 0
        assert one.x + NODE_WIDTH <= layout.width
        assert one.y + NODE_HEIGHT <= layout.height
        for other in layout.nodes[:number]:
            assert abs(one.x - other.x) >= NODE_WIDTH or abs(one.y - other.y) >= NODE_HEIGHT


def test_duplicates_and_datasets_that_contain_each_other_are_one_node() -> None:
    layout = drawn([("a", "b"), ("b", "a"), ("a", "z")], [("a", "c", "d")])
    assert {node.members for node in layout.nodes} == {("a", "b", "c", "d"), ("z",)}
    assert len(layout.links) == 1


def test_groups_that_share_a_text_dataset_are_not_merged() -> None:
    layout = drawn([], [("number", "text"), ("string", "text", "string2")])
    assert {node.members for node in layout.nodes} == {("number", "text"), ("string", "string2")}


def test_no_more_than_the_limit_is_drawn_and_the_rest_is_counted() -> None:
    edges = [("big", f"b{i}") for i in range(30)] + [("small", f"s{i}") for i in range(5)]
    layout = lay_out(edges, [], {"big": 10, **{f"b{i}": i for i in range(30)}}, 10)
    assert len(layout.nodes) == 10
    assert layout.hidden == 37 - 10
    assert layout.nodes[0].members == ("big",)
    assert drawn([]).nodes == lay_out(edges, [], {}, 0).nodes == ()


def test_a_layout_is_the_same_whatever_the_order_of_the_edges() -> None:
    edges = [(f"p{i % 7}", f"c{i % 23}") for i in range(160)]
    one, other = drawn(edges), drawn(edges[::-1])
    assert {(n.members, n.x, n.y) for n in one.nodes} == {(n.members, n.x, n.y) for n in other.nodes}


def test_a_chain_of_thousands_and_a_large_lake_are_laid_out() -> None:
    layout = drawn([(f"s{i:04}", f"s{i + 1:04}") for i in range(3000)], limit=400)
    assert (len(layout.nodes), layout.hidden) == (400, 2601)
    _, found = graph_chart(large_report(2000, 8000))
    assert (len(found.nodes), found.hidden) == (2000, 0)


def test_the_whole_is_about_as_wide_as_it_is_shown_and_each_component_has_a_frame() -> None:
    layout = drawn([(f"p{i}", f"c{i}.{j}") for i in range(40) for j in range(6)])
    assert 1.2 < layout.width / layout.height < 4.5
    assert len(layout.frames) == 40
    for node in layout.nodes:
        frame = layout.frames[node.frame]
        assert frame.x <= node.x <= node.x + NODE_WIDTH <= frame.x + frame.width
        assert frame.y <= node.y <= node.y + NODE_HEIGHT <= frame.y + frame.height


def boxes(data: ReportData) -> list[Record]:
    return list(graph_chart(data)[0].data["boxes"])


def test_a_box_says_what_it_stands_for_and_leads_to_the_kept_one() -> None:
    data = tpch_report()
    _, layout = graph_chart(data)
    group = next(box for box in boxes(data) if box["label"] == "warehouse/lineitem")
    assert (group["detail"], group["action"]) == ("×3  696 MB", "mixed")
    assert group["anchor"] == data.anchors["warehouse/lineitem"]
    assert "3 exact duplicates: warehouse/lineitem, finance/lineitem_copy" in group["title"]
    assert sum(len(node.members) for node in layout.nodes) == 67
    chart, _ = graph_chart(data)
    assert len(chart.data["frames"]) == 7
    assert [value for value, _ in chart.choices["family"]] == [-1, *range(7)]


@pytest.mark.parametrize("chart", ["graph", "sizes", "savings"])
def test_names_are_visible_and_short_in_every_chart(chart: str) -> None:
    data = hostile_report()
    made = {"graph": graph_chart(data)[0], "sizes": sizes_chart(data), "savings": savings_chart(data)}[chart]
    for records in made.data.values():
        for record in records:
            texts = [value for name, value in record.items() if isinstance(value, str) and name != "names"]
            assert all(name.isprintable() for name in record.get("names", "").split("\n"))
            assert all(text.isprintable() and len(text) <= 800 for text in texts)
            assert len(record.get("label", "")) <= 80


def test_the_number_of_drawn_boxes_is_a_setting() -> None:
    data = tpch_report(load_settings(overrides=("report.graph_datasets=9",), environ={}))
    _, layout = graph_chart(data)
    assert len(layout.nodes) == 9
    assert sum(len(node.members) for node in layout.nodes) + layout.hidden == 67


def test_steps_of_the_savings_add_up_to_what_the_plan_saves() -> None:
    data = tpch_report()
    first, *steps, last = savings_chart(data).data["parts"]
    assert first["to"] == pytest.approx(sum(row.bytes for row in data.rows) / 1e9 * data.storage_price)
    assert [step["from"] for step in steps[1:]] == [step["to"] for step in steps[:-1]]
    assert last["to"] == pytest.approx(steps[-1]["to"])
    assert last["to"] == pytest.approx(data.saving_per_month)


def test_many_parents_are_one_step_in_the_end() -> None:
    data = large_report(600, 0)
    rows = tuple(
        replace(row, action="retire", parent=f"p{n}", saving_per_month=1.0 + n) for n, row in enumerate(data.rows)
    )
    _, *steps, last = savings_chart(replace(data, rows=rows)).data["parts"]
    assert len(steps) == 9
    assert steps[-1]["label"] == "Held by 592 others"
    assert last["to"] == pytest.approx(sum(row.saving_per_month for row in rows))


@pytest.mark.parametrize("data", [tpch_report(), large_report(3000, 900)], ids=["small", "large"])
def test_the_map_of_sizes_holds_every_byte_once(data: ReportData) -> None:
    tree = sizes_chart(data).data["tree"]
    assert sum(record.get("bytes", 0) for record in tree) == sum(row.bytes for row in data.rows)
    ids = {record["id"] for record in tree}
    assert len(ids) == len(tree) < 4000
    assert {record["parent"] for record in tree} <= ids | {None}


def test_each_specification_is_whole_and_takes_its_records() -> None:
    names = sorted(path.stem for path in Path(chart.__file__).parent.glob("specs/*.json"))
    assert names == ["funnel", "graph", "growth", "sizes", "tradeoff", "waterfall"]
    with pytest.raises(ValueError, match="has no 'nothing'; it has steps"):
        _ = Chart("funnel", "", {"nothing": []}).specification


def test_what_draws_is_what_npm_has() -> None:
    place = Path(chart.__file__).parent
    sums = {name: hashlib.sha256((place / name).read_bytes()).hexdigest() for name in PUBLISHED}
    assert sums == PUBLISHED
    assert "vega.expressionInterpreter = expression;" in runtime()
    assert not re.search(r"^(import|export) ", runtime(), re.MULTILINE)


def test_a_notebook_gets_the_specification_with_colours_and_records() -> None:
    bundle = funnel_chart(tpch_report().funnel)._repr_mimebundle_()
    spec = bundle["application/vnd.vega.v5+json"]
    assert spec["data"][0]["values"][0]["label"] == "Pairs of datasets"
    assert spec["config"]["range"]["category"][0] == "#0072b2"
    assert bundle["text/plain"].startswith("How many pairs")


def test_a_limit_that_is_no_limit_is_said_so() -> None:
    points = [LimitPoint(seconds, 1.0, 1, False) for seconds in (0.0, 0.5, 60.0, 90.0, 3600.0, 172_800.0, math.inf)]
    labels = [record["label"] for record in tradeoff_chart(points, "USD").data["points"]]
    assert labels == ["no wait", "0.5 s", "1 min", "1 min 30 s", "1 h", "2 d", "any time"]


def drawn(edges: list[tuple[str, str]], groups: list[tuple[str, ...]] | None = None, limit: int = 10**6) -> GraphLayout:
    return lay_out(edges, groups or [], {}, limit)
