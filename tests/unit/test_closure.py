"""What follows from verdicts, both ways, against sets: nothing that is not so, and all that a search would find."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Sequence
from random import Random

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.containment.closure import closure, imply
from r2d2.containment.pairs import HOWS, Pairs, Standing
from r2d2.model.family import NUMBER
from tests.sampling import examples

FIXED = settings(derandomize=True, deadline=None, database=None)
PROJECTION = ((("a",), NUMBER),)
Ends = tuple[int, int]  # parent, child

#: Sets that often hold each other, and often the same elements.
contents = st.lists(st.integers(0, 63), min_size=2, max_size=9)


def holds(parent: int, child: int) -> bool:
    """Sets as bits."""
    return child & ~parent == 0


def reach(proven: Iterable[Ends], count: int) -> dict[int, set[int]]:
    """parent → all that is in it by some path, itself among them."""
    graph = nx.DiGraph(list(proven))
    graph.add_nodes_from(range(count))
    return {node: nx.descendants(graph, node) | {node} for node in graph}


def follows(pair: Ends, below: dict[int, set[int]], refuted: Iterable[Ends]) -> bool | None:
    """Whether a pair must hold (True) or can't (False), by its definition; None if nothing says so."""
    parent, child = pair
    if child in below[parent]:
        return True
    # something in the child is not in something that holds the parent
    return False if any(parent in below[q] and c in below[child] for q, c in refuted) else None


@st.composite
def judged(draw: st.DrawFn) -> tuple[list[int], dict[Ends, bool], set[Ends]]:
    """Sets, the pairs of them that have a verdict, and those that were compared at all."""
    sets = draw(contents)
    every = list(itertools.permutations(range(len(sets)), 2))
    asked = draw(st.sets(st.sampled_from(every), min_size=1))
    known = draw(st.sets(st.sampled_from(sorted(asked))))
    return sets, {pair: holds(sets[pair[0]], sets[pair[1]]) for pair in sorted(known)}, asked


@settings(FIXED, max_examples=examples(500))
@given(judged())
def test_the_closure_knows_what_follows_and_no_more(case: tuple[list[int], dict[Ends, bool], set[Ends]]) -> None:
    sets, verdicts, _ = case
    proven = [pair for pair, so in verdicts.items() if so]
    refuted = [pair for pair, so in verdicts.items() if not so]
    found = closure(range(len(sets)), proven, refuted)
    below = reach(proven, len(sets))
    for pair in itertools.permutations(range(len(sets)), 2):
        expected = follows(pair, below, refuted)
        assert found.proven(*pair) == (expected is True)
        assert found.refuted(*pair) == (expected is False)
        if expected is not None:
            assert expected == holds(sets[pair[0]], sets[pair[1]])
        same = pair[0] in below[pair[1]] and pair[1] in below[pair[0]]
        assert (found.group_of[pair[0]] == found.group_of[pair[1]]) == same


def pairs_of(ends: Sequence[Ends], node_of: Sequence[int] | None = None) -> Pairs:
    parent, child = (np.asarray([pair[side] for pair in ends], np.int64) for side in (0, 1))
    nodes = np.asarray(node_of, np.int64) if node_of is not None else np.arange(max(map(max, ends)) + 1)
    zeros = np.zeros(len(ends), np.int64)
    return Pairs([PROJECTION], parent, child, zeros, zeros + 1, nodes[parent], nodes[child])


@settings(FIXED, max_examples=examples(500))
@given(judged(), st.randoms(use_true_random=False))
def test_open_pairs_that_follow_are_decided_as_the_sets_are_and_the_others_stay_open(
    case: tuple[list[int], dict[Ends, bool], set[Ends]], random: Random
) -> None:
    sets, verdicts, asked = case
    ends = sorted(asked)
    node_of = random.sample(range(len(sets)), len(sets))
    pairs = pairs_of(ends, node_of)
    for position, pair in enumerate(ends):
        if pair in verdicts:
            (pairs.prove if verdicts[pair] else pairs.refute)(position, "join")
    known = imply(pairs, {})
    proven = [pair for pair, so in verdicts.items() if so]
    below = reach(proven, len(sets))
    refuted = [pair for pair, so in verdicts.items() if not so]
    for position, pair in enumerate(ends):
        standing, how = Standing(int(pairs.standing[position])), HOWS[pairs.how[position]]
        if pair in verdicts:
            assert (standing is Standing.PROVEN, how) == (verdicts[pair], "join")
            continue
        expected = follows(pair, below, refuted)
        assert standing is {True: Standing.PROVEN, False: Standing.REFUTED, None: Standing.OPEN}[expected]
        assert how == ("" if expected is None else "implied")
        if expected is None:
            (found,) = [c for c in known.values() if node_of[pair[0]] in c.group_of]
            assert node_of[pair[1]] in found.group_of


@settings(FIXED, max_examples=examples(300))
@given(st.lists(st.integers(0, 63), min_size=2, max_size=9), st.randoms(use_true_random=False))
def test_asked_in_any_order_until_nothing_is_open_all_pairs_end_as_the_sets_are(
    sets: list[int], random: Random
) -> None:
    """As verification does: what is compared is the truth, what follows is taken over, implied verdicts among it."""
    ends = list(itertools.permutations(range(len(sets)), 2))
    pairs = pairs_of(ends)
    for position in random.sample(range(len(ends)), len(ends)):
        imply(pairs, {})
        if pairs.standing[position] == Standing.OPEN:
            so = holds(sets[ends[position][0]], sets[ends[position][1]])
            (pairs.prove if so else pairs.refute)(position, "join")
    assert [standing == Standing.PROVEN for standing in pairs.standing] == [holds(sets[p], sets[c]) for p, c in ends]


def test_pairs_that_could_not_be_read_say_nothing() -> None:
    pairs = pairs_of([(0, 1), (1, 2), (0, 2)])
    pairs.prove(np.asarray([0, 1]), "join")
    pairs.standing[1] = Standing.UNREAD
    imply(pairs, {})
    assert pairs.standing[2] == Standing.OPEN


def test_a_proof_reaches_every_node_of_a_parent_with_several_views() -> None:
    """Text: 1 holds 2 under both its views (nodes 1 and 3), and 0 holds the second of them."""
    parent, child = np.asarray([1, 0, 0]), np.asarray([2, 1, 2])
    zeros = np.zeros(3, np.int64)
    for more, expected in (({}, Standing.OPEN), ({0: (1, 3)}, Standing.PROVEN)):
        pairs = Pairs([PROJECTION], parent, child, zeros, zeros + 1, np.asarray([1, 0, 0]), np.asarray([2, 3, 2]))
        pairs.prove(np.asarray([0, 1]), "join")
        imply(pairs, more)  # type: ignore[arg-type]
        assert pairs.standing[2] == expected


def test_a_closure_is_given_for_components_with_open_pairs_only() -> None:
    pairs = pairs_of([(0, 1), (2, 3), (4, 5), (5, 6), (4, 6)])
    pairs.prove(0, "join")
    assert {frozenset(found.group_of) for found in imply(pairs, {}).values()} == {
        frozenset({2, 3}),
        frozenset({4, 5, 6}),
    }
    pairs.prove(np.asarray([1, 2, 3, 4]), "join")
    assert imply(pairs, {}) == {}


def test_a_long_chain_with_all_its_pairs_takes_seconds() -> None:
    count = 1000
    parent, child = np.triu_indices(count, 1)
    zeros = np.zeros(len(parent), np.int64)
    pairs = Pairs([PROJECTION], parent, child, zeros, zeros + 1, parent, child)
    pairs.prove(np.flatnonzero(child == parent + 1), "digest")
    started = time.monotonic()
    imply(pairs, {})
    assert (pairs.standing == Standing.PROVEN).all()
    assert time.monotonic() - started < 20


def test_what_a_long_chain_lacks_is_known_in_seconds() -> None:
    """Two chains; the largest of the one lacks what is in all of the other: no pair between them holds."""
    count = 400
    within = [(i, i + 1) for i in range(count - 1)] + [(count + i, count + i + 1) for i in range(count - 1)]
    between = [(i, count + j) for i in range(count) for j in range(count)]
    pairs = pairs_of([*within, *between])
    pairs.prove(np.arange(len(within)), "join")
    pairs.refute(len(within) + between.index((0, 2 * count - 1)), "join")
    started = time.monotonic()
    imply(pairs, {})
    assert (pairs.standing[len(within) :] == Standing.REFUTED).all()
    assert time.monotonic() - started < 20
