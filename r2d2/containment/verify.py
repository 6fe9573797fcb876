"""Verification: every plausible pair is proven or refuted by a comparison of every row (DESIGN 5).

One scan of each dataset in a pair answers all its requests; then pairs are decided cheapest way first; what follows
from proven edges is not compared again; the join decides the rest.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from r2d2.config import ContainmentSettings
from r2d2.containment.box import box_of, describe
from r2d2.containment.decide import UNDECIDED, Verdict, decide, times
from r2d2.containment.join import JoinResult
from r2d2.containment.request import Request, Term
from r2d2.containment.scanner import Measure, Scanner, measure_key
from r2d2.containment.sketch import threshold
from r2d2.containment.views import Pair, Views, node_edges
from r2d2.model.dataset import Dataset, Leaf, LeafPath
from r2d2.model.edge import Grade, Projection

#: Decides pairs by a join: ``join.join_pairs`` with session, datasets and settings, or a loop without Spark in tests.
Joiner = Callable[[Sequence[Pair], dict[int, str]], dict[Pair, JoinResult]]


class VerdictCache(Protocol):
    """Results of earlier joins by key; ``catalog.state`` keeps them in a Delta table."""

    def verdicts(self, keys: Iterable[str]) -> dict[str, JoinResult]:
        """Those of the keys that are known."""

    def add_verdicts(self, verdicts: Mapping[str, JoinResult]) -> None:
        """Keeps results for later runs."""


@dataclass(frozen=True)
class Joined:
    """What the join read: pairs that went to it, and the files and bytes of their datasets."""

    pairs: int
    files: int
    bytes: int


@dataclass
class Verification:
    """What verification found: a verdict and a box for each pair, and the datasets that could not be read."""

    verdicts: dict[Pair, Verdict] = field(default_factory=dict)
    boxes: dict[Pair, tuple[Term, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Verifier:
    """Everything that verification needs besides the pairs."""

    datasets: Sequence[Dataset]
    leaves: Sequence[Mapping[LeafPath, Leaf]]
    views: Views
    settings: ContainmentSettings
    scanner: Scanner
    join: Joiner
    cache: VerdictCache

    def scan(self, pairs: Sequence[Pair]) -> Verification:
        """Decides what one scan of each dataset can decide."""
        result = Verification(boxes=self._boxes(pairs))
        wanted: dict[int, dict[Request, None]] = defaultdict(dict)
        for pair in pairs:
            for index, request in self._requests(pair, result.boxes.get(pair, ())):
                wanted[index][request] = None
        measures = self.scanner.measure({index: list(requests) for index, requests in wanted.items()})
        for pair in pairs:
            result.verdicts[pair] = self._decide(pair, result.boxes.get(pair, ()), measures)
        return result

    def join_rest(self, result: Verification) -> Joined:
        """Decides what the scan left open: by what proven edges imply, then by the join."""
        self._imply(result)
        keys = {
            pair: self._verdict_key(pair)
            for pair, verdict in result.verdicts.items()
            if verdict is UNDECIDED and not {pair.parent, pair.child} & self.scanner.failed.keys()
        }
        known = self.cache.verdicts(keys.values())
        missing = [pair for pair, key in keys.items() if key not in known]
        fresh = self.join(missing, self.scanner.failed)
        self.cache.add_verdicts({keys[pair]: found for pair, found in fresh.items()})
        for pair, key in keys.items():
            found = fresh.get(pair) or known.get(key)
            if found is not None:
                result.verdicts[pair] = _join_verdict(found, self.datasets[pair.child].rows or 0)
        for pair in result.verdicts:
            if pair.parent in self.scanner.failed or pair.child in self.scanner.failed:
                result.verdicts[pair] = Verdict(Grade.CANDIDATE, "", "a side could not be read as one whole version")
        read = {
            self.datasets[index].id: self.datasets[index] for pair in missing for index in (pair.parent, pair.child)
        }
        return Joined(len(missing), sum(len(d.files) for d in read.values()), sum(d.bytes for d in read.values()))

    def _boxes(self, pairs: Sequence[Pair]) -> dict[Pair, tuple[Term, ...]]:
        """Boxes of pairs, of the largest children first, at most ``boxes_per_scan`` different ones for a parent."""
        asked: dict[int, set[tuple[Projection, tuple[Term, ...]]]] = defaultdict(set)
        boxes = {}
        for pair in sorted(pairs, key=lambda p: (-(self.datasets[p.child].rows or 0), p.parent, p.child)):
            if self._tiny(pair.parent):
                continue
            box = box_of(pair.projection, self.leaves[pair.child], self.leaves[pair.parent])
            taken = asked[pair.parent]
            if box and (len(taken) < self.settings.boxes_per_scan or (pair.projection, box) in taken):
                taken.add((pair.projection, box))
                boxes[pair] = box
        return boxes

    def _tiny(self, index: int) -> bool:
        """Whether sketches hold all rows of the dataset and of whatever it contains: no box can add to that."""
        return (self.datasets[index].rows or 0) <= self.settings.sketch_size

    def _requests(self, pair: Pair, box: tuple[Term, ...]) -> list[tuple[int, Request]]:
        requests = [(pair.child, self._whole(pair.child, pair)), (pair.parent, self._whole(pair.parent, pair))]
        if box:
            boxed = Request(pair.projection, 0, box)
            requests += [(pair.parent, boxed), (pair.child, boxed)]
        return requests

    def _whole(self, index: int, pair: Pair) -> Request:
        return Request(pair.projection, threshold(self.datasets[index].rows or 0, self.settings.sketch_size))

    def _decide(self, pair: Pair, box: tuple[Term, ...], measures: Mapping[tuple[int, Request], Measure]) -> Verdict:
        child = measures.get((pair.child, self._whole(pair.child, pair)))
        parent = measures.get((pair.parent, self._whole(pair.parent, pair)))
        if child is None or parent is None:
            return UNDECIDED
        boxed = Request(pair.projection, 0, box)
        inside = measures.get((pair.parent, boxed)) if box else None
        own = measures.get((pair.child, boxed)) if box else None
        typed = not self.datasets[pair.child].has_views
        return decide(child, parent, box, inside, own, typed)

    def _imply(self, result: Verification) -> None:
        """Marks open pairs that a path of proven edges gives."""
        proven = [pair for pair, verdict in result.verdicts.items() if verdict.grade is Grade.PROVEN]
        nodes, edges = node_edges(self.views, proven)
        index = {node: i for i, node in enumerate(nodes)}
        wanted: dict[int, list[tuple[Pair, int]]] = defaultdict(list)
        for pair in [pair for pair, verdict in result.verdicts.items() if verdict is UNDECIDED]:
            target = index.get(self.views.child(pair.child, pair.projection))
            starts = {index[node] for node in self.views.parents(pair.parent, pair.projection) if node in index}
            if target is not None:
                for start in starts:
                    wanted[start].append((pair, target))
        for start, asked in wanted.items():
            below = _below(start, edges)
            for pair, target in asked:
                if target in below:
                    rows = self.datasets[pair.child].rows
                    reason = f"all {rows} rows compared: it follows from proven containments"
                    result.verdicts[pair] = Verdict(Grade.PROVEN, "implied", reason)

    def _verdict_key(self, pair: Pair) -> str:
        parts = (
            measure_key(self.scanner.keys[pair.parent], Request(pair.projection), self.settings.case_sensitive),
            measure_key(self.scanner.keys[pair.child], Request(pair.projection), self.settings.case_sensitive),
        )
        return hashlib.sha256("\n".join(parts).encode("ascii")).hexdigest()


def box_text(box: Sequence[Term]) -> str:
    """The box for people, cell values masked."""
    return describe(box, show_values=False)


def _join_verdict(found: JoinResult, rows: int) -> Verdict:
    if found.lacking == 0:
        return Verdict(Grade.PROVEN, "join", f"all {rows} rows compared one by one")
    witness = found.witness
    assert witness is not None, "a lacking row is its own witness"
    reason = (
        f"{found.lacking} of its distinct rows are missing or too rare in the other; one that it holds "
        f"{times(witness.in_child)} is there {times(witness.in_parent)}"
    )
    return Verdict(Grade.REFUTED, "join", reason, witness)


def _below(start: int, edges: Mapping[int, set[int]]) -> set[int]:
    """Everything that paths from ``start`` lead to."""
    seen: set[int] = set()
    stack = [start]
    while stack:
        fresh = edges.get(stack.pop(), set()) - seen
        seen |= fresh
        stack += fresh
    return seen
