"""Verification: every plausible pair is proven or refuted by a comparison of every row (DESIGN 5).

One scan of each dataset in a pair answers all its requests; then pairs are decided cheapest way first; what follows
from proven edges is not compared again; the join decides the rest.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from r2d2.config import ContainmentSettings
from r2d2.containment.box import box_of, describe
from r2d2.containment.decide import UNDECIDED, Verdict, decide, times
from r2d2.containment.join import JoinResult
from r2d2.containment.request import Request, Term
from r2d2.containment.scanner import Measure, Scanner, measure_key
from r2d2.containment.sketch import threshold
from r2d2.containment.spanning import spanning_pairs
from r2d2.containment.views import Pair, Views, node_edges
from r2d2.model.dataset import Dataset, Leaf, LeafPath
from r2d2.model.edge import Grade, Projection

#: Decides pairs by a join: ``join.join_pairs`` with session, datasets and settings, or a loop without Spark in tests.
Joiner = Callable[[Sequence[Pair], dict[int, str]], dict[Pair, JoinResult]]


_FOLLOWS = "it follows from containments whose rows were compared by their values"


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

    def __add__(self, other: Joined) -> Joined:
        return Joined(self.pairs + other.pairs, self.files + other.files, self.bytes + other.bytes)


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
    compare: Joiner | None = None  # by values, where that is asked for

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
        open_pairs = [pair for pair, verdict in result.verdicts.items() if verdict is UNDECIDED]
        found, joined = self._joined(open_pairs, self.join, "join")
        for pair, answer in found.items():
            result.verdicts[pair] = _join_verdict(answer, self.datasets[pair.child].rows or 0)
        self._drop_failed(result)
        return joined

    def compare_values(self, result: Verification) -> Joined:
        """Lets stand only what a comparison of the values themselves confirms, or what follows from such pairs.

        Equal rows have equal hashes whatever anyone does, so what is refuted stays so. Of the proven pairs those of a
        transitive reduction are compared; if one falls, the reduction of what is left may need others.
        """
        assert self.compare is not None
        confirmed: set[Pair] = set()
        total = Joined(0, 0, 0)
        while missing := [pair for pair in spanning_pairs(self.views, _proven(result)) if pair not in confirmed]:
            found, joined = self._joined(missing, self.compare, "values")
            for pair in missing:
                if pair in found:
                    result.verdicts[pair] = _values_verdict(found[pair], self.datasets[pair.child].rows or 0)
            self._drop_failed(result)
            confirmed |= {pair for pair in missing if result.verdicts[pair].grade is Grade.PROVEN}
            total += joined
        for pair, verdict in result.verdicts.items():
            if verdict.grade is Grade.PROVEN and pair not in confirmed:
                result.verdicts[pair] = replace(verdict, how="implied", reason=_FOLLOWS)
        return total

    def _joined(self, pairs: Sequence[Pair], join: Joiner, by: str) -> tuple[dict[Pair, JoinResult], Joined]:
        """The answers of a join, kept ones among them; pairs of datasets that can't be read have none."""
        keys = {
            pair: self._verdict_key(pair, by)
            for pair in pairs
            if not {pair.parent, pair.child} & self.scanner.failed.keys()
        }
        known = self.cache.verdicts(keys.values())
        missing = [pair for pair, key in keys.items() if key not in known]
        fresh = join(missing, self.scanner.failed)
        self.cache.add_verdicts({keys[pair]: found for pair, found in fresh.items()})
        read = {i: self.datasets[i] for pair in missing for i in (pair.parent, pair.child)}
        joined = Joined(len(missing), sum(len(d.files) for d in read.values()), sum(d.bytes for d in read.values()))
        return fresh | {pair: known[key] for pair, key in keys.items() if key in known}, joined

    def _drop_failed(self, result: Verification) -> None:
        for pair in result.verdicts:
            if pair.parent in self.scanner.failed or pair.child in self.scanner.failed:
                result.verdicts[pair] = Verdict(Grade.CANDIDATE, "", "a side could not be read as one whole version")

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
        nodes, edges = node_edges(self.views, _proven(result))
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

    def _verdict_key(self, pair: Pair, by: str) -> str:
        request, keys = Request(pair.projection), self.scanner.keys
        sides = [
            measure_key(keys[index], request, self.settings.case_sensitive, self.scanner.by)
            for index in (pair.parent, pair.child)
        ]
        return hashlib.sha256("\n".join([*sides, by]).encode("ascii")).hexdigest()


def box_text(box: Sequence[Term]) -> str:
    """The box for people, cell values masked."""
    return describe(box, show_values=False)


def _proven(result: Verification) -> list[Pair]:
    return [pair for pair, verdict in result.verdicts.items() if verdict.grade is Grade.PROVEN]


def _values_verdict(found: JoinResult, rows: int) -> Verdict:
    if found.lacking == 0:
        return Verdict(Grade.PROVEN, "values", f"all {rows} rows compared by their values")
    reason = (
        f"{found.lacking} of its distinct rows are missing or too rare in the other, though their hashes are there: "
        "somebody may have made them so"
    )
    return Verdict(Grade.REFUTED, "values", reason, found.witness)


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
