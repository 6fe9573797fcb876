"""Pieces, the tree over them, its cuts and levels: whole partitions, nested, and the same each time."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array

from benchmarks.planted.scores import adjusted_rand_index
from r2d2.config import SemanticsSettings
from r2d2.semantics.embed.embedder import unit
from r2d2.semantics.embed.hashing import HashingEmbedder
from r2d2.semantics.entities.entities import Catalog, entities_of
from r2d2.semantics.hierarchy import linkage
from r2d2.semantics.hierarchy.aggregate import Aggregation, aggregate
from r2d2.semantics.hierarchy.levels import levels_of
from r2d2.semantics.hierarchy.linkage import linkage_of
from r2d2.semantics.hierarchy.pieces import pieces
from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.tree import Floats, Ints, numbered
from tests.sampling import examples
from tests.semantics.small_topics import dataset, lake

_SEEDS = st.integers(0, 2**32 - 1)


def blobs(groups: int, each: int, seed: int = 0, spread: float = 0.05) -> Blended:
    """Points around directions at right angles; the group of each is its number modulo groups."""
    rng = np.random.default_rng(seed)
    middles = np.linalg.qr(rng.standard_normal((groups, groups)))[0].astype(np.float32)
    points = np.tile(middles, (each, 1)) + spread * rng.standard_normal((groups * each, groups)).astype(np.float32)
    return Blended(unit(points), csr_array((groups * each, 1), dtype=np.float32))


def random_graph(seed: int, nodes: int, links: int) -> csr_array:
    rng = np.random.default_rng(seed)
    ends, weights = rng.integers(0, nodes, (2, links)), rng.random(links) + 0.01
    found = csr_array(coo_array((weights, tuple(ends)), (nodes, nodes)).tocsr())
    found = csr_array(found + found.T)
    found.setdiag(0)
    found.eliminate_zeros()
    return found


def cliques(groups: int, each: int) -> csr_array:
    """Whole groups with one weak link between each two that follow each other."""
    nodes = groups * each
    dense = np.kron(np.eye(groups), np.ones((each, each))).astype(np.float32)
    for group in range(groups - 1):
        dense[group * each, (group + 1) * each] = dense[(group + 1) * each, group * each] = 0.01
    np.fill_diagonal(dense, 0)
    return csr_array(dense.reshape(nodes, nodes))


@settings(max_examples=examples(200), deadline=None)
@given(_SEEDS, st.integers(1, 60), st.integers(0, 150), st.integers(2, 20))
def test_a_piece_is_of_one_only_where_nothing_is_linked_to_it(seed: int, nodes: int, links: int, most: int) -> None:
    graph = random_graph(seed, nodes, links)
    found = pieces(graph, most, 0)
    assert found.tolist() == numbered(found).tolist()
    sizes, degrees = np.bincount(found), np.diff(graph.indptr)
    alone = sizes[found] == 1
    assert not (alone & (degrees > 0)).any()
    for node in np.flatnonzero(~alone & (degrees == 0)):
        pytest.fail(f"{node} is linked to nothing and lies in a piece")


def test_pieces_are_no_larger_than_asked_for_but_for_those_that_would_be_alone() -> None:
    assert np.bincount(pieces(cliques(1, 400), 20, 0)).max() <= 20
    assert np.bincount(pieces(cliques(30, 50), 20, 0)).max() <= 20
    star = np.zeros((40, 40), np.float32)
    star[0, 1:] = star[1:, 0] = 1
    assert np.bincount(pieces(csr_array(star), 20, 0)).tolist() == [40]


def test_what_belongs_together_is_one_piece() -> None:
    assert pieces(cliques(12, 10), 20, 0).tolist() == np.repeat(np.arange(12), 10).tolist()


def test_pieces_are_the_same_each_time_and_start_from_those_of_before() -> None:
    graph = random_graph(3, 300, 1500)
    first = pieces(graph, 20, 7)
    assert first.tolist() == pieces(graph, 20, 7).tolist()
    again = pieces(graph, 20, 7, dict(enumerate(first.tolist())))
    other = pieces(graph, 20, 8)
    stays = adjusted_rand_index(first.tolist(), again.tolist())
    assert stays > adjusted_rand_index(first.tolist(), other.tolist())


@settings(max_examples=examples(60), deadline=None)
@given(_SEEDS, st.integers(1, 40), st.sampled_from([5_000, 10]))
def test_a_tree_can_be_cut_in_any_number_of_parts_each_within_those_of_the_coarser_cut(
    seed: int, count: int, at_once: int
) -> None:
    """Whether a stage compares all groups, or those of a block."""
    points = blobs(count, 2, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linkage, "_AT_ONCE", at_once)
        tree = linkage_of(points, np.arange(2 * count, dtype=np.int32) % count)
    assert len(tree.merges) == tree.pieces - 1 == count - 1
    cuts = [tree.cut(parts) for parts in range(1, count + 1)]
    assert [int(cut.max()) + 1 for cut in cuts] == list(range(1, count + 1))
    for coarse, fine in pairwise(cuts):
        assert len(set(zip(fine.tolist(), coarse.tolist(), strict=True))) == int(fine.max()) + 1
    assert tree.cut(count + 5).tolist() == tree.cut(count).tolist()
    assert tree.cut(0).tolist() == tree.cut(1).tolist() == [0] * count


def test_the_cut_finds_groups_that_are_far_from_each_other() -> None:
    points = blobs(9, 20, 1)
    fine = numbered(np.arange(180) % 27)  # each group in three pieces
    assert adjusted_rand_index(linkage_of(points, fine).cut(9)[fine].tolist(), (np.arange(180) % 9).tolist()) == 1


@pytest.mark.parametrize("alike", [1, 0])
@pytest.mark.parametrize("at_once", [5_000, 8])
def test_equal_points_and_such_as_have_nothing_in_common_make_a_tree(
    alike: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linkage, "_AT_ONCE", at_once)
    dense = alike * np.tile(np.eye(1, 4, dtype=np.float32), (30, 1))
    tree = linkage_of(Blended(dense, csr_array((30, 1), dtype=np.float32)), np.arange(30, dtype=np.int32))
    assert [int(tree.cut(parts).max()) + 1 for parts in (1, 10, 30)] == [1, 10, 30]


def _levels(points: Blended, fine: Ints) -> tuple[Ints, ...]:
    return levels_of(points, fine, linkage_of(points, fine))


def test_the_finest_level_is_that_of_the_groups_and_the_last_is_the_root() -> None:
    points = blobs(8, 30, 2)
    levels = _levels(points, numbered(np.arange(240) % 24))
    assert adjusted_rand_index(levels[0].tolist(), (np.arange(240) % 8).tolist()) == 1
    assert not levels[-1].any()


@settings(max_examples=examples(60), deadline=None)
@given(_SEEDS, st.integers(1, 25), st.integers(1, 4))
def test_levels_are_nested_and_each_has_at_most_half_as_many_groups(seed: int, groups: int, each: int) -> None:
    points = blobs(groups, each, seed, 0.5)
    levels = _levels(points, numbered(np.arange(groups * each) % groups))
    assert 2 <= len(levels) <= 5
    counts = [int(level.max()) + 1 for level in levels]
    assert all(above <= below / 2 for below, above in pairwise(counts[:-1]))
    assert counts[-1] == 1
    for fine, coarse in pairwise(levels):
        assert len(set(zip(fine.tolist(), coarse.tolist(), strict=True))) == int(fine.max()) + 1


def grouped(tables: list[str] | None = None, seed: int = 0) -> Aggregation:
    datasets = lake(9)
    if tables is not None:
        datasets = [dataset(name, [f"{name}_a", f"{name}_b"]) for name in tables]
    random.Random(seed).shuffle(datasets)
    return aggregate(entities_of(Catalog(datasets), {}), HashingEmbedder().embed, SemanticsSettings())


def test_subjects_become_topics() -> None:
    found = grouped()
    assert adjusted_rand_index(found.parts(3).tolist(), [name.split("/")[0] for name in found.entities.ids]) == 1


def test_the_order_of_datasets_does_not_matter() -> None:
    first, again = grouped(seed=1), grouped(seed=2)
    assert first.entities.ids == again.entities.ids
    assert first.pieces.tolist() == again.pieces.tolist()
    assert [level.tolist() for level in first.levels] == [level.tolist() for level in again.levels]


@pytest.mark.parametrize("tables", [["order"], ["order", "patient"], ["order", "patient", "sensor"]])
def test_a_lake_of_few_datasets_has_a_tree(tables: list[str]) -> None:
    found = grouped(tables)
    assert found.tree.leaves == len(tables)
    assert found.tree.leaves_below(found.tree.root).tolist() == list(range(len(tables)))


def test_tables_of_which_nothing_is_known_are_in_the_tree() -> None:
    datasets = [*lake(), *(dataset(str(number), []) for number in range(5))]
    found = aggregate(entities_of(Catalog(datasets), {}), HashingEmbedder().embed, SemanticsSettings())
    assert len(found.tree.leaves_below(found.tree.root)) == len(found.entities)


def test_the_tree_holds_the_levels() -> None:
    found = grouped()
    assert found.tree.height == len(found.levels)
    for height, level in enumerate(found.levels, 1):
        assert (found.tree.at[height] - found.tree.of_level(height).start).tolist() == level.tolist()


def _nothing(texts: object) -> Floats:
    return np.zeros((len(texts), 8), np.float32)  # type: ignore[arg-type]


def test_a_model_that_knows_no_word_leaves_spelling() -> None:
    found = aggregate(entities_of(Catalog(lake(9)), {}), _nothing, SemanticsSettings())
    assert adjusted_rand_index(found.parts(3).tolist(), [name.split("/")[0] for name in found.entities.ids]) == 1
