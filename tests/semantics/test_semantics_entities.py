"""Datasets that are one thing many times over are one entity, columns of one signature one concept."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.model.dataset import Dataset, Leaf
from r2d2.model.usage import Usage
from r2d2.semantics.base_relations import Kind
from r2d2.semantics.entities.contraction import contracted
from r2d2.semantics.entities.entities import Catalog, Entities, entities_of
from tests.sampling import examples
from tests.semantics.small_topics import dataset, lake


def entities(
    datasets: Sequence[Dataset],
    contained: Sequence[tuple[str, str]] = (),
    duplicates: Sequence[tuple[str, ...]] = (),
    usages: Sequence[Usage] = (),
) -> Entities:
    return entities_of(Catalog(datasets, contained, duplicates, usages), {})


def related(found: Entities, kind: Kind) -> set[tuple[str, str]]:
    rows = zip(found.relations.source, found.relations.target, found.relations.kind, strict=True)
    return {(found.ids[a], found.ids[b]) for a, b, at in rows if at == kind}


def test_what_was_proven_to_be_the_same_is_one_entity() -> None:
    found = contracted([frozenset([1]), frozenset([2]), frozenset([3]), frozenset([4])], [frozenset()] * 4, [(0, 2)])
    assert found.tolist() == [0, 1, 0, 2]


def test_equal_schemas_of_specific_columns_are_one_entity_whatever_the_names() -> None:
    schemas = [frozenset([1, 2]), frozenset([1, 2]), *(frozenset([100 + i, 200 + i]) for i in range(40))]
    assert contracted(schemas, [frozenset([str(i)]) for i in range(42)], []).tolist() == [0, 0, *range(1, 41)]


def test_equal_schemas_of_general_columns_are_one_entity_only_under_one_name() -> None:
    general = [frozenset([1, 2])] * 3
    others = [frozenset([1, 2, 100 + i]) for i in range(40)]
    names = [frozenset(["order"]), frozenset(["order"]), frozenset(["patient"])]
    found = contracted([*general, *others], names + [frozenset(["x"])] * 40, [])
    assert found[:3].tolist() == [0, 0, 1]


def test_tables_without_columns_or_without_names_are_not_taken_for_one() -> None:
    assert contracted([frozenset()] * 3, [frozenset(["a"])] * 3, []).tolist() == [0, 1, 2]
    schemas = [frozenset([1]), frozenset([1]), *(frozenset([1, 10 + i]) for i in range(40))]
    assert contracted(schemas, [frozenset()] * 42, [])[:2].tolist() == [0, 1]


def test_a_lake_without_datasets_has_no_entities() -> None:
    assert len(entities([])) == 0


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.frozensets(st.integers(0, 6), max_size=4), max_size=12), st.data())
def test_groups_are_numbered_in_order_and_hold_what_is_the_same(
    schemas: list[frozenset[int]], data: st.DataObject
) -> None:
    index = st.integers(0, max(len(schemas) - 1, 0))
    same = data.draw(st.lists(st.tuples(index, index), max_size=5 if schemas else 0))
    found = contracted(schemas, [frozenset(["t"])] * len(schemas), same).tolist()
    assert list(dict.fromkeys(found)) == list(range(len(set(found))))
    assert all(found[a] == found[b] for a, b in same)
    alike = {schema: found[i] for i, schema in enumerate(schemas) if schema}
    assert all(found[i] == alike[schema] for i, schema in enumerate(schemas) if schema)  # one name: one table


def test_a_snapshot_a_copy_and_a_projection() -> None:
    whole = dataset("a/orders", ["order_id", "customer", "amount", "discount"], rows=100)
    snapshot = replace(whole, id="a/orders_2024", rows=90)
    fewer = dataset("a/orders_small", ["order_id", "customer"], rows=100)
    found = entities([fewer, snapshot, whole], [("a/orders", "a/orders_2024"), ("a/orders", "a/orders_small")])
    assert found.members == (("a/orders", "a/orders_2024"), ("a/orders_small",))
    assert related(found, Kind.CONTAINS) == {("a/orders", "a/orders_small")}


def test_the_representative_is_what_no_other_holds_and_has_most_rows() -> None:
    small, large = dataset("a/1_orders", ["x_ray", "ward"], rows=5), dataset("a/2_orders", ["x_ray", "ward"], rows=9)
    assert entities([small, large]).ids == ("a/2_orders",)
    held = entities([small, large], [("a/1_orders", "a/2_orders")])
    assert held.ids == ("a/1_orders",)


def test_columns_of_one_meaning_and_type_are_one_concept_with_a_multiplicity() -> None:
    tables = [dataset(f"a/{i}_orders", ["CustomerName", f"extra_{chr(97 + i)}_field"]) for i in range(3)]
    tables.append(dataset("a/bills", ["customer_name", "due"]))
    tables.append(replace(dataset("a/tickets", []), leaves=(Leaf(("customer name",), ("number",)),)))
    found = {(concept.words, concept.family): concept for concept in entities(tables).concepts}
    concept = found[("customer", "name"), "string"]
    assert (concept.multiplicity, concept.written) == (4, ("CustomerName", "customer_name"))
    assert found[("customer", "name"), "number"].multiplicity == 1


def test_a_column_without_a_word_keeps_its_name() -> None:
    (concept,) = entities([dataset("a/orders", ["123"])]).concepts
    assert concept.words == ("123",)


def test_a_nested_column_has_the_words_of_its_path() -> None:
    leaves = (Leaf(("customer", "address", "zipCode"), ("string",)),)
    (concept,) = entities([replace(dataset("a/orders", []), leaves=leaves)]).concepts
    assert concept.words == ("customer", "address", "zip", "code")
    assert concept.written == ("zipCode",)


def test_lineage_owners_and_directories_are_relations() -> None:
    tables = [dataset(f"d{i % 2}/{subject}", [f"{subject}_a", f"{subject}_b"]) for i, subject in enumerate("pqrs" * 1)]
    names = [one.id for one in tables]
    usages = [Usage(names[0], owner="o"), Usage(names[3], owner="o", upstream=(names[1], "not/known", names[3]))]
    found = entities(tables, usages=[*usages, Usage("not/known", owner="o")])
    assert related(found, Kind.FEEDS) == {(names[1], names[3])}
    assert related(found, Kind.OWNER) == {(names[0], names[3])}
    assert related(found, Kind.PREFIX) == {("d0/p", "d0/r"), ("d1/q", "d1/s")}


def test_a_directory_of_thousands_takes_no_square_of_pairs() -> None:
    found = entities([dataset(f"d/t{i}", [f"{a}{b}_x", f"{b}{a}_y"]) for i, (a, b) in enumerate(_pairs(40))])
    assert len(found.relations) == len(found) - 1


def _pairs(number: int) -> list[tuple[str, str]]:
    letters = "abcdefghij"
    return [(2 * letters[i // 10], 3 * letters[i % 10]) for i in range(number)]


def test_pairs_of_datasets_that_are_not_there_are_left_out() -> None:
    found = entities(lake(), [("orders/order_0", "gone"), ("gone", "orders/order_0")], [("gone", "lost")])
    assert found.members == entities(lake()).members
    assert not related(found, Kind.CONTAINS)


def test_each_entity_holds_the_concepts_of_its_columns() -> None:
    found = entities(lake())
    for row, members in enumerate(found.members):
        (leaves,) = [one.leaves for one in lake() if one.id == members[0]]
        held = found.holds.indices[found.holds.indptr[row] : found.holds.indptr[row + 1]]
        assert {name for c in held for name in found.concepts[c].written} >= {leaf.path[-1] for leaf in leaves}
        assert len(held) == len(leaves)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_things_are_told_does_not_matter(seed: int) -> None:
    tables, rng = lake(6), random.Random(seed)
    contained = [("orders/order_0", "orders/order_1"), ("sensors/sensor_0", "sensors/sensor_3")]
    usages = [Usage(one.id, owner="o", upstream=(tables[0].id,)) for one in tables[3:9]]
    first = entities(tables, contained, [("patients/patient_1", "patients/patient_2")], usages)
    shuffled = [rng.sample(part, len(part)) for part in (tables, contained, usages)]
    again = entities(shuffled[0], shuffled[1], [("patients/patient_2", "patients/patient_1")], shuffled[2])
    assert (first.ids, first.members, first.names, first.concepts) == (
        again.ids,
        again.members,
        again.names,
        again.concepts,
    )
    assert np.array_equal(first.holds.toarray(), again.holds.toarray())
    for kind in Kind:
        assert related(first, kind) == related(again, kind)


def test_hostile_names_are_names_like_others() -> None:
    names = ["a/'; DROP TABLE x; --", "a/line\nbreak", "a/\x1b[31mred", "🙂/🙂", "a//b", "/", " "]
    found = entities([dataset(name, ["\n", "'", "🙂", name]) for name in names])
    assert sorted(name for members in found.members for name in members) == sorted(names)
