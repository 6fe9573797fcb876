"""What goes by itself: lifecycle rules of buckets, and rolling windows seen over earlier runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from r2d2.config import UsageSettings
from r2d2.model.dataset import Bounds, BoundValue, Dataset, Leaf
from r2d2.usage.collect import collect
from tests.usage_fakes import NOW, collected, dataset, usages

WRITTEN = datetime(2026, 10, 1, 10, tzinfo=UTC)


def stored(own_id: str, sizes: tuple[int, ...] = (10,)) -> Dataset:
    made = dataset(own_id, files=tuple(f"part-{i}" for i in range(len(sizes))))
    at = int(WRITTEN.timestamp()) * 1_000_000_000
    files = tuple(
        replace(file, size=size, mtime_ns=at + i * 86_400_000_000_000)
        for i, (file, size) in enumerate(zip(made.files, sizes, strict=True))
    )
    return replace(made, files=files)


LAKE = [stored("tmp/a", (10, 2_000)), stored("keep/b")]


def rule(days: Any = 30, **more: Any) -> dict[str, Any]:
    return {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": days}, **more}


def rules(directory: Path, *given: Any, bucket: str = "lake") -> str:
    path = directory / f"{bucket}.json"
    path.write_text(json.dumps({"TransitionDefaultMinimumObjectSize": "all_storage_classes_128K", "Rules": given}))
    return str(path)


@pytest.mark.parametrize(
    ("given", "first", "second"),
    [
        (rule(), "2026-11-01", "2026-11-01"),
        (rule(1), "2026-10-03", "2026-10-03"),
        (rule(Filter={"Prefix": "tmp/"}), "2026-11-01", None),
        (rule(Filter={"And": {"Prefix": "tmp/", "ObjectSizeGreaterThan": 500}}), "2026-11-02", None),
        (rule(Filter={"ObjectSizeLessThan": 500}), "2026-11-01", "2026-11-01"),
        (rule(Filter={"ObjectSizeGreaterThan": 10}), "2026-11-02", None),
        (rule(Prefix="tmp/", Filter=None), "2026-11-01", None),
        (rule(Filter={}), "2026-11-01", "2026-11-01"),
        (rule(Expiration={"Date": "2027-01-01T00:00:00+00:00"}), "2027-01-01", "2027-01-01"),
        (rule(Status="Disabled"), None, None),
        (rule(Expiration={"ExpiredObjectDeleteMarker": True}), None, None),
        (
            {"ID": "n", "Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 3}},
            None,
            None,
        ),
        ({"ID": "t", "Status": "Enabled", "Filter": {}, "Transitions": [{"Days": 30}]}, None, None),
    ],
)
def test_rules_say_when_the_first_file_goes(
    tmp_path: Path, given: dict[str, Any], first: str | None, second: str | None
) -> None:
    found = usages(LAKE, lifecycle=rules(tmp_path, given))
    for name, expected in (("tmp/a", first), ("keep/b", second)):
        expires = found[name].expires
        assert (expires and f"{expires:%Y-%m-%d}") == expected
        assert found[name].expires_why == ("lifecycle rule r" if expected else "")


def test_the_earliest_rule_counts_and_a_fact_overrides_it(tmp_path: Path) -> None:
    text = rules(tmp_path, rule(60), rule(10, ID="sooner"), rule(90))
    assert usages(LAKE, lifecycle=text)["tmp/a"].expires_why == "lifecycle rule sooner"
    (tmp_path / "facts.csv").write_text("dataset,key,value\ntmp/**,expires,\n")
    assert usages(LAKE, lifecycle=text, facts_csv=str(tmp_path / "facts.csv"))["tmp/a"].expires is None


def test_a_rule_for_tagged_objects_is_taken_to_hold_and_that_is_said(tmp_path: Path) -> None:
    tagged = rule(Filter={"And": {"Prefix": "tmp/", "Tags": [{"Key": "k", "Value": "v"}]}})
    found = collected(LAKE, lifecycle=rules(tmp_path, tagged))
    assert found.usages[0].expires_why == "lifecycle rule r, if its objects carry k=v"
    assert "tags can't be seen" in found.problems[0].what


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ([rule("30")], "rule r has Days that are no number of days"),
        ([rule(0)], "rule r has Days that are no number of days"),
        ([rule(10**30)], "rule r has Days that are no number of days"),
        ([rule(Expiration={"Date": "soon"})], "'soon' is not a time"),
        ([rule(Filter={"ObjectSizeGreaterThan": "5"})], "a size that is no number of bytes"),
        ([7], "a rule without a status"),
    ],
)
def test_what_is_no_rule_is_a_problem(tmp_path: Path, given: list[Any], what: str) -> None:
    assert what in collected(LAKE, lifecycle=rules(tmp_path, *given)).problems[0].what


def test_a_file_that_is_not_called_after_a_bucket_is_a_problem(tmp_path: Path) -> None:
    found = collected(LAKE, lifecycle=rules(tmp_path, rule(), bucket="rules"))
    assert "no dataset is in a bucket called rules" in found.problems[0].what


@dataclass(frozen=True)
class Earlier:
    found: tuple[Dataset, ...]

    def versions(self) -> Mapping[str, str]:
        return {each.id: each.version for each in self.found}

    def datasets(self, ids: Iterable[str]) -> list[Dataset]:
        wanted = set(ids)
        return [each for each in self.found if each.id in wanted]


def version(number: int, low: BoundValue, family: str = "date", tight: bool = True, **more: Any) -> Dataset:
    bounds = Bounds(low, low, low_tight=tight, low_valid=True)
    leaf = Leaf(("day",), (family,), bounds={family: bounds})
    return dataset("t", version=f"f{number}", leaves=(leaf,), **more)


def rolls(*versions: Dataset) -> str:
    """The reason why the newest version expires, the versions being given from old to new."""
    *earlier, current = versions
    found = collect([current], UsageSettings(), [Earlier((each,)) for each in reversed(earlier)], NOW)
    (usage,) = found.usages
    assert (usage.expires is None) == (not usage.expires_why)
    return usage.expires_why


@pytest.mark.parametrize(
    ("lows", "expected"),
    [
        ([1, 2, 3], True),
        ([1, 2, 2, 2, 3], True),
        ([9, 1, 2, 3], True),
        ([1, 2], False),
        ([1, 1, 1], False),
        ([1, 3, 2], False),
        ([2, 3, 2, 3], False),
        ([3, 2, 1], False),
    ],
)
def test_a_smallest_value_that_rises_twice_and_never_falls_is_a_rolling_window(lows: list[int], expected: bool) -> None:
    found = rolls(*(version(number, low) for number, low in enumerate(lows)))
    assert found == ("rolling window on day" if expected else "")


def test_an_unchanged_version_in_between_changes_nothing() -> None:
    assert rolls(version(1, 1), version(1, 1), version(2, 2), version(2, 2), version(3, 3))


@pytest.mark.parametrize("family", ["timestamp", "instant", "number"])
def test_times_and_numbers_roll_too_and_texts_do_not(family: str) -> None:
    assert rolls(*(version(n, Decimal(n) if family == "number" else n, family) for n in (1, 2, 3)))
    assert not rolls(*(version(n, f"{n}", "string") for n in (1, 2, 3)))


def test_bounds_that_no_row_has_tell_nothing() -> None:
    assert not rolls(*(version(n, n, tight=False) for n in (1, 2, 3)))


def test_a_table_at_another_place_is_another_one() -> None:
    assert not rolls(version(1, 1, location="s3://lake/old"), version(2, 2), version(3, 3))
