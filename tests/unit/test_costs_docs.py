"""docs/costs.md is true: its price sheets are those of the code, its settings exist, its example comes out so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from r2d2.config import RetentionSettings, describe
from r2d2.model import Dataset
from r2d2.retention.arithmetic import explain_costs
from r2d2.retention.price_data import SHEETS
from r2d2.retention.price_sheets import CLASS_FIGURES, SHEET_FIGURES, PriceSheet

DOCS = (Path(__file__).parents[2] / "docs/costs.md").read_text()


def sheet_lines(sheet: PriceSheet) -> Iterator[str]:
    """A sheet as it stands in the docs."""
    whole = ", ".join(f"`{figure}` {getattr(sheet, figure):,g}" for figure in SHEET_FIGURES)
    yield f"**{sheet.name}**: {sheet.region}, {sheet.currency}; {whole}"
    yield ""
    shown = [figure for figure in CLASS_FIGURES if any(getattr(each, figure) for each in sheet.classes)]
    yield f"| class | {' | '.join(shown)} |"
    yield f"| --- |{' ---: |' * len(shown)}"
    for each in sheet.classes:
        yield f"| {each.name} | {' | '.join(f'{getattr(each, figure):g}' for figure in shown)} |"
    yield ""
    for source in sheet.sources:
        note = f": {source.note}" if source.note else ""
        yield f"- {', '.join(source.figures)}: <{source.url}>, {source.as_of}{note}"


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=list(SHEETS))
def test_each_sheet_stands_there_with_its_sources(sheet: PriceSheet) -> None:
    assert "\n".join(sheet_lines(sheet)) in DOCS


def test_each_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`retention\.([a-z_]+)", DOCS))
    assert len(named) > 10
    assert named <= {key.partition(".")[2] for key, _ in describe() if key.startswith("retention.")}


def test_the_example_comes_out_as_it_says() -> None:
    parent, child = (Dataset(name, "parquet", name, "v", bytes=size) for name, size in (("p", 10**12), ("c", 10**11)))
    lines = explain_costs(child, parent, RetentionSettings(read_mb_per_second=1000, write_mb_per_second=500))
    example = re.search(r"```\n(storage: .*?)```", DOCS, re.DOTALL)
    assert example
    assert example[1] == "".join(f"{label:<60}{amount:>8.4f} USD\n" for label, amount in lines)


if __name__ == "__main__":
    for each in SHEETS.values():
        print("\n".join(sheet_lines(each)), end="\n\n")
