"""Pairs as arrays: their verdicts, components, and how they are made between groups of datasets with the same rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.config import ContainmentSettings
from r2d2.containment import candidates, minmax
from r2d2.containment.candidates import Candidates, find_candidates, refuted_by_metadata
from r2d2.containment.copies import same_pairs, without
from r2d2.containment.pairs import HOWS, Pairs, Standing, components
from r2d2.containment.views import Node
from r2d2.model.dataset import Bounds, Dataset, Leaf
from r2d2.model.edge import Grade, Witness
from r2d2.model.family import NUMBER, STRING
from tests.sampling import examples

FIXED = settings(derandomize=True, deadline=None, database=None)
PROJECTION = ((("a",), NUMBER),)


def pairs_of(*ends: tuple[int, int]) -> Pairs:
    """Pairs of (parent, child), each dataset a node of its own."""
    parent, child = (np.asarray([pair[side] for pair in ends], np.int64) for side in (0, 1))
    zeros = np.zeros(len(ends), np.int64)
    return Pairs([PROJECTION], parent, child, zeros, zeros + 1, parent, child)


def test_a_pair_is_open_until_it_is_proven_refuted_or_lost() -> None:
    pairs = pairs_of((0, 1), (0, 2), (3, 1), (3, 2), (0, 3))
    pairs.prove(0, "box")
    pairs.refute(np.asarray([1, 2]), "digest")
    pairs.prove(3, "implied")
    assert pairs.open().tolist() == [4]
    assert [pairs.grade(p) for p in range(5)] == [
        Grade.PROVEN, Grade.REFUTED, Grade.REFUTED, Grade.PROVEN, Grade.PLAUSIBLE,
    ]  # fmt: skip
    assert [HOWS[how] for how in pairs.how] == ["box", "digest", "digest", "implied", ""]
    assert pairs.direct().tolist() == [0]
    assert (pairs.at(Standing.REFUTED).tolist(), pairs.at(Standing.PROVEN).tolist()) == ([1, 2], [0, 3])


@pytest.mark.parametrize("row", ["0" * 31 + "1", "f" * 32, "8" + "0" * 31, "0123456789abcdef" * 2])
def test_a_witness_is_kept_as_it_is(row: str) -> None:
    pairs = pairs_of((0, 1), (0, 2))
    pairs.refute(1, "join", 7, Witness(row, 2**40, 3))
    assert pairs.witness(0) is None
    assert pairs.witness(1) == Witness(row, 2**40, 3)
    assert pairs.number.tolist() == [0, 7]


def test_a_proof_by_values_leaves_nothing_of_a_refutation() -> None:
    pairs = pairs_of((0, 1))
    pairs.refute(0, "values", 7, Witness("0" * 32, 2, 1))
    pairs.prove(0, "values")
    assert (pairs.witness(0), pairs.number[0]) == (None, 0)


def test_pairs_of_what_can_not_be_read_have_no_verdict_and_what_followed_is_open_again() -> None:
    pairs = pairs_of((0, 1), (1, 2), (0, 2), (3, 4), (0, 4))
    pairs.prove(np.asarray([0, 1, 3]), "join")
    pairs.prove(2, "implied")
    pairs.refute(4, "join", 1, Witness("0" * 32, 2, 1))
    pairs.lose([])
    assert pairs.grade(2) is Grade.PROVEN
    pairs.lose([1])
    assert [pairs.grade(p) for p in range(5)] == [
        Grade.CANDIDATE, Grade.CANDIDATE, Grade.PLAUSIBLE, Grade.PROVEN, Grade.REFUTED,
    ]  # fmt: skip
    pairs.prove(2, "implied")
    pairs.lose([1])
    assert pairs.grade(2) is Grade.PROVEN, "nothing more was lost"
    pairs.lose([1, 4])
    assert pairs.grade(4) is Grade.CANDIDATE
    assert pairs.witness(4) is None


@settings(FIXED, max_examples=examples(300))
@given(st.integers(1, 30), st.data())
def test_components_are_those_of_the_graph_and_named_by_their_smallest_member(size: int, data: st.DataObject) -> None:
    node = st.integers(0, size - 1)
    edges = data.draw(st.lists(st.tuples(node, node), max_size=40))
    one, other = (np.asarray([edge[side] for edge in edges], np.int64) for side in (0, 1))
    graph = nx.Graph(edges)
    graph.add_nodes_from(range(size))
    expected = {node: min(found) for found in nx.connected_components(graph) for node in found}
    assert components(size, one, other).tolist() == [expected[node] for node in range(size)]


@pytest.mark.parametrize("order", ["up", "down", "random"])
def test_a_path_of_a_hundred_thousand_is_one_component(order: str) -> None:
    """However its nodes are numbered: labels must not creep along it one step at a time."""
    size = 100_000
    nodes = {"up": np.arange(size), "down": np.arange(size)[::-1], "random": np.random.default_rng(1).permutation(size)}
    path = nodes[order]
    assert set(components(size, path[:-1], path[1:]).tolist()) == {0}


# ------------------------------------------------------------------------------- pairs between groups of datasets

SETTINGS = ContainmentSettings()


@st.composite
def described(draw: st.DrawFn) -> tuple[list[Dataset], np.ndarray]:  # type: ignore[type-arg]
    """Datasets by their metadata, of one column or two, and which of them are taken for copies: of equal schema, and
    with equal bounds, or with none.
    """
    kinds = [
        (
            draw(st.sampled_from(["a", "ab", "s"])),
            draw(st.integers(0, 3)),
            draw(st.integers(0, 3)),
            draw(st.integers(1, 4)),
        )
        for _ in range(draw(st.integers(1, 5)))
    ]
    datasets, group_of, first = [], [], dict[int, int]()
    for index in range(draw(st.integers(0, 12))):
        kind = draw(st.integers(0, len(kinds) - 1))
        columns, low, width, rows = kinds[kind]
        bounds = Bounds(Decimal(low), Decimal(low + width), True, True, True, True)
        known = {NUMBER: bounds} if draw(st.booleans()) else {}
        leaves = [
            Leaf(("a",), (STRING,) if columns == "s" else (NUMBER,), nulls=0, bounds={} if columns == "s" else known)
        ]
        if columns == "ab":
            leaves.append(Leaf(("b",), (STRING,)))
        datasets.append(Dataset(f"d{index:02}", "parquet", f"/{index}", "v", leaves=tuple(leaves), rows=rows))
        stays = draw(st.booleans())
        group_of.append(first.setdefault(kind, index) if stays else index)
    return datasets, np.asarray(group_of, np.int64)


def all_ends(found: Candidates) -> set[tuple[int, int]]:
    pairs, inside = found.pairs(np.arange(len(found.datasets)))
    assert inside == 0
    ends = list(zip(pairs.parent.tolist(), pairs.child.tolist(), strict=True))
    assert len(ends) == len(set(ends)) == found.left
    return set(ends)


@settings(FIXED, max_examples=examples(300))
@given(described(), st.sampled_from([1, 7, 1 << 26]), st.sampled_from([0, 9, 1 << 20]))
def test_the_weights_of_pairs_between_groups_add_up_to_the_pairs_of_datasets(
    lake: tuple[list[Dataset], np.ndarray],  # type: ignore[type-arg]
    block: int,
    remembered: int,
) -> None:
    datasets, group_of = lake
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minmax, "_BLOCK", block)  # so that classes are cut
        patch.setattr(candidates, "_REMEMBERED", remembered)
        found = find_candidates(datasets, SETTINGS)
        every = all_ends(found)
        pairs, inside = found.pairs(group_of)
    expected = Counter((int(group_of[p]), int(group_of[c])) for p, c in every)
    assert inside == sum(count for (p, c), count in expected.items() if p == c)
    assert inside + int(pairs.weight.sum()) == found.left
    made = zip(pairs.parent.tolist(), pairs.child.tolist(), pairs.weight.tolist(), strict=True)
    assert {(p, c): n for p, c, n in made} == {ends: n for ends, n in expected.items() if ends[0] != ends[1]}
    for position in range(len(pairs)):
        parent, child = int(pairs.parent[position]), int(pairs.child[position])
        projection = pairs.projections[pairs.projection[position]]
        assert {path for path, _ in projection} == {leaf.path for leaf in datasets[child].leaves}
        nodes = list(found.views.numbers)
        assert nodes[pairs.child_node[position]] == Node(child, projection)
        assert nodes[pairs.parent_node[position]].dataset == parent
        assert set(projection) <= set(nodes[pairs.parent_node[position]].view)


@settings(FIXED, max_examples=examples(200))
@given(described())
def test_every_pair_is_counted_on_one_side_or_the_other_of_min_max(
    lake: tuple[list[Dataset], np.ndarray],  # type: ignore[type-arg]
) -> None:
    datasets, _ = lake
    found = find_candidates(datasets, SETTINGS)
    every = all_ends(found)
    place = {dataset.id: index for index, dataset in enumerate(datasets)}
    ruled_out = {(place[edge.parent], place[edge.child]) for edge in refuted_by_metadata(datasets, False)}
    assert not every & ruled_out
    assert len(every) + len(ruled_out) == found.fitting
    numbers = {projection: number for number, projection in enumerate(found.projections)}
    assert {child for child, _ in found.children} == {child for _, child in every}
    assert {parent for parent, _ in found.parents} == {parent for parent, _ in every}
    assert all(number in numbers.values() for _, number in found.children | found.parents)


def test_asking_twice_gives_the_same_pairs_and_nodes() -> None:
    datasets = [
        Dataset(name, "parquet", "/", "v", leaves=(Leaf(("a",), (NUMBER,)),), rows=rows)
        for rows, name in enumerate("abcd", 1)
    ]
    found = find_candidates(datasets, SETTINGS)
    (one, _), (two, _) = (found.pairs(np.arange(4)) for _ in range(2))
    assert one.parent_node.tolist() == two.parent_node.tolist()
    assert one.child.tolist() == two.child.tolist()
    assert len(one) == 6


def test_pairs_of_no_datasets_are_none() -> None:
    pairs, inside = find_candidates([], SETTINGS).pairs(np.arange(0))
    assert (len(pairs), inside) == (0, 0)


# --------------------------------------------------------------------------------------- copies that part


def test_who_leaves_a_group_stands_for_itself_and_the_next_one_for_the_others() -> None:
    groups = np.asarray([0, 0, 0, 3, 3])
    assert without(groups, {0}, range(5)).tolist() == [0, 1, 1, 3, 3]
    assert without(groups, {1}, range(5)).tolist() == [0, 1, 0, 3, 3]
    assert without(groups, {0, 1, 3}, range(5)).tolist() == [0, 1, 2, 3, 4]
    assert without(groups, set(), range(5)).tolist() == [0, 0, 0, 3, 3]
    assert without(groups, {0}, [4, 3, 2, 1, 0]).tolist() == [0, 2, 2, 4, 4]


@settings(FIXED, max_examples=examples(200))
@given(described(), st.sets(st.integers(0, 11)), st.data())
def test_what_was_known_of_a_group_is_known_of_those_that_stay_in_it(
    lake: tuple[list[Dataset], np.ndarray],  # type: ignore[type-arg]
    leaving: set[int],
    data: st.DataObject,
) -> None:
    datasets, group_of = lake
    found = find_candidates(datasets, SETTINGS)
    before, _ = found.pairs(group_of)
    verdicts = defaultdict[tuple[int, int], str](str)
    for position in range(len(before)):
        verdict = data.draw(st.sampled_from(["proven", "refuted", "open"]))
        verdicts[int(before.parent[position]), int(before.child[position])] = verdict
        if verdict == "proven":
            before.prove(position, "join")
        elif verdict == "refuted":
            before.refute(position, "join", 1, Witness("0" * 32, 1, 0))
    apart = {index for index in leaving if index < len(datasets)}
    before.lose(sorted(apart))
    groups = without(group_of, apart, range(len(datasets)))
    after, inside = found.pairs(groups)
    after.take_over(before, same_pairs(before, group_of, after))
    after.lose(sorted(apart))
    assert inside + int(after.weight.sum()) == found.left
    for position in range(len(after)):
        ends = int(after.parent[position]), int(after.child[position])
        if apart & set(ends):
            assert after.grade(position) is Grade.CANDIDATE
            continue
        first = tuple(int(group_of[end]) for end in ends)
        known = "open" if apart & set(first) else verdicts[first]  # type: ignore[index]
        assert after.grade(position).replace("plausible", "open") == known
