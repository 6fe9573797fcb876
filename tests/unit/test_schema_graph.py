"""The schema graph: every pair of classes whose leaves fit, and no other."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.containment.schema_graph import ClassPair, fitting_classes, schema_classes, schema_of
from r2d2.model.dataset import Dataset, Leaf, LeafPath
from r2d2.model.family import DATE, NUMBER, PRESENCE, STRING, narrowest_common

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


@settings(FIXED, max_examples=300)
@given(st.lists(schemas, min_size=1, max_size=6))
def test_the_index_finds_exactly_the_pairs_that_a_comparison_of_all_finds(
    given_schemas: list[dict[str, tuple[str, ...]]],
) -> None:
    classes = schema_classes([dataset(schema) for schema in given_schemas], False)
    expected = {}
    for p, parent in enumerate(classes):
        for c, child in enumerate(classes):
            held: dict[LeafPath, tuple[str, ...]] = dict(parent.schema)
            common = [(path, narrowest_common(admitted, held.get(path, ()))) for path, admitted in child.schema]
            if all(family for _, family in common) and (p != c or len(parent.members) > 1):
                expected[p, c] = tuple(common)
    assert {(pair.parent, pair.child): pair.projection for pair in fitting_classes(classes)} == expected


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


def test_thousands_of_unrelated_classes_are_not_compared_with_each_other() -> None:
    datasets = [dataset({"id": (NUMBER,), f"c{i}": (NUMBER,)}) for i in range(5000)]
    assert edges(datasets) == set()
