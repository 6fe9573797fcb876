"""Runs the benchmark: ``python -m benchmarks.run [--small] [--only NAME ...] [--turns N]``; see ``README.md`` here."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.lakes import Lake, real_lakes, recipes
from benchmarks.machine import Limits, memory_of_machine, run_turn
from benchmarks.picture import draw
from benchmarks.summary import summarise, table_text
from benchmarks.task import Way
from benchmarks.ways.registry import all_ways, missing

_DEFAULT_DIR = Path("build/bench")
#: Which ways run on which groups of lakes; a group that is not here has all.
_WAYS = {
    "fixed": ("r2d2",),
    "bytes": ("limit", "r2d2"),
    "datasets": ("limit", "r2d2"),
    "zipf": ("limit", "r2d2", "r2d2-value"),
}
#: Ways that run on the groups above only that name them.
_NAMED = ("r2d2-value",)
#: Brute force with Spark takes hours: the share of the pairs that it compares, by way and group.
_FRACTIONS = {("brute-spark", "tpch"): 0.05, ("brute-spark", "small_tables"): 0.1, ("brute-spark", "snapshots"): 1e-4}


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds the lakes, runs the ways in interleaved turns, and writes table, ``results.json`` and ``results.svg``."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the turn that runs is ended, too
    options.out = options.out or options.dir
    options.out.mkdir(parents=True, exist_ok=True)
    options.dir.mkdir(parents=True, exist_ok=True)
    ways = [way for way in all_ways() if _asked(options.only, way.name, [w.name for w in all_ways()])]
    runnable = [way for way in ways if not _report_missing(way)]
    results: list[dict[str, Any]] = []
    for lake in _lakes(options, runnable):
        results += _turns(lake, _ways_for(lake.group, runnable), options)
        content = {"machine": _machine(), "settings": _settings(ways, options), "turns": results}
        (options.out / "results.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    rows = summarise(results)
    print(table_text(rows))
    draw(rows, options.out / "results.svg")
    print(f"written: {options.out / 'results.json'}, {options.out / 'results.svg'}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--small", action="store_true", help="small lakes: a few minutes, to try it")
    parser.add_argument("--only", action="append", default=[], help="a lake, a group of lakes or a way; repeatable")
    parser.add_argument("--turns", type=int, default=3, help="turns of each way on each lake (default 3)")
    parser.add_argument("--dir", type=Path, default=_DEFAULT_DIR, help=f"where lakes are kept (default {_DEFAULT_DIR})")
    parser.add_argument("--lakes", type=Path, help="a directory of further lakes: NAME/lake and NAME/truth.json")
    parser.add_argument("--rival-seconds", type=float, default=1800, help="a turn is ended after that (default 1800)")
    shares = "share of the pairs that brute-duckdb or brute-spark compares, its time then multiplied; repeatable"
    parser.add_argument("--fraction", action="append", default=[], metavar="WAY=SHARE", help=shares)
    parser.add_argument("--out", type=Path, help="where results go (default: --dir)")
    return parser


def _ways_for(group: str, ways: Sequence[Way]) -> list[Way]:
    others = [way.name for way in ways if way.name not in _NAMED]
    return [way for way in ways if way.name in _WAYS.get(group, others)]


def _lakes(options: argparse.Namespace, ways: Sequence[Way]) -> list[Lake]:
    """The lakes asked for, built where they are missing. One shared by two groups runs once, one without ways never."""
    known = recipes(options.small)
    names = [name for recipe in known for name in (recipe.name, recipe.group)]
    real = real_lakes(options.lakes) if options.lakes else []
    names += [name for lake in real for name in (lake.name, lake.group)]
    lakes: dict[str, Lake] = {}
    for recipe in (recipe for recipe in known if _ways_for(recipe.group, ways)):
        if any(_asked(options.only, name, names) for name in (recipe.name, recipe.group)) and recipe.name not in lakes:
            _say(f"lake {recipe.name}")
            lakes[recipe.name] = recipe.ready(options.dir)
    lakes |= {lake.name: lake for lake in real if any(_asked(options.only, n, names) for n in (lake.name, "real"))}
    return list(lakes.values())


def _asked(only: Sequence[str], name: str, names: Sequence[str]) -> bool:
    """Whether a name is asked for: it is named, or none of its kind is."""
    return name in only or not set(only) & set(names)


def _report_missing(way: Way) -> bool:
    absent = missing(way)
    if absent:
        _say(f"{way.name} is left out: {', '.join(absent)} not installed (pip install 'r2d2[bench]')")
    return bool(absent)


def _turns(lake: Lake, ways: Sequence[Way], options: argparse.Namespace) -> list[dict[str, Any]]:
    """All turns on a lake, the ways one after the other in each; a way that ran out of time gets no further turn."""
    limits = Limits(options.rival_seconds, int(memory_of_machine() * 0.7))
    rows: list[dict[str, Any]] = []
    failed: set[str] = set()
    for turn in range(options.turns):
        for way in ways:
            if way.name in failed:
                continue
            found = run_turn(lake, way.name, _fraction(lake, way.name, options), options.dir, limits)
            for row in found:
                rows.append({"lake": lake.name, "group": lake.group, "turn": turn} | row)
                _say(f"{lake.name} turn {turn + 1}: {_line(row)}")
                if row.get("failed"):
                    failed.add(way.name)
    return rows


def _fraction(lake: Lake, way: str, options: argparse.Namespace) -> float:
    asked = dict(text.split("=") for text in options.fraction)
    return float(asked.get(way, 1.0 if options.small else _FRACTIONS.get((way, lake.group), 1.0)))


def _line(row: dict[str, Any]) -> str:
    if row.get("failed"):
        return f"{row['way']} {row['failed']}"
    pairs = f", {row['right']} right, {row['wrong']} wrong, {row['missed']} missed" if "right" in row else ""
    estimated = "" if row["complete"] else " (extrapolated)"
    work = f"{row['cpu']:.1f} s of work, {row['peak'] / 1e6:,.0f} MB"
    return f"{row['way']} {row['seconds']:.2f} s{estimated}, {work}{pairs}"


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "memory": memory_of_machine(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _settings(ways: Sequence[Way], options: argparse.Namespace) -> dict[str, Any]:
    return {
        "turns": options.turns,
        "rival_seconds": options.rival_seconds,
        "ways": {way.name: {"settings": way.settings, "exact": way.exact} for way in ways},
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
