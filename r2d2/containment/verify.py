"""Verification: every candidate pair is proven or refuted by a comparison of every row (DESIGN 5).

First each dataset is scanned once: its digest finds exact duplicates, which go on as one; sketches decide what they
can. Then, round by round, each child is compared with the smallest dataset that may hold it: by a box where the child's
bounds promise one, else by the join. What follows from verdicts is not compared; a child that is refuted in one round
is compared with more candidates in the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from r2d2.config import ContainmentSettings
from r2d2.containment.box import box_of, describe, expected_rows
from r2d2.containment.budget import Room
from r2d2.containment.candidates import Candidates
from r2d2.containment.closure import Closure, imply
from r2d2.containment.copies import same_pairs, without
from r2d2.containment.decide import decide, holds_for_child, refutes_by_box
from r2d2.containment.join import JoinResult
from r2d2.containment.joins import Joined, Joins
from r2d2.containment.kept import ROW_BYTES
from r2d2.containment.pairs import Bools, Ints, Pairs, Standing
from r2d2.containment.postings import Search
from r2d2.containment.request import Request, Term
from r2d2.containment.scanner import Measure, Scanner
from r2d2.containment.sketch import threshold
from r2d2.containment.spanning import spanning_pairs
from r2d2.containment.verification import Verification
from r2d2.containment.views import Node, Pair
from r2d2.containment.waves import Waves
from r2d2.containment.wholes import Wholes
from r2d2.model.dataset import Dataset, Leaf, LeafPath
from r2d2.model.edge import Grade

#: A box is tried if so many times the child's rows are expected in it, at most.
_PROMISING = 1.5


@dataclass(frozen=True)
class Verifier:
    """Everything that verification needs."""

    datasets: Sequence[Dataset]
    leaves: Sequence[Mapping[LeafPath, Leaf]]
    candidates: Candidates
    settings: ContainmentSettings
    scanner: Scanner
    joins: Joins

    @cached_property
    def wholes(self) -> Wholes:
        """Measures of whole datasets."""
        return Wholes(self.leaves, self.candidates, self.scanner, self.joins.compare is not None)

    @property
    def rows(self) -> Ints:
        """Rows of each dataset."""
        return self.wholes.rows

    @cached_property
    def _columns(self) -> Ints:
        return np.asarray([len(dataset.leaves) for dataset in self.datasets], np.int64)

    def scan(self, reach: Bools | None = None, before: Verification | None = None) -> Verification:
        """Decides what scans can decide of each child and the smallest datasets that may hold it.

        Args:
            reach: which datasets may be read; None for all.
            before: what is known already, of fewer datasets.
        """
        wholes = self.wholes
        wholes.measure(wholes.first_sides(reach))
        group_of = wholes.same_rows()
        result = Verification(*self._pairs(group_of, reach), reach)
        if before is not None:
            self._take_over(result, before)
        result.pairs.lose(list(self.scanner.failed))
        wholes.decide_by_digest(result.pairs)
        Search(result.pairs, self.rows, wholes.sketches()).run()
        self._scan_rounds(result)
        return result

    def _pairs(self, group_of: Ints, reach: Bools | None) -> tuple[Pairs, Ints, int]:
        """The pairs between groups, and which of them are to be compared."""
        pairs, inside = self.candidates.pairs(group_of)
        if self.settings.goal == "value":
            pairs.wanted = pairs.saving > 0
            pairs.asked &= pairs.wanted
        if reach is not None:
            pairs.asked &= reach[pairs.parent] & reach[pairs.child]
        return pairs, group_of, inside

    def waves(self) -> Waves:
        """In what order to read, in a run with limits; what earlier runs measured is read already."""
        pairs, _, _ = self._pairs(np.arange(len(self.datasets), dtype=np.int64), None)
        wanted: dict[int, list[Request]] = defaultdict(list)
        for index, number in self.wholes.first_sides():
            wanted[index].append(self.wholes.request(index, number))
        known = self.scanner.known(wanted)
        reach = np.zeros(len(self.datasets), bool)
        reach[[i for i, requests in wanted.items() if all((i, request) in known for request in requests)]] = True
        sizes = [dataset.bytes for dataset in self.datasets]
        price = self.candidates.worth.price if self.candidates.worth else np.asarray(sizes, np.float64)
        return Waves(pairs, price, sizes, reach)

    def _take_over(self, result: Verification, before: Verification) -> None:
        """What is known of pairs goes on to be known of those that stand for the same."""
        same = same_pairs(before.pairs, before.group_of, result.pairs)
        result.pairs.take_over(before.pairs, same)
        known = {int(same[position]): position for position in np.flatnonzero(same >= 0).tolist()}
        result.boxes = {known[position]: box for position, box in before.boxes.items() if position in known}
        result.tried = {known[position] for position in before.tried if position in known}

    def join_rest(self, result: Verification) -> Joined:
        """Decides what scans left open, by joins and by what follows from them."""
        total = Joined()
        while chosen := self._joinable(result, self._chosen(result, result.width)):
            asked = [result.pairs.pair(position) for position in chosen]
            found, joined = self.joins.by_hashes(asked, self.wholes.complete_sketches())
            self._take(result.pairs, chosen, found, "join")
            total += joined
            result.width *= 2
            self._scan_rounds(result)
        return total

    def _joinable(self, result: Verification, chosen: Sequence[int]) -> Sequence[int]:
        """Those of the chosen pairs whose join the run's limits allow."""
        if not self.scanner.budget.limited:
            return chosen
        asked = {position: result.pairs.pair(position) for position in self._by_saving(result.pairs, chosen)}
        decided = self.joins.decided(list(asked.values()), "join")
        room, sketches = self.room(), self.wholes.complete_sketches()
        return [
            position
            for position, pair in asked.items()
            if pair in decided or room.take(self.joins.reads(pair, sketches), (pair.parent, pair.child))
        ]

    def room(self) -> Room:
        """What the run's limits leave for a round."""
        return self.scanner.budget.room([dataset.bytes for dataset in self.datasets])

    def _by_saving(self, pairs: Pairs, positions: Sequence[int]) -> list[int]:
        """Those first that may save most, then those of large children."""
        return sorted(positions, key=lambda p: (-float(pairs.saving[p]), -int(self.rows[pairs.child[p]])))

    def compare_values(self, result: Verification) -> Joined:
        """Lets stand only what a comparison of the values themselves confirms, or what follows from such pairs.

        Equal rows have equal hashes whatever anyone does, so what is refuted stays so. Of the proven pairs those of a
        transitive reduction are compared; if one falls, the reduction of what is left may need others.
        """
        pairs, total = result.pairs, Joined()
        confirmed: set[Pair] = set()
        place = {pairs.pair(position): position for position in pairs.at(Standing.PROVEN).tolist()}
        while missing := self._comparable(self._unconfirmed(pairs, confirmed)):
            found, joined = self.joins.by_values(missing)
            self._take(pairs, [place[pair] for pair in missing], found, "values")
            confirmed |= {pair for pair in missing if pairs.standing[place[pair]] == Standing.PROVEN}
            total += joined
        resting = pairs.at(Standing.PROVEN)
        resting = resting[[pairs.pair(position) not in confirmed for position in resting.tolist()]]
        pairs.prove(resting, "implied")
        if self._unconfirmed(pairs, confirmed):  # limits left some: only what follows from the others stands
            pairs.reopen(resting)
            imply(pairs, self._more_nodes(pairs))
        return total

    def _comparable(self, missing: Sequence[Pair]) -> Sequence[Pair]:
        """Those of the pairs whose values the run's limits allow to be compared."""
        if not self.scanner.budget.limited or not missing:
            return missing
        decided, room = self.joins.decided(missing, "values"), self.room()
        return [pair for pair in missing if pair in decided or room.take((pair.parent, pair.child))]

    def _unconfirmed(self, pairs: Pairs, confirmed: set[Pair]) -> list[Pair]:
        proven = [pairs.pair(position) for position in pairs.at(Standing.PROVEN).tolist()]
        return [pair for pair in spanning_pairs(self.candidates.views, proven) if pair not in confirmed]

    def _scan_rounds(self, result: Verification) -> None:
        """Scans the chosen pairs as long as that may say something, each time of more candidates of a child."""
        width = result.width
        while True:
            asked = self._promising(result, self._chosen(result, width))
            if not asked:
                return
            self._scan_chosen(result, asked)
            width *= 2

    def _chosen(self, result: Verification, width: int) -> list[int]:
        """Open pairs to compare next: of each group of equal children with the smallest groups that may hold it."""
        self._part_failed(result)
        known = imply(result.pairs, self._more_nodes(result.pairs))
        return [position for parents in self._open_groups(result.pairs, known).values() for position in parents[:width]]

    def _part_failed(self, result: Verification) -> None:
        """Takes out what could not be read as one version; its copies stand for themselves from now on."""
        failed = self.scanner.failed
        result.pairs.lose(list(failed))
        others = np.delete(result.group_of, list(failed))
        if not np.isin(result.group_of[list(failed)], others).any():
            return
        order = sorted(range(len(self.datasets)), key=lambda index: self.datasets[index].id)
        before = replace(result)
        groups = without(result.group_of, failed, order)
        result.pairs, result.group_of, result.inside = self._pairs(groups, result.reach)
        self._take_over(result, before)
        result.pairs.lose(list(failed))

    def _open_groups(self, pairs: Pairs, known: Mapping[int, Closure]) -> dict[object, list[int]]:
        """For each group of children one open pair with each group of parents, smallest parents first.

        Of parents with as many rows the one with fewer columns: the others may hold it.
        """
        groups = {node: (c, g) for c, found in known.items() for node, g in found.group_of.items()}
        open_pairs = pairs.to_compare()
        parents = pairs.parent[open_pairs]
        order = open_pairs[np.lexsort((parents, self._columns[parents], self.rows[parents]))]
        seen = set()
        found: dict[object, list[int]] = defaultdict(list)
        for position in order.tolist():
            ends = groups[int(pairs.parent_node[position])], groups[int(pairs.child_node[position])]
            if ends not in seen:
                seen.add(ends)
                found[ends[1]].append(position)
        return found

    def _promising(self, result: Verification, chosen: Sequence[int]) -> dict[int, list[Request]]:
        """What to ask of the parents of chosen pairs, by position; nothing where only a join can tell."""
        asked: dict[int, list[Request]] = {}
        tried: dict[int, tuple[Term, ...]] = {}
        boxes: dict[int, int] = defaultdict(int)
        for position in self._by_saving(result.pairs, chosen):
            if position in result.tried:
                continue
            parent, number = int(result.pairs.parent[position]), int(result.pairs.projection[position])
            asked[position] = [] if (parent, number) in self.wholes.found else [self.wholes.request(parent, number)]
            tried[position] = self._box(result.pairs, position) if boxes[parent] < self.settings.boxes_per_scan else ()
            if tried[position]:
                boxes[parent] += 1
                size = threshold(int(self.rows[result.pairs.child[position]]), self.settings.sketch_size)
                asked[position].append(Request(result.pairs.projections[number], size, tried[position]))
        allowed = self._allowed({p: (int(result.pairs.parent[p]), requests) for p, requests in asked.items()})
        result.tried.update(allowed)
        result.boxes.update({position: tried[position] for position in allowed if tried[position]})
        return {position: asked[position] for position in allowed if asked[position]}

    def _allowed(self, asked: Mapping[int, tuple[int, Sequence[Request]]]) -> list[int]:
        """Those of the positions whose requests of a dataset the run's limits allow to be answered."""
        if not self.scanner.budget.limited:
            return list(asked)
        wanted: dict[int, list[Request]] = defaultdict(list)
        for index, requests in asked.values():
            wanted[index] += requests
        known, room = self.scanner.known(wanted), self.room()
        return [
            position
            for position, (index, requests) in asked.items()
            if all((index, request) in known for request in requests) or room.take((index,))
        ]

    def _box(self, pairs: Pairs, position: int) -> tuple[Term, ...]:
        parent, child = int(pairs.parent[position]), int(pairs.child[position])
        sides = pairs.projections[pairs.projection[position]], self.leaves[child], self.leaves[parent]
        if self._keeps_all or expected_rows(*sides, int(self.rows[parent])) > _PROMISING * int(self.rows[child]):
            return ()
        return box_of(*sides)

    @cached_property
    def _keeps_all(self) -> bool:
        """Whether scans keep all hashes, by which a join is cheaper than a box, for which the parent is read again.

        As sizes tell, not as it came out: a run that goes on with another takes the same ways.
        """
        settings = self.scanner.settings
        rows = sum(int(self.rows[index]) for index, _ in self.wholes.first_sides())
        return bool(self.scanner.keep) and 2 * rows * ROW_BYTES <= settings.kept_bytes

    def _scan_chosen(self, result: Verification, asked: Mapping[int, list[Request]]) -> None:
        """Measures parents of chosen pairs, and decides the pairs."""
        pairs = result.pairs
        wanted: dict[int, dict[Request, None]] = defaultdict(dict)
        for position, requests in asked.items():
            wanted[int(pairs.parent[position])].update(dict.fromkeys(requests))
        found = self.scanner.measure({index: list(requests) for index, requests in wanted.items()})
        for position, requests in asked.items():
            parent, number = int(pairs.parent[position]), int(pairs.projection[position])
            for request in requests:
                if not request.box and (parent, request) in found:
                    self.wholes.found[parent, number] = found[parent, request]
        pairs.lose(list(self.scanner.failed))
        inside = {p: self._inside(pairs, p, result.boxes.get(p, ()), found) for p in asked}
        self._decide(result, inside)

    def _inside(
        self, pairs: Pairs, position: int, box: tuple[Term, ...], found: Mapping[tuple[int, Request], Measure]
    ) -> Measure | None:
        """The parent's rows in the pair's box, as they were measured."""
        parent, child = int(pairs.parent[position]), int(pairs.child[position])
        size = threshold(int(self.rows[child]), self.settings.sketch_size)
        projection = pairs.projections[pairs.projection[position]]
        return found.get((parent, Request(projection, size, box))) if box else None

    def _decide(self, result: Verification, inside: Mapping[int, Measure | None]) -> None:
        pairs = result.pairs
        unsure = {}
        for position, measure in inside.items():
            child, parent = self.wholes.of_pair(pairs, position)
            if pairs.standing[position] != Standing.OPEN or child is None:
                continue
            verdict = decide(child, parent, measure)
            if verdict.grade is Grade.PROVEN:
                pairs.prove(position, verdict.how)
            elif verdict.grade is Grade.REFUTED:
                pairs.refute(position, verdict.how, witness=verdict.witness)
            elif measure is not None and refutes_by_box(child, measure):
                unsure[position] = measure
        self._refute_by_boxes(result, unsure)

    def _refute_by_boxes(self, result: Verification, unsure: Mapping[int, Measure]) -> None:
        """Boxes refute only if they hold for every row of the child, which the same code has to count."""
        pairs = result.pairs
        wanted = {p: Request(pairs.projections[pairs.projection[p]], 0, result.boxes[p]) for p in unsure}
        allowed = self._allowed({p: (int(pairs.child[p]), [request]) for p, request in wanted.items()})
        wanted = {position: wanted[position] for position in allowed}
        asked: dict[int, dict[Request, None]] = defaultdict(dict)
        for position, request in wanted.items():
            asked[int(pairs.child[position])][request] = None
        found = self.scanner.measure({index: list(requests) for index, requests in asked.items()})
        for position, request in wanted.items():
            index = int(pairs.child[position])
            own, (child, _) = found.get((index, request)), self.wholes.of_pair(pairs, position)
            typed = not self.datasets[index].has_views
            if own is None or child is None or not holds_for_child(child, request.box, own, typed):
                continue
            measure = unsure[position]
            verdict = refutes_by_box(child, measure)
            assert verdict is not None
            pairs.refute(position, "box", measure.rows, verdict.witness)

    def _more_nodes(self, pairs: Pairs) -> dict[int, tuple[int, ...]]:
        """For pairs whose parent has several views that agree with it: the nodes of all."""
        found = {}
        views = self.candidates.views
        seen: dict[tuple[int, int], tuple[int, ...]] = {}
        for position in np.flatnonzero(self._viewed[pairs.parent]).tolist():
            key = int(pairs.parent[position]), int(pairs.projection[position])
            if key not in seen:
                seen[key] = tuple(views.number(node) for node in views.parents(key[0], pairs.projections[key[1]]))
            if len(seen[key]) > 1:
                found[position] = seen[key]
        return found

    @cached_property
    def _viewed(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.asarray([dataset.has_views for dataset in self.datasets], bool)

    def node_edges(self, result: Verification) -> tuple[list[Node], dict[int, set[int]]]:
        """Nodes, and the edges between them (positions: parent → children) of pairs whose rows were compared."""
        pairs, views = result.pairs, self.candidates.views
        more = self._more_nodes(pairs)
        numbers: dict[int, set[int]] = defaultdict(set)
        for position in pairs.direct().tolist():
            for node in more.get(position, (int(pairs.parent_node[position]),)):
                numbers[node].add(int(pairs.child_node[position]))
        for first, other in result.stands_for():
            one, two = (views.number(views.narrowest(index)) for index in (first, other))
            numbers[one].add(two)
            numbers[two].add(one)
        ends = dict.fromkeys(number for parent, found in numbers.items() for number in (parent, *sorted(found)))
        place = {number: position for position, number in enumerate(ends)}
        nodes = list(views.numbers)
        edges = {place[parent]: {place[child] for child in found} for parent, found in numbers.items()}
        return [nodes[number] for number in ends], edges

    def _take(self, pairs: Pairs, positions: Sequence[int], found: Mapping[Pair, JoinResult], how: str) -> None:
        """Takes over what a join said."""
        pairs.lose(list(self.scanner.failed))
        for position in positions:
            answer = found.get(pairs.pair(position))
            if answer is None or pairs.standing[position] == Standing.UNREAD:
                pairs.standing[position] = Standing.UNREAD
            elif answer.lacking:
                pairs.refute(position, how, answer.lacking, answer.witness)
            else:
                pairs.prove(position, how)


def box_text(box: Sequence[Term]) -> str:
    """The box for people, cell values masked."""
    return describe(box, show_values=False)
