"""Which join decides a pair: one of an earlier run, one of kept hashes, or one that reads the files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from r2d2.containment.join import JoinResult
from r2d2.containment.join_kept import Side
from r2d2.containment.request import Request
from r2d2.containment.scanner import Scanner, measure_key
from r2d2.containment.sketch import Sketch
from r2d2.containment.views import Pair

#: Decides pairs by a join: ``join.join_pairs`` with session, datasets and settings, or a loop without Spark in tests.
Joiner = Callable[[Sequence[Pair], dict[int, str]], dict[Pair, JoinResult]]

#: The same by hashes that are at hand, with the sketches that hold all rows: ``join_kept.KeptJoin``.
KeptJoiner = Callable[[Sequence[Pair], Mapping[Side, Sketch], dict[int, str]], dict[Pair, JoinResult]]


class VerdictCache(Protocol):
    """Results of earlier joins by key; ``catalog.state`` keeps them in a Delta table."""

    def verdicts(self, keys: Iterable[str]) -> dict[str, JoinResult]:
        """Those of the keys that are known."""

    def add_verdicts(self, verdicts: Mapping[str, JoinResult]) -> None:
        """Keeps results for later runs."""


@dataclass(frozen=True)
class Joined:
    """What joins read: pairs that went to them, and the files and bytes of their datasets."""

    pairs: int = 0
    files: int = 0
    bytes: int = 0

    def __add__(self, other: Joined) -> Joined:
        return Joined(self.pairs + other.pairs, self.files + other.files, self.bytes + other.bytes)


@dataclass(frozen=True)
class Joins:
    """The joins of a run.

    Attributes:
        join: by hashes, from the files.
        compare: by values, where that is asked for.
        join_kept: by the hashes that scans kept, where they did.
    """

    scanner: Scanner
    join: Joiner
    cache: VerdictCache
    compare: Joiner | None = None
    join_kept: KeptJoiner | None = None

    def by_hashes(
        self, asked: Sequence[Pair], sketches: Mapping[Side, Sketch]
    ) -> tuple[dict[Pair, JoinResult], Joined]:
        """The answers of the join by hashes, earlier ones among them; pairs of datasets that can't be read have none.

        Args:
            sketches: of sides: those that hold all their rows.
        """
        return self._joined(asked, self.join, "join", sketches)

    def by_values(self, asked: Sequence[Pair]) -> tuple[dict[Pair, JoinResult], Joined]:
        """The same by the values themselves."""
        assert self.compare is not None
        return self._joined(asked, self.compare, "values", {})

    def _joined(
        self, asked: Sequence[Pair], join: Joiner, by: str, sketches: Mapping[Side, Sketch]
    ) -> tuple[dict[Pair, JoinResult], Joined]:
        keys = {
            pair: self._verdict_key(pair, by)
            for pair in asked
            if not {pair.parent, pair.child} & self.scanner.failed.keys()
        }
        known = self.cache.verdicts(keys.values())
        missing = [pair for pair, key in keys.items() if key not in known]
        fresh = self._by_kept(missing, sketches) if by == "join" else {}
        rest = [
            pair for pair in missing if pair not in fresh and not {pair.parent, pair.child} & self.scanner.failed.keys()
        ]
        fresh |= join(rest, self.scanner.failed)
        self.scanner.look_again({index for pair in rest for index in (pair.parent, pair.child)})
        fresh = {p: result for p, result in fresh.items() if not {p.parent, p.child} & self.scanner.failed.keys()}
        self.cache.add_verdicts({keys[pair]: found for pair, found in fresh.items()})
        rows = sum(self.scanner.datasets[i].bytes for i in {i for pair in missing for i in (pair.parent, pair.child)})
        read = {i: self.scanner.datasets[i] for pair in rest for i in (pair.parent, pair.child)}
        joined = Joined(len(missing), sum(len(d.files) for d in read.values()), sum(d.bytes for d in read.values()))
        self.scanner.budget.charge(joined.bytes, rows)
        return fresh | {pair: known[key] for pair, key in keys.items() if key in known}, joined

    def decided(self, pairs: Sequence[Pair], by: str) -> set[Pair]:
        """Those of the pairs that a join decided before, by "join" or by "values"."""
        keys = {pair: self._verdict_key(pair, by) for pair in pairs}
        known = self.cache.verdicts(keys.values())
        return {pair for pair, key in keys.items() if key in known}

    def reads(self, pair: Pair, sketches: Mapping[Side, Sketch]) -> tuple[int, ...]:
        """The datasets whose files a join of the pair by hashes reads."""
        return () if self._at_hand(pair, sketches) else (pair.parent, pair.child)

    def _at_hand(self, pair: Pair, sketches: Mapping[Side, Sketch]) -> bool:
        """Whether the parent's hashes are kept, and the child's are kept or all in its sketch."""
        kept, child = self.scanner.kept, (pair.child, pair.projection)
        parent = (pair.parent, pair.projection) in kept
        return self.join_kept is not None and parent and (child in kept or child in sketches)

    def _by_kept(self, pairs: Sequence[Pair], sketches: Mapping[Side, Sketch]) -> dict[Pair, JoinResult]:
        """Results of pairs whose hashes are at hand: the parent's kept, the child's kept or all in its sketch."""
        if self.join_kept is None:
            return {}
        chosen = [pair for pair in pairs if self._at_hand(pair, sketches)]
        return self.join_kept(chosen, sketches, self.scanner.failed)

    def _verdict_key(self, pair: Pair, by: str) -> str:
        request, keys = Request(pair.projection), self.scanner.keys
        sides = [
            measure_key(keys[index], request, self.scanner.settings.case_sensitive, self.scanner.by)
            for index in (pair.parent, pair.child)
        ]
        return hashlib.sha256("\n".join([*sides, by]).encode("ascii")).hexdigest()
