"""What commands print: for people, spreadsheets and programs."""

from __future__ import annotations

import csv
import io
import json

import pytest

from r2d2.commands.output import print_rows

NAMES = ["=HYPERLINK(0)", "+1", "-1", "@SUM(1)", "\tx", "\rx", "＝1", "＠x", 'quo"te, and =', "plain"]


def printed(capsys: pytest.CaptureFixture[str], output: str, rows: list[dict[str, object]]) -> str:
    print_rows(rows, list(rows[0]), output)
    return capsys.readouterr().out


def test_no_name_is_a_formula_in_a_spreadsheet(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, object]] = [{"name": name, "names": [name, "b"]} for name in NAMES]
    cells = list(csv.reader(io.StringIO(printed(capsys, "csv", rows), newline="")))[1:]
    assert [row[0] for row in cells] == [f"'{name}" for name in NAMES[:8]] + NAMES[8:]
    assert not [cell for row in cells for cell in row if cell[:1] in set("=+-@\t\r＝＋－＠")]


def test_numbers_stay_numbers_in_a_spreadsheet_and_names_stay_whole_for_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows: list[dict[str, object]] = [{"name": "=x", "saving": -0.25, "rows": -3, "none": None}]
    assert printed(capsys, "csv", rows).splitlines()[1] == "'=x,-0.25,-3,"
    assert json.loads(printed(capsys, "json", rows)) == rows
