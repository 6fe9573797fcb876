"""Families of planted catalogs are found: with names as messy as real ones, by meaning alone, in another language."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.planted.baseline import exact_names_score
from r2d2.semantics.base_relations import Kind
from r2d2.semantics.hierarchy import linkage
from r2d2.semantics.relations.bridges import islands
from r2d2.semantics.relations.layers import relate
from r2d2.semantics.topics.base import base_relations
from tests.sampling import FULL
from tests.semantics.planted_groups import GLOSSARY, Groups, entities, grouped, groups_of

seeds = pytest.mark.parametrize("seed", [0, pytest.param(1, marks=FULL), pytest.param(2, marks=FULL)])
_REAL = (Kind.CONTAINS, Kind.FEEDS)


@seeds
def test_families_with_messy_names_are_found_at_their_number_and_without_it(seed: int) -> None:
    found = groups_of("a", seed)
    at_families, free = found.ari(found.at_families), found.ari(found.free)
    print(f"A, seed {seed}: {at_families:.3f} at the families' number, {free:.3f} at the cut without labels")
    assert at_families >= 0.90
    assert free >= 0.85


@seeds
def test_two_camps_that_share_no_word_are_one_family_where_exact_names_are_lost(seed: int) -> None:
    found = groups_of("b", seed)
    at_families, exact = found.ari(found.at_families), exact_names_score(found.planted)
    print(f"B, seed {seed}: {at_families:.3f}, exact names {exact:.3f}, free {found.ari(found.free):.3f}")
    assert at_families >= 0.85
    assert exact <= at_families - 0.15


@FULL
@seeds
def test_families_are_found_where_a_stage_joins_groups_of_a_block_only(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the pieces at once: the larger a block is beside its families, the less is lost (see the docs)."""
    monkeypatch.setattr(linkage, "_AT_ONCE", 100)
    found = groups_of("a", seed)
    part = linkage.linkage_of(found.aggregation.blended, found.aggregation.pieces).cut(60)[found.aggregation.pieces]
    print(f"A, seed {seed}, in blocks: {found.ari(part):.3f}")
    assert found.ari(part) >= 0.85


@FULL
@seeds
def test_german_is_grouped_with_a_glossary_and_reported_without(seed: int) -> None:
    found, without = groups_of("german", seed, str(GLOSSARY)), groups_of("german", seed)
    with_glossary = found.ari(found.at_families)
    print(f"German, seed {seed}: {with_glossary:.3f} with a glossary, {without.ari(without.at_families):.3f} without")
    assert with_glossary >= 0.85


@pytest.mark.parametrize("name", ["a", "b"])
@seeds
def test_each_layer_is_one_component_and_bridges_can_be_told_from_what_was_found(name: str, seed: int) -> None:
    found = groups_of(name, seed).aggregation
    near = found.places, found.scores
    lifted, layers = relate(found.tree, base_relations(found.entities, *near), found.blended, near)
    for layer in layers:
        print(
            f"{name}, seed {seed}, level {layer.level}: {layer.nodes} nodes, {layer.share():.0%} of base relations "
            f"lifted ({layer.share(_REAL):.0%} of proofs and lineage), {layer.real:.0%} of edges are real"
        )
        nodes = found.tree.of_level(layer.level)
        rows = (found.tree.level[lifted.source] == layer.level) & (lifted.source != lifted.target)
        source, target = lifted.source[rows] - nodes.start, lifted.target[rows] - nodes.start
        assert not islands(len(nodes), source, target).any()
        assert np.count_nonzero(lifted.kind[rows] == Kind.BRIDGE) == layer.bridges == layer.islands - 1
        assert 0 < layer.share(_REAL) <= 1
        assert 0 < layer.share() <= 1


def test_there_are_levels_of_families_and_of_what_is_above_them() -> None:
    found = groups_of("a", 0)
    counts = [int(level.max()) + 1 for level in found.aggregation.levels]
    assert 2 <= len(counts) - 1 <= 4
    assert 45 <= counts[0] <= 80
    groups = [found.ari(level, found.planted.group) for level in found.aggregation.levels]
    assert max(groups) > groups[-1]


def _with_snapshots(found: Groups, tables: int, each: int) -> Groups:
    """The same catalog with copies of some tables under other dates; nothing is proven of those."""
    known = [one for one in found.planted.datasets if len(one.leaves) > 5][:tables]
    more = [replace(one, id=f"{one.id}_{20240101 + day}") for one in known for day in range(each)]
    return grouped(replace(found.planted, datasets=(*found.planted.datasets, *more)))


def test_forty_tables_with_sixty_snapshots_each_change_next_to_nothing() -> None:
    plain = groups_of("a", 0)
    many = _with_snapshots(plain, 40, 60).aggregation
    assert sum(map(len, many.entities.members)) == len(plain.planted.datasets) + 40 * 60
    assert len(many.entities) == len(plain.aggregation.entities)
    again = Groups(plain.planted, many)  # scored on what was there before
    assert again.ari(again.at_families) >= plain.ari(plain.at_families) - 0.02


def test_nothing_that_is_proven_the_same_is_two_entities() -> None:
    found = groups_of("a", 0)
    entity = entities(found.planted).entity_of
    assert all(len({entity[one] for one in group}) == 1 for group in found.planted.duplicates)
