"""What a way is given, and what it gives back."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.inventory import Ints, Table
from benchmarks.meter import Window
from benchmarks.truth import Pair

_SEED, _FEWEST = 11, 20


@dataclass(frozen=True)
class Task:
    """One turn of one way on one lake.

    Attributes:
        way: name of the way.
        lake: the directory of datasets; not to be changed.
        home: the directory of the lake and its truth.
        scratch: an empty directory on the same file system, removed afterwards.
        fraction: share of the pairs that a sampled way compares.
        threads: cores.
    """

    way: str
    lake: Path
    home: Path
    scratch: Path
    fraction: float = 1.0
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)

    def to_json(self) -> str:
        """As text for the child process."""
        return json.dumps({k: str(v) if isinstance(v, Path) else v for k, v in asdict(self).items()})

    @staticmethod
    def from_json(text: str) -> Task:
        """The reverse of ``to_json``."""
        raw: dict[str, Any] = json.loads(text)
        raw |= {key: Path(raw[key]) for key in ("lake", "home", "scratch")}
        return Task(**raw)


@dataclass
class Finding:
    """What a way found in one measured window.

    Attributes:
        name: the way, or a variant of it (a second run).
        window: time and bytes.
        pairs: what it found, each pair once; None if it looks for none. Read after the window has ended.
        home: where the truth is, if not beside the task's lake.
        complete: whether all pairs were looked at; if not, ``window.seconds`` is extrapolated.
        notes: anything else worth keeping, as JSON values.
    """

    name: str
    window: Window
    pairs: Iterable[Pair] | None
    home: Path | None = None
    complete: bool = True
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Way:
    """A way to find containments, or a limit to compare them with.

    Attributes:
        name: as in tables and ``--only``.
        settings: how it is set up, in words for the reader of the table.
        measure: runs it.
        needs: modules that have to be installed.
        exact: what it decides: bags, sets, or a guess.
    """

    name: str
    settings: str
    measure: Callable[[Task], list[Finding]]
    needs: tuple[str, ...] = ()
    exact: str = "bags"


def named(tables: list[Table], pairs: Ints | Iterable[tuple[int, int]]) -> list[Pair]:
    """Pairs of indexes as pairs of ids."""
    return [(tables[parent].id, tables[child].id) for parent, child in pairs]


def sampled(tables: list[Table], pairs: list[tuple[int, int]], fraction: float) -> list[tuple[int, int]]:
    """Every n-th of the pairs in the order of their rows, from a random start: large and small ones in proportion.

    At least 20 are taken, so that what the first ones cost more is not multiplied as well.
    """
    step = max(1, min(round(1 / fraction), len(pairs) // _FEWEST))
    ordered = sorted(pairs, key=lambda pair: tables[pair[0]].rows + tables[pair[1]].rows)
    return ordered[random.Random(_SEED).randrange(step) :: step]


def extrapolate(measured: Window, metadata: Window, share: float) -> None:
    """Makes a window over a share of the pairs one over all; what finding the pairs took is in it once."""
    measured.seconds = metadata.seconds + (measured.seconds - metadata.seconds) / share
    measured.cpu = metadata.cpu + (measured.cpu - metadata.cpu) / share
