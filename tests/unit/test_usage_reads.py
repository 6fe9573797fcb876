"""Reads from a CSV: what is counted, over which window, and what stays unknown."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from r2d2.usage.accesses import HOUR, MAX_READERS, MONTH, Accesses
from tests.usage_fakes import collected, dataset, usages, written

A, B, C = dataset("a", files=("0", "1")), dataset("b"), dataset("deep/c")
LAKE = [A, B, C]
#: A window of 30 days in `at` rows: something else is read at its two ends.
ENDS = ("b,2026-09-01T00:00:00Z,1", "b,2026-10-01T00:00:00Z,1")
MONTHS = 30 * 86_400 / MONTH


def rate(directory: Path, *rows: str, of: str = "a", header: str = "dataset,at,reader") -> float | None:
    reads = usages(LAKE, reads_csv=written(directory, "reads.csv", header, *ENDS, *rows))[of].reads
    return None if reads is None else reads.per_month * MONTHS


def test_reads_of_many_files_by_one_reader_in_one_hour_are_one_access(tmp_path: Path) -> None:
    rows = [f"s3://lake/a/{file},2026-09-10T08:{minute:02}:00Z,ann" for file in range(9) for minute in range(60)]
    assert rate(tmp_path, *rows) == pytest.approx(1)


def test_another_reader_and_another_hour_are_another_access(tmp_path: Path) -> None:
    rows = ["a,2026-09-10T08:59:59Z,ann", "a,2026-09-10T09:00:00Z,ann", "a,2026-09-10T08:00:00Z,ben"]
    assert rate(tmp_path, *rows) == pytest.approx(3)


def test_a_figure_names_its_source_its_window_and_its_readers(tmp_path: Path) -> None:
    text = written(
        tmp_path, "reads.csv", "dataset,at,reader", *ENDS, "a,2026-09-10T08:00:00+02:00,ann", "a,2026-09-11,"
    )
    reads = usages(LAKE, reads_csv=text)["a"].reads
    assert reads is not None
    assert (reads.source, reads.readers) == ("csv reads.csv", ("ann",))
    assert (reads.since, reads.until) == (datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))


def test_what_no_log_covers_is_unknown_and_not_unused(tmp_path: Path) -> None:
    assert rate(tmp_path, of="deep/c") is None


def test_a_count_of_zero_covers_what_lies_below(tmp_path: Path) -> None:
    window = "2026-09-01,2026-10-01"
    rows = [f"s3://lake,0,{window}", f"a,12,{window}"]
    found = usages(LAKE, reads_csv=written(tmp_path, "r.csv", "dataset,count,since,until", *rows))
    figures = [found[name].reads for name in ("a", "b", "deep/c")]
    assert [reads and reads.per_month * MONTHS for reads in figures] == [pytest.approx(12), 0, 0]


def test_counts_have_the_window_of_their_own_rows(tmp_path: Path) -> None:
    rows = ["a,10,2026-01-01,2026-02-01", "a,20,2026-02-01,2026-03-02", "b,1,2025-01-01,2026-10-01"]
    reads = usages(LAKE, reads_csv=written(tmp_path, "r.csv", "dataset,count,since,until", *rows))["a"].reads
    assert reads is not None
    assert reads.per_month == pytest.approx(30 * MONTH / (60 * 86_400))


def test_several_sources_are_not_added_because_they_may_tell_of_the_same_reads(tmp_path: Path) -> None:
    header, end = "dataset,count,since,until,reader", "2026-09-01,2026-10-01"
    files = tuple(written(tmp_path, f"{n}.csv", header, f"a,{n},{end},r{n}") for n in (3, 7))
    reads = usages(LAKE, reads_csv=files)["a"].reads
    assert reads is not None
    assert reads.per_month * MONTHS == pytest.approx(7)
    assert (reads.source, reads.readers) == ("csv 7.csv", ("r3", "r7"))


def test_r2d2s_own_reads_are_left_out_and_cover_all_the_same(tmp_path: Path) -> None:
    role = "arn:aws:sts::1:assumed-role/r2d2/session"
    assert rate(tmp_path, "a,2026-09-10,r2d2", f"a,2026-09-11,{role}", "a,2026-09-12,team/r2d2") == 0
    assert rate(tmp_path, "a,2026-09-10,r2d2-fan") == pytest.approx(1)


def test_own_readers_can_be_set(tmp_path: Path) -> None:
    text = written(tmp_path, "r.csv", "dataset,at,reader", *ENDS, "a,2026-09-10,scanner-7", "a,2026-09-10,r2d2")
    reads = usages(LAKE, reads_csv=text, own=("scanner-*",))["a"].reads
    assert reads is not None
    assert reads.readers == ("r2d2",)


def test_a_window_of_no_length_is_a_problem_and_gives_no_figure(tmp_path: Path) -> None:
    found = collected(LAKE, reads_csv=written(tmp_path, "r.csv", "dataset,at", "a,2026-09-10T08:00:00Z"))
    assert [usage.reads for usage in found.usages] == [None] * 3
    assert "all its lines are of one moment" in found.problems[0].what


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("a,2026-02-30,", "line 5: '2026-02-30' is not a time"),
        ("a,0026-02-03,", "line 5: 26-02-03 can't be when something happened"),
        ("a,2096-02-03,", "line 5: 2096-02-03 can't be when something happened"),
        ("a,,", "line 5: it has neither a time"),
        (",2026-09-10,", "line 5: it names no dataset"),
        ("a,2026-09-10,x,y,z", "line 5: it has 5 cells, the header 3"),
    ],
)
def test_a_bad_line_is_named_and_what_it_may_have_told_of_is_unknown(tmp_path: Path, row: str, what: str) -> None:
    covered = "b,2026-09-02,r2d2"
    text = written(tmp_path, "r.csv", "dataset,at,reader", *ENDS, "deep/c,2026-09-03,r2d2", row, covered)
    found = collected(LAKE, reads_csv=text)
    assert what in found.problems[0].what
    assert found.problems[0].where == text
    by_id = {usage.dataset: usage.reads for usage in found.usages}
    assert by_id["deep/c"] is None, "its reads may be what the bad line told of"
    assert by_id["b"] is not None


@pytest.mark.parametrize(("count", "what"), [("-1", "not a count"), ("x", "not a count"), ("nan", "not a count")])
def test_a_count_must_be_one(tmp_path: Path, count: str, what: str) -> None:
    text = written(tmp_path, "r.csv", "dataset,count,since,until", f"a,{count},2026-01-01,2026-02-01")
    assert what in collected(LAKE, reads_csv=text).problems[0].what


def test_a_quote_that_is_never_closed_spoils_no_more_than_a_field_can_hold(tmp_path: Path) -> None:
    rows = [*ENDS, '"a,2026-09-10,x', *["b,2026-09-11,y"] * 20_000, "deep/c,2026-09-12,z"]
    found = collected(LAKE, reads_csv=written(tmp_path, "r.csv", "dataset,at,reader", *rows))
    assert "field larger than field limit" in found.problems[0].what
    assert found.usages[2].reads is not None


def test_a_problem_carries_no_credentials(tmp_path: Path) -> None:
    found = collected(LAKE, reads_csv="s3://me:hidden@bucket/logs")
    assert "hidden" not in repr(found.problems)
    assert len(found.problems) == 1


def test_many_bad_lines_are_one_problem(tmp_path: Path) -> None:
    found = collected(LAKE, reads_csv=written(tmp_path, "r.csv", "dataset,at", *["a,never"] * 1000, *ENDS[:0]))
    assert len(found.problems) == 1
    assert "line 2: 'never' is not a time" in found.problems[0].what
    assert "999 more such lines" in found.problems[0].what


def test_a_missing_file_is_a_problem_and_other_sources_go_on(tmp_path: Path) -> None:
    good = written(tmp_path, "r.csv", "dataset,at,reader", *ENDS)
    found = collected(LAKE, reads_csv=(str(tmp_path / "gone.csv"), good))
    assert [problem.where for problem in found.problems] == [str(tmp_path / "gone.csv")]
    assert found.usages[1].reads is not None


def test_a_truncated_gzip_is_a_problem_and_what_came_before_counts(tmp_path: Path) -> None:
    rows = "\n".join(["dataset,at,reader", *ENDS, *(f"deep/c,2026-09-{i % 28 + 1:02},r2d2" for i in range(99_000))])
    packed = gzip.compress(rows.encode())
    (tmp_path / "r.csv.gz").write_bytes(packed[:-50])
    found = collected(LAKE, reads_csv=str(tmp_path / "r.csv.gz"))
    assert "damaged gzip: it ends too early" in found.problems[0].what
    assert found.usages[1].reads is not None
    assert found.usages[2].reads is None, "its reads may be in what is lost"


def test_gzip_is_known_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(gzip.compress("\n".join(["dataset,at,reader", *ENDS]).encode()))
    assert usages(LAKE, reads_csv=str(tmp_path / "r"))["b"].reads is not None


def test_lines_that_name_no_dataset_are_counted(tmp_path: Path) -> None:
    rows = [f"s3://elsewhere/{i},2026-09-10,x" for i in range(5)]
    found = collected(LAKE, reads_csv=written(tmp_path, "r.csv", "dataset,at,reader", *ENDS, *rows))
    assert found.notes == ("csv r.csv: lines that name no dataset of this run: 5",)


def test_accesses_are_counted_exactly_whatever_their_order_and_number() -> None:
    accesses = Accesses()
    for turn in range(2):
        for i in range(40_000):
            accesses.add(i % 3, f"reader {i % 211}", (i * 7919 % 40_000 + turn) * HOUR + i % HOUR)
    expected = {(i % 3, i % 211, i * 7919 % 40_000 + turn) for turn in range(2) for i in range(40_000)}
    assert accesses.count() == {d: sum(1 for each in expected if each[0] == d) for d in range(3)}


def test_readers_are_named_up_to_a_number_and_it_is_said_that_there_are_more(tmp_path: Path) -> None:
    rows = [f"a,2026-09-10,reader {i:03}" for i in range(MAX_READERS + 1)]
    reads = usages(LAKE, reads_csv=written(tmp_path, "r.csv", "dataset,at,reader", *ENDS, *rows))["a"].reads
    assert reads is not None
    assert (len(reads.readers), reads.more_readers) == (MAX_READERS, True)
    assert reads.per_month * MONTHS == pytest.approx(MAX_READERS + 1)


def test_hostile_names_are_kept_as_text(tmp_path: Path) -> None:
    reader = "\ud800\x1b[31m'; DROP TABLE x --" + "y" * 10_000
    path = tmp_path / "r.csv"
    path.write_bytes(
        "\n".join(["dataset,at,reader", *ENDS, f'a,2026-09-10,"{reader}"']).encode("utf-8", "surrogatepass")
    )
    reads = usages(LAKE, reads_csv=str(path))["a"].reads
    assert reads is not None
    assert len(reads.readers[0].encode("utf-8")) < 600
