"""Who holds all rows of whom: groups, chains, and the views of text."""

import itertools
import random

from r2d2.model import Dataset, Edge, Grade, Leaf
from r2d2.retention.ancestors import Containment

NUMBER, STRING = ("number",), ("string",)


def typed(name: str, family: str = "number") -> Dataset:
    return Dataset(name, "parquet", "/", "v1", leaves=(Leaf(("a",), (family,)),))


def text(name: str, families: tuple[str, ...] = ("number", "string")) -> Dataset:
    return Dataset(name, "csv", "/", "v1", leaves=(Leaf(("a",), families),))


def edge(parent: str, child: str, family: str = "number", leaf: str = "a", equal: bool = False) -> Edge:
    projection = (((leaf,), family),) if family else ()
    return Edge(parent, child, Grade.PROVEN, 1, 2, equal, "join", "", projection)


def holders(lake: Containment, name: str, limit: int = 10**6) -> set[str]:
    return {m for place in lake.holders(name, limit) for m in lake.group(place)} - {name}


def closure(names: list[str], edges: list[Edge], groups: list[tuple[str, ...]]) -> dict[str, set[str]]:
    up: dict[str, set[str]] = {n: {e.parent for e in edges if e.child == n} for n in names}
    for group in groups:
        for member in group:
            up[member] |= set(group)
    for middle in names:
        for name in names:
            if middle in up[name]:
                up[name] |= up[middle]
    return {n: up[n] - {n} for n in names}


def test_walks_give_the_closure_of_typed_edges_and_groups() -> None:
    for seed in range(100):
        rng = random.Random(seed)
        names = [f"d{i}" for i in range(rng.randint(1, 12))]
        cuts = sorted({0, len(names), *rng.sample(range(len(names)), len(names) // 2)})
        nodes = [tuple(names[a:b]) for a, b in itertools.pairwise(cuts)]
        edges = [edge(p[0], c[0]) for i, p in enumerate(nodes) for c in nodes[i + 1 :] if rng.random() < 0.3]
        groups = [node for node in nodes if len(node) > 1]
        lake = Containment([typed(n) for n in names], edges, groups)
        expected = closure(names, edges, groups)
        assert {n: holders(lake, n) for n in names} == expected


def test_components_are_weakly_connected_and_groups_connect_too() -> None:
    lake = Containment([typed(n) for n in "abcdef"], [edge("a", "b"), edge("c", "b")], [("d", "e")])
    assert lake.components() == [["a", "b", "c"], ["d", "e"], ["f"]]


def test_a_path_does_not_enter_text_by_one_view_and_leave_it_by_another() -> None:
    """The text '1' equals the string '1' and the number 1, which do not equal each other."""
    datasets = [typed("strings", "string"), text("csv"), typed("numbers", "number")]
    lake = Containment(datasets, [edge("strings", "csv", "string"), edge("csv", "numbers", "number")], [])
    assert holders(lake, "numbers") == {"csv"}
    assert holders(lake, "csv") == {"strings"}


def test_a_path_through_text_by_one_view_is_followed() -> None:
    datasets = [typed("top"), text("csv"), typed("low")]
    lake = Containment(datasets, [edge("top", "csv", "number", leaf="A"), edge("csv", "low")], [])
    assert holders(lake, "low") == {"csv", "top"}


def test_a_group_is_not_crossed_under_another_view_than_its_own() -> None:
    """csv equals the numbers; what it holds as strings, they do not hold."""
    datasets = [typed("numbers"), text("csv"), typed("strings", "string"), typed("big", "number")]
    edges = [edge("csv", "strings", "string"), edge("big", "numbers")]
    lake = Containment(datasets, edges, [("numbers", "csv")])
    assert holders(lake, "strings") == {"csv"}
    assert holders(lake, "csv") == {"numbers", "big"}
    assert not lake.interchangeable(lake.home("csv"))


def test_a_text_dataset_in_two_groups_does_not_make_their_members_equal() -> None:
    datasets = [typed("numbers"), typed("strings", "string"), text("csv")]
    edges = [edge("numbers", "csv", "number", equal=True), edge("strings", "csv", "string", equal=True)]
    for groups in ([("numbers", "csv"), ("strings", "csv")], [("strings", "csv"), ("numbers", "csv")]):
        lake = Containment(datasets, edges, groups)
        assert holders(lake, "csv") == {"numbers", "strings"}
        assert holders(lake, "numbers") == {"csv"}
        assert "numbers" not in holders(lake, "strings")


def test_a_text_group_has_the_view_of_the_edges_between_its_members() -> None:
    """Equal as numbers (1 and 1.0), and only one of them equals the strings."""
    datasets = [text("one"), text("other"), typed("strings", "string"), typed("numbers", "number")]
    edges = [edge("one", "other", "number", equal=True), edge("strings", "one", "string"), edge("numbers", "one")]
    lake = Containment(datasets, edges, [("one", "other")])
    assert holders(lake, "other") == {"one", "numbers"}
    assert holders(lake, "one") == {"other", "strings", "numbers"}


def test_text_whose_view_is_unknown_ends_the_walk() -> None:
    datasets = [typed("top"), text("csv"), typed("low")]
    lake = Containment(datasets, [edge("top", "csv", ""), edge("csv", "low", "")], [])
    assert holders(lake, "low") == {"csv"}
    assert holders(lake, "csv") == {"top"}


def test_leaves_that_differ_in_case_and_family_agree_with_nothing() -> None:
    both = ((("a",), "number"), (("A",), "string"))
    top, csv = typed("top"), text("csv")
    into = Edge("top", "csv", Grade.PROVEN, 1, 2, False, "join", "", both)
    lake = Containment([top, csv, typed("low", "string")], [into, edge("csv", "low", "string")], [])
    assert holders(lake, "low") == {"csv"}


def test_a_cycle_of_edges_ends() -> None:
    lake = Containment([typed("a"), typed("b")], [edge("a", "b"), edge("b", "a")], [])
    assert holders(lake, "a") == {"b"}


def test_a_walk_stops_at_its_limit() -> None:
    names = [f"d{i}" for i in range(50)]
    lake = Containment([typed(n) for n in names], [edge(p, c) for p, c in itertools.pairwise(names)], [])
    assert len(lake.holders("d49", 5)) == 5


def test_text_compared_as_strings_is_a_group_of_strings_although_it_could_be_numbers() -> None:
    datasets = [text("one"), text("other"), typed("strings", "string"), typed("numbers", "number")]
    edges = [edge("one", "other", "string", equal=True), edge("strings", "one", "string"), edge("numbers", "one")]
    lake = Containment(datasets, edges, [("one", "other")])
    assert holders(lake, "other") == {"one", "strings"}
