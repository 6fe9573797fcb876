"""What grouping a large catalog into topics takes, and what of it lasts: ``python -m benchmarks.topics_at_scale``.

A planted catalog (``--datasets``, 10,000; 20 columns each) is grouped by the stage of the main job, embeddings, look-
alikes and writing the state included; then again, in a process of its own, after 1% of its datasets have changed
(``--share``). Seconds run from the catalog being there, and Spark being up where ``--spark`` has the workers embed, to
the state being written; memory is that of all processes of the session, the making of the catalog included. Of datasets
that did not change: how alike both groupings are (adjusted Rand index of the finest topics), and how many datasets have
the topic id that they had.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.machine import memory_of_machine
from benchmarks.meter import MemoryWatch, window
from benchmarks.planted.catalogs import big_catalog
from benchmarks.planted.changing import changed
from benchmarks.planted.planted import Planted
from benchmarks.planted.scores import adjusted_rand_index
from r2d2.catalog.state import open_state
from r2d2.config import SemanticsSettings, Settings
from r2d2.garbage import rare_collections
from r2d2.lake.session import build_session
from r2d2.semantics.entities.entities import Catalog
from r2d2.semantics.topics.kept import members_kept
from r2d2.semantics.topics.stage import group_run

FIRST, AGAIN = "first", "again"


@dataclass(frozen=True)
class Turn:
    """What one process measured."""

    seconds: float
    cpu: float
    columns: int
    topics: int


def catalogs(datasets: int, share: float, seed: int) -> dict[str, Planted]:
    """The catalog, and what became of it."""
    before = big_catalog(datasets, seed)
    return {FIRST: before, AGAIN: changed(before, share, seed + 1)}


def turn(name: str, catalog: Planted, directory: Path, spark: bool) -> Turn:
    """Groups one catalog in this process."""
    given = Catalog(catalog.datasets, catalog.pairs, catalog.duplicates, [*catalog.usages.values()])
    session = build_session(Settings().spark) if spark else None
    settings = SemanticsSettings(embed_on="spark" if spark else "driver")
    with window() as measured:
        state = open_state(str(directory), create=True)
        with state.locked(), rare_collections():  # as the main job does
            made = group_run(state, name, given, settings, spark=(lambda: session) if session else None)
    if session:
        session.stop()
    columns = sum(len(dataset.leaves) for dataset in catalog.datasets)
    return Turn(measured.seconds, measured.cpu, columns, len(made.topics))


def lasted(found: dict[str, Planted], directory: Path) -> tuple[float, float]:
    """The index, and the share of datasets whose topic has the id that it had; of datasets that did not change."""
    before = {dataset.id: dataset for dataset in found[FIRST].datasets}
    same = [dataset.id for dataset in found[AGAIN].datasets if before.get(dataset.id) == dataset]
    state = open_state(str(directory))
    first, again = ({m.dataset: m.topic for m in members_kept(state, name)} for name in (FIRST, AGAIN))
    pairs = [(first[name], again[name]) for name in same]
    ari = adjusted_rand_index([one for one, _ in pairs], [two for _, two in pairs])
    return ari, sum(one == two for one, two in pairs) / len(pairs)


def watched(arguments: list[str]) -> tuple[Turn, int]:
    """A turn in a session of its own, and the most memory that it had."""
    command = [sys.executable, "-m", "benchmarks.topics_at_scale", *arguments]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True, text=True)
    watch = MemoryWatch(child.pid, memory_of_machine())
    watch.start()
    told, _ = child.communicate()
    watch.stop()
    if child.returncode:
        raise SystemExit(child.returncode)
    return Turn(**json.loads(told.splitlines()[-1])), watch.peak


def main() -> None:
    """Both turns and what lasted, or one turn where the first process asks for it."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--datasets", type=int, default=10_000)
    parser.add_argument("--share", type=float, default=0.01, help="of the datasets that change (default: 0.01)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--spark", action="store_true", help="as a job: Spark's workers embed")
    parser.add_argument("--turn", choices=(FIRST, AGAIN), help=argparse.SUPPRESS)
    parser.add_argument("--state", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    found = catalogs(given.datasets, given.share, given.seed)
    if given.turn:
        print(json.dumps(asdict(turn(given.turn, found[given.turn], given.state, given.spark))))
        return
    with tempfile.TemporaryDirectory() as name:
        for each in (FIRST, AGAIN):
            measured, peak = watched([*sys.argv[1:], "--turn", each, "--state", name])
            print(
                f"{each}: {len(found[each].datasets):,} datasets, {measured.columns:,} columns, "
                f"{measured.topics} topics: {measured.seconds:.1f} s, {measured.cpu:.1f} CPU s, {peak / 1e9:.2f} GB",
                flush=True,
            )
        ari, same = lasted(found, Path(name))
    print(f"unchanged datasets: adjusted Rand index {ari:.4f}, {same:.2%} with the topic id that they had")


if __name__ == "__main__":
    main()
