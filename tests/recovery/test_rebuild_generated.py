"""Generated pairs: what is written anew is the same data, or what does not come back was named before."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from r2d2.errors import NotRetirable
from r2d2.lake.kernels import run_here
from r2d2.model.dataset import TEXT_FORMATS
from r2d2.recovery.formats.writers import gaps
from r2d2.recovery.recipes.recipes import candidates
from tests.containment_runs import datasets_of
from tests.generated_tables import GeneratedTable
from tests.oracle_pairs import holds, with_nested
from tests.recovery.rebuilds import SMALL, looked_at, manifest_of, rebuilt
from tests.recovery.test_recipes_generated import laid_out, pairs
from tests.sampling import examples


def test_typed_children_come_back_as_the_same_data() -> None:
    """From any parent, under each recipe that there is; JSON alone does not keep the sign of zero."""
    seen: Counter[str] = Counter()

    @seed(8)
    @settings(
        max_examples=examples(48),
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data(), lake=pairs())
    def run(data: st.DataObject, lake: list[tuple[GeneratedTable, str]]) -> None:
        with tempfile.TemporaryDirectory() as name:
            made = [data.draw(laid_out(t, form, Path(name), f"t{i}-{form}")) for i, (t, form) in enumerate(lake)]
            leaves = with_nested([entry.leaves for entry in made])
            if holds(leaves[1], leaves[0]) and not holds(*leaves):
                made = made[::-1]
            parent, child = datasets_of([entry.candidate for entry in made])
            if parent.error or child.error or child.format in TEXT_FORMATS:
                return
            (looked,) = looked_at(child)
            manifest = manifest_of(child, looked)
            try:
                recipes = list(candidates(child, looked, parent, manifest, SMALL, run_here))
            except NotRetirable:
                return
            lost = [gap for header in manifest.headers for gap in gaps(header)]
            for place, recipe in enumerate(recipes):
                (Path(name) / f"out{place}").mkdir()
                same = rebuilt(recipe, Path(name) / f"out{place}/rebuilt").identity == manifest.identity
                note(f"{parent.format} > {child.format}: {recipe.kind}")
                assert same != bool(lost) or recipe.copies or parent.format in ("json", "jsonl")
                seen["same" if same else "named"] += 1

    run()
    assert seen["same"] > seen["named"]
