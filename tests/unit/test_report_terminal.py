from __future__ import annotations

from dataclasses import replace

import pytest

from r2d2.model.funnel import Funnel, StageFigures
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.report.terminal import funnel_lines, retire_lines
from r2d2.units import human_bytes, human_seconds, money, percent

FUNNEL = Funnel(
    datasets=70, usable=67, unusable={"empty": 1, "unsupported": 2}, classes=13, pairs=4422, candidates=1474,
    after_minmax=737,
    proven={"box": 46, "digest": 60}, refuted={"join": 23}, groups=7, edges=46,
    bytes_saved=1_002_000_000, money_saved=20.76,
    stages=(StageFigures("discover", 2.31, 1_250_000, 212), StageFigures("scan", 69.4, 1_312_000_000, 1_212)),
)  # fmt: skip


def test_the_funnel_is_printed_aligned_in_human_units() -> None:
    assert funnel_lines(FUNNEL) == [
        "  datasets                 70  3 take no part: 2 unsupported, 1 empty",
        "  schema classes           13",
        "  pairs                 4,422",
        "  schema fits           1,474  33% of the pairs",
        "  left by min-max         737  50% of those",
        "  proven                  106  by digest 60, box 46",
        "  refuted                  23  by join 23",
        "  duplicate groups          7",
        "  edges                    46  after transitive reduction",
        "  can be saved        1.00 GB  20.76 USD a month",
        "",
        "  stage                     time     read  files",
        "  discover                 2.3 s  1.25 MB    212",
        "  scan                 1 min 9 s  1.31 GB  1,212",
        "  all                 1 min 12 s  1.31 GB  1,424",
    ]


def test_undecided_pairs_have_a_line_only_if_there_are_any() -> None:
    assert not any("undecided" in line for line in funnel_lines(FUNNEL))
    assert any("undecided" in line for line in funnel_lines(Funnel(undecided=3)))


def test_what_a_limit_left_is_said_with_the_limit_and_what_to_do() -> None:
    funnel = Funnel(
        datasets=9, usable=7, unusable={"unread": 2}, undecided=16, not_compared={"limit": 12, "value": 3},
        limit="max_bytes", stages=(StageFigures("scan", 1.0, 5, 1),),
    )  # fmt: skip
    lines = [" ".join(line.split()) for line in funnel_lines(funnel)]
    assert "undecided 1 stay plausible and lead to nothing" in lines
    assert "not worth it 3 could not save money (--goal value): not compared" in lines
    assert "not compared 12 for lack of bytes (--max-bytes): the same command goes on from here" in lines
    assert "datasets unread 2 for lack of bytes (--max-bytes): the same command goes on from here" in lines
    stuck = [" ".join(line.split()) for line in funnel_lines(replace(funnel, stages=(), limit="time_limit"))]
    assert "not compared 12 for lack of time (--time-limit): the limit is too small for any more: raise it" in stuck


def test_a_run_without_limits_says_nothing_of_them() -> None:
    assert not any("lack" in line or "worth" in line for line in funnel_lines(FUNNEL))


def test_shared_pairs_have_a_line_only_if_there_are_any() -> None:
    assert not any("shared" in line for line in funnel_lines(FUNNEL))
    line = "  shared                3  hold files in common: not compared, neither is retired"
    assert line in funnel_lines(Funnel(shared=3))


def test_a_funnel_of_an_older_version_counts_what_takes_no_part_without_saying_why() -> None:
    assert funnel_lines(Funnel(datasets=70, usable=67))[0].endswith(" 70  3 take no part")


def test_an_empty_funnel_prints() -> None:
    assert funnel_lines(Funnel())[-1] == "  can be saved        0 B  0.00 USD a month"


def retired(name: str, parent: str) -> PlannedDataset:
    return PlannedDataset(name, Action.RETIRE, parent, 1.5, 0.1, 61.0, "")


def plan(*datasets: PlannedDataset) -> Plan:
    return Plan(datasets, 0.0, 0, "HiGHS", True)


def test_what_to_retire_first_is_said_with_the_way_in_which_each_pair_was_proven() -> None:
    ways = {("whole", "part"): "box", ("part", "cell"): "implied"}
    kept = PlannedDataset("whole", Action.KEEP, None, 0.0, 0.0, 0.0, "")
    lines = retire_lines(
        plan(kept, retired("part", "whole"), retired("cell", "part")), lambda parent, child: ways[parent, child]
    )
    assert [line.split() for line in lines[1:]] == [
        ["part", "whole", "box", "1.50", "USD", "1", "min", "1", "s"],
        ["cell", "part", "implied", "1.50", "USD", "1", "min", "1", "s"],
    ]


def test_how_is_asked_for_what_is_printed_only_and_the_rest_is_counted() -> None:
    asked = []

    def how(parent: str, child: str) -> str:
        asked.append((parent, child))
        return "join"

    lines = retire_lines(plan(*(retired(f"c{i}", "p") for i in range(1200))), how, most=3)
    assert asked == [("p", "c0"), ("p", "c1"), ("p", "c2")]
    assert lines[-1] == "  and 1,197 more (`r2d2 plan` lists them all)"


def test_a_plan_that_retires_nothing_says_where_the_reasons_are() -> None:
    (line,) = retire_lines(plan(), lambda parent, child: "")
    assert "r2d2 plan" in line


def test_terminal_escapes_are_spelled_out() -> None:
    lines = funnel_lines(
        Funnel(
            proven={"\x1b[31m": 1},
            unusable={"\x1b": 2},
            datasets=2,
            currency="\x07",
            stages=(StageFigures("\x1b]0;x", 1.0),),
        )
    )
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (999_949, "1.00 MB"),
        (12_345_678, "12.3 MB"),
        (10**21, "1,000 EB"),
    ],
)
def test_bytes(size: int, text: str) -> None:
    assert human_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.042, "0.042 s"), (1.24, "1.2 s"), (59.6, "1 min 0 s"), (3661, "1 h 1 min"), (10**6, "11 days 13 h"),
     (float("inf"), "unknown")],
)  # fmt: skip
def test_seconds(seconds: float, text: str) -> None:
    assert human_seconds(seconds) == text


@pytest.mark.parametrize(
    ("amount", "text"), [(0.0, "0.00 X"), (1234.5, "1,234.50 X"), (0.00123, "0.0012 X"), (-0.004, "-0.0040 X")]
)
def test_money(amount: float, text: str) -> None:
    assert money(amount, "X") == text


def test_a_share_is_never_rounded_to_all_or_nothing() -> None:
    assert [percent(p, 1000) for p in (0, 1, 500, 999, 1000)] == ["0%", "<1%", "50%", ">99%", "100%"]


def test_what_people_want_to_keep_is_not_among_what_to_retire_first() -> None:
    lines = retire_lines(plan(*(retired(f"c{i}", "p") for i in range(5))), lambda *_: "", most=3, rejected=["c0", "c3"])
    assert [line.split()[0] for line in lines[1:-1]] == ["c1", "c2", "c4"]
    assert lines[-1] == "  and 2 more that would save money but were rejected"
    lines = retire_lines(plan(retired("c0", "p")), lambda *_: "", rejected=["c0"])
    assert lines[-1] == "  and 1 more that would save money but was rejected"
