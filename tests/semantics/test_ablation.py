"""The table of what each part of topics adds leaves out what it says, and leaves the product as it was."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.semantic_ablation import VARIANTS, Without
from r2d2.config import SemanticsSettings
from r2d2.semantics.embed.hashing import HashingEmbedder
from r2d2.semantics.entities.entities import Catalog, entities_of
from r2d2.semantics.hierarchy import aggregate as aggregation
from r2d2.semantics.similarity.blended import Blended
from tests.semantics.small_topics import lake


def compared() -> Blended:
    return aggregation.compared(entities_of(Catalog(lake(9)), {}), HashingEmbedder().embed).blended


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_each_variant_groups_and_is_undone(variant: Without) -> None:
    before = [getattr(module, name) for module, name, _ in variant.changes]
    with variant.applied():
        found = entities_of(Catalog(lake(9)), {})
        aggregation.aggregate(found, HashingEmbedder().embed, SemanticsSettings())
        assert all(getattr(module, name) is other for module, name, other in variant.changes)
    assert [getattr(module, name) for module, name, _ in variant.changes] == before


def test_parts_of_similarity_are_left_out_one_by_one() -> None:
    variants = {variant.name: variant for variant in VARIANTS}
    whole = compared()
    half = whole.dense.shape[1] // 2
    with variants["meaning of names"].applied():
        found = compared()
    assert not found.dense[:, half:].any()
    assert np.linalg.norm(found.dense[:, :half], axis=1) == pytest.approx(1, abs=1e-4)
    with variants["pieces of words"].applied():
        found = compared()
    assert 0 < found.lexical.nnz < whole.lexical.nnz
    with variants["meaning (columns and names)"].applied():
        assert not compared().dense.any()
