"""docs/endpoint.md is true: its settings exist, and it names exactly what is told of a topic under each right."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from r2d2.catalog.tables import SCHEMAS
from r2d2.config import SemanticsSettings
from r2d2.semantics.labels import endpoint, summaries
from r2d2.semantics.labels.material import Material
from r2d2.semantics.labels.rights import Gets
from tests.semantics.small_topics import grouped, lake

PAGE = (Path(__file__).parents[2] / "docs/endpoint.md").read_text(encoding="utf-8")


def test_its_settings_and_its_table_exist() -> None:
    names = {field.name for field in fields(SemanticsSettings)}
    assert set(re.findall(r"semantics\.(\w+)", PAGE)) <= names
    assert {name for name in names if name.startswith("endpoint")} <= set(re.findall(r"semantics\.(\w+)", PAGE))
    assert SemanticsSettings().endpoint_key in PAGE
    assert set(re.findall(r"table `(\w+)`", PAGE)) <= SCHEMAS.keys()


@pytest.mark.parametrize(("gets", "column"), [("names", 2), ("facts", 3), ("values", 4)])
def test_it_names_what_a_model_is_told(gets: Gets, column: int) -> None:
    rows = [
        line.split("|") for line in PAGE.partition("## What may come back")[0].splitlines() if line.startswith("| `")
    ]
    told = {name for row in rows if row[column].strip() != "no" for name in re.findall(r"`(\w+)`", row[1])}
    found = grouped(lake())
    topic = found.topics()[max(found.topics())]
    assert told == Material(found.tree, found.entities, found.known.datasets, gets).of(topic).keys()


def test_its_figures_are_those_of_the_code() -> None:
    assert f"after {endpoint._WAIT:g} and {2 * endpoint._WAIT:g} s" in PAGE
    assert f"up to {endpoint._LONGEST_WAIT:g} s" in PAGE
    assert (endpoint._TRIES, endpoint._GIVES_UP, summaries._AT_ONCE) == (3, 5, 4)
    assert f"HTTP {', '.join(map(str, sorted(endpoint._LASTING)))}, a redirect" in PAGE
    assert f"HTTP {', '.join(map(str, sorted(endpoint._FORM_REFUSED)))})" in PAGE
