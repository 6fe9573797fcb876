"""Candidates: versions that follow the files, and taking apart what was put together by names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from r2d2.catalog.file_names import data_format, hive_column, is_hidden, suffix_for_people
from r2d2.catalog.listing import Candidate, fingerprint, plain_candidate, split
from r2d2.catalog.patterns import Patterns
from r2d2.model.dataset import DataFile

A = DataFile("/lake/t/a.csv", 1, 10, "1:1")
B = DataFile("/lake/t/k=1/b.csv", 2, 20, "1:2", partition=(("k", "1"),))


def test_a_version_depends_on_the_files_and_not_on_their_order_or_place() -> None:
    mark = fingerprint("/lake/t", [A, B])
    assert len(mark) == 33
    assert mark == fingerprint("/lake/t/", [B, A])
    moved = [replace(file, path=file.path.replace("/lake", "/other")) for file in (A, B)]
    assert fingerprint("/other/t", moved) == mark


@pytest.mark.parametrize(
    "other",
    [
        [A],
        [A, B, B],
        [replace(A, size=2), B],
        [replace(A, mtime_ns=11), B],
        [replace(A, identity="1:3"), B],
        [replace(A, path="/lake/t/a2.csv"), B],
        [replace(A, path="/lake/t/a.csv\0001\00010\0001:1"), B],
    ],
)
def test_any_change_of_a_file_changes_the_version(other: list[DataFile]) -> None:
    assert fingerprint("/lake/t", other) != fingerprint("/lake/t", [A, B])


def test_bytes_and_last_change_are_those_of_the_files() -> None:
    candidate = plain_candidate(Candidate("t", "csv", "/lake/t", files=(A, B)))
    assert (candidate.bytes, candidate.modified_ns, candidate.status) == (3, 20, "ok")


def test_a_store_that_tells_no_time_makes_a_dataset_unprovable() -> None:
    candidate = plain_candidate(Candidate("t", "csv", "/lake/t", files=(replace(A, mtime_ns=0), B)))
    assert candidate.status == "unprovable"


def test_splitting_gives_each_file_its_own_id_and_no_partition_columns() -> None:
    whole = Candidate("t", "csv", "/lake/t", files=(A, B), file_ids=("t/a.csv", "t/k=1/b.csv"), parts=True)
    one, other = split(whole)
    assert (one.id, one.location, one.files, one.parts) == ("t/a.csv", "/lake/t/a.csv", (A,), False)
    assert (other.id, other.files) == ("t/k=1/b.csv", (replace(B, partition=()),))
    assert one.version != other.version


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.CSV", "csv"), ("a.csv.GZ", "csv"), ("a.pq", "parquet"), ("a.json", "json"), ("a.ndjson", "jsonl")]
    + [(name, None) for name in ("csv", "a.csv.bz2", "a.parquet.gz", "a.gz", "a.txt", "a.", "a")],
)
def test_the_format_is_what_the_suffix_says(name: str, kind: str | None) -> None:
    assert data_format(name) == kind


def test_hidden_names_are_those_of_spark_and_temporary_ones() -> None:
    assert all(map(is_hidden, ("_x", "_SUCCESS", ".a", "a.crc", "a.tmp", "a._COPYING_", ".k=1")))
    assert not any(map(is_hidden, ("a_", "_k=1", "a.tmp.csv", "tmp", "crc")))


@pytest.mark.parametrize(
    ("directory", "column"),
    [
        ("k=v", ("k", "v")),
        ("k=", ("k", "")),
        ("k=a=b", ("k", "a=b")),
        ("a%20b=%41", ("a b", "A")),
        ("k=%", ("k", "%")),
        ("k=%zz", ("k", "%zz")),
        ("k=%E9", ("k", "é")),
        ("=v", None),
        ("kv", None),
    ],
)
def test_partition_directories_are_read_as_spark_reads_them(directory: str, column: object) -> None:
    assert hive_column(directory) == column


def test_suffixes_for_people_are_harmless() -> None:
    assert [suffix_for_people(n) for n in ("a.PDF", "a", ".x", "a.\x1b[2J", "a." + "x" * 50)] == [
        ".pdf",
        *["no suffix"] * 4,
    ]


@pytest.mark.parametrize(
    ("pattern", "names", "others"),
    [
        ("raw", ["raw", "a/raw"], ["raw2", "a/raw/x"]),
        ("a/*", ["a/b"], ["a", "a/b/c", "x/a/b"]),
        ("a/**", ["a", "a/b", "a/b/c"], ["ab", "x/a"]),
        ("**/x", ["x", "a/x", "a/b/x"], ["ax"]),
        ("a/**/x", ["a/x", "a/b/x", "a/b/c/x"], ["ax", "a/bx"]),
        ("/top", ["top"], ["a/top"]),
        ("a?c", ["abc", "x/a.c"], ["a/c", "abbc"]),
        ("[ab]*", ["a", "b1"], ["c", "[ab]"]),
        ("[!a]x", ["bx"], ["ax", "/x"]),
        ("[[]x[]]", ["[x]"], ["x"]),
        ("[a-c^|]x", ["bx", "^x", "|x"], ["dx", "-x"]),
        ("[x", ["[x"], ["x"]),
        ("a.b+(c)", ["a.b+(c)"], ["aXb+(c)", "a.bb(c)"]),
        (".", ["."], ["a"]),
        ("new\nline*", ["new\nline\nx"], ["new"]),
    ],
)
def test_patterns(pattern: str, names: list[str], others: list[str]) -> None:
    patterns = Patterns([pattern])
    assert [name for name in names if not patterns.matches(name)] == []
    assert [name for name in others if patterns.matches(name)] == []


def test_no_pattern_matches_nothing() -> None:
    assert not Patterns([]).covers("a/b")
