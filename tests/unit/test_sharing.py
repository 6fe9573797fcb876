"""Who refers to whose files: an index over a look at the lake tells what comparing all pairs does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from r2d2.model.dataset import DataFile, Dataset
from r2d2.recovery.claims.sharing import Sharing

NAMES = st.sampled_from(["a", "b", "c", "d"])
IDENTITIES = st.sets(st.sampled_from(["1", "2", "3"]))


@st.composite
def datasets(draw: st.DrawFn) -> list[Dataset]:
    names = sorted(draw(st.sets(NAMES)))
    return [dataset(name, draw(IDENTITIES), draw(IDENTITIES), draw(st.sets(NAMES))) for name in names]


def dataset(name: str, held: set[str], pins: set[str], shared_with: set[str]) -> Dataset:
    files = tuple(DataFile(f"/lake/{name}/{each}", 1, 1, identity=each) for each in sorted(held))
    pinned, others = tuple(sorted(pins)), tuple(sorted(shared_with))
    return Dataset(name, "parquet", f"/lake/{name}", "v1", files, pins=pinned, shared_with=others)


@given(found=datasets())
def test_others_are_those_that_any_pair_of_datasets_tells(found: list[Dataset]) -> None:
    sharing = Sharing.of(found)
    for child in found:
        own = {file.identity for file in child.files}
        told = {other.id for other in found if child.id in other.shared_with or own.intersection(other.pins)}
        assert sharing.others(child) == told.union(child.shared_with) - {child.id}
