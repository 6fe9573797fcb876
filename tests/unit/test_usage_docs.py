"""docs/usage.md is true: it names every setting, and its examples are read as it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from r2d2.config import UsageSettings
from r2d2.model.usage import Usage
from r2d2.usage.facts import KEYS
from tests.usage_fakes import dataset, usages, written

TEXT = (Path(__file__).parents[2] / "docs/usage.md").read_text(encoding="utf-8")
LAKE = [dataset("sales/2024"), dataset("raw/orders"), dataset("copies/orders"), dataset("legal/x"), dataset("raw/y")]


def example(setting: str) -> str:
    """The indented lines after the paragraph of a setting; what is broken in the page is one line."""
    paragraph = TEXT[TEXT.index(f"**`usage.{setting}`**") :]
    block = re.search(r"\n\n((?:    .*\n)+)", paragraph)
    assert block
    return re.sub(r"\n {5}(?=\S)", " ", "\n" + block[1]).replace("\n    ", "\n").strip() + "\n"


def test_every_setting_and_every_key_is_explained() -> None:
    lacking = [field.name for field in fields(UsageSettings) if f"usage.{field.name}" not in TEXT]
    assert lacking == []
    assert [key for key in KEYS if f"`{key}`" not in TEXT] == []


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("reads_csv", lambda found: [found[name].reads is None for name in found] == [False, False, True, True, False]),
        ("s3_logs", lambda found: found["raw/orders"].reads.readers == ("arn:aws:iam::123456789012:user/ann",)),
        ("cloudtrail", lambda found: found["raw/orders"].reads.readers == ("arn:aws:iam::123456789012:user/ann",)),
        ("audit", lambda found: found["raw/orders"].reads.readers == ("ann@corp", "etl@corp")),
        ("audit", lambda found: found["sales/2024"].producers[0].name == "job 77"),
        ("dbt_manifest", lambda found: found["sales/2024"].consumers[0].name == "board"),
        ("dbt_manifest", lambda found: found["sales/2024"].upstream == ("raw/orders",)),
        ("openlineage", lambda found: found["copies/orders"].producers[0].name == "airflow/copy"),
        ("lineage_csv", lambda found: found["copies/orders"].producers[0].name == "nightly copy"),
        ("facts_csv", lambda found: found["sales/2024"].owner == "team sales" and found["legal/x"].hold),
    ],
)
def test_examples_are_read_as_the_page_says(
    tmp_path: Path, setting: str, expected: Callable[[dict[str, Usage]], bool]
) -> None:
    path = tmp_path / "example"
    path.write_text(example(setting))
    names = "sales/2024,name,main.sales.orders", "raw/orders,name,main.raw.orders"
    facts = written(tmp_path, "facts.csv", "dataset,key,value", *names)
    files = {"facts_csv": facts} | {setting: str(path)}
    assert expected(usages(LAKE, **files))


def test_the_example_of_a_lifecycle_is_read(tmp_path: Path) -> None:
    (tmp_path / "lake.json").write_text(example("lifecycle"))
    found = usages([dataset("tmp/x", files=("0",))], lifecycle=str(tmp_path / "lake.json"))
    assert found["tmp/x"].expires_why == "lifecycle rule tmp"
