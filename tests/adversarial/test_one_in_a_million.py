"""A million rows, and one that is not what it was: no count, bound, null count, plain sum or sample can tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from r2d2.config import ContainmentSettings
from r2d2.model.dataset import Dataset
from tests.containment_runs import contained, parquet_dataset, proven_pairs

ROWS = 1_000_000
AT, OTHER = 543_210, 123_456


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Dataset]]:
    """The table; its rows in another order under other types; one cell changed; two cells swapped."""
    directory = tmp_path_factory.mktemp("million")
    rng = np.random.default_rng(4)
    ids, groups = np.arange(ROWS), rng.integers(0, 1000, ROWS)
    texts = pc.binary_join_element_wise("a common beginning of 32 bytes..", pa.array(groups.astype(str)), "/")
    whole = pa.table({"id": ids, "group": groups, "text": texts})
    order = rng.permutation(ROWS)
    shuffled = whole.take(order).set_column(0, "id", pa.array(order.astype("int32")).cast(pa.decimal128(13, 3)))
    changed, swapped = groups.copy(), groups.copy()
    changed[AT] = (changed[AT] + 1) % 1000
    assert swapped[AT] != swapped[OTHER]
    swapped[[AT, OTHER]] = swapped[[OTHER, AT]]
    tables = {
        "whole": whole,
        "shuffled": shuffled,
        "changed": whole.set_column(1, "group", pa.array(changed)),
        "swapped": whole.set_column(1, "group", pa.array(swapped)),
    }
    for name, table in tables.items():
        pq.write_table(table, directory / f"{name}.parquet", row_group_size=250_000)
    return directory, [parquet_dataset(directory / f"{name}.parquet") for name in tables]


@pytest.mark.parametrize("verify", ["hash", pytest.param("keyed", marks=pytest.mark.full)])
def test_one_cell_of_a_million_rows_and_two_that_changed_places_are_seen(
    lake: tuple[Path, list[Dataset]], verify: str
) -> None:
    _, datasets = lake
    found = proven_pairs(contained(datasets, ContainmentSettings(verify=verify)))  # type: ignore[arg-type]
    assert found == {("whole", "shuffled"), ("shuffled", "whole")}


def test_a_naive_digest_of_column_sums_takes_the_swapped_table_for_the_whole(
    lake: tuple[Path, list[Dataset]],
) -> None:
    directory, _ = lake
    sums = [
        pc.sum(table["id"]).as_py() + pc.sum(table["group"]).as_py()
        for table in (pq.read_table(directory / f"{name}.parquet") for name in ("whole", "swapped"))
    ]
    assert sums[0] == sums[1]
