"""What a report shows, as a frozen model apart from its rendering. Cell values are masked here: no page has them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from r2d2.config import Settings
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge, Grade
from r2d2.model.funnel import Funnel
from r2d2.model.plan import GONE, Action, Plan, PlannedDataset
from r2d2.model.usage import Usage
from r2d2.report.near_misses import NearMisses
from r2d2.report.problems import Problem, dataset_problems, masked, masked_problems
from r2d2.report.proofs import ProofPaths
from r2d2.report.shown_settings import shown_settings, storage_price
from r2d2.report.standing import NO_STANDS, Stand, Standing, Stands
from r2d2.report.topics import TopicName, Topics
from r2d2.report.trends import NO_TRENDS, LimitPoint, RunPoint, Trends
from r2d2.semantics.look_alikes.kept import LookAlike
from r2d2.visible import masked_partitions, public_url

#: Columns listed for one edge.
MAX_COLUMNS = 60
#: Names of datasets that one shares files with, for each row; ``explain`` and ``datasets`` name all.
MAX_SHARED = 20
#: Pairs that look alike in a report; ``topics --look-alikes`` lists all.
MAX_LOOK_ALIKES = 100
NOT_USABLE = "none"
#: What is planned, in words, in the order in which it is listed.
ACTIONS = {
    Action.RETIRE.value: "Can be retired",
    Action.REDIRECT.value: "A view can stand in its place",
    Action.COLDER.value: "Can move to a colder class",
    Action.STOP_PRODUCER.value: "Its producer can be stopped",
    Action.KEEP.value: "Kept",
    NOT_USABLE: "Not planned",
}


@dataclass(frozen=True)
class RunFacts:
    """Which run a report is of: its id, when it started (aware), the lake's roots and the state directory."""

    run_id: str
    started: datetime
    roots: tuple[str, ...]
    state: str


@dataclass(frozen=True)
class DatasetRow:
    """A dataset with what the plan does with it.

    Attributes:
        action: one of ``model.plan.Action``, or ``none`` where the plan does not cover it.
        groups: indices into ``ReportData.groups``; a text dataset can be in several, by different views.
        proof: indices into ``ReportData.edges`` that lead from the plan's parent to the dataset; empty where both are
            in one group, where it is kept, or where the way is longer than is shown.
        shared_with: datasets that hold some of its files too, at most ``MAX_SHARED`` of ``shared_count``.
        topic: index into ``ReportData.topics``; None where it is in none.
        owner: who is asked; empty if unknown.
        readers: principals that were seen reading it, of many twenty; None where no log tells.
        stand, stand_note: what was decided on it, where it could go, and what became of an earlier decision.
    """

    id: str
    anchor: str
    format: str
    version: str
    modified: str
    bytes: int
    rows: int | None
    columns: int
    status: str
    action: str
    parent: str | None
    saving_per_month: float
    rebuild_cost: float
    rebuild_seconds: float
    reason: str
    names: tuple[str, ...] = ()
    shared_with: tuple[str, ...] = ()
    shared_count: int = 0
    groups: tuple[int, ...] = ()
    proof: tuple[int, ...] = ()
    topic: int | None = None
    owner: str = ""
    readers: int | None = None
    stand: Stand = Stand.OPEN
    stand_note: str = ""


@dataclass(frozen=True)
class Evidence:
    """An edge as the report shows it.

    Attributes:
        columns: the compared columns with their families, at most ``MAX_COLUMNS``.
        column_count: how many were compared.
        predicate: the row selection; empty where there is none or values are masked.
        masked: there is a row selection or a witness that is masked.
        witness: for a refuted pair, the row that refutes it.
    """

    parent: str
    child: str
    equal: bool
    how: str
    reason: str
    rows_parent: int
    rows_child: int
    columns: tuple[str, ...] = ()
    column_count: int = 0
    predicate: str = ""
    masked: bool = False
    witness: str = ""


@dataclass(frozen=True)
class ReportData:
    """Everything a report needs.

    Attributes:
        rows: one for each dataset: what to retire first, by saving; then the kept by bytes; then the rest.
        edges: the proven edges of the reduction.
        groups: ids of exact duplicates, two or more in each.
        near_misses: the nearest refuted pairs, nearest first.
        near_miss_count: how many refuted pairs there are.
        settings: (key, value) of the settings that shape the figures, and of those that differ from the default.
        once_cost: money that carrying the plan out takes once, the run included.
        payback_months: until that is saved; infinite if it never is.
        findings: what a person must decide.
        storage_price: money a GB (10^9 bytes) a month, price factor included.
        topics: the finest ones of the run; empty where its datasets were not grouped.
        look_alikes: pairs that look alike but whose columns differ in name, at most ``MAX_LOOK_ALIKES`` of
            ``look_alike_count``.
        growth: runs on the same lake, the oldest first, this one last.
        limits: what would be saved at other limits of time; empty where that was not planned.
        stood_at: when it was looked at how datasets stand, UTC; None where nobody looked.
    """

    run: RunFacts
    rows: tuple[DatasetRow, ...]
    edges: tuple[Evidence, ...]
    groups: tuple[tuple[str, ...], ...]
    near_misses: tuple[Evidence, ...]
    near_miss_count: int
    problems: tuple[Problem, ...]
    funnel: Funnel
    saving_per_month: float
    bytes_retired: int
    currency: str
    solver: str
    optimal: bool
    once_cost: float
    payback_months: float
    findings: tuple[str, ...]
    settings: tuple[tuple[str, str], ...] = ()
    storage_price: float = 0.0
    storage_price_factor: float = 1.0
    graph_datasets: int = 400
    show_values: bool = False
    anchors: Mapping[str, str] = field(default_factory=dict)
    topics: tuple[TopicName, ...] = ()
    look_alikes: tuple[LookAlike, ...] = ()
    look_alike_count: int = 0
    growth: tuple[RunPoint, ...] = ()
    limits: tuple[LimitPoint, ...] = ()
    stood_at: datetime | None = None

    @property
    def gone(self) -> tuple[DatasetRow, ...]:
        """The rows of datasets whose bytes go, what saves most first."""
        found = (row for row in self.rows if row.action in GONE)
        return tuple(sorted(found, key=lambda row: (-row.saving_per_month, row.id)))

    @property
    def to_retire(self) -> tuple[DatasetRow, ...]:
        """Of these, without those that are to stay by decision or are retired already."""
        return tuple(row for row in self.gone if row.stand in (Stand.OPEN, Stand.APPROVED))

    def with_action(self, action: str) -> tuple[DatasetRow, ...]:
        """The rows with this action, in the report's order."""
        return tuple(row for row in self.rows if row.action == action)


def dataset_anchor(dataset: str) -> str:
    """The fragment that leads to a dataset in every report: ``report.html#d-…``."""
    return "d-" + hashlib.sha256(dataset.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def build_report(
    run: RunFacts,
    datasets: Sequence[Dataset],
    edges: Iterable[Edge],
    groups: Sequence[tuple[str, ...]],
    near: NearMisses,
    plan: Plan,
    funnel: Funnel,
    problems: Sequence[Problem] = (),
    settings: Settings | None = None,
    topics: Topics | None = None,
    trends: Trends = NO_TRENDS,
    usages: Iterable[Usage] = (),
    stands: Stands = NO_STANDS,
) -> ReportData:
    """The report of one run.

    Args:
        edges: the reduction; what is not ``proven`` is left out.
        groups: ids of exact duplicates.
        near: the refuted pairs to show, and how many there are.
        problems: what is not a dataset (a root that could not be listed); datasets that are not ``ok`` are added here.
        settings: what the run was made with; its defaults if not given.
        topics: what the datasets were grouped into, if they were.
        trends: runs before, and other limits.
        usages: who owns and reads the datasets, as far as that is known.
        stands: what was decided on them.

    Raises:
        ValueError: an edge, a group or the plan names a dataset that is not in ``datasets``.
    """
    settings, topics = settings or Settings(), topics or Topics()
    by_id = {dataset.id: dataset for dataset in datasets}
    proven = [edge for edge in edges if edge.grade is Grade.PROVEN]
    groups = tuple(tuple(group) for group in groups if len(group) > 1)
    _check_names(by_id, proven, groups, plan)
    return ReportData(
        run=RunFacts(run.run_id, run.started, tuple(public_url(root) for root in run.roots), run.state),
        rows=_with_people(_rows(datasets, plan, proven, groups, topics, settings.report.show_values), usages, stands),
        edges=tuple(_evidence(edge, settings.report.show_values) for edge in proven),
        groups=groups,
        near_misses=tuple(_evidence(edge, settings.report.show_values) for edge in near.nearest),
        near_miss_count=near.count,
        problems=(*masked_problems(problems, settings.report.show_values), *dataset_problems(datasets, settings)),
        funnel=funnel,
        saving_per_month=plan.total_saving_per_month,
        bytes_retired=plan.bytes_retired,
        currency=plan.currency,
        solver=plan.solver,
        optimal=plan.optimal,
        once_cost=plan.once_cost,
        payback_months=plan.payback_months,
        findings=plan.findings if settings.report.show_values else tuple(map(masked_partitions, plan.findings)),
        settings=shown_settings(settings),
        storage_price=storage_price(settings.retention),
        storage_price_factor=settings.retention.storage_price_factor,
        graph_datasets=settings.report.graph_datasets,
        show_values=settings.report.show_values,
        anchors={dataset.id: dataset_anchor(dataset.id) for dataset in datasets},
        topics=topics.names,
        look_alikes=topics.look_alikes[:MAX_LOOK_ALIKES],
        look_alike_count=len(topics.look_alikes),
        growth=trends.growth,
        limits=trends.limits,
        stood_at=stands.at,
    )


def _check_names(
    known: Mapping[str, Dataset], edges: Iterable[Edge], groups: Iterable[tuple[str, ...]], plan: Plan
) -> None:
    named = {end for edge in edges for end in (edge.parent, edge.child)}
    named.update(member for group in groups for member in group)
    named.update(line.dataset for line in plan.datasets)
    named.update(line.parent for line in plan.datasets if line.parent is not None)
    missing = sorted(named - known.keys())
    if missing:
        raise ValueError(
            f"{len(missing)} datasets of the edges, groups or plan are not in the catalog: {missing[:3]!r}"
        )


def _rows(
    datasets: Sequence[Dataset],
    plan: Plan,
    edges: Sequence[Edge],
    groups: tuple[tuple[str, ...], ...],
    topics: Topics,
    show_values: bool,
) -> tuple[DatasetRow, ...]:
    planned = {line.dataset: line for line in plan.datasets}
    groups_of: dict[str, tuple[int, ...]] = {}
    for index, group in enumerate(groups):
        for member in group:
            groups_of[member] = (*groups_of.get(member, ()), index)
    paths = ProofPaths(edges, {member: indices[0] for member, indices in groups_of.items()})
    rows = [
        _row(d, planned.get(d.id), groups_of.get(d.id, ()), paths, topics.of.get(d.id), show_values) for d in datasets
    ]
    rank = {action: place for place, action in enumerate(ACTIONS)}
    return tuple(sorted(rows, key=lambda r: (rank[r.action], -r.saving_per_month, -r.bytes, r.id)))


def _with_people(rows: Iterable[DatasetRow], usages: Iterable[Usage], stands: Stands) -> tuple[DatasetRow, ...]:
    known = {usage.dataset: usage for usage in usages}
    return tuple(_with_stand(_with_usage(row, known.get(row.id)), stands.of.get(row.id)) for row in rows)


def _with_usage(row: DatasetRow, usage: Usage | None) -> DatasetRow:
    if usage is None:
        return row
    return replace(row, owner=usage.owner, readers=len(usage.reads.readers) if usage.reads else None)


def _with_stand(row: DatasetRow, standing: Standing | None) -> DatasetRow:
    return replace(row, stand=standing.stand, stand_note=standing.note) if standing else row


def _row(
    dataset: Dataset,
    line: PlannedDataset | None,
    groups: tuple[int, ...],
    paths: ProofPaths,
    topic: int | None,
    show_values: bool,
) -> DatasetRow:
    parent = line.parent if line else None
    reason = line.reason if line else dataset.reason
    return DatasetRow(
        id=dataset.id,
        anchor=dataset_anchor(dataset.id),
        format=dataset.format,
        version=dataset.version,
        modified=_day(dataset.modified_ns),
        bytes=dataset.bytes,
        rows=dataset.rows,
        columns=len(dataset.leaves),
        status=dataset.status,
        action=line.action.value if line else NOT_USABLE,
        parent=parent,
        saving_per_month=line.saving_per_month if line else 0.0,
        rebuild_cost=line.rebuild_cost if line else 0.0,
        rebuild_seconds=line.rebuild_seconds if line else 0.0,
        reason=reason if show_values else masked(reason, dataset.id, parent or ""),
        names=dataset.names,
        shared_with=dataset.shared_with[:MAX_SHARED],
        shared_count=len(dataset.shared_with),
        groups=groups,
        proof=paths.between(parent, dataset.id) if parent is not None else (),
        topic=topic,
    )


def _evidence(edge: Edge, show_values: bool) -> Evidence:
    columns = tuple(f"{'.'.join(path)} ({family})" for path, family in edge.projection[:MAX_COLUMNS])
    witness = edge.witness
    counts = f"{witness.in_child:,}× here, {witness.in_parent:,}× in the other" if witness else ""
    if witness and show_values:
        counts = f"row with the hash {witness.row_hash}, {counts}"
    return Evidence(
        parent=edge.parent,
        child=edge.child,
        equal=edge.equal,
        how=edge.how,
        reason=edge.reason if show_values else masked(edge.reason, edge.parent, edge.child),
        rows_parent=edge.rows_parent,
        rows_child=edge.rows_child,
        columns=columns,
        column_count=len(edge.projection),
        predicate=edge.predicate if show_values else "",
        masked=bool(edge.predicate or witness) and not show_values,
        witness=counts,
    )


def _day(nanoseconds: int) -> str:
    if nanoseconds <= 0:
        return ""
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return ""
