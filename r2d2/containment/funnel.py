"""The containment stages in their order: schema graph, min-max, scan, join, reduction. Each is a function over data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from r2d2.catalog.records import edge_of
from r2d2.config import ContainmentSettings
from r2d2.containment.candidates import Candidates, find_candidates
from r2d2.containment.edge_table import others_table
from r2d2.containment.joins import Joiner, Joins, KeptJoiner, VerdictCache
from r2d2.containment.minmax import leaves_by_path
from r2d2.containment.order import decide_all, decide_by_value
from r2d2.containment.pairs import HOWS, LEFT, Pairs, Standing
from r2d2.containment.reasons import reason
from r2d2.containment.reduction import Reduction, reduce_edges
from r2d2.containment.samples import sampled
from r2d2.containment.scanner import Scanner
from r2d2.containment.verification import Verification
from r2d2.containment.verify import Verifier, box_text
from r2d2.containment.views import Node
from r2d2.containment.worth import Worth
from r2d2.lake.file_tree import shown
from r2d2.model.dataset import TEXT_FORMATS, Dataset
from r2d2.model.edge import Edge, Grade
from r2d2.model.funnel import Funnel, unusable_by_status
from r2d2.progress import Progress


@dataclass(frozen=True)
class Containments:
    """What the stages found.

    Attributes:
        datasets: as given, those that a scan could not read now ``unprovable``.
        nodes: datasets under views, in the order of indexes in ``reduction``.
        reduction: groups of exact duplicates and the edges between groups.
        edges: proven edges, one for each group member and each edge of the reduction.
        verification: all pairs with their verdicts.
        funnel: the counts, without stages and savings.
    """

    datasets: tuple[Dataset, ...]
    nodes: tuple[Node, ...]
    reduction: Reduction
    edges: tuple[Edge, ...]
    verification: Verification
    case_sensitive: bool
    by_values: bool
    funnel: Funnel

    @property
    def duplicates(self) -> tuple[tuple[str, ...], ...]:
        """Groups of two or more datasets that hold the same rows, the representative first."""
        return duplicate_groups([self.datasets[node.dataset].id for node in self.nodes], self.reduction)

    @property
    def others(self) -> Iterator[Edge]:
        """Pairs that reached the content stages and were refuted, or left undecided; for each member of a group."""
        return map(edge_of, self.others_table("").to_pylist())

    def others_table(self, run_id: str) -> pa.Table:
        """The same as rows of the state's ``edges``."""
        return others_table(run_id, self.datasets, self.verification, self.case_sensitive, self.by_values)


def duplicate_groups(names: Sequence[str], reduction: Reduction) -> tuple[tuple[str, ...], ...]:
    """Groups of two or more distinct datasets; ``names`` are the datasets of the nodes."""
    groups = (tuple(dict.fromkeys(names[node] for node in members)) for members in reduction.groups)
    return tuple(dict.fromkeys(group for group in groups if len(group) > 1))


def find_containments(
    datasets: Sequence[Dataset],
    settings: ContainmentSettings,
    scanner: Scanner,
    join: Joiner,
    cache: VerdictCache,
    progress: Progress,
    compare: Joiner | None = None,
    join_kept: KeptJoiner | None = None,
    worth: Worth | None = None,
) -> Containments:
    """Finds and proves every containment among the usable datasets.

    Args:
        compare: where proofs are to rest on values: the join that compares those.
        join_kept: where scans keep hashes: the join that compares those.
        worth: what pairs may save, for a run that has a goal or limits.
    """
    with progress.stage("schema graph and min-max") as reading:
        candidates = find_candidates(datasets, settings, worth)
        reading.note = f", {candidates.left} pairs left of {candidates.fitting}"
    leaves = [leaves_by_path(dataset, settings.case_sensitive) for dataset in datasets]
    joins = Joins(scanner, join, cache, compare, join_kept)
    verifier = Verifier(datasets, leaves, candidates, settings, scanner, joins)
    if settings.verify == "paper":
        verification = sampled(candidates, scanner, progress)
        whole = _with_failures(datasets, scanner.failed)
        return _result(whole, candidates, verifier, verification, settings.case_sensitive)
    decide = decide_by_value if scanner.budget.limited else decide_all
    verification = decide(verifier, progress)
    if compare is not None:
        with progress.stage("compare values") as reading:
            compared = verifier.compare_values(verification)
            reading.bytes, reading.files, reading.note = compared.bytes, compared.files, f", {compared.pairs} pairs"
    with progress.stage("reduction"):
        verification.pairs.leave(limited=scanner.budget.limited)
        whole = _with_failures(datasets, scanner.failed)
        return _result(whole, candidates, verifier, verification, settings.case_sensitive)


def _with_failures(datasets: Sequence[Dataset], failed: dict[int, str]) -> tuple[Dataset, ...]:
    return tuple(
        replace(dataset, status="unprovable", reason=_by_plain_names(failed[i], dataset)) if i in failed else dataset
        for i, dataset in enumerate(datasets)
    )


def _by_plain_names(reason: str, dataset: Dataset) -> str:
    """A reason with files called by their names below the dataset, as everywhere else."""
    location = shown(dataset.location.rstrip("/"))
    return reason.replace(f"{location}/", "").replace(location, location.rpartition("/")[2])


def _result(
    datasets: tuple[Dataset, ...],
    candidates: Candidates,
    verifier: Verifier,
    found: Verification,
    case_sensitive: bool,
) -> Containments:
    nodes, edges = verifier.node_edges(found)
    reduction = reduce_edges(nodes, edges, _preference(datasets, nodes))
    by_values = verifier.joins.compare is not None
    result = Containments(datasets, tuple(nodes), reduction, (), found, case_sensitive, by_values, Funnel())
    result = replace(result, edges=tuple(_Edges(result).reduced()))
    return replace(result, funnel=_funnel(result, candidates, found, verifier.scanner.budget.binding))


class _Edges:
    """The proven edges of the reduction, from the arrays of verdicts."""

    def __init__(self, found: Containments) -> None:
        self.found, self.pairs, self.boxes = found, found.verification.pairs, found.verification.boxes
        self.datasets, self.group_of = found.datasets, found.verification.group_of
        self.views = {node.dataset: node.view for node in found.nodes}

    def reduced(self) -> Iterator[Edge]:
        """Representative to member, and representative to representative, of the reduction."""
        nodes, reduction = self.found.nodes, self.found.reduction
        same = {(nodes[a].dataset, nodes[b].dataset) for a, b in _member_pairs(reduction)}
        asked = list(dict.fromkeys(_dataset_pairs(nodes, reduction)))
        for (parent, child), position in zip(asked, self._proven(asked), strict=True):
            if position >= 0:
                yield self._edge(parent, child, position, (parent, child) in same)
            elif self.group_of[parent] == self.group_of[child]:
                yield self._same_rows(parent, child)
            # pairs that share files were never compared, and are no edges

    def _proven(self, asked: Sequence[tuple[int, int]]) -> list[int]:
        """Where the (parent, child) stand among the proven pairs, of which there may be millions; -1 for those not."""
        at, count = self.pairs.at(Standing.PROVEN), len(self.datasets)
        keys = self.pairs.parent[at] * count + self.pairs.child[at]
        wanted = np.asarray([parent * count + child for parent, child in asked], np.int64)
        if not len(at):
            return [-1] * len(asked)
        order = np.argsort(keys, kind="stable")
        found = order[np.maximum(np.searchsorted(keys, wanted, side="right", sorter=order) - 1, 0)]
        positions: list[int] = np.where(keys[found] == wanted, at[found], -1).tolist()
        return positions

    def _edge(self, parent: int, child: int, position: int, equal: bool) -> Edge:
        """A proven pair."""
        how = HOWS[self.pairs.how[position]]
        rows = self.datasets[child].rows or 0, self.datasets[parent].rows or 0
        return Edge(
            parent=self.datasets[parent].id,
            child=self.datasets[child].id,
            grade=Grade.PROVEN,
            rows_child=rows[0],
            rows_parent=rows[1],
            equal=equal,
            how=how,
            reason=reason(Grade.PROVEN, how, *rows, 0, None, self.found.by_values),
            projection=self.pairs.projections[self.pairs.projection[position]],
            predicate=box_text(self.boxes.get(position, ())) if how == "box" else "",
        )

    def _same_rows(self, parent: int, child: int) -> Edge:
        rows = self.datasets[child].rows or 0
        ids = self.datasets[parent].id, self.datasets[child].id
        text = reason(Grade.PROVEN, "digest", rows, rows, 0, None, False)
        return Edge(*ids, Grade.PROVEN, rows, rows, True, "digest", text, self.views[child])


def _funnel(result: Containments, candidates: Candidates, found: Verification, limit: str) -> Funnel:
    usable = sum(dataset.status == "ok" for dataset in result.datasets)
    proven = _weights(found.pairs, Standing.PROVEN)
    if found.inside:
        proven["digest"] += found.inside
    left = {how: count for how, count in _weights(found.pairs, Standing.OPEN).items() if how in LEFT}
    undecided = np.isin(found.pairs.standing, (Standing.OPEN, Standing.UNREAD))
    return Funnel(
        datasets=len(result.datasets),
        usable=usable,
        unusable=unusable_by_status(result.datasets),
        classes=candidates.classes,
        pairs=usable * (usable - 1),
        candidates=candidates.fitting,
        shared=candidates.shared,
        after_minmax=candidates.left,
        proven=dict(proven),
        refuted=dict(_weights(found.pairs, Standing.REFUTED)),
        undecided=int(found.pairs.weight[undecided].sum()),
        not_compared=left,
        limit=limit if "limit" in left else "",
        groups=len(result.duplicates),
        edges=len(result.edges),
    )


def _weights(pairs: Pairs, standing: Standing) -> Counter[str]:
    """Pairs of datasets that stand so, by the way they were decided."""
    at = pairs.at(standing)
    counts = np.bincount(pairs.how[at], pairs.weight[at], len(HOWS)).astype(np.int64).tolist()
    return Counter({how: count for how, count in zip(HOWS, counts, strict=True) if count})


def _preference(datasets: Sequence[Dataset], nodes: Sequence[Node]) -> list[int]:
    """Typed before text, ids in order: the first of a group represents it."""

    def rank(i: int) -> tuple[bool, bool, str, object]:
        dataset = datasets[nodes[i].dataset]
        return bool(dataset.shared_with), dataset.format in TEXT_FORMATS, dataset.id, nodes[i].view

    return sorted(range(len(nodes)), key=rank)


def _member_pairs(reduction: Reduction) -> list[tuple[int, int]]:
    return [(members[0], other) for members in reduction.groups for other in members[1:]]


def _dataset_pairs(nodes: Sequence[Node], reduction: Reduction) -> list[tuple[int, int]]:
    """Dataset pairs of the reduction: representative to member, and representative to representative."""
    first = [members[0] for members in reduction.groups]
    pairs = [(first[parent], first[child]) for parent, child in reduction.edges]
    return [(nodes[a].dataset, nodes[b].dataset) for a, b in (*_member_pairs(reduction), *pairs)]
