"""A first line that may be a header or a row never makes a row disappear."""

from __future__ import annotations

from pathlib import Path

import pytest

from r2d2.containment.headers import doubtful_header, refutes_by_header
from r2d2.lake.text_summary import summarize
from r2d2.model import Dataset


def table(directory: Path, name: str, text: str) -> Dataset:
    path = directory / f"{name}.csv"
    path.write_text(text)
    summary = summarize(path, "csv", False)
    return Dataset(name, "csv", str(path), "f1", readers=(summary.reader,), leaves=summary.leaves, rows=summary.rows)


def refuted(parent: Dataset, child: Dataset) -> str | None:
    return refutes_by_header(parent, child, (doubtful_header(parent), doubtful_header(child)))


@pytest.mark.parametrize(
    ("text", "doubtful"),
    [("name,city\nAnn,Rome\nBob,Oslo\n", True), ("id,city\n1,Rome\n2,Oslo\n", False), ("1,Rome\n2,Oslo\n", False)],
)
def test_a_header_is_doubtful_where_all_columns_are_text(text: str, doubtful: bool, tmp_path: Path) -> None:
    assert doubtful_header(table(tmp_path, "a", text)) is doubtful


def test_names_that_differ_in_case_may_be_two_different_rows(tmp_path: Path) -> None:
    parent = table(tmp_path, "a", "alice,ny\nbob,la\ncarl,sf\n")
    child = table(tmp_path, "b", "Alice,NY\nbob,la\n")
    assert "to the letter" in str(refuted(parent, child))


def test_names_in_another_order_may_be_two_different_rows(tmp_path: Path) -> None:
    parent = table(tmp_path, "a", "dog,cat\nblue,red\n")
    child = table(tmp_path, "b", "cat,dog\nred,blue\n")
    assert "in the same order" in str(refuted(parent, child))


def test_the_same_line_in_both_is_in_both_whatever_it_is(tmp_path: Path) -> None:
    parent = table(tmp_path, "a", "name,town,city\nAnn,x,Rome\nBob,y,Oslo\n")
    child = table(tmp_path, "b", "name,city\nBob,Oslo\n")
    assert refuted(parent, child) is None


def test_certain_headers_match_in_any_order_and_case(tmp_path: Path) -> None:
    parent = table(tmp_path, "a", "id,city\n1,Rome\n2,Oslo\n")
    child = table(tmp_path, "b", "CITY,ID\nOslo,2\n")
    assert refuted(parent, child) is None
