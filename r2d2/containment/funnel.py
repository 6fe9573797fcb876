"""The containment stages in their order: schema graph, min-max, scan, join, reduction. Each is a function over data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from r2d2.config import ContainmentSettings
from r2d2.containment.candidates import Candidates, find_candidates
from r2d2.containment.decide import Verdict
from r2d2.containment.minmax import leaves_by_path, spelling_notes
from r2d2.containment.reduction import Reduction, reduce_edges
from r2d2.containment.scanner import Scanner
from r2d2.containment.verify import Joiner, VerdictCache, Verification, Verifier, box_text
from r2d2.containment.views import Node, Pair, node_edges
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
        others: pairs that reached the content stages and were refuted, or left undecided.
        proofs: (parent, child) of every proven pair → how it was decided.
        funnel: the counts, without stages and savings.
    """

    datasets: tuple[Dataset, ...]
    nodes: tuple[Node, ...]
    reduction: Reduction
    edges: tuple[Edge, ...]
    others: tuple[Edge, ...]
    proofs: Mapping[tuple[str, str], str]
    funnel: Funnel

    @property
    def duplicates(self) -> tuple[tuple[str, ...], ...]:
        """Groups of two or more datasets that hold the same rows, the representative first."""
        return duplicate_groups([self.datasets[node.dataset].id for node in self.nodes], self.reduction)


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
) -> Containments:
    """Finds and proves every containment among the usable datasets.

    Args:
        compare: where proofs are to rest on values: the join that compares those.
    """
    with progress.stage("schema graph and min-max") as reading:
        candidates = find_candidates(datasets, settings)
        reading.note = f", {len(candidates.pairs)} pairs left of {candidates.fitting}"
    leaves = [leaves_by_path(dataset, settings.case_sensitive) for dataset in datasets]
    verifier = Verifier(datasets, leaves, candidates.views, settings, scanner, join, cache, compare)
    with progress.stage("scan") as reading:
        verification = verifier.scan(candidates.pairs)
        reading.bytes, reading.files = scanner.bytes_read, scanner.files_read
    with progress.stage("join") as reading:
        joined = verifier.join_rest(verification)
        reading.bytes, reading.files, reading.note = joined.bytes, joined.files, f", {joined.pairs} pairs"
    if compare is not None:
        with progress.stage("compare values") as reading:
            compared = verifier.compare_values(verification)
            reading.bytes, reading.files, reading.note = compared.bytes, compared.files, f", {compared.pairs} pairs"
    with progress.stage("reduction"):
        found = _result(_with_failures(datasets, scanner.failed), candidates, verification)
        return _explained(found, settings.case_sensitive)


def _with_failures(datasets: Sequence[Dataset], failed: dict[int, str]) -> tuple[Dataset, ...]:
    return tuple(
        replace(dataset, status="unprovable", reason=_by_plain_names(failed[i], dataset)) if i in failed else dataset
        for i, dataset in enumerate(datasets)
    )


def _by_plain_names(reason: str, dataset: Dataset) -> str:
    """A reason with files called by their names below the dataset, as everywhere else."""
    location = shown(dataset.location.rstrip("/"))
    return reason.replace(f"{location}/", "").replace(location, location.rpartition("/")[2])


def _result(datasets: tuple[Dataset, ...], candidates: Candidates, found: Verification) -> Containments:
    proven = [pair for pair, verdict in found.verdicts.items() if verdict.grade is Grade.PROVEN]
    nodes, edges = node_edges(candidates.views, proven)
    reduction = reduce_edges(nodes, edges, _preference(datasets, nodes))
    verdicts = {(pair.parent, pair.child): (pair, verdict) for pair, verdict in found.verdicts.items()}
    same = {(nodes[a].dataset, nodes[b].dataset) for a, b in _member_pairs(reduction)}
    kept = []
    for parent, child in dict.fromkeys(_dataset_pairs(nodes, reduction)):
        if (parent, child) in verdicts:  # pairs that share files were never compared, and are no edges
            pair, verdict = verdicts[parent, child]
            kept.append(_edge(datasets, pair, verdict, found, (parent, child) in same))
    others = [
        _edge(datasets, pair, verdict, found, False)
        for pair, verdict in found.verdicts.items()
        if verdict.grade is not Grade.PROVEN
    ]
    proofs = {(datasets[p.parent].id, datasets[p.child].id): found.verdicts[p].how for p in proven}
    result = Containments(datasets, tuple(nodes), reduction, tuple(kept), tuple(others), proofs, Funnel())
    return replace(result, funnel=_funnel(result, candidates, found))


def _explained(found: Containments, case_sensitive: bool) -> Containments:
    """With what the spelling of text files may have to do with a refutation."""
    by_id = {dataset.id: dataset for dataset in found.datasets}

    def note(edge: Edge) -> str:
        if edge.grade is not Grade.REFUTED:
            return ""
        return spelling_notes(by_id[edge.parent], by_id[edge.child], edge.projection, case_sensitive)

    return replace(found, others=tuple(replace(edge, reason=f"{edge.reason}{note(edge)}") for edge in found.others))


def _funnel(result: Containments, candidates: Candidates, found: Verification) -> Funnel:
    usable = sum(dataset.status == "ok" for dataset in result.datasets)
    verdicts = found.verdicts.values()
    return Funnel(
        datasets=len(result.datasets),
        usable=usable,
        unusable=unusable_by_status(result.datasets),
        classes=candidates.classes,
        pairs=usable * (usable - 1),
        candidates=candidates.fitting,
        shared=candidates.shared,
        after_minmax=len(candidates.pairs),
        proven=dict(Counter(v.how for v in verdicts if v.grade is Grade.PROVEN)),
        refuted=dict(Counter(v.how for v in verdicts if v.grade is Grade.REFUTED)),
        undecided=sum(v.grade not in (Grade.PROVEN, Grade.REFUTED) for v in verdicts),
        groups=len(result.duplicates),
        edges=len(result.edges),
    )


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


def _edge(datasets: Sequence[Dataset], pair: Pair, verdict: Verdict, found: Verification, equal: bool) -> Edge:
    parent, child = datasets[pair.parent], datasets[pair.child]
    box = found.boxes.get(pair, ())
    return Edge(
        parent=parent.id,
        child=child.id,
        grade=verdict.grade,
        rows_child=child.rows or 0,
        rows_parent=parent.rows or 0,
        equal=equal,
        how=verdict.how,
        reason=verdict.reason,
        projection=pair.projection,
        predicate=box_text(box) if verdict.how == "box" else "",
        witness=verdict.witness,
    )
