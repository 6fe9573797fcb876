"""Planted catalogs hold what they say, and nothing but names and proofs gives a family away."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import pytest

from benchmarks.planted.baseline import parts
from benchmarks.planted.catalogs import big_catalog, catalog_a, catalog_b, catalog_c, glossary_c
from benchmarks.planted.changing import changed
from benchmarks.planted.planted import Planted
from benchmarks.planted.scores import adjusted_rand_index
from benchmarks.planted.traces import TRACES
from benchmarks.planted.vocabulary import NEUTRAL, german_subjects, subjects

_LITTLE = frozenset(["of", "in", "as", "at", "or", "to", "on", "by", "from", "per", "for", "the"])


@cache
def catalog(name: str) -> Planted:
    return {"a": catalog_a, "b": catalog_b, "c": catalog_c}[name](0)


each = pytest.mark.parametrize("name", ["a", "b", "c"])


@each
def test_there_are_sixty_families_of_5_to_100_in_three_levels(name: str) -> None:
    sizes = Counter(catalog(name).family)
    assert len(sizes) == 60
    assert (min(sizes.values()), max(sizes.values())) == (5, 100)
    assert len(catalog(name).datasets) >= 2000
    assert (len(set(catalog(name).group)), len(set(catalog(name).domain))) == (24, 12)
    assert len(set(zip(catalog(name).family, catalog(name).group, catalog(name).domain, strict=True))) == 60


@each
def test_ids_are_unique_and_so_are_the_columns_of_a_dataset(name: str) -> None:
    datasets = catalog(name).datasets
    assert len({dataset.id for dataset in datasets}) == len(datasets)
    for dataset in datasets:
        paths = ["/".join(leaf.path).lower() for leaf in dataset.leaves]
        assert len(set(paths)) == len(paths) >= 1


@each
def test_a_third_of_the_datasets_are_held_by_others(name: str) -> None:
    planted = catalog(name)
    held = {child for _, child in planted.pairs} | {one for group in planted.duplicates for one in group[1:]}
    assert 0.32 <= len(held) / len(planted.datasets) <= 0.38


@each
def test_a_proven_pair_has_columns_and_rows_to_spare_and_stays_in_its_family_and_camp(name: str) -> None:
    planted = catalog(name)
    at = {dataset.id: number for number, dataset in enumerate(planted.datasets)}
    for parent, child in planted.pairs:
        above, below = planted.datasets[at[parent]], planted.datasets[at[child]]
        leaves = {leaf.path for leaf in above.leaves}
        assert leaves >= {leaf.path for leaf in below.leaves}
        assert (above.rows, len(above.leaves)) != (below.rows, len(below.leaves))
        assert (above.rows or 0) >= (below.rows or 0) > 0
        assert planted.family[at[parent]] == planted.family[at[child]]
        assert planted.camp[at[parent]] == planted.camp[at[child]]


@each
def test_proven_pairs_are_closed_and_duplicates_are_alike(name: str) -> None:
    planted = catalog(name)
    pairs = set(planted.pairs)
    children: dict[str, set[str]] = {}
    for parent, child in pairs:
        children.setdefault(parent, set()).add(child)
    assert all(children.get(child, set()) <= found for found in children.values() for child in found)
    group_of = {one: group for group in planted.duplicates for one in group}
    assert all((other, child) in pairs for parent, child in pairs for other in group_of.get(parent, ()))
    assert not any(group_of.get(parent, parent) == group_of.get(child, child) for parent, child in pairs)
    by_id = {dataset.id: dataset for dataset in planted.datasets}
    for group in planted.duplicates:
        assert len({(by_id[one].rows, frozenset(leaf.path for leaf in by_id[one].leaves)) for one in group}) == 1


def test_a_seed_gives_one_catalog() -> None:
    again = catalog_a(0)
    assert (again.datasets, again.pairs, again.family) == (
        catalog("a").datasets,
        catalog("a").pairs,
        catalog("a").family,
    )
    assert catalog_a(1).datasets != again.datasets


def test_the_camps_of_a_family_share_no_word_that_means_anything() -> None:
    for subject in subjects():
        spoken = [
            {word for concept in subject.concepts for word in concept.spoken[camp]}
            | {word for table in subject.tables[camp] for word in table}
            for camp in (0, 1)
        ]
        assert spoken[0] & spoken[1] <= NEUTRAL | _LITTLE, subject.name


def test_the_camps_of_a_family_in_b_share_no_name_of_a_column_that_means_anything() -> None:
    planted = catalog("b")
    names: dict[str, tuple[set[str], set[str]]] = {}
    for dataset, family, camp, meanings in zip(
        planted.datasets, planted.family, planted.camp, planted.meanings, strict=True
    ):
        spoken = names.setdefault(family, (set(), set()))[camp]
        spoken.update(
            leaf.path[-1].lower().replace("_", "").replace(" ", "")
            for leaf, meaning in zip(dataset.leaves, meanings, strict=True)
            if meaning
        )
    assert all(first and second and not first & second for first, second in names.values())


@pytest.mark.parametrize("trace", TRACES)
@each
def test_nothing_but_names_and_proofs_tells_a_family(name: str, trace: str) -> None:
    rows = TRACES[trace](catalog(name))
    assert max(adjusted_rand_index(parts(rows, how, 60), catalog(name).family) for how in ("average", "ward")) < 0.1


def test_generic_columns_are_in_most_tables_and_many_names_say_nothing() -> None:
    planted = catalog("a")
    silent = [sum(not meaning for meaning in meanings) for meanings in planted.meanings]
    assert sum(count >= 3 for count in silent) / len(silent) > 0.75
    nameless = [
        one for one in planted.datasets if {"data", "export", "tmp"} & set(re.split(r"[^a-z]+", one.id.lower()))
    ]
    assert len(nameless) > 0.05 * len(planted.datasets)


def test_the_glossary_of_c_has_150_words_that_its_vocabulary_uses() -> None:
    known = {
        word
        for subject in german_subjects()
        for words in (*subject.tables[0], *(concept.spoken[0] for concept in subject.concepts))
        for word in words
    }
    assert len(glossary_c()) == 150
    assert set(glossary_c()) <= known


def test_the_big_catalog_has_20_columns_a_dataset() -> None:
    big = big_catalog(1000)
    assert len(big.datasets) == 1000
    assert 19.5 <= sum(len(dataset.leaves) for dataset in big.datasets) / 1000 <= 21


def test_a_changed_catalog_keeps_all_but_a_few_datasets_as_they_were() -> None:
    before, after = catalog("a"), changed(catalog("a"), 0.05)
    old = {dataset.id: dataset for dataset in before.datasets}
    new = {dataset.id: dataset for dataset in after.datasets}
    kept = [one for one in old if new.get(one) == old[one]]
    assert len(kept) == len(old) - round(0.05 * len(old)) + sum(one not in old for one in new)
    assert [one.id for one in after.datasets[:20]] != [one.id for one in before.datasets[:20]]


def test_nothing_is_proven_of_what_changed() -> None:
    before, after = catalog("a"), changed(catalog("a"), 0.05)
    old = {dataset.id: dataset for dataset in before.datasets}
    same = {one.id for one in after.datasets if old.get(one.id) == one}
    assert set(after.pairs) == {pair for pair in before.pairs if same.issuperset(pair)}
    assert all(same.issuperset(group) and len(group) > 1 for group in after.duplicates)


def test_the_families_of_a_changed_catalog_go_with_their_datasets() -> None:
    before, after = catalog("a"), changed(catalog("a"), 0.05)
    family = dict(zip((one.id for one in before.datasets), before.family, strict=True))
    assert all(family.get(one.id, name) == name for one, name in zip(after.datasets, after.family, strict=True))
    assert all(len(one.leaves) == len(meant) for one, meant in zip(after.datasets, after.meanings, strict=True))
