"""Settings changed by name: factors multiply for every dataset, values hold for every dataset, no more."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest

from r2d2.config import RetentionSettings
from r2d2.errors import UsageError
from r2d2.model import Dataset
from r2d2.retention.prices import storage_class
from r2d2.retention.what_if import FACTORS, VALUES, changed

SETTINGS = RetentionSettings(
    storage_price_factor=2.0,
    accesses_per_month=3.0,
    accesses={"a/*": 4.0, "b": 0.0},
    latency_limits={"a/*": 60.0},
    min_saving=0.1,
)
#: Which settings each name changes, and to what, for 0.5.
EXPECTED = {
    "storage_price": {"storage_price_factor": 1.0},
    "read_price": {"read_price_factor": 0.5},
    "write_price": {"write_price_factor": 0.5},
    "compute_price": {"compute_price": 0.025},
    "maintenance_scans": {"maintenance_scans": 0.05},
    "accesses": {"accesses_factor": 0.5, "accesses_per_month": 1.5, "accesses": {"a/*": 2.0, "b": 0.0}},
    "residency_days": {"residency_days": 3.5},
    "guard_checks": {"guard_checks": 15.0},
    "grace_days": {"grace_days": 15.0},
    "startup_seconds": {"startup_seconds": 15.0},
    "read_mb_per_second": {"read_mb_per_second": 50.0},
    "write_mb_per_second": {"write_mb_per_second": 25.0},
    "latency_limit": {"latency_limit": 0.5, "latency_limits": {}},
    "min_saving": {"min_saving": 0.5},
    "max_rebuild_cost": {"max_rebuild_cost": 0.5},
    "max_retired_datasets": {"max_retired_datasets": 0},
    "max_retired_bytes": {"max_retired_bytes": 0},
    "payback_months": {"payback_months": 0.5},
    "evacuation_limit": {"evacuation_limit": 0.5},
}


@pytest.mark.parametrize("name", [*FACTORS, *VALUES])
def test_a_name_changes_its_settings_and_no_other(name: str) -> None:
    assert asdict(changed(SETTINGS, [f"{name}=0.5"])) == asdict(SETTINGS) | EXPECTED[name]


def test_every_name_is_one_of_these() -> None:
    assert set(EXPECTED) == {*FACTORS, *VALUES}
    assert {field for expected in EXPECTED.values() for field in expected} <= {f.name for f in fields(SETTINGS)}


def test_several_names_are_changed_together() -> None:
    found = changed(SETTINGS, ["storage_price=10", "accesses=2"])
    assert (found.storage_price_factor, found.accesses_per_month) == (20.0, 6.0)


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (["price=2"], "there is no 'price'"),
        (["storage_price"], "'' is no number"),
        (["storage_price=cheap"], "'cheap' is no number"),
        (["accesses=1", "accesses=2"], "accesses is given twice"),
        (["max_retired_datasets=inf"], "a limit of inf"),
        (["max_retired_bytes=nan"], "a limit of nan"),
    ],
)
def test_what_can_not_be_changed_so_is_refused(texts: list[str], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        changed(SETTINGS, texts)


def test_prices_of_requests_change_for_every_class() -> None:
    settings = RetentionSettings(storage_classes={"a": "GLACIER_IR"}, read_price=1.0)
    dearer = changed(settings, ["read_price=3", "write_price=2"])
    for name, read, write in [("a", 0.01, 0.02), ("b", 1.0, 0.005)]:
        dataset = Dataset(name, "parquet", name, "v1")
        before, after = storage_class(dataset, settings), storage_class(dataset, dearer)
        assert (before.read, before.write) == (read, write)
        assert (after.read, after.write) == (3 * read, 2 * write)
        assert after.storage == before.storage
