"""NULL and the empty text in CSV: a file that spells both alike is not proven against what holds both, and says so."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from r2d2.commands.explain import ruled_out
from r2d2.containment.candidates import refuted_by_metadata
from r2d2.containment.funnel import Containments
from r2d2.containment.minmax import refutes_by_metadata
from r2d2.model.dataset import Bounds, Dataset, Leaf
from r2d2.model.edge import Edge, Grade, Projection
from r2d2.model.family import NUMBER, STRING
from tests.containment_runs import candidate, contained, data_file, datasets_of, parquet_dataset, proven_pairs

Cells = Sequence[tuple[int, str | None]]
#: NULL and the empty text, each in rows of their own.
BOTH: Cells = [(i, {0: None, 1: ""}.get(i % 4, f"text {i}")) for i in range(40)]


def quoted(rows: Cells) -> str:
    """Every field in quotes, NULL too, as Python's ``csv.QUOTE_ALL`` does."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("id", "name"), *rows])
    return out.getvalue()


def bare(rows: Cells) -> str:
    """No field in quotes, as ``csv.QUOTE_MINIMAL`` does."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([("id", "name"), *rows])
    return out.getvalue()


def faithful(rows: Cells) -> str:
    out = io.BytesIO()
    pc.write_csv(table(rows), out)
    return out.getvalue().decode()


def table(rows: Cells) -> pa.Table:
    return pa.table({"id": pa.array([i for i, _ in rows], pa.int64()), "name": [name for _, name in rows]})


def lake(directory: Path, text: str, typed: Cells, statistics: bool = True) -> list[Dataset]:
    pq.write_table(table(typed), directory / "typed.parquet", write_statistics=statistics)
    (directory / "text.csv").write_text(text)
    files = [data_file(directory / "text.csv")]
    (found,) = datasets_of([candidate("text", "csv", files, directory / "text.csv")])
    return [found, parquet_dataset(directory / "typed.parquet", name="typed")]


def reasons(datasets: Sequence[Dataset], found: Containments) -> dict[tuple[str, str], str]:
    """Why each pair was refuted, as ``explain`` and ``edges --grade refuted --all`` say."""
    edges: list[Edge] = [edge for edge in found.others if edge.grade is Grade.REFUTED]
    return {(edge.parent, edge.child): edge.reason for edge in (*edges, *refuted_by_metadata(datasets, False))}


@pytest.mark.parametrize("statistics", [True, False])
@pytest.mark.parametrize(("spelled", "words"), [(quoted, "with quotes"), (bare, "without quotes")])
@pytest.mark.parametrize("part", ["whole", "slice", "each alone"])
def test_a_file_that_spells_both_alike_is_proven_neither_way_and_says_so(
    tmp_path: Path, statistics: bool, spelled: Callable[[Cells], str], words: str, part: str
) -> None:
    """Whether metadata or content refutes, and whether the text is the whole or a slice of what it was written from."""
    rows = {"whole": BOTH, "slice": BOTH[3:19], "each alone": BOTH[:2]}[part]
    datasets = lake(tmp_path, spelled(rows), BOTH, statistics)
    found = contained(datasets)
    assert proven_pairs(found) == set()
    why = reasons(datasets, found)["typed", "text"]
    assert "column name: " in why
    assert f"its file writes all empty fields {words}" in why
    if part == "whole":
        assert f"the other's file writes all empty fields {words}" in reasons(datasets, found)["text", "typed"]


@pytest.mark.parametrize("statistics", [True, False])
def test_a_file_that_tells_them_apart_is_proven(tmp_path: Path, statistics: bool) -> None:
    datasets = lake(tmp_path, faithful(BOTH), BOTH, statistics)
    assert proven_pairs(contained(datasets)) == {("typed", "text"), ("text", "typed")}


def test_another_difference_is_not_put_down_to_a_spelling_that_has_no_part_in_it(tmp_path: Path) -> None:
    changed = [*BOTH[:-1], (39, "another text")]
    datasets = lake(tmp_path, faithful(changed), BOTH)
    why = reasons(datasets, contained(datasets))
    assert why.keys() == {("typed", "text"), ("text", "typed")}
    assert not [reason for reason in why.values() if "quotes" in reason]
    without_empty = [(i, name or None) for i, name in BOTH]
    other = tmp_path / "other"
    other.mkdir()
    datasets = lake(other, faithful([*without_empty[:-1], (39, "text 99")]), without_empty)
    assert not [reason for reason in reasons(datasets, contained(datasets)).values() if "quotes" in reason]


PROJECTION: Projection = ((("a",), STRING),)
EXACT = (True, True, True, True)


def one(format_: str, nulls: int | None, low: str | None, family: str = STRING) -> Dataset:
    bounds = {} if low is None else {STRING: Bounds(low, "z", *EXACT)}
    return Dataset(format_, format_, "/", "v", leaves=(Leaf(("a",), (family,), nulls=nulls, bounds=bounds),), rows=9)


@pytest.mark.parametrize("format_", ["csv", "tsv"])
def test_null_counts_of_text_say_which_fields_count_as_null(format_: str) -> None:
    reason = refutes_by_metadata(one("parquet", 0, "a"), one(format_, 3, "a"), PROJECTION)
    assert reason == (
        "column a: NULL in 3 rows, in the other in 0; an empty field without quotes counts as NULL, "
        "and one with quotes as an empty text"
    )
    numbers = one("parquet", 0, None, NUMBER), one(format_, 3, None, NUMBER)
    assert refutes_by_metadata(*numbers, ((("a",), NUMBER),)) == (
        "column a: NULL in 3 rows, in the other in 0; an empty field without quotes counts as NULL"
    )


@pytest.mark.parametrize("format_", ["parquet", "delta", "json", "jsonl"])
def test_null_counts_of_what_has_a_word_for_null_say_nothing_of_quotes(format_: str) -> None:
    assert refutes_by_metadata(one("parquet", 0, "a"), one(format_, 3, "a"), PROJECTION) == (
        "column a: NULL in 3 rows, in the other in 0"
    )


@pytest.mark.parametrize(
    ("text", "typed", "words"),
    [
        ((3, "a"), (2, ""), "without quotes, as NULL"),
        ((3, "a"), (2, None), "without quotes, as NULL"),
        ((9, None), (2, ""), "without quotes, as NULL"),
        ((0, ""), (2, "a"), "with quotes, as empty texts"),
        ((0, ""), (None, "a"), "with quotes, as empty texts"),
        ((3, "a"), (2, "a"), "counts as NULL"),
        ((3, ""), (2, ""), "counts as NULL"),
        ((0, ""), (0, "a"), ""),
    ],
)
def test_a_spelling_is_named_only_where_the_other_side_may_hold_what_it_lacks(
    text: tuple[int, str | None], typed: tuple[int | None, str | None], words: str
) -> None:
    reason = refutes_by_metadata(one("parquet", *typed), one("csv", *text), PROJECTION)
    assert reason is not None
    assert words in reason
    assert ("file writes all" in reason) is words.startswith("with")


@pytest.mark.parametrize(("spelled", "told"), [(quoted, True), (faithful, False)])
def test_numbers_that_are_text_for_empty_quotes_are_explained(
    tmp_path: Path, spelled: Callable[[Cells], str], told: bool
) -> None:
    """A missing number between quotes is an empty text, and so the column no column of numbers."""
    rows: Cells = [(1, None), (2, "20"), (3, "30")]
    datasets = lake(tmp_path, spelled(rows), rows)
    numbers = replace(datasets[1], leaves=(datasets[1].leaves[0], Leaf(("name",), (NUMBER,), nulls=1)))
    by_metadata, by_schema = ruled_out(datasets[0], [numbers], False)
    assert bool(by_schema) is told
    if told:
        assert by_schema == [
            (
                1,
                "typed has name as number (it is text here: some of its fields have nothing between quotes, "
                "which counts as an empty text)",
            )
        ]
    else:
        assert by_metadata == ["typed: not compared in this run"]


def test_a_value_above_all_of_the_other_has_nothing_to_do_with_spelling() -> None:
    higher = Leaf(("a",), (STRING,), nulls=2, bounds={STRING: Bounds("a", "zz", *EXACT)})
    child = replace(one("csv", 2, "a"), leaves=(higher,))
    assert refutes_by_metadata(one("parquet", 2, ""), child, PROJECTION) == (
        "column a: its largest value lies above the other's"
    )
