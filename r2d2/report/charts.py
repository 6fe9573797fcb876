"""Charts as records: what is drawn and how long each bar is, without markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from r2d2.model.funnel import Funnel
from r2d2.model.plan import GONE
from r2d2.report.data import ACTIONS, DatasetRow, ReportData
from r2d2.report.graph_layout import GraphLayout, PlacedLink, lay_out
from r2d2.units import count, human_bytes, percent, plural
from r2d2.visible import shortened, visible

_GB = 1e9
_LABEL = 20  # characters of a name that fit a node
MEANINGS = {
    "digest": "Same number of rows and the same digest over every row.",
    "box": "The parent's rows within the bounds of the child, counted and digested, against the child's.",
    "sketch": "The smallest row hashes of both. It proves only where it holds every row; else it can only refute.",
    "join": "Every row of the child looked up among the parent's rows.",
    "values": "Every row of the child looked up among the parent's rows, by its values and not by a hash.",
    "sample": "Rows of the child, drawn at random, looked up in the parent under a few columns. It can only refute.",
    "implied": "Follows from other proven containments: a copy of a part is a part.",
}


@dataclass(frozen=True)
class Step:
    """One step of the funnel; ``share`` is the percentage of the step before that came through."""

    label: str
    value: int
    share: float
    note: str


@dataclass(frozen=True)
class Way:
    """One way of deciding; shares are percentages of the most pairs that one way proved or refuted."""

    how: str
    meaning: str
    proven: int
    refuted: int
    proven_share: float
    refuted_share: float


@dataclass(frozen=True)
class StageBar:
    """One stage; ``share`` is the percentage of the longest stage's time."""

    name: str
    seconds: float
    bytes_read: int
    files_read: int
    share: float


@dataclass(frozen=True)
class SavingsPart:
    """What is kept, retired or outside the plan; shares are percentages of everything.

    Attributes:
        cost: storage cost a month at the configured price.
        saving: what the plan saves a month, net.
    """

    label: str
    action: str
    datasets: int
    bytes: int
    bytes_share: float
    cost: float
    saving: float


@dataclass(frozen=True)
class TopSaving:
    """A dataset to retire; ``share`` is the percentage of the largest saving."""

    row: DatasetRow
    share: float


@dataclass(frozen=True)
class GraphNode:
    """A box of the graph with what it says and the dataset that it leads to."""

    x: float
    y: float
    label: str
    detail: str
    title: str
    action: str
    anchor: str
    multiplicity: int


@dataclass(frozen=True)
class GraphDrawing:
    """The containment graph, ready to draw."""

    nodes: tuple[GraphNode, ...]
    links: tuple[PlacedLink, ...]
    width: float
    height: float
    drawn: int
    hidden: int


def funnel_steps(funnel: Funnel) -> tuple[Step, ...]:
    """Pairs from all of them to the proven ones."""
    pairs, fits, left, proven = funnel.pairs, funnel.candidates, funnel.after_minmax, funnel.proven_pairs
    steps = [
        Step("Pairs of datasets", pairs, 100.0 if pairs else 0.0, f"among {plural(funnel.usable, 'usable dataset')}"),
        Step("Schema fits", fits, _part(fits, pairs), f"{percent(fits, pairs)} of the pairs"),
        Step("Left after min-max", left, _part(left, fits), f"{percent(left, fits)} of those"),
        Step("Proven, row by row", proven, _part(proven, left), f"{percent(proven, left)} of those"),
    ]
    return tuple(steps)


def decision_ways(funnel: Funnel) -> tuple[Way, ...]:
    """How pairs were decided, the known ways in their order and any other after them."""
    known = [how for how in MEANINGS if how in funnel.proven or how in funnel.refuted]
    others = sorted((funnel.proven.keys() | funnel.refuted.keys()) - MEANINGS.keys())
    most = max([*funnel.proven.values(), *funnel.refuted.values()], default=0)
    return tuple(
        Way(
            how=how,
            meaning=MEANINGS.get(how, ""),
            proven=funnel.proven.get(how, 0),
            refuted=funnel.refuted.get(how, 0),
            proven_share=_part(funnel.proven.get(how, 0), most),
            refuted_share=_part(funnel.refuted.get(how, 0), most),
        )
        for how in (*known, *others)
    )


def stage_bars(funnel: Funnel) -> tuple[StageBar, ...]:
    """The stages in the order they ran."""
    longest = max((stage.seconds for stage in funnel.stages), default=0.0)
    return tuple(
        StageBar(s.name, s.seconds, s.bytes_read, s.files_read, _part(s.seconds, longest)) for s in funnel.stages
    )


def savings_parts(data: ReportData) -> tuple[SavingsPart, ...]:
    """Bytes and money by what is planned; what is neither kept nor retired only where there is any."""
    total = sum(row.bytes for row in data.rows)
    parts = [_savings_part(data, label, action, total) for action, label in ACTIONS.items()]
    return tuple(part for part in parts if part.datasets or part.action in ("keep", "retire"))


def top_savings(data: ReportData, most: int = 10) -> tuple[TopSaving, ...]:
    """The datasets to retire first."""
    rows = sorted(data.gone, key=lambda row: -row.saving_per_month)[:most]
    largest = max((row.saving_per_month for row in rows), default=0.0)
    return tuple(TopSaving(row, _part(row.saving_per_month, largest)) for row in rows)


def containment_graph(data: ReportData) -> GraphDrawing:
    """The reduction with groups of duplicates as one node, as much of it as the settings allow."""
    rows = {row.id: row for row in data.rows}
    layout = lay_out(
        ((edge.parent, edge.child) for edge in data.edges),
        data.groups,
        {row.id: row.bytes for row in data.rows},
        data.graph_datasets,
    )
    return _drawing(layout, rows)


def css_class(action: str) -> str:
    """What an action is called in the style sheet."""
    return action.replace(" ", "-")


def _drawing(layout: GraphLayout, rows: Mapping[str, DatasetRow]) -> GraphDrawing:
    nodes = []
    for placed in layout.nodes:
        members = sorted((rows[m] for m in placed.members), key=lambda r: (r.action in GONE, -r.bytes, r.id))
        nodes.append(_node(members, placed.x, placed.y))
    drawn = sum(node.multiplicity for node in nodes)
    return GraphDrawing(tuple(nodes), layout.links, layout.width, layout.height, drawn, layout.hidden)


def _node(members: list[DatasetRow], x: float, y: float) -> GraphNode:
    first = members[0]
    retired = sum(member.action in GONE for member in members)
    size = sum(member.bytes for member in members)
    alone = len(members) == 1 and first.rows is not None
    detail = f"{human_bytes(size)}, {_short_count(first.rows or 0)} rows" if alone else human_bytes(size)
    names = ", ".join(shortened(visible(m.id)) for m in members[:5])
    more = f" and {len(members) - 5:,} more" if len(members) > 5 else ""
    copies = f"{len(members):,} exact duplicates: " if len(members) > 1 else ""
    fate = f"{retired:,} can be retired" if retired else "kept"
    if len(members) == 1 and retired:
        how = "rebuilt from" if first.action == "retire" else "with a view over"
        fate = f"can be retired, {how} {shortened(visible(first.parent or ''))}"
    return GraphNode(
        x=x,
        y=y,
        label=_tail(visible(first.id)),
        detail=detail,
        title=f"{copies}{names}{more}. {human_bytes(size)}, {count(first.rows)} rows; {fate}.",
        action="mixed" if 0 < retired < len(members) else css_class(first.action),
        anchor=first.anchor,
        multiplicity=len(members),
    )


def _savings_part(data: ReportData, label: str, action: str, total: int) -> SavingsPart:
    rows = data.with_action(action)
    size = sum(row.bytes for row in rows)
    return SavingsPart(
        label=label,
        action=css_class(action),
        datasets=len(rows),
        bytes=size,
        bytes_share=_part(size, total),
        cost=size / _GB * data.storage_price,
        saving=sum(row.saving_per_month for row in rows),
    )


def _tail(name: str) -> str:
    """The end of a name, which tells the datasets of one directory apart: as many whole steps as fit, or a part."""
    start = next((i + 1 for i in range(max(0, len(name) - _LABEL - 1), len(name) - 1) if name[i] == "/"), None)
    if len(name) <= _LABEL or start is not None:
        return name if len(name) <= _LABEL else name[start:]
    return "…" + name[1 - _LABEL :]


def _short_count(number: int) -> str:
    if number < 10_000:
        return count(number)
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return count(number)


def _part(part: float, whole: float) -> float:
    """``part`` as a percentage of ``whole``, within 0 and 100, for the length of a bar."""
    return round(max(0.0, min(100.0, 100 * part / whole)), 2) if whole else 0.0
