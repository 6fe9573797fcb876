"""Relations between topics are told whole: as a list where there are few, as a sentence with numbers where many."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from r2d2.semantics.base_relations import Kind, Relations
from r2d2.semantics.relations.layers import relate
from r2d2.semantics.relations.lift import lift
from r2d2.semantics.relations.telling import Told, tell
from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.similarity.near import near
from r2d2.semantics.tree import Tree

TREE = Tree.of([np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0])])
NAMES = ["a", "b", "c", "{0}", "y", "z", "Orders", "Invoices", "all"]
CONTAINMENTS = [(0, 3), (1, 4), (2, 5)]


def told(pairs: list[tuple[int, int]], kinds: list[Kind], tau: int) -> list[Told]:
    ends = np.asarray(pairs, np.int32).T
    weights = np.arange(len(pairs), 0, -1).astype(np.float32)
    found = lift(TREE, Relations(ends[0], ends[1], np.asarray(kinds, np.int32), weights), exemplars=tau)
    return list(tell(found.between([6, 7]), NAMES.__getitem__, tau))


def test_up_to_tau_relations_are_listed_one_by_one() -> None:
    (found,) = told(CONTAINMENTS, [Kind.CONTAINS, Kind.FEEDS, Kind.CONTAINS], 3)
    assert (found.one, found.other, found.count) == (6, 7, 3)
    assert found.lines == ("a holds all rows of {0}", "c holds all rows of z", "y is made from b")


def test_more_than_tau_are_one_sentence_with_the_number_of_each_kind() -> None:
    (found,) = told([*CONTAINMENTS, (4, 0)], [Kind.CONTAINS, Kind.FEEDS, Kind.CONTAINS, Kind.CONTAINS], 3)
    assert found.count == 4
    assert found.lines == (
        "datasets of “Orders” hold all rows of datasets of “Invoices” (2 pairs: a holds all rows of {0}, and so on); "
        "datasets of “Invoices” are made from datasets of “Orders” (1 pair: y is made from b); "
        "datasets of “Invoices” hold all rows of datasets of “Orders” (1 pair: y holds all rows of a)",
    )


def test_a_bridge_is_told_as_nothing_known() -> None:
    vectors = Blended(np.eye(6, dtype=np.float32), csr_array((6, 1), dtype=np.float32))
    found, _ = relate(TREE, Relations.none(), vectors, near(vectors, 3))
    (line,) = tell(found.between([6, 7]), NAMES.__getitem__, 3)
    assert line.count == 0
    assert line.lines == ("nothing known relates “Orders” and “Invoices”; by meaning they are nearest to each other",)


def test_proofs_and_lineage_are_told_before_owners_however_many() -> None:
    tree = Tree.of([np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 0])])
    pairs = np.asarray([(0, 2), (0, 4), (1, 5), (1, 4), (2, 4), (2, 5)], np.int32).T
    kinds = np.asarray([Kind.FEEDS, *[Kind.OWNER] * 3, *[Kind.ALIKE] * 2], np.int32)
    base = Relations(pairs[0], pairs[1], kinds, np.ones(6, np.float32))
    found = tell(lift(tree, base).between(range(6, 9)), str, 1)
    assert [(one.one, one.other, one.count) for one in found] == [(6, 7, 1), (7, 8, 2), (6, 8, 3)]
