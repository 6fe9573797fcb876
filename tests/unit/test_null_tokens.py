"""Texts that stand for NULL in CSV: NULL against typed data, text against text; quoted ones are always text."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.catalog.listing import Candidate
from r2d2.config import ContainmentSettings
from r2d2.containment.minmax import refutes_by_metadata
from r2d2.lake import text_summary
from r2d2.lake.layout import Reader
from r2d2.lake.text_summary import summarize
from r2d2.lake.text_views import NULL_TOKENS, present
from r2d2.model.dataset import Dataset, FileSummary
from tests.containment_runs import candidate, contained, data_file, datasets_of, proven_pairs
from tests.sampling import one_of_each

TYPED = {
    "boolean": (["true", "false"], pa.array([True, False, None])),
    "number": (["1", "2.5"], pa.array([Decimal("1.0"), Decimal("2.5"), None])),
    "floating": (["1e300", "NaN"], pa.array([1e300, float("nan"), None])),
    "date": (["2020-02-29", "1969-12-31"], pa.array([18321, -1, None], pa.date32())),
    "timestamp": (
        ["1970-01-01 00:00:01", "1970-01-01T00:00:02"],
        pa.array([10**6, 2 * 10**6, None], pa.timestamp("us")),
    ),
    "instant": (
        ["1970-01-01 00:00:01Z", "1970-01-01 01:00:02+01"],
        pa.array([10**6, 2 * 10**6, None], pa.timestamp("us", "UTC")),
    ),
}  # fmt: skip


def _csv(path: Path, *lines: str) -> Path:
    text = "".join(f"{line}\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def _parquet(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def _candidate(*paths: Path) -> Candidate:
    kind = "parquet" if paths[0].suffix == ".parquet" else "csv"
    return candidate(paths[0].name.split(".")[0], kind, [data_file(path) for path in paths], paths[0])


def _datasets(*groups: Path | tuple[Path, ...]) -> tuple[Dataset, ...]:
    found = datasets_of([_candidate(*(group if isinstance(group, tuple) else (group,))) for group in groups])
    assert [dataset.error for dataset in found] == [""] * len(found)
    return found


def _proven(*groups: Path | tuple[Path, ...]) -> set[tuple[str, str]]:
    return proven_pairs(contained(_datasets(*groups)))


def _summary(path: Path) -> FileSummary:
    summary = summarize(path, "csv", path.suffix == ".gz")
    assert summary.status == "ok", summary.reason
    return summary


def _tokens(path: Path) -> dict[str, str]:
    return {column.name: column.null_token for column in Reader.from_json(_summary(path).reader).columns}


BOTH = {("a", "b"), ("b", "a")}


def test_duckdb_can_not_tell_a_quoted_token_from_a_bare_one(tmp_path: Path) -> None:
    """Why ``nullstr`` is not used: told that NA is NULL and that quoted texts are not, it makes both NULL or none."""
    path = _csv(tmp_path / "a.csv", "x", "NA", '"NA"')
    read = (
        f"SELECT count(*), count(x) FROM read_csv('{path}', columns={{'x': 'VARCHAR'}}, header=true, auto_detect=false"
    )
    assert duckdb.sql(f"{read})").fetchall() == [(2, 2)]
    assert duckdb.sql(f"{read}, nullstr='NA')").fetchall() == [(2, 0)]


@pytest.mark.parametrize(
    ("family", "token"), one_of_each(list(TYPED), [token for token in NULL_TOKENS if token not in ("NaN", "nan")])
)
def test_each_token_in_each_family_is_null_against_typed_data(tmp_path: Path, family: str, token: str) -> None:
    texts, typed = TYPED[family]
    a = _csv(tmp_path / "a.csv", "i,x", *(f"{i},{text}" for i, text in enumerate([*texts, token])))
    numbers = pa.array([0, 1, 2])
    assert _tokens(a) == {"i": "", "x": token}
    b = _parquet(tmp_path / "b.parquet", i=numbers, x=typed)
    without_null = pa.concat_arrays([typed.slice(0, 2), typed.slice(0, 1)])
    assert _proven(a, b, _parquet(tmp_path / "c.parquet", i=numbers, x=without_null)) == BOTH


@pytest.mark.parametrize("token", NULL_TOKENS)
def test_as_a_string_the_token_is_its_text(tmp_path: Path, token: str) -> None:
    a = _csv(tmp_path / "a.csv", "i,x", "1,1", f"2,{token}", "3,")
    strings = pa.array(["1", token, None])
    b = _parquet(tmp_path / "b.parquet", i=pa.array([1, 2, 3]), x=strings)
    nulls = pa.array(["1", None, None])
    assert _proven(a, b, _parquet(tmp_path / "c.parquet", i=pa.array([1, 2, 3]), x=nulls)) == BOTH


def test_empty_fields_and_the_token_are_both_null_against_typed_data(tmp_path: Path) -> None:
    a = _csv(tmp_path / "a.csv", "i,x", "1,7", "2,NA", "3,")
    assert _proven(a, _parquet(tmp_path / "b.parquet", i=pa.array([1, 2, 3]), x=pa.array([7, None, None]))) == BOTH


def test_null_count_is_unknown_and_bounds_are_those_of_the_family(tmp_path: Path) -> None:
    leaf = _summary(_csv(tmp_path / "a.csv", "x,y", "5,a", "NA,b", "-3,c")).leaves[0]
    assert (leaf.families, leaf.nulls) == (("number", "floating", "string"), None)
    assert (leaf.bounds["number"].low, leaf.bounds["number"].high) == (-3, 5)
    assert (leaf.bounds["string"].low, leaf.bounds["string"].high) == ("-3", "NA")


def test_null_counts_of_one_family_never_refute_in_another(tmp_path: Path) -> None:
    """As text there is no NULL here and in the other one is; as numbers it is the other way round."""
    a = _csv(tmp_path / "a.csv", "i,x", "1,1", "2,NA", "3,NA")
    b = _parquet(tmp_path / "b.parquet", i=pa.array([1, 2, 3]), x=pa.array([1, None, None]))
    one, other = _datasets(a, b)
    projection = ((("i",), "number"), (("x",), "number"))
    assert refutes_by_metadata(one, other, projection) is None
    assert refutes_by_metadata(other, one, projection) is None


def test_boxes_admit_rows_with_the_token(tmp_path: Path) -> None:
    """A slice by range of a larger table: the token lies in no range, and the row counts."""
    rows = [f"{i},{'NA' if i % 3 == 0 else i}" for i in range(1000)]
    typed = [None if i % 3 == 0 else i for i in range(1000)]
    whole = _csv(tmp_path / "whole.csv", "i,x", *rows)
    part = _parquet(tmp_path / "part.parquet", i=pa.array(range(100, 400)), x=pa.array(typed[100:400]))
    assert _proven(whole, part) == {("whole", "part")}
    larger = _parquet(tmp_path / "larger.parquet", i=pa.array(range(1000)), x=pa.array(typed))
    some = _csv(tmp_path / "some.csv", "i,x", *rows[100:400])
    assert _proven(larger, some) == {("larger", "some")}
    typed[150] = 150 + 10**6
    wrong = _parquet(tmp_path / "wrong.parquet", i=pa.array(range(1000)), x=pa.array(typed))
    assert _proven(wrong, some) == set()


@pytest.mark.parametrize(
    "values",
    [
        ["1", "NA", '"NA"'],
        ["1", "2", '"NA"'],
        ["1", "NA", "NULL"],
        ["1", "NA", "n.a."],
        ["1", "NA", " NA"],
        ["1", "NA", "NA "],
        ["1", "na", "2"],
        ["1", "NA", '""'],
        ["one", "NA", "two"],
        ["01", "NA", "02"],
        ["NA", "NA", "NA"],
        ["NA", "", ""],
        ["1", "-", "2020-01-01"],
    ],
    ids=str,
)
def test_what_is_not_one_bare_token_among_typed_values_is_text(tmp_path: Path, values: list[str]) -> None:
    a = _csv(tmp_path / "a.csv", "i,x", *(f"{i},{value}" for i, value in enumerate(values)))
    (found,) = _datasets(a)
    assert found.leaves[1].families == ("string",)
    typed = _parquet(tmp_path / "b.parquet", i=pa.array([0, 1, 2]), x=pa.array([1, None, None]))
    assert _proven(a, typed) == set()


def test_a_quoted_token_makes_text_of_its_column_only(tmp_path: Path) -> None:
    lines = ['1,NA,"NA"', "NA,2,NA", '"3",NA,5', '4,2,"say ""NA"""']
    assert _tokens(_csv(tmp_path / "a.csv", "x,y,z", *lines)) == {"x": "NA", "y": "NA", "z": ""}


def test_quoted_tokens_are_found_wherever_they_stand(tmp_path: Path) -> None:
    """Past many chunks, behind quoted line ends, in the last line without an end, in gzip."""
    rows = [f'{i},"a\nb{"x" * 50}",{i}' for i in range(40000)]
    for place in (0, 1, 20000, 39999):
        lines = [*rows[:place], '7,c,"NA"', *rows[place:], "8,d,NA"]
        for name in ("a.csv", "a.csv.gz"):
            assert _tokens(_csv(tmp_path / name, "i,t,x", *lines))["x"] == ""
    assert _tokens(_csv(tmp_path / "a.csv", "i,t,x", *rows, "8,d,NA"))["x"] == "NA"
    last = tmp_path / "a.csv"
    last.write_bytes(b'i,x\n1,NA\n2,"NA"')
    assert _tokens(last)["x"] == ""


def test_nan_among_doubles_is_a_double(tmp_path: Path) -> None:
    """It equals no NULL, as text or not."""
    a = _csv(tmp_path / "a.csv", "i,x", "1,1.5", "2,NaN")
    assert _tokens(a)["x"] == ""
    assert _proven(a, _csv(tmp_path / "b.csv", "i,x", "1,1.5", "2,")) == set()
    numbers = pa.array([1, 2])
    assert _proven(a, _parquet(tmp_path / "b.parquet", i=numbers, x=pa.array([1.5, float("nan")]))) == BOTH
    assert _proven(a, _parquet(tmp_path / "b.parquet", i=numbers, x=pa.array([1.5, None]))) == set()


def test_nan_among_dates_or_beside_no_other_token_is_null(tmp_path: Path) -> None:
    a = _csv(tmp_path / "a.csv", "i,x", "1,2020-01-01", "2,NaN")
    days = pa.array([18262, None], pa.date32())
    assert _proven(a, _parquet(tmp_path / "b.parquet", i=pa.array([1, 2]), x=days)) == BOTH
    c = _csv(tmp_path / "c.csv", "i,x", "1,NaN", "2,NA", "3,1.5")
    typed = pa.array([float("nan"), None, 1.5])
    assert _proven(c, _parquet(tmp_path / "d.parquet", i=pa.array([1, 2, 3]), x=typed)) == {("c", "d"), ("d", "c")}


@pytest.mark.parametrize("verify", ["hash", "keyed", "values"])
def test_each_way_to_verify_takes_the_token_as_null(tmp_path: Path, verify: Literal["hash", "keyed", "values"]) -> None:
    a = _csv(tmp_path / "a.csv", "i,x", *(f"{i},{'NA' if i % 3 else i}" for i in range(500)))
    values = [None if i % 3 else i for i in range(500)]
    b = _parquet(tmp_path / "b.parquet", i=pa.array(range(500)), x=pa.array(values))
    values[1] = 0
    c = _parquet(tmp_path / "c.parquet", i=pa.array(range(500)), x=pa.array(values))
    settings = ContainmentSettings(sketch_size=2, verify=verify)
    assert proven_pairs(contained(_datasets(a, b, c), settings)) == BOTH


def test_large_files_are_scanned_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_summary, "_SMALL", 0)
    a = _csv(tmp_path / "a.csv", "i,x,y", "1,1,a", '2,NA,"NA"', "3,,NA")
    assert _tokens(a) == {"i": "", "x": "NA", "y": ""}
    typed = {"x": pa.array([1, None, None]), "y": pa.array(["a", "NA", "NA"])}
    assert _proven(a, _parquet(tmp_path / "b.parquet", i=pa.array([1, 2, 3]), **typed)) == BOTH


def test_files_of_one_dataset_may_have_different_tokens(tmp_path: Path) -> None:
    a = _csv(tmp_path / "a.csv", "i,x", "1,1", "2,NA"), _csv(tmp_path / "a2.csv", "i,x", "3,3", "4,\\N", "5,")
    typed = _parquet(tmp_path / "b.parquet", i=pa.array([1, 2, 3, 4, 5]), x=pa.array([1, None, 3, None, None]))
    assert _proven(a, typed) == BOTH
    assert _datasets(a)[0].properties["null_tokens"] == {"x": ["NA", "\\N"]}
    as_text = pa.array(["1", "NA", "3", "\\N", None])
    assert _proven(a, _parquet(tmp_path / "b.parquet", i=pa.array([1, 2, 3, 4, 5]), x=as_text)) == BOTH


def test_a_file_of_tokens_only_is_typed_where_other_files_of_its_dataset_are(tmp_path: Path) -> None:
    a = _csv(tmp_path / "a.csv", "i,x", "1,1", "2,2"), _csv(tmp_path / "a2.csv", "i,x", "3,NA", "4,NA")
    typed = _parquet(tmp_path / "b.parquet", i=pa.array([1, 2, 3, 4]), x=pa.array([1, 2, None, None]))
    assert _proven(a, typed) == BOTH
    c = _csv(tmp_path / "c.csv", "i,x", "1,NA", "2,NA"), _csv(tmp_path / "c2.csv", "i,x", "3,", "4,")
    d = _csv(tmp_path / "d.csv", "i,x", "1,-", "2,-", "3,", "4,")
    assert _datasets(c)[0].leaves[1].families == ("string",)
    assert _proven(c, d) == set()


def test_countries_called_na_are_countries(tmp_path: Path) -> None:
    """Two columns of nothing but tokens are not equal because both could be NULL."""
    a = _csv(tmp_path / "a.csv", "i,country", "1,NA", "2,NA")
    b = _csv(tmp_path / "b.csv", "i,country", "1,None", "2,None")
    assert _proven(a, b) == set()


def test_text_files_with_other_tokens_are_equal_as_numbers_and_not_as_text(tmp_path: Path) -> None:
    a = _csv(tmp_path / "a.csv", "i,x", "1,1", "2,NA")
    b = _csv(tmp_path / "b.csv", "i,x", "1,1.0", "2,NULL")
    assert _proven(a, b) == BOTH
    c = _csv(tmp_path / "c.csv", "i,x", "1,one", "2,NULL")
    d = _csv(tmp_path / "d.csv", "i,x", "1,one", "2,NA")
    assert _proven(c, d) == set()


def test_backslash_n_in_the_backslash_dialect(tmp_path: Path) -> None:
    a = _csv(tmp_path / "a.csv", "i,t,x", r'1,"say \"no\"",5', r"2,b,\N")
    typed = _parquet(tmp_path / "b.parquet", i=pa.array([1, 2]), t=pa.array(['say "no"', "b"]), x=pa.array([5, None]))
    assert _proven(a, typed) == BOTH


def test_a_header_is_seen_above_numbers_and_tokens(tmp_path: Path) -> None:
    summary = _summary(_csv(tmp_path / "a.csv", "x,y", "1,None", "#N/A,2"))
    assert [leaf.path for leaf in summary.leaves] == [("x",), ("y",)]


def test_tokens_travel_with_the_reader_and_nothing_else_reaches_sql(tmp_path: Path) -> None:
    text = _summary(_csv(tmp_path / "a.csv", "x,y", "1,a", "NA,b")).reader
    assert Reader.from_json(text).to_json() == text
    forged = Reader.from_json(text.replace('"NA"', '"x\'); --"'))
    with pytest.raises(ValueError, match="unknown token"):
        present("c0", forged.columns[0], "number")
