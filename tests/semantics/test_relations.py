"""Base relations lift to every level, islands are bridged, and what was found can be told from what was made."""

from __future__ import annotations

import itertools
import time
from collections import Counter, defaultdict

import numpy as np
import pytest
from scipy.sparse import csr_array

from r2d2.semantics.base_relations import Kind, Relations
from r2d2.semantics.relations.bridges import bridges, islands
from r2d2.semantics.relations.layers import Layer, relate
from r2d2.semantics.relations.lift import lift
from r2d2.semantics.relations.lifted import Lifted
from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.similarity.near import near
from r2d2.semantics.tree import Floats, Tree

#: Six entities in three topics, these in two, one root: nodes 0 to 5, 6 to 8, 9 and 10, 11.
SMALL = Tree.of([np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 1]), np.array([0, 0])])


def relations(*rows: tuple[int, int, Kind, float]) -> Relations:
    source, target, kind, weight = zip(*rows, strict=True)
    whole = (np.asarray(part, np.int32) for part in (source, target, kind))
    return Relations(*whole, np.asarray(weight, np.float32))


def random_relations(rng: np.random.Generator, leaves: int, number: int) -> Relations:
    ends = rng.integers(0, leaves, (2, number)).astype(np.int32)
    kinds = rng.integers(0, Kind.BRIDGE, number).astype(np.int32)
    return Relations(*ends, kinds, (rng.integers(1, 100, number) / 8).astype(np.float32))


def random_tree(rng: np.random.Generator, leaves: int) -> Tree:
    labels, below = [], leaves
    for above in (leaves // 4, leaves // 12, 1):
        labels.append(rng.permutation(np.arange(below) % above))
        below = above
    return Tree.of(labels)


def unit(rng: np.random.Generator, rows: int, dimensions: int = 16) -> Floats:
    found = rng.standard_normal((rows, dimensions)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def alike(vectors: Floats) -> Blended:
    """Entities that are as alike as the vectors are, and have no word in common."""
    return Blended(vectors, csr_array((len(vectors), 1), dtype=np.float32))


def related(tree: Tree, base: Relations, vectors: Floats) -> tuple[Lifted, tuple[Layer, ...]]:
    entities = alike(vectors)
    return relate(tree, base, entities, near(entities, 5))


def test_a_relation_lifts_to_the_parents_of_its_ends_with_its_direction() -> None:
    found = lift(SMALL, relations((4, 0, Kind.CONTAINS, 1), (1, 5, Kind.CONTAINS, 1), (5, 1, Kind.ALIKE, 1)))
    at_topics = {(row.source, row.target, row.kind): row.count for row in found.between(range(6, 9))}
    assert at_topics == {(8, 6, Kind.CONTAINS): 1, (6, 8, Kind.CONTAINS): 1, (6, 8, Kind.ALIKE): 1}
    assert {(row.source, row.target) for row in found.between([9, 10])} == {(9, 10), (10, 9)}


def test_what_runs_inside_of_a_node_counts_there_and_in_all_above() -> None:
    found = lift(SMALL, relations((0, 1, Kind.SHARES, 2), (0, 2, Kind.SHARES, 3), (0, 4, Kind.SHARES, 5)))
    assert [(row.count, row.weight) for row in found.inside(6)] == [(1, 2)]
    assert [(row.count, row.weight) for row in found.inside(9)] == [(2, 5)]
    assert [(row.count, row.weight) for row in found.inside(11)] == [(3, 10)]
    assert not list(found.inside(0))


def test_strength_is_the_weight_over_the_mean_volume_of_both_sides() -> None:
    base = relations((0, 4, Kind.ALIKE, 6))
    (row,) = lift(SMALL, base).between([9, 10])
    assert row.strength == pytest.approx(6 / np.sqrt(4 * 2))
    (row,) = lift(SMALL, base, volume=np.asarray([9, 1, 1, 1, 2, 1], np.float32)).between([9, 10])
    assert row.strength == pytest.approx(6 / np.sqrt(12 * 3))


def test_exemplars_are_the_heaviest_base_relations() -> None:
    rows = [(one, other, Kind.ALIKE, 1.0 + one * 10 + other) for one in range(4) for other in (4, 5)]
    found = lift(SMALL, relations(*rows), exemplars=3)
    (row,) = found.between([9, 10])
    assert row.count == 8
    assert row.exemplars == ((3, 5), (3, 4), (2, 5))
    (row,) = found.between([6, 8])
    assert row.exemplars == ((1, 5), (1, 4), (0, 5))


def test_a_row_of_few_relations_names_all_of_them() -> None:
    rng = np.random.default_rng(3)
    tree, base = random_tree(rng, 60), random_relations(rng, 60, 400)
    found = lift(tree, base, exemplars=5)
    small = [row for row in map(found.row, range(len(found))) if row.count <= 5]
    assert len(small) > 100
    assert all(len(row.exemplars) == row.count for row in small)


@pytest.mark.parametrize("seed", range(3))
def test_the_sums_are_those_of_a_loop_over_relations_and_levels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree, base = random_tree(rng, 60), random_relations(rng, 60, 500)
    counts: Counter[tuple[int, int, Kind]] = Counter()
    weights: dict[tuple[int, int, Kind], float] = defaultdict(float)
    for source, target, number, weight in zip(*vars(base).values(), strict=True):
        kind = Kind(int(number))
        for ends in zip(tree.path(int(source)), tree.path(int(target)), strict=True):
            key = (*(ends if kind.directed else sorted(ends)), kind)
            counts[key] += 1
            weights[key] += float(weight)
    rows = list(map((found := lift(tree, base)).row, range(len(found))))
    assert {(row.source, row.target, row.kind): row.count for row in rows} == counts
    assert {(row.source, row.target, row.kind): row.weight for row in rows} == pytest.approx(weights)


@pytest.mark.parametrize("seed", range(5))
def test_bridges_are_a_maximum_spanning_tree_between_islands(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, pairs = unit(rng, 40), rng.integers(0, 40, (2, 20)).astype(np.int32)
    island = islands(40, *pairs)
    near, far, cosine = bridges(island, alike(vectors))
    best, joined = 0.0, island.copy()  # Kruskal over all pairs
    for one, other in sorted(itertools.combinations(range(40), 2), key=lambda p: -float(vectors[p[0]] @ vectors[p[1]])):
        if joined[one] != joined[other]:
            best += float(vectors[one] @ vectors[other])
            joined[joined == joined[other]] = joined[one]
    assert len(near) == island.max()
    assert cosine.sum() == pytest.approx(best, abs=1e-4)
    assert islands(40, np.concatenate([pairs[0], near]), np.concatenate([pairs[1], far])).max() == 0


@pytest.mark.parametrize("known", [1, 5, 39])
def test_neighbours_that_are_known_change_no_bridge(known: int) -> None:
    rng = np.random.default_rng(known)
    entities, pairs = alike(unit(rng, 40)), rng.integers(0, 40, (2, 25)).astype(np.int32)
    places, scores = near(entities, known)
    places[7:9, known // 2 :] = -1
    plain = bridges(islands(40, *pairs), entities)
    found = bridges(islands(40, *pairs), entities, (places, scores))
    for one, other in zip(plain, found, strict=True):
        assert np.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("vectors", [np.zeros((9, 4), np.float32), np.ones((9, 4), np.float32) / 2])
def test_equal_centroids_are_bridged_without_a_circle(vectors: Floats) -> None:
    near, far, _ = bridges(np.arange(9, dtype=np.int32), alike(vectors))
    assert len(near) == 8
    assert islands(9, near, far).max() == 0


def test_each_layer_is_one_component_and_says_how_much_of_it_was_found() -> None:
    rng = np.random.default_rng(5)
    tree, base = random_tree(rng, 120), random_relations(rng, 120, 50)
    found, layers = related(tree, base, unit(rng, 120))
    for layer in layers:
        nodes = tree.of_level(layer.level)
        rows = list(found.between(nodes))
        ends = np.asarray([(row.source, row.target) for row in rows], np.int32).T - nodes.start
        assert islands(len(nodes), *ends).max() == 0
        assert layer.bridges == sum(row.kind == Kind.BRIDGE for row in rows) == layer.islands - 1
        assert sum(layer.lifted.values()) == sum(row.count for row in rows)
        for kind in Kind:
            assert layer.lifted.get(kind, 0) == sum(row.count for row in rows if row.kind == kind)
            assert layer.base.get(kind, 0) == np.count_nonzero(base.kind == kind)
        assert layer.edges == len({frozenset((row.source, row.target)) for row in rows if row.kind != Kind.BRIDGE})
    assert [layer.share() for layer in layers] == sorted((layer.share() for layer in layers), reverse=True)
    assert layers[0].bridges > 0
    assert 0 < layers[0].real < 1


def test_the_share_that_is_lifted_can_be_told_for_each_kind() -> None:
    base = relations((0, 1, Kind.CONTAINS, 1), (0, 2, Kind.CONTAINS, 1), (0, 5, Kind.FEEDS, 1), (2, 3, Kind.OWNER, 1))
    _, layers = related(SMALL, base, unit(np.random.default_rng(0), 6))
    assert [layer.share([Kind.CONTAINS]) for layer in layers] == [1, 0.5, 0]
    assert [layer.share([Kind.FEEDS]) for layer in layers] == [1, 1, 1]
    assert [layer.share() for layer in layers] == [1, 0.5, 0.25]


def test_a_bridge_has_no_base_relation_behind_it_and_others_keep_theirs() -> None:
    rng = np.random.default_rng(6)
    tree, base = random_tree(rng, 120), random_relations(rng, 120, 50)
    plain = lift(tree, base)
    found, _ = related(tree, base, unit(rng, 120))
    rows = list(map(found.row, range(len(found))))
    assert [row for row in rows if row.kind != Kind.BRIDGE] == list(map(plain.row, range(len(plain))))
    assert all(not row.count and not row.exemplars for row in rows if row.kind == Kind.BRIDGE)
    assert all(-1.001 <= row.weight <= 1.001 for row in rows if row.kind == Kind.BRIDGE)


def test_a_catalog_without_relations_is_all_bridges() -> None:
    found, layers = related(SMALL, Relations.none(), unit(np.random.default_rng(0), 6))
    assert [layer.bridges for layer in layers] == [5, 2, 1]
    assert all(layer.real == layer.share() == 0 for layer in layers)
    assert len(list(found.between(range(12)))) == 8


def test_a_level_of_one_node_needs_no_bridge() -> None:
    tree = Tree.of([np.array([0, 0]), np.array([0])])
    _, layers = related(tree, relations((0, 1, Kind.ALIKE, 1)), np.eye(2, dtype=np.float32))
    assert [(layer.islands, layer.bridges, layer.real) for layer in layers] == [(1, 0, 1.0), (1, 0, 1.0)]


def test_a_million_relations_between_ten_thousand_datasets_take_seconds() -> None:
    rng = np.random.default_rng(2)
    tree = Tree.of([np.arange(10_000) // 10, np.arange(1_000) // 16, np.arange(63) // 6, np.zeros(11, np.int32)])
    base = random_relations(rng, 10_000, 1_000_000)
    near = np.empty((10_000, 0), np.int32), np.empty((10_000, 0), np.float32)
    entities = alike(unit(rng, 10_000))
    start = time.perf_counter()
    relate(tree, base, entities, near)
    assert time.perf_counter() - start < 8  # one second on an idle core; other tests run beside this one
