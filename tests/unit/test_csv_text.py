"""Files as people write them, and damaged ones: read exactly, or refused with the line."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from r2d2.errors import R2D2Error, UnreadableData, UnsupportedData
from r2d2.lake import csv_columns, csv_grammar, csv_text
from r2d2.lake.layout import Reader
from tests.sampling import examples

Rows = list[tuple[str | None, ...]]


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def read(
    con: duckdb.DuckDBPyConnection, folder: Path, data: bytes, kind: str = "csv", compressed: bool = False
) -> tuple[Reader, Rows]:
    path = folder / ("0.csv.gz" if compressed else "0.csv")
    path.write_bytes(gzip.compress(data) if compressed else data)
    reader, count = csv_text.inspect(path, kind, compressed)
    rows = con.execute(f"SELECT * FROM {csv_text.relation(con, reader, [path])}").fetchall()
    assert len(rows) == count
    if not compressed and csv_columns.is_read_alike(reader):
        assert by_columns(reader, path) == rows
    return reader, rows


def by_columns(reader: Reader, path: Path) -> Rows:
    """What pyarrow reads."""
    return list(zip(*(column.to_pylist() for column in csv_columns.columns(reader, path).columns), strict=True))


@pytest.mark.parametrize("data", [b'a,b\n"x",', b'a\n""\n\nx', b'a,b\n1,"x\n\ny"', b'\xef\xbb\xbfa,b\n"",'])
def test_a_last_record_without_a_line_end_is_read_alike(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, data: bytes
) -> None:
    assert csv_columns.is_read_alike(read(con, tmp_path, data)[0])


def test_a_dialect_of_backslashes_is_left_to_duckdb(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """In it pyarrow would take them for escapes outside of quotes, too."""
    reader, rows = read(con, tmp_path, b'a,b\nC:\\x,"\\"y"\n')
    assert not csv_columns.is_read_alike(reader)
    assert rows == [("C:\\x", '"y')]


def names(reader: Reader) -> list[str]:
    return [column.name for column in reader.columns]


def refused(folder: Path, data: bytes, kind: str = "csv") -> str:
    path = folder / "0.csv"
    path.write_bytes(data)
    with pytest.raises((UnsupportedData, UnreadableData)) as caught:
        csv_text.inspect(path, kind, False)
    return str(caught.value)


def test_an_unquoted_empty_field_is_null_and_a_quoted_one_is_empty(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    assert read(con, tmp_path, b'a,b\n1,\n2,""\n,NULL\n')[1] == [("1", None), ("2", ""), (None, "NULL")]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"a,b\r\n1,2\r\n3,4\r\n", [("1", "2"), ("3", "4")]),
        (b'a,b\r\n1,"2\r\n3\n"\r\n', [("1", "2\r\n3\n")]),
        (b'a,b\n1,"x\n\ny"\n2,z', [("1", "x\n\ny"), ("2", "z")]),
        (b"a,b\n1,", [("1", None)]),
        (b"\xef\xbb\xbfa,b\n1,2\n", [("1", "2")]),
        (b'\xef\xbb\xbf"a",b\n1,2\n', [("1", "2")]),
        (b'a,b\n1,"say ""hi"""\n2,5" pipe\n', [("1", 'say "hi"'), ("2", '5" pipe')]),
        (b"a,b\n#1,2\n 3 , 4\n", [("#1", "2"), (" 3 ", " 4")]),
        (b"a,b\n1,2\n\n3,4\n\n", [("1", "2"), ("3", "4")]),
        (b'a\nx\n\n""\ny\n', [("x",), (None,), ("",), ("y",)]),
        (b"a,b,\n1,2,\n", [("1", "2", None)]),
        (b"a,b\n", []),
        (b"a,b", []),
        ("a,b\n1,é\u2028\x85😀\x1a\n".encode(), [("1", "é\u2028\x85😀\x1a")]),
        (b"a,b\n1,x\\ny\n", [("1", "x\\ny")]),
    ],
)
def test_ordinary_files_are_read_as_they_stand(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, data: bytes, rows: Rows
) -> None:
    assert read(con, tmp_path, data)[1] == rows
    assert read(con, tmp_path, data, compressed=True)[1] == rows


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"\xef\xbb\xbf", "empty file"),
        (b"\na,b\n1,2\n", "first line is empty"),
        (b"a,b\n1,2\n3\n", "line 3 has 1 fields instead of 2"),
        (b"a,b\n1,2\n3,4,5\n", "line 3 has 3 fields instead of 2"),
        (b"a,b\n1,2,\n", "line 2 has 3 fields instead of 2"),
        (b"a,b,c\n1,2\n", "line 2 has 2 fields instead of 3"),
        (b'a,b\n"x\ny",1\n3\n', "line 4 has 1 fields"),
        (b'a,b\n1,"2\n3,4\n5,6\n', "line 2 opens a quote that is never closed"),
        (b'a,b\n1,2\n3,"', "line 3 opens a quote that is never closed"),
        (b'"a,b\n1,2\n', "line 1 opens a quote"),
        (b'a,b\n1,"2"x\n', "line 2 has text after a closing quote"),
        (b'a,b\n1,"2" \n', "line 2 has text after a closing quote"),
        (b'a,b\n1, "2"\n', "line 2 has a space before an opening quote"),
        (b"a,b\r\n1,2\r\n3,4\n", "line 3 ends in another way"),
        (b"a,b\n1,2\r\n", "line 2 ends in another way"),
        (b"a,b\r\n1,2\r", "line 2 ends in another way"),
        (b"a,b\n1,x\ry\n", "line 2 ends in another way"),
        (b"a,b\r1,2\r", "carriage returns"),
        (b'"a\r\n",b\n1,2\n', "line 1 holds, between quotes, a line end of another kind"),
        (b'\xef\xbb\xbf"a,a",b\n1,2\n', "behind a byte order mark"),
        (b"a,b\n1,x\x00y\n", "line 2 holds a NUL byte"),
        (b"a,b\n1,2\n3,caf\xe9\n", "line 3 is not UTF-8"),
        (b"a,b\n1,\xed\xa0\x80\n", "line 2 is not UTF-8"),
        (b"a,b\n1,\xc3", "line 2 is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "is not UTF-8"),
        (b"id,name,name\n1,x,y\n", "columns 2 and 3 have the same name"),
        (b"id,Name,name\n1,x,y\n", "columns 2 and 3 have the same name, but for case: 'Name', 'name'"),
        (b",x" * 20_000 + b"\n", "line 1 has 20001 fields"),
        (b",x" * 2_000_000, "line 1 has 2000001 fields"),
        (b"id,,\n1,x,y\n", "columns 2 and 3 have no name"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_with_its_line(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in refused(tmp_path, data)


def test_reasons_hold_no_cell_values(tmp_path: Path) -> None:
    for data in (b"a,b\n1,SECRET,3\n", b'a,b\n1,"SECRET\n', b'a,b\n1,"SECRET"x\n', b"a,b\n1,SECRET\xff\n"):
        assert "SECRET" not in refused(tmp_path, data)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(con: duckdb.DuckDBPyConnection, tmp_path: Path, delimiter: str) -> None:
    table = (("na me", "x", "y"), ("a", "1", "2"), ('"q,;|\t"', "3", "4"))
    data = "\n".join(delimiter.join(row) for row in table) + "\n"
    reader, rows = read(con, tmp_path, data.encode())
    assert reader.options["delimiter"] == delimiter
    assert rows == [("a", "1", "2"), ("q,;|\t", "3", "4")]


def test_decimal_commas_do_not_make_comma_the_delimiter(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert read(con, tmp_path, b"x;y\n1,5;2,5\n2,5;3,5\n")[1] == [("1,5", "2,5"), ("2,5", "3,5")]


def test_one_column_is_comma_separated(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    reader, rows = read(con, tmp_path, b"word\nalpha\nbeta\n")
    assert (reader.options["delimiter"], rows) == (",", [("alpha",), ("beta",)])


def test_tsv_takes_tabs_only(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert read(con, tmp_path, b"a\tb,c\n1\t2,3\n", "tsv")[1] == [("1", "2,3")]


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (b"id,name\n1,x\n", ["id", "name"]),
        (b",a,b\n0,1,2\n", ["", "a", "b"]),
        (b"1,2\n3,4\n", ["c0", "c1"]),
        (b"Alabama,1,4863300\nAlaska,2,741894\n", ["c0", "c1", "c2"]),
        (b"country,1990,1995,2000\nX,1.5,2,3\n", ["country", "1990", "1995", "2000"]),
        (b"0,1,2\n5.5,x,7\n", ["0", "1", "2"]),
        (b",0,1\n0,5.5,x\n", ["", "0", "1"]),
        (b"id,2020,notes\nx,a,b\n", ["id", "2020", "notes"]),
        (b"red,red,blue\ngreen,red,blue\n", ["c0", "c1", "c2"]),
        (b"2020-01-01,x\n2020-01-02,y\n", ["c0", "c1"]),
        (b"only,words\nno,types\n", ["only", "words"]),
        (b"x,NA,3\ny,2,4\n", ["c0", "c1", "c2"]),
        (b'"a ""b""","c,d"\n1,2\n', ['a "b"', "c,d"]),
        (b'"x\'); DROP TABLE t; --",b\n1,2\n', ["x'); DROP TABLE t; --", "b"]),
    ],
)
def test_headers_are_told_from_data(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, data: bytes, header: list[str]
) -> None:
    reader, _ = read(con, tmp_path, data)
    assert names(reader) == header


def test_spark_backslash_escapes_are_found(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    reader, rows = read(con, tmp_path, b'a,b\n1,"say \\"hi\\", you"\n2,C:\\dir\n')
    assert (reader.options["escape"], rows) == ("\\", [("1", 'say "hi", you'), ("2", "C:\\dir")])


def test_a_backslash_that_ends_a_field_is_no_escape(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert read(con, tmp_path, b'a,b\n"C:\\",2\n"D:\\",3\n')[1] == [("C:\\", "2"), ("D:\\", "3")]


def test_other_backslashes_in_the_backslash_dialect_are_ambiguous(tmp_path: Path) -> None:
    reason = refused(tmp_path, b'a,b\n1,"say \\"hi\\", \\n"\n')
    assert "line 2" in reason


def test_fields_of_ten_megabytes_and_records_over_the_limit(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    long = "x\n" * 5_000_000
    assert read(con, tmp_path, f'a,b\n1,"{long}"\n2,y\n'.encode())[1] == [("1", long), ("2", "y")]
    assert "longer than 32 MiB" in refused(tmp_path, b'a,b\n1,"' + b"x" * (40 << 20) + b'"\n')


def test_damaged_gzip_is_refused_even_where_duckdb_reads_it(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(b"a,b\n1,2\n"))
    for broken in (data[:-9], data[:-8] + b"12345678", data + b"xxxx", b"a,b\n1,2\n"):
        path = tmp_path / "0.csv.gz"
        path.write_bytes(bytes(broken))
        with pytest.raises(UnreadableData, match="damaged gzip"):
            csv_text.inspect(path, "csv", True)


def test_members_of_a_gzip_are_read_one_after_the_other(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "0.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n"))
    reader, count = csv_text.inspect(path, "csv", True)
    rows = con.execute(f"SELECT * FROM {csv_text.relation(con, reader, [path])}").fetchall()
    assert (count, rows) == (2, [("1", "2"), ("3", "4")])


def test_several_files_each_lose_their_header_and_names_are_no_globs(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = tmp_path / "o'x[ab]*?"
    folder.mkdir()
    (tmp_path / "o'xa").mkdir()
    paths = [folder / "0.csv", folder / "1.csv"]
    for i, path in enumerate(paths):
        path.write_bytes(b"a,b\n%d,x\n" % i)
    reader = csv_text.sniff(paths[0], "csv", False)
    assert csv_text.sniff(paths[1], "csv", False) == reader
    rows = con.execute(f"SELECT * FROM {csv_text.relation(con, reader, paths)}").fetchall()
    assert rows == [("0", "x"), ("1", "x")]


def test_readers_travel_as_json(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    reader, _ = read(con, tmp_path, b'\xef\xbb\xbfa;"b\'"\r\n1;2\r\n')
    assert Reader.from_json(reader.to_json()) == reader


# --- whatever is accepted is read as a plain loop over the characters reads it ----------------------------------------


def by_hand(text: str, delimiter: str, escape: str, newline: str) -> Rows:
    rows: Rows = []
    row: list[str | None] = []
    position = 0
    while position < len(text) or row:
        field, position = one_field(text, position, delimiter, escape)
        row.append(field)
        if position < len(text) and text[position] == delimiter:
            position += 1
            if position < len(text):
                continue
            row.append(None)
        assert position == len(text) or text.startswith(newline, position)
        position += len(newline)
        rows.append(tuple(row))
        row = []
    return rows


def one_field(text: str, position: int, delimiter: str, escape: str) -> tuple[str | None, int]:
    if not text.startswith('"', position):
        end = position
        while end < len(text) and text[end] not in (delimiter, "\r", "\n"):
            end += 1
        return text[position:end] or None, end
    position, field = position + 1, ""
    while True:
        if text.startswith(escape + '"', position):
            field, position = field + '"', position + 2
        elif text[position] == '"':
            return field, position + 1
        else:
            field, position = field + text[position], position + 1


def draw_file(seed: int) -> str:
    rng = random.Random(seed)
    newline, delimiter = rng.choice(["\n", "\r\n"]), rng.choice(",,;\t|")
    escape, width = rng.choice(['""', '\\"']), rng.choice([1, 1, 2, 3, 4])
    inside = ["a", escape, delimiter, "\n", "\r", "\r\n", " ", "z", "\\", "1"]

    def field() -> str:
        body = "".join(rng.choice(["a", "b", "1", " ", "\\", "é", "😀"]) for _ in range(rng.randint(0, 4)))
        quoted = '"' + "".join(rng.choice(inside) for _ in range(rng.randint(0, 6))) + '"'
        return rng.choice([body, body, quoted, quoted, '""', "", f'x{body}"'])

    lines = [delimiter.join(field() for _ in range(width)) for _ in range(rng.randint(1, 7))]
    text = newline.join(lines) + rng.choice([newline, newline, "", newline * 2])
    if rng.random() < 0.2:
        spot = rng.randrange(len(text) + 1)
        text = text[:spot] + rng.choice(['"', "\n", "\r", delimiter, " "]) + text[spot + 1 :]
    return rng.choice(["", "", "", "\ufeff"]) + text


@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), chunk=st.sampled_from([1, 2, 3, 7, 1 << 20]))
def test_accepted_files_are_read_as_a_loop_over_their_characters_does(
    con: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory, seed: int, chunk: int
) -> None:
    text = draw_file(seed)
    path = tmp_path_factory.getbasetemp() / "drawn.csv"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("r2d2.lake.csv_grammar._CHUNK", chunk)
        try:
            reader, count = csv_text.inspect(path, "csv", False)
        except R2D2Error:
            return
    options = reader.options
    want = by_hand(text.removeprefix("\ufeff"), options["delimiter"], options["escape"], options["newline"])
    if len(reader.columns) > 1:
        want = [row for row in want if row != (None,)]
    if options["header"] == "true":
        assert [name or "" for name in want.pop(0)] == names(reader)
    rows = con.execute(f"SELECT * FROM {csv_text.relation(con, reader, [path])}").fetchall()
    assert rows == want
    assert count == len(want)
    if csv_columns.is_read_alike(reader):
        assert by_columns(reader, path) == want


BAD_ROWS = {
    "1,2": "has 2 fields instead of 3",
    "1,2,3,4": "has 4 fields instead of 3",
    "1,2,3,": "has 4 fields instead of 3",
    '1,"2"x,3': "has text after a closing quote",
    '1, "2",3': "has a space before an opening quote",
    '1,2,"never closed, but by the next quote': "has text after a closing quote",
    '1,2,"': "has text after a closing quote",
    "1,2\0,3": "holds a NUL byte",
    "1,2,3\r": "ends in another way",
    "1,2,3\rx": "ends in another way",
    "1,2,caf\udce9": "is not UTF-8; convert the file to UTF-8",
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize(("row", "reason"), BAD_ROWS.items(), ids=BAD_ROWS.values())
@pytest.mark.parametrize("place", [2, 3, 701, 2500, 4999])
def test_a_bad_row_is_named_by_its_line_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str, reason: str, newline: str, place: int
) -> None:
    """Lines are those that an editor shows: line ends between quotes count."""
    monkeypatch.setattr(csv_grammar, "_CHUNK", 1000)
    lines = ["a,b,c", *(f'{i},"x{newline}y",é' if i % 7 == 0 else f'{i},"say ""x""",' for i in range(5000))]
    lines.insert(place, row)
    text = newline.join(lines[:place]) + newline
    wanted = text.count("\n") + 1
    data = newline.join([*lines, ""]).encode("utf-8", "surrogateescape")
    assert refused(tmp_path, data).startswith(f"line {wanted} {reason}")


def test_a_bad_row_in_the_backslash_dialect_is_named_by_its_line(tmp_path: Path) -> None:
    """Read with doubled quotes, the first backslash would be the error, far above the row that is wrong."""
    rows = [f'{i},"say \\"no\\"",x' for i in range(100)]
    rows[80] = '80,"say \\"no\\""'
    assert refused(tmp_path, "\n".join(["a,b,c", *rows]).encode()) == "line 82 has 2 fields instead of 3"


def test_quotes_that_can_be_read_in_two_ways_are_named_by_their_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"a,b\n" + b'1,"x"\n' * 300 + b'"\\",",x"\n'
    for size in (7, 100, 1805, 1806, 1024 * 1024):
        monkeypatch.setattr(csv_text, "_SAMPLE", size)
        assert refused(tmp_path, data) == (
            "its quotes can be read in two ways: a backslash stands before a quote in line 302"
        )
