"""Views: no path enters a text dataset by one view and leaves it by another (EXACTNESS 4)."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.containment.schema_graph import Schema, fitting_classes, schema_classes, schema_of
from r2d2.containment.views import Node, Pair, Views, node_edges
from r2d2.model.dataset import Dataset, Leaf
from r2d2.model.family import BOOLEAN, NUMBER, STRING
from tests.sampling import examples

FIXED = settings(derandomize=True, deadline=None, database=None)
A, B = ("a",), ("b",)


def schema(**families: tuple[str, ...]) -> Schema:
    return tuple(sorted(((name,), admitted) for name, admitted in families.items()))


def test_a_number_as_text_does_not_make_a_string_equal_to_a_number() -> None:
    """'1' the string equals the text 1, and the text 1 equals the number 1; the string is not the number."""
    views = Views({0: schema(a=(STRING,)), 1: schema(a=(NUMBER, STRING)), 2: schema(a=(NUMBER,))})
    nodes, edges = node_edges(views, [Pair(0, 1, ((A, STRING),)), Pair(1, 2, ((A, NUMBER),))])
    start, end = nodes.index(Node(0, ((A, STRING),))), nodes.index(Node(2, ((A, NUMBER),)))
    assert end not in reachable(start, edges)
    assert {node.view for node in nodes if node.dataset == 1} == {((A, STRING),), ((A, NUMBER),)}


def test_a_typed_dataset_has_one_node_whichever_part_of_it_a_pair_asks_for() -> None:
    schemas = {0: schema(a=(NUMBER,), b=(STRING,)), 1: schema(a=(NUMBER,)), 2: schema(b=(STRING,))}
    views = Views(schemas)
    nodes, edges = node_edges(views, [Pair(0, 1, ((A, NUMBER),)), Pair(0, 2, ((B, STRING),))])
    assert [node.dataset for node in nodes].count(0) == 1
    top = next(i for i, node in enumerate(nodes) if node.dataset == 0)
    assert {nodes[i].dataset for i in edges[top]} == {1, 2}


def test_a_parent_that_is_a_child_elsewhere_is_met_under_the_view_it_has_there() -> None:
    both: Schema = schema(a=(NUMBER, STRING), b=(NUMBER, STRING))
    views = Views({0: schema(a=(STRING,), b=(NUMBER,)), 1: both, 2: schema(b=(NUMBER,))})
    nodes, edges = node_edges(views, [Pair(1, 2, ((B, NUMBER),)), Pair(0, 1, ((A, STRING), (B, NUMBER)))])
    top = next(i for i, node in enumerate(nodes) if node.dataset == 0)
    assert {nodes[i].dataset for i in reachable(top, edges)} == {1, 2}


def test_an_edge_leads_only_to_what_its_parent_node_agrees_with() -> None:
    views = Views({0: schema(a=(BOOLEAN, STRING), b=(NUMBER, STRING))})
    views.child(0, ((A, STRING), (B, STRING)))
    assert [node.view for node in views.parents(0, ((B, NUMBER),))] == [((A, BOOLEAN), (B, NUMBER))]
    assert [node.view for node in views.parents(0, ((A, STRING),))] == [((A, STRING), (B, STRING))]


def reachable(start: int, edges: dict[int, set[int]]) -> set[int]:
    seen: set[int] = set()
    stack = [start]
    while stack:
        for child in edges.get(stack.pop(), ()):
            if child not in seen:
                seen.add(child)
                stack.append(child)
    return seen


FAMILIES = [(NUMBER,), (STRING,), (NUMBER, STRING), (BOOLEAN, STRING), (BOOLEAN, NUMBER, STRING)]
lakes = st.lists(st.dictionaries(st.sampled_from("ab"), st.sampled_from(FAMILIES), min_size=1), min_size=2, max_size=6)


@settings(FIXED, max_examples=examples(300))
@given(lakes, st.data())
def test_along_every_path_each_leaf_keeps_its_family(
    given_lake: list[dict[str, tuple[str, ...]]], data: st.DataObject
) -> None:
    datasets = [
        Dataset(str(i), "csv", "/", "v", leaves=tuple(Leaf((n,), f) for n, f in leaves.items()), rows=1)
        for i, leaves in enumerate(given_lake)
    ]
    classes = schema_classes(datasets, False)
    pairs = [
        Pair(p, c, fit.projection)
        for fit in fitting_classes(classes)
        for p in classes[fit.parent].members
        for c in classes[fit.child].members
        if p != c and data.draw(st.booleans())
    ]
    views = Views({i: schema_of(dataset, False) for i, dataset in enumerate(datasets)})
    nodes, edges = node_edges(views, data.draw(st.permutations(pairs)))
    for start, end in permutations(range(len(nodes)), 2):
        if end in reachable(start, edges):
            assert set(nodes[end].view) <= set(nodes[start].view)
    for pair in pairs:
        child = nodes.index(views.child(pair.child, pair.projection))
        assert any(child in edges[nodes.index(node)] for node in views.parents(pair.parent, pair.projection))
