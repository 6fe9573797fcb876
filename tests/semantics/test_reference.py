"""LeanRAG's way to aggregate is there to compare with, where its packages are; what it can't do it says at once."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_array

from benchmarks.planted.catalogs import catalog_a
from benchmarks.planted.planted import Planted
from r2d2.config import SemanticsSettings
from r2d2.errors import EnvironmentMissing, UsageError
from r2d2.semantics.base_relations import Relations
from r2d2.semantics.check import check_topics
from r2d2.semantics.embed.hashing import HashingEmbedder
from r2d2.semantics.embed.static import StaticEmbedder
from r2d2.semantics.entities.entities import Catalog, Concept, Entities, entities_of
from r2d2.semantics.hierarchy.aggregate import Aggregation, aggregate
from r2d2.semantics.hierarchy.reference import MOST, reference_levels
from tests.sampling import FULL
from tests.semantics.planted_groups import Groups, entities, grouped
from tests.semantics.small_topics import dataset

_NEEDED = "umap-learn and scikit-learn are not installed (the extra reference)"
_SETTINGS = SemanticsSettings(mode="reference")
_EMBED = HashingEmbedder().embed


def few(families: int) -> Planted:
    """The first families of catalog A."""
    whole = catalog_a(0)
    kept = sorted(set(whole.family))[:families]
    places = [place for place, family in enumerate(whole.family) if family in kept]
    parts = ("datasets", "family", "group", "domain", "camp", "meanings")
    return replace(whole, **{name: tuple(getattr(whole, name)[place] for place in places) for name in parts})


def by_reference(found: Entities) -> Aggregation:
    pytest.importorskip("umap", reason=_NEEDED)
    pytest.importorskip("sklearn", reason=_NEEDED)
    return aggregate(found, StaticEmbedder().embed, _SETTINGS)


def test_what_is_missing_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(EnvironmentMissing, match="umap, which is not installed") as raised:
        check_topics(_SETTINGS)
    assert "r2d2[reference]" in raised.value.hint


def test_more_than_five_thousand_are_refused_before_anything_is_loaded() -> None:
    ids = tuple(map(str, range(MOST + 1)))
    nothing = tuple(() for _ in ids)
    holds = csr_array((len(ids), 1), dtype=np.float32)
    many = Entities(ids, tuple((one,) for one in ids), nothing, nothing, _NO_CONCEPTS, holds, Relations.none())
    with pytest.raises(UsageError, match=r"5,000 datasets at most, and these are 5,001"):
        reference_levels(many, _EMBED, 0)


_NO_CONCEPTS: tuple[Concept, ...] = ()


@FULL
def test_levels_are_nested_end_with_four_or_fewer_and_are_the_same_each_time() -> None:
    found = entities(few(6))
    first, again = by_reference(found), by_reference(found)
    assert [level.tolist() for level in first.levels] == [level.tolist() for level in again.levels]
    counts = [int(level.max()) + 1 for level in first.levels]
    assert counts[0] >= len(found) // 20
    assert counts[-2] <= 4
    assert counts[-1] == 1
    for fine, coarse in pairwise(first.levels):
        assert len(set(zip(fine.tolist(), coarse.tolist(), strict=True))) == int(fine.max()) + 1
    assert first.parts(3).max() == 2


@FULL
@pytest.mark.parametrize("number", [1, 2, 4, 5, 6])
def test_a_lake_of_few_datasets_has_a_tree(number: int) -> None:
    words = ["order", "patient", "sensor", "ship", "invoice", "salary"][:number]
    found = entities_of(Catalog([dataset(f"d/{word}", [f"{word}_a", f"{word}_b"]) for word in words]), {})
    tree = by_reference(found).tree
    assert tree.leaves_below(tree.root).tolist() == list(range(number))


@FULL
def test_ours_is_better_at_its_number_of_parts_and_at_that_of_the_families() -> None:
    planted = few(20)
    reference, ours = Groups(planted, by_reference(entities(planted))), grouped(planted)
    its_number = int(reference.free.max()) + 1
    rows = [
        (reference.ari(reference.free), ours.ari(ours.aggregation.parts(its_number))),
        (reference.ari(reference.at_families), ours.ari(ours.at_families)),
    ]
    for name, (theirs, own) in zip((f"its {its_number}", "families"), rows, strict=True):
        print(f"reference at {name} parts: {theirs:.3f}, ours {own:.3f}")
        assert own > theirs
