"""The schema graph: every pair of classes whose leaves fit, and no other."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import schema_graph as schema_benchmark
from benchmarks.paper_schema_graph import paper_pairs
from benchmarks.schema_catalogue import catalogue
from r2d2.containment import schema_index
from r2d2.containment.schema_graph import (
    ClassPair,
    SchemaClass,
    fitting_classes,
    schema_classes,
    schema_of,
    token_lists,
)
from r2d2.containment.schema_index import Ints, PairBlock, Rows, TokenLists, containments
from r2d2.model.dataset import Dataset, Leaf, LeafPath
from r2d2.model.edge import Projection
from r2d2.model.family import DATE, NUMBER, PRESENCE, STRING, narrowest_common
from tests.sampling import examples

FIXED = settings(derandomize=True, deadline=None, database=None)


def dataset(leaves: dict[str, tuple[str, ...]], status: str = "ok") -> Dataset:
    """Leaves by name; a dot opens a level."""
    found = tuple(Leaf(tuple(name.split(".")), families) for name, families in leaves.items())
    return Dataset("d", "parquet", "/", "v", leaves=found, rows=1, status=status)


def fits(datasets: list[Dataset], case_sensitive: bool = False) -> list[ClassPair]:
    return list(fitting_classes(schema_classes(datasets, case_sensitive)))


def edges(datasets: list[Dataset], case_sensitive: bool = False) -> set[tuple[int, int]]:
    return {(pair.parent, pair.child) for pair in fits(datasets, case_sensitive)}


TYPED = [(NUMBER,), (STRING,), (DATE,), (NUMBER, STRING), (DATE, STRING), ("list<number>",)]
schemas = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(TYPED), min_size=1, max_size=4)


#: Each way of looking at pairs alone and mixed: (SIGNATURE, FREQUENT, BLOCK, MATRIX).
WAYS = {
    "as it is": (64, 512, 2**18, 2**14),
    "matrix": (64, 64, 2**18, 1),
    "matrix, a pair at a time": (1, 512, 1, 1),
    "lists, a pair at a time": (1, 512, 1, 2**14),
    "no token has a bit": (1, 0, 3, 2**14),
    "matrix, and no token has a bit": (2, 0, 10, 1),
    "some tokens have a bit": (1, 3, 4, 4),
}


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(("SIGNATURE", "FREQUENT", "BLOCK", "MATRIX"), request.param, strict=True):
        monkeypatch.setattr(schema_index, name, value)


def compared(classes: list[SchemaClass]) -> dict[tuple[int, int], Projection]:
    """All pairs, one by one."""
    held = [dict(entry.schema) for entry in classes]
    return {
        (p, c): projection
        for c, child in enumerate(classes)
        for p in range(len(classes))
        if (p != c or len(child.members) > 1) and (projection := common(child, held[p]))
    }


def common(child: SchemaClass, parent: dict[LeafPath, tuple[str, ...]]) -> Projection:
    """Empty if the child does not fit."""
    found = []
    for path, admitted in child.schema:
        family = narrowest_common(admitted, parent.get(path, ()))
        if family is None:
            return ()
        found.append((path, family))
    return tuple(found)


def listed(classes: list[SchemaClass]) -> dict[tuple[int, int], Projection]:
    """What is found, no pair twice."""
    pairs = list(fitting_classes(classes))
    found = {(pair.parent, pair.child): pair.projection for pair in pairs}
    assert len(found) == len(pairs)
    return found


@pytest.mark.usefixtures("way")
@settings(FIXED, max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(schemas, max_size=8))
def test_the_join_finds_exactly_the_pairs_that_a_comparison_of_all_finds(
    given_schemas: list[dict[str, tuple[str, ...]]],
) -> None:
    classes = schema_classes([dataset(schema) for schema in given_schemas], False)
    assert listed(classes) == compared(classes)


@pytest.mark.usefixtures("way")
def test_so_it_does_in_a_catalogue_of_realistic_schemas() -> None:
    classes = catalogue(250)
    found = listed(classes)
    assert found == compared(classes)
    assert len(found) > 250


def test_the_catalogue_is_the_one_whose_pairs_are_pinned() -> None:
    assert schema_benchmark.r2d2(catalogue(10_000)) == schema_benchmark.PINNED[10_000]


def test_the_papers_clusters_find_all_pairs_of_typed_schemas_and_no_other() -> None:
    typed = [entry for entry in catalogue(600) if all(len(families) == 1 for _, families in entry.schema)]
    assert paper_pairs(typed).tolist() == sorted(parent * len(typed) + child for parent, child in compared(typed))


def test_numbers_of_pairs_and_tokens_beyond_32_bits() -> None:
    """60,000 lists of tokens of their own: list and token as one number take 33 bits."""
    lists = TokenLists(np.arange(0, 180_001, 3), np.arange(180_000))
    (block,) = containments(lists, lists, 180_000)
    assert sorted(block.children.tolist()) == list(range(60_000))
    assert (block.parents == block.children).all()


@pytest.mark.parametrize("matrix", [1, 2**40], ids=["matrix", "lists"])
def test_memory_is_bounded_by_blocks_whatever_the_number_of_pairs(matrix: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All sets of 13 tokens but the empty one: 1.6 million pairs, found among 17 million."""
    monkeypatch.setattr(schema_index, "MATRIX", matrix)
    subsets, tokens = np.nonzero(np.arange(1, 2**13)[:, None] >> np.arange(13) & 1)
    lists = TokenLists(np.searchsorted(subsets, np.arange(2**13)), tokens)
    tracemalloc.start()
    try:
        sizes = [len(block.parents) for block in containments(lists, lists, 13)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(sizes) == 3**13 - 2**13
    assert max(sizes) <= schema_index.BLOCK
    assert peak < 80 * schema_index.BLOCK


@pytest.mark.usefixtures("way")
def test_a_list_that_does_not_admit_its_own_tokens_is_only_a_child() -> None:
    asked = TokenLists(np.array([0, 2, 3, 4, 6]), np.array([0, 1, 0, 1, 0, 1]))
    admitted = TokenLists(np.array([0, 0, 1, 2, 4]), np.array([0, 1, 0, 1]))
    found = {pair for block in containments(asked, admitted, 2) for pair in pairs_of(block)}
    assert found == {(1, 1), (2, 2), (3, 0), (3, 1), (3, 2), (3, 3)}


@pytest.mark.usefixtures("way")
def test_a_list_whose_tokens_only_narrower_ones_admit_has_no_parent() -> None:
    asked = TokenLists(np.array([0, 2, 3, 4]), np.array([0, 1, 0, 1]))
    admitted = TokenLists(np.array([0, 0, 1, 2]), np.array([0, 1]))
    assert {pair for block in containments(asked, admitted, 2) for pair in pairs_of(block)} == {(1, 1), (2, 2)}


def pairs_of(block: PairBlock) -> list[tuple[int, int]]:
    return list(zip(block.parents.tolist(), block.children.tolist(), strict=True))


def test_a_leaf_that_admits_no_family_fits_nothing() -> None:
    assert edges([dataset({"a": (), "b": (NUMBER,)})] * 2 + [dataset({"b": (NUMBER,)})]) == {(0, 1)}


def test_shapes_of_json_lists_that_nothing_else_has_make_no_tokens_of_their_own() -> None:
    """Else a thousand shapes, which all have text in common, would be a million admitted tokens."""
    shaped = schema_classes([dataset({"a": (f"list<n{i}>", STRING), f"b{i}": (NUMBER,)}) for i in range(1000)], False)
    _, admitted, _ = token_lists(shaped)
    assert len(admitted.tokens) == 2000


def test_no_classes_and_classes_without_leaves_have_no_pairs() -> None:
    assert listed([]) == {}
    assert listed([SchemaClass((), (0, 1))]) == {}
    assert listed([SchemaClass((), (0, 1)), *schema_classes([dataset({"a": (NUMBER,)})] * 2, False)]) == {
        (1, 1): ((("a",), NUMBER),)
    }


def test_datasets_of_one_schema_are_one_class_whatever_the_order_and_case_of_names() -> None:
    datasets = [dataset({"a": (NUMBER,), "B": (STRING,)}), dataset({"b": (STRING,), "A": (NUMBER,)})]
    assert [entry.members for entry in schema_classes(datasets, False)] == [(0, 1)]
    assert [entry.members for entry in schema_classes(datasets, True)] == [(0,), (1,)]


def test_a_class_fits_itself_only_if_it_has_two_members() -> None:
    one = dataset({"a": (NUMBER,)})
    assert edges([one]) == set()
    assert edges([one, one]) == {(0, 0)}


def test_another_family_under_the_same_name_is_no_edge() -> None:
    assert edges([dataset({"a": (NUMBER,)}), dataset({"a": (STRING,)})]) == set()


def test_a_column_named_with_a_dot_is_not_a_field() -> None:
    dotted = Dataset("d", "parquet", "/", "v", leaves=(Leaf(("a.b",), (NUMBER,)),), rows=1)
    assert edges([dataset({"a.b": (NUMBER,)}), dotted]) == set()


def test_a_struct_that_may_be_null_does_not_fit_where_presence_is_not_kept() -> None:
    nullable = dataset({"s": (PRESENCE,), "s.a": (NUMBER,)})
    required = dataset({"s.a": (NUMBER,)})
    assert edges([nullable, required]) == {(0, 1)}


def test_datasets_that_cannot_be_read_take_no_part() -> None:
    broken = [dataset({"a": (NUMBER,)}, status) for status in ("error", "unsupported", "unprovable", "empty")]
    assert schema_classes(broken, False) == []
    assert edges([dataset({"a": (NUMBER,)}), *broken]) == set()


def test_a_dataset_without_leaves_takes_no_part() -> None:
    """Nothing is in everything: such a pair would say nothing, and prove that all may go."""
    assert edges([dataset({}), dataset({"a": (NUMBER,)}), dataset({})]) == set()


def test_text_is_compared_under_the_narrowest_common_family() -> None:
    text, typed = dataset({"a": (NUMBER, DATE, STRING)}), dataset({"a": (STRING,)})
    found = {(pair.parent, pair.child): pair.projection[0][1] for pair in fits([text, typed, text])}
    assert found == {(0, 0): NUMBER, (0, 1): STRING, (1, 0): STRING}


def test_a_projection_is_sorted_by_path_so_that_both_sides_hash_in_one_order() -> None:
    datasets = [
        dataset({"b": (NUMBER,), "a": (NUMBER,), "s.x": (NUMBER,)}),
        dataset({"s.x": (NUMBER,), "b": (NUMBER,)}),
    ]
    assert [pair.projection for pair in fits(datasets)] == [((("b",), NUMBER), (("s", "x"), NUMBER))]
    assert schema_of(datasets[0], False) == tuple(sorted(schema_of(datasets[0], False)))


def test_thousands_of_unrelated_classes_are_not_compared_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of one frequent name and a rare one: each is compared with the holders of the rare one, that is itself."""
    looked_at: list[int] = []
    compared_in_full = schema_index._Index._compared

    def spy(index: schema_index._Index, children: Ints, parents: Rows) -> Iterator[tuple[Ints, Rows]]:
        looked_at.append(len(children))
        return compared_in_full(index, children, parents)

    monkeypatch.setattr(schema_index, "SIGNATURE", 1)
    monkeypatch.setattr(schema_index._Index, "_compared", spy)
    assert edges([dataset({"id": (NUMBER,), f"c{i}": (NUMBER,)}) for i in range(5000)]) == set()
    assert sum(looked_at) == 5000
