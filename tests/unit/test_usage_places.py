"""Names from logs lead to the dataset that owns them, or to none; they are texts, and nothing is looked up by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from r2d2.usage.places import Places
from tests.usage_fakes import dataset

DATASETS = [
    dataset("sales", files=("part-0.parquet",), names=("links/sales",)),
    dataset("sales/2024", files=("a.parquet", "s3://lake/shared/moved.parquet")),
    dataset("sales/export.csv", files=("s3://lake/sales/export.csv",)),
    dataset("local/raw", "/lake/raw", files=("x.csv",)),
    dataset("catalog:sales/Orders", "s3://warehouse/sales.db/orders"),
    dataset('name\'s "q" 🦆/x;--\n', "/lake/🦆\n'", files=("1",)),
    dataset("2/twin", "s3://twins/t", files=("a",)),
    dataset("3/twin", "s3://twins/t", files=("b",)),
]


def found(name: str) -> str | None:
    places = Places(DATASETS, [("main.sales.orders_v2", 4), ("s3://old/place", 0)])
    index = places.of(name)
    return None if index is None else DATASETS[index].id


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("sales", "sales"),
        ("links/sales", "sales"),
        ("s3://lake/sales/part-0.parquet", "sales"),
        ("s3a://lake/sales/part-9.parquet", "sales"),
        ("s3n://lake/sales/", "sales"),
        ("sales/part-0.parquet", "sales"),
        ("s3://lake/sales/2024/_delta_log/0.json", "sales/2024"),
        ("s3://lake/sales/export.csv", "sales/export.csv"),
        ("s3://lake/shared/moved.parquet", "sales/2024"),
        ("s3://lake/salesmen/x", None),
        ("s3://lake", None),
        ("s3://other/sales/part-0.parquet", None),
        ("/lake/raw/x.csv", "local/raw"),
        ("file:///lake/raw/x.csv", "local/raw"),
        ("/lake/raw/../raw/y", "local/raw"),
        ("/lake/raw/../../etc/passwd", None),
        ("sales.orders", "catalog:sales/Orders"),
        ('"main"."SALES"."Orders"', "catalog:sales/Orders"),
        ("`sales`.`orders`", "catalog:sales/Orders"),
        ("other.orders", None),
        ("main.sales.orders_v2", "catalog:sales/Orders"),
        ("s3://old/place/y", "sales"),
        ("/lake/🦆\n'/1", 'name\'s "q" 🦆/x;--\n'),
        ("s3://twins/t/a", "2/twin"),
        ("s3://twins/t/b", "3/twin"),
        ("s3://twins/t/c", None),
        ("", None),
        ("/", None),
        ("\0", None),
    ],
)
def test_a_name_leads_to_the_nearest_dataset_that_owns_it(name: str, owner: str | None) -> None:
    assert found(name) == owner


def test_a_name_of_two_datasets_leads_to_none() -> None:
    assert Places([dataset("a", names=("x",)), dataset("b", names=("x",))]).of("x") is None


def test_paths_from_logs_are_not_looked_up_on_disk(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "lake")
    assert Places([dataset("d", str(tmp_path / "lake"))]).of(str(tmp_path / "link/x")) is None
