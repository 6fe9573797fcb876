"""The picture: bars of the ways on each lake, and the curves over bytes and over the number of datasets."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.summary import Row

_CURVES = {"bytes": "GB of the lake (TPC-H)", "datasets": "datasets (same bytes)"}


def draw(rows: Sequence[Row], path: Path) -> None:
    """Writes an SVG; without matplotlib it says so and writes nothing."""
    if find_spec("matplotlib") is None:
        print("no picture: matplotlib is not installed (pip install 'r2d2[bench]')")
        return
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    bars = [lake for lake in dict.fromkeys(row.lake for row in rows) if _is_bars(rows, lake)]
    curves = [group for group in _CURVES if len(_points(rows, group, "r2d2")) > 1]
    count = max(1, len(bars) + len(curves))
    figure, axes = plt.subplots(count, 1, figsize=(9, 3.2 * count), squeeze=False, layout="constrained")
    for axis, lake in zip(axes[:, 0], bars, strict=False):
        _bars(axis, lake, [row for row in rows if row.lake == lake])
    for axis, group in zip(axes[len(bars) :, 0], curves, strict=True):
        _curve(axis, group, rows)
    figure.savefig(path)
    plt.close(figure)


def _is_bars(rows: Sequence[Row], lake: str) -> bool:
    return next(row.group for row in rows if row.lake == lake) not in (*_CURVES, "fixed")


def _bars(axis: Any, lake: str, rows: Sequence[Row]) -> None:
    """Seconds on a logarithmic scale; what did not end is drawn up to its limit, and says so."""
    for position, row in enumerate(rows):
        shown = row.seconds if row.seconds is not None else _limit_of(row)
        wrong = f", {row.wrong} wrong" if row.wrong else ""
        missed = f", {row.missed} missed" if row.missed else ""
        label = row.failed.split(":")[0] if row.failed else f"{shown:.2f} s{'' if row.complete else ' (extrapolated)'}"
        axis.barh(position, shown, color="#c44" if row.failed else "#468" if row.way.startswith("r2d2") else "#aaa")
        axis.text(shown, position, f" {label}{wrong}{missed}", va="center", fontsize=8)
    axis.set_yticks(range(len(rows)), [row.way for row in rows])
    axis.invert_yaxis()
    axis.set_xscale("log")
    axis.margins(x=0.35)
    axis.set_title(f"{lake}: seconds", fontsize=10)


def _limit_of(row: Row) -> float:
    text = row.failed.removeprefix("> ").removesuffix(" s")
    return float(text) if text.replace(".", "").isdigit() else 0.1


def _points(rows: Sequence[Row], group: str, way: str) -> list[tuple[float, float]]:
    """(size, seconds) of a way on the lakes of a curve; a TPC-H lake may run for the table as well."""
    prefix = "tpch-" if group == "bytes" else "split-"
    points = [(_size(row, rows), row.seconds) for row in rows if row.lake.startswith(prefix) and row.way == way]
    return sorted((size, seconds) for size, seconds in points if seconds is not None)


def _size(row: Row, rows: Sequence[Row]) -> float:
    if row.lake.startswith("split-"):
        return float(row.lake.removeprefix("split-"))
    return max(other.lake_bytes for other in rows if other.lake == row.lake) / 1e9


def _curve(axis: Any, group: str, rows: Sequence[Row]) -> None:
    for way in dict.fromkeys(row.way for row in rows if row.lake.startswith(("tpch-", "split-"))):
        points = _points(rows, group, way)
        if len(points) > 1:
            axis.plot([x for x, _ in points], [y for _, y in points], marker="o", label=way)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel(_CURVES[group])
    axis.set_ylabel("seconds")
    axis.legend(fontsize=8)
