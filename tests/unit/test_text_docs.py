"""docs/text.md is true: its grammar is that of the code, and each of its examples is read as it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import duckdb
import pytest

from r2d2.lake import text_views
from r2d2.lake.csv_grammar import MAX_RECORD
from r2d2.lake.layout import Reader
from r2d2.lake.text_profile import MAX_BOUND_BYTES
from r2d2.lake.text_views import NULL_TOKENS, TEXT_FAMILIES, converted, convertible
from tests.containment_runs import candidate, data_file, datasets_of

DOC = Path(__file__).parents[2] / "docs" / "text.md"
PATTERNS = {"number": text_views._NUMBER, **text_views._PATTERNS}
WORDS = {"boolean": text_views._BOOLEANS, "floating": text_views._SPECIALS}


def _table(title: str) -> list[list[str]]:
    """The cells of the table under a heading; what stands in code spans, without the marks."""
    section = DOC.read_text(encoding="utf-8").split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def _spans(cell: str) -> list[str]:
    return re.findall(r"`+ ?(.+?) ?`+", cell)


def test_the_grammar_is_that_of_the_code() -> None:
    rows = {row[0]: _spans(row[1]) for row in _table("Grammar of a field")}
    assert set(rows) == {*TEXT_FAMILIES}
    assert {family: rows[family][0] for family in PATTERNS} == PATTERNS
    for family, words in WORDS.items():
        assert set(rows[family]) >= set(ast.literal_eval(words))
    number = rows["number"][0]
    for text in ("1", "-0.50", ".5", "1e5", "1.", "+1", "01", "1_0", "0x1", " 1", "1e", "1e0001", "1e1000", "1e+007"):
        assert duckdb.execute(
            f"SELECT {convertible('x', 'TEXT', 'number')} FROM (SELECT ? AS x)", [text]
        ).fetchall() == [(re.fullmatch(number, text) is not None,)], text


def _of(text: str, family: str) -> str:
    test, value = convertible("x", "TEXT", family), converted("x", "TEXT", family)
    query = f"SELECT CASE WHEN {test} THEN ({value})::VARCHAR END FROM (SELECT ? AS x)"
    ((found,),) = duckdb.execute(query, [text]).fetchall()
    return str(found) if found is not None else "no"


@pytest.mark.parametrize("row", _table("Examples of fields"), ids=str)
def test_each_field_converts_as_it_says(row: list[str]) -> None:
    text, family, value = row[0], row[1], row[2]
    (text,) = _spans(text)
    assert _of(text, family) == (_spans(value) or [value])[0]


def _read(data: bytes, kind: str, folder: Path) -> str:
    """The dataset of one file, in the words of the page."""
    path = folder / f"file.{kind}"
    path.write_bytes(data)
    (dataset,) = datasets_of([candidate("file", kind, [data_file(path)], path)])
    if dataset.status != "ok":
        return dataset.error
    reader = Reader.from_json(dataset.readers[0])
    tokens = {column.path or (column.name,): column.null_token for column in reader.columns}
    parts = []
    for leaf in dataset.leaves:
        families = "everything" if len(leaf.families) > len(TEXT_FAMILIES) + 1 else " ".join(leaf.families)
        nulls = f", NULL in {leaf.nulls}" if leaf.nulls else ""
        token = f", {tokens[leaf.path]} is NULL" if tokens[leaf.path] and leaf.families != ("string",) else ""
        parts.append(f"{'.'.join(leaf.path)} ({families}{nulls}{token})")
    return f"{dataset.rows} row{'s' * (dataset.rows != 1)}: {', '.join(parts)}"


@pytest.mark.parametrize("row", _table("Examples of files"), ids=str)
def test_each_file_is_read_as_it_says(row: list[str], tmp_path: Path) -> None:
    (data,) = _spans(row[1])
    assert _read(ast.literal_eval(data), row[0], tmp_path) == row[2].replace("`", "")


def test_lists_and_limits_are_those_of_the_code() -> None:
    text = DOC.read_text(encoding="utf-8")
    tokens = text.split("## What stands for NULL\n", 1)[1].split("\n## ", 1)[0]
    assert set(_spans(tokens.split("Tokens: ", 1)[1].split("\n\n", 1)[0])) == set(NULL_TOKENS)
    assert f"{MAX_RECORD >> 20} MiB" in text
    assert f"{MAX_BOUND_BYTES} bytes" in text
    assert "1,000 characters, and 400 digits" in text
    for field, fits in (("9" * 400, True), ("9" * 401, False), ("1." + "0" * 998, True), ("1." + "0" * 999, False)):
        assert (_of(field, "number") != "no") is fits
