"""Generated lakes, sampled as the paper does: what is contained is never refuted, and nothing is proven (DESIGN 4)."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from r2d2.config import ContainmentSettings
from r2d2.model.edge import Grade
from tests.containment_runs import contained, datasets_of
from tests.generated_forms import written
from tests.generated_tables import GeneratedTable
from tests.property.test_containment import PAIRS, SEED, SETTINGS, is_refused, lakes, truth

TUNINGS = st.builds(
    ContainmentSettings,
    task_bytes=st.sampled_from([1, 64 * 1024 * 1024]),
    verify=st.just("paper"),
    sampled_rows=st.sampled_from([1, 3, 10, 1000]),
    sampled_columns=st.sampled_from([1, 2, 4, 1000]),
    sample_seed=st.integers(0, 5),
)


def test_generated_lakes_lose_no_true_pair_and_if_all_is_drawn_every_false_one() -> None:
    compared: Counter[str] = Counter()

    @seed(SEED)
    @settings(SETTINGS, max_examples=max(10, PAIRS // 10))
    @given(data=st.data(), lake=lakes(), tuning=TUNINGS)
    def run(data: st.DataObject, lake: list[tuple[GeneratedTable, str]], tuning: ContainmentSettings) -> None:
        with tempfile.TemporaryDirectory() as name:
            made = {
                f"t{i}-{form}": data.draw(written(table, form, Path(name), f"t{i}-{form}"))
                for i, (table, form) in enumerate(lake)
            }
            listed = datasets_of([entry.candidate for entry in made.values()])
            datasets = [dataset for dataset in listed if not is_refused(dataset)]
            expected = truth([(dataset.id, made[dataset.id]) for dataset in datasets])
            found = contained(datasets, tuning)
            plausible = {(e.parent, e.child) for e in found.others if e.grade is Grade.PLAUSIBLE}
            refuted = {(e.parent, e.child) for e in found.others if e.grade is Grade.REFUTED}
            assert not refuted & expected
            assert plausible >= expected
            assert not found.edges
            whole = replace(tuning, sampled_rows=10_000, sampled_columns=10_000)
            left = {(e.parent, e.child) for e in contained(datasets, whole).others if e.grade is Grade.PLAUSIBLE}
            assert left == expected
            compared.update({"true": len(expected), "refuted": len(refuted), "missed": len(plausible - expected)})

    run()
    print(f"\nseed {SEED}: {dict(compared)}")
    assert compared["true"]
    assert compared["refuted"]
