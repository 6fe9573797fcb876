from __future__ import annotations

import pytest

from r2d2.config import load_settings
from r2d2.model.funnel import Funnel
from r2d2.report.bars import (
    containment_graph,
    decision_ways,
    funnel_steps,
    savings_parts,
    stage_bars,
    top_savings,
)
from r2d2.report.graph_layout import NODE_HEIGHT, NODE_WIDTH, GraphLayout, lay_out
from tests.report_fakes import hostile_report, large_report, tpch_report


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
    graph = containment_graph(large_report(2000, 8000))
    assert (len(graph.nodes), graph.drawn + graph.hidden) == (400, 2000)


def test_a_node_says_what_it_stands_for_and_leads_to_the_kept_one() -> None:
    data = tpch_report()
    graph = containment_graph(data)
    group = next(n for n in graph.nodes if n.label == "warehouse/lineitem")
    assert (group.multiplicity, group.action) == (3, "mixed")
    assert group.anchor == data.anchors["warehouse/lineitem"]
    assert "3 exact duplicates: warehouse/lineitem, finance/lineitem_copy" in group.title
    assert graph.drawn == sum(n.multiplicity for n in graph.nodes) == 67


def test_node_labels_are_short_and_visible_whatever_the_name() -> None:
    for node in containment_graph(hostile_report()).nodes:
        assert len(node.label) <= 20
        assert (node.label + node.title).isprintable()


def test_the_number_of_drawn_nodes_is_a_setting() -> None:
    data = tpch_report(load_settings(overrides=("report.graph_datasets=9",), environ={}))
    graph = containment_graph(data)
    assert len(graph.nodes) == 9
    assert graph.drawn + graph.hidden == 67


def drawn(edges: list[tuple[str, str]], groups: list[tuple[str, ...]] | None = None, limit: int = 10**6) -> GraphLayout:
    return lay_out(edges, groups or [], {}, limit)
