"""A tree as arrays is the tree that it was made from."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.semantics.tree import Tree, numbered
from tests.sampling import examples

#: Six leaves in three, these in two, one root: nodes 0 to 5, 6 to 8, 9 and 10, 11.
SMALL = Tree.of([np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 1]), np.array([0, 0])])


def test_nodes_are_numbered_level_by_level_with_the_root_last() -> None:
    assert (SMALL.leaves, SMALL.nodes, SMALL.root, SMALL.height) == (6, 12, 11, 3)
    assert SMALL.parent.tolist() == [6, 6, 7, 7, 8, 8, 9, 9, 10, 11, 11, -1]
    assert [list(SMALL.of_level(level)) for level in range(4)] == [[0, 1, 2, 3, 4, 5], [6, 7, 8], [9, 10], [11]]


def test_paths_children_and_leaves_agree() -> None:
    assert SMALL.path(3) == (3, 7, 9, 11)
    assert SMALL.path(11) == (11,)
    assert SMALL.children[9] == (6, 7)
    assert SMALL.children[0] == ()
    assert SMALL.leaves_below(9).tolist() == [0, 1, 2, 3]
    assert SMALL.leaves_below(4).tolist() == [4]
    assert SMALL.leaves_below(11).tolist() == list(range(6))


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    labels, below = [], draw(st.integers(1, 30))
    for _ in range(draw(st.integers(0, 3))):
        drawn = draw(st.lists(st.integers(0, below - 1), min_size=below, max_size=below))
        labels.append(numbered(np.asarray(drawn)))
        below = int(labels[-1].max()) + 1
    return Tree.of([*labels, np.zeros(below, np.int32)])


@settings(max_examples=examples(200), deadline=None)
@given(trees())
def test_every_node_lies_one_level_below_its_parent_and_leaves_are_shared_out(tree: Tree) -> None:
    inner = np.arange(tree.root)
    assert (tree.level[tree.parent[inner]] == tree.level[inner] + 1).all()
    assert (np.diff(tree.level) >= 0).all()
    for level in range(tree.height + 1):
        below = [leaf for node in tree.of_level(level) for leaf in tree.leaves_below(node)]
        assert sorted(below) == list(range(tree.leaves))
    for leaf in range(tree.leaves):
        assert tree.path(leaf) == tuple(int(row[leaf]) for row in tree.at)
    for node in range(tree.leaves, tree.nodes):
        below = [leaf for child in tree.children[node] for leaf in tree.leaves_below(child)]
        assert sorted(below) == tree.leaves_below(node).tolist()
