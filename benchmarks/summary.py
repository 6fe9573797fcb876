"""From turns to the table: medians, ratios to the limit and to r2d2."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Point:
    """What a run with a limit saved: shares of what a full run saves, of the most that is possible, in hindsight."""

    limit: str
    saved: float
    ceiling: float
    hindsight: float


@dataclass(frozen=True)
class Row:
    """A way on a lake, in the median of its turns.

    Attributes:
        seconds: None where it did not end, see ``failed``.
        cpu: seconds that all cores worked.
        peak: bytes of memory, all processes; of the whole child process.
        read: bytes asked of ``read`` within the window.
        right, wrong, missed: pairs, of the worst turn; None where it looks for none, or for a part of them.
        to_limit, to_r2d2: ratios of medians.
        lake_bytes: of the datasets in candidate pairs, where the limit says so.
        curve: of a way with limits: what each saved, as shares of the final saving, medians.
    """

    lake: str
    group: str
    way: str
    turns: int
    seconds: float | None
    cpu: float | None
    peak: int
    read: int
    right: int | None
    wrong: int | None
    missed: int | None
    complete: bool
    failed: str
    to_limit: float | None = None
    to_r2d2: float | None = None
    lake_bytes: int = 0
    curve: tuple[Point, ...] = ()


def summarise(turns: Sequence[dict[str, Any]]) -> list[Row]:
    """One row for each way on each lake, in the order in which they ran."""
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for turn in turns:
        grouped[turn["lake"], turn["way"]].append(turn)
    rows = [_row(entries) for entries in grouped.values()]
    seconds = {(row.lake, row.way): row.seconds for row in rows}
    return [_with_ratios(row, seconds) for row in rows]


def _row(turns: Sequence[dict[str, Any]]) -> Row:
    first = turns[0]
    ended = [turn for turn in turns if not turn.get("failed")]
    failed = next((turn["failed"] for turn in turns if turn.get("failed")), "")
    return Row(
        lake=first["lake"],
        group=first["group"],
        way=first["way"],
        turns=len(ended),
        seconds=statistics.median(turn["seconds"] for turn in ended) if ended and not failed else None,
        cpu=statistics.median(turn["cpu"] for turn in ended) if ended and not failed else None,
        peak=max(turn["peak"] for turn in turns),
        read=int(statistics.median(turn["bytes_read"] for turn in ended)) if ended else 0,
        right=_worst(ended, "right", min),
        wrong=_worst(ended, "wrong", max),
        missed=_worst(ended, "missed", max),
        complete=all(turn["complete"] for turn in ended),
        failed=failed,
        lake_bytes=max((turn["notes"].get("bytes", 0) for turn in ended), default=0),
        curve=tuple(map(_point, zip(*(turn["notes"].get("curve", ()) for turn in ended), strict=True))),
    )


def _point(points: Sequence[dict[str, Any]]) -> Point:
    saved, ceiling, hindsight = (
        statistics.median(point[key] for point in points) for key in ("saved", "ceiling", "hindsight")
    )
    return Point(points[0]["limit"], saved, ceiling, hindsight)


def _worst(turns: Sequence[dict[str, Any]], key: str, worst: Any) -> int | None:
    values = [turn[key] for turn in turns if turn.get(key) is not None]
    return int(worst(values)) if values else None


def _with_ratios(row: Row, seconds: dict[tuple[str, str], float | None]) -> Row:
    limit, product = seconds.get((row.lake, "limit")), seconds.get((row.lake, "r2d2"))
    return replace(
        row,
        to_limit=row.seconds / limit if row.seconds and limit else None,
        to_r2d2=row.seconds / product if row.seconds and product else None,
    )


_HEAD = ("way", "seconds", "cpu s", "peak MB", "read MB", "right", "wrong", "missed", "x limit", "x r2d2")


def table_text(rows: Sequence[Row]) -> str:
    """The table, a block for each lake."""
    lines = []
    for lake in dict.fromkeys(row.lake for row in rows):
        lines += ["", lake, "  ".join(_cells(_HEAD))]
        lines += ["  ".join(_cells(_texts(row))) for row in rows if row.lake == lake]
        lines += [_saved(row, point) for row in rows if row.lake == lake for point in row.curve]
    return "\n".join(lines[1:])


def _texts(row: Row) -> tuple[str, ...]:
    seconds = row.failed.split(":")[0] if row.failed else f"{row.seconds:.2f}{'' if row.complete else ' est.'}"
    counts = ("-" if n is None else f"{n:,}" for n in (row.right, row.wrong, row.missed))
    ratios = ("-" if r is None else f"{r:.2f}" for r in (row.to_limit, row.to_r2d2))
    cpu = "-" if row.cpu is None else f"{row.cpu:.2f}"
    return (row.way, seconds, cpu, f"{row.peak / 1e6:,.0f}", f"{row.read / 1e6:,.0f}", *counts, *ratios)


def _saved(row: Row, point: Point) -> str:
    told = f"{point.saved:.0%} of the final saving (in hindsight {point.hindsight:.0%}, at most {point.ceiling:.0%})"
    return f"{row.way}: with {point.limit} read {told}"


def _cells(texts: Sequence[str]) -> list[str]:
    return [f"{texts[0]:<16}", *(f"{text:>11}" for text in texts[1:])]
