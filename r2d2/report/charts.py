"""The charts of reports and notebooks: records for the specifications in ``vega/specs``."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import networkx as nx

from r2d2.model.funnel import Funnel
from r2d2.model.plan import GONE, Action
from r2d2.report.bars import funnel_steps
from r2d2.report.data import ACTIONS, NOT_USABLE, DatasetRow, ReportData
from r2d2.report.graph_layout import NODE_HEIGHT, NODE_WIDTH, GraphLayout, PlacedNode, lay_out
from r2d2.report.trends import LimitPoint, RunPoint
from r2d2.report.vega.chart import Chart, Record
from r2d2.units import count, human_bytes, human_seconds, money, plural
from r2d2.visible import shortened, visible

#: Characters of a name that fit a box of the graph.
_LABEL = 20
#: Steps of the waterfall besides the first and the last.
_STEPS = 8
#: Families of duplicates, and datasets of one, that are drawn by themselves.
_FAMILIES, _MEMBERS = 200, 40
_NO_FAMILY = "in no containment"
#: What the colours of maps and graphs are called, in the order of legends.
_CALLED = {
    Action.KEEP.value: "kept",
    Action.RETIRE.value: "can be retired",
    "mixed": "kept, with copies that can go",
    Action.REDIRECT.value: "a view can stand in",
    Action.COLDER.value: "to a colder class",
    Action.STOP_PRODUCER.value: "producer can be stopped",
    NOT_USABLE: "not planned",
}


def funnel_chart(funnel: Funnel) -> Chart:
    """Pairs from all of them to the proven ones; bars grow with the logarithm."""
    steps = [
        {"label": step.label, "value": step.value, "amount": count(step.value), "note": step.note}
        for step in funnel_steps(funnel)
    ]
    return Chart(
        "funnel",
        "How many pairs of datasets are left after each stage; ten times as many are a step more",
        {"steps": steps},
    )


def savings_chart(data: ReportData) -> Chart:
    """What is saved a month, step by step, the largest parents first; and beside it what storage costs now."""
    whole, total = sum(row.bytes for row in data.rows) / 1e9 * data.storage_price, 0.0
    steps = [("Storage of the whole lake, a month", 0.0, whole, "keep", money(whole, data.currency), "")]
    for label, saving, number in _savings(data):
        note = plural(number, "dataset")
        steps.append((label, total, total + saving, "retire", money(saving, data.currency), note))
        total += saving
    steps.append(("All that is saved a month, net of rebuilds", 0.0, total, "retire", money(total, data.currency), ""))
    names = ("label", "from", "to", "kind", "amount", "note")
    parts = [{"order": place, **dict(zip(names, step, strict=True))} for place, step in enumerate(steps)]
    return Chart("waterfall", "What storage costs a month, and what the plan saves", {"parts": parts})


def _savings(data: ReportData) -> Iterator[tuple[str, float, int]]:
    """What is saved by what stays instead; the smaller ones together."""
    by_parent: dict[str, list[float]] = defaultdict(list)
    for row in data.rows:
        if row.saving_per_month > 0:
            by_parent[row.parent or ""].append(row.saving_per_month)
    ranked = sorted(by_parent.items(), key=lambda item: (-sum(item[1]), item[0]))
    for parent, savings in ranked[:_STEPS]:
        yield (f"Held by {_named(parent)}" if parent else "Moved or stopped"), sum(savings), len(savings)
    rest = [saving for _, savings in ranked[_STEPS:] for saving in savings]
    if rest:
        yield f"Held by {plural(len(ranked) - _STEPS, 'other')}", sum(rest), len(rest)


def sizes_chart(data: ReportData) -> Chart:
    """Bytes by family: datasets that hold each other's rows, in the colour of what is planned."""
    families, alone = families_of(data)
    tree: list[Record] = [{"id": "lake", "parent": None}]
    for number, family in enumerate(families[:_FAMILIES]):
        tree.extend(_family(f"f{number}", _named(_stays(family).id), family))
    rest = [row for family in families[_FAMILIES:] for row in family]
    if rest:
        tree.extend(_family("rest", plural(len(families) - _FAMILIES, "smaller family", "smaller families"), rest))
    if alone:
        tree.extend(_family("alone", _NO_FAMILY, alone))
    title = "Bytes by family of datasets that hold each other's rows"
    return Chart("sizes", title, {"tree": tree}, _legend(row.action for row in data.rows))


def _legend(kinds: Iterable[str]) -> dict[str, Any]:
    """The signals that a legend of what is planned reads."""
    found = set(kinds)
    return {"kinds": [kind for kind in _CALLED if kind in found], "called": _CALLED}


def families_of(data: ReportData) -> tuple[list[list[DatasetRow]], list[DatasetRow]]:
    """Components of the containment graph, the one with most bytes first; and the datasets of none."""
    graph = nx.Graph((edge.parent, edge.child) for edge in data.edges)
    for group in data.groups:
        nx.add_path(graph, group)
    rows = {row.id: row for row in data.rows}
    found = [[rows[name] for name in names] for names in nx.connected_components(graph)]
    order = sorted(found, key=lambda family: (-sum(row.bytes for row in family), min(row.id for row in family)))
    return order, [row for row in data.rows if row.id not in graph]


def _stays(family: Sequence[DatasetRow]) -> DatasetRow:
    """The largest one that stays, by which a family is called."""
    return min(family, key=lambda row: (row.action in GONE, -row.bytes, row.id))


def _family(key: str, name: str, rows: Sequence[DatasetRow]) -> Iterator[Record]:
    """A family and its datasets, the largest by themselves, the others by what is planned."""
    size = sum(row.bytes for row in rows)
    yield {"id": key, "parent": "lake", "name": name, "amount": f"{human_bytes(size)}, {plural(len(rows), 'dataset')}"}
    ordered = sorted(rows, key=lambda row: (-row.bytes, row.id))
    for number, row in enumerate(ordered[:_MEMBERS]):
        note = f"{shortened(visible(row.id))}: {human_bytes(row.bytes)}, {ACTIONS[row.action].lower()}"
        yield _leaf(f"{key}.{number}", key, row.action, row.bytes, note, row.anchor)
    rest: dict[str, list[DatasetRow]] = defaultdict(list)
    for row in ordered[_MEMBERS:]:
        rest[row.action].append(row)
    for action, others in rest.items():
        total = sum(row.bytes for row in others)
        note = f"{plural(len(others), 'more dataset')} of {name}: {human_bytes(total)}, {ACTIONS[action].lower()}"
        yield _leaf(f"{key}.{action}", key, action, total, note, "")


def _leaf(key: str, parent: str, action: str, size: int, note: str, anchor: str) -> Record:
    return {"id": key, "parent": parent, "action": action, "bytes": size, "note": note, "anchor": anchor}


def graph_chart(data: ReportData) -> tuple[Chart, GraphLayout]:
    """The containment graph with groups of duplicates as one box, as much of it as the settings allow; its layout."""
    rows = {row.id: row for row in data.rows}
    layout = lay_out(
        ((edge.parent, edge.child) for edge in data.edges),
        data.groups,
        {row.id: row.bytes for row in data.rows},
        data.graph_datasets,
    )
    boxes = [_box(number, node, rows) for number, node in enumerate(layout.nodes)]
    links = [{"source": link.parent, "target": link.child} for link in layout.links]
    families = list(_families_drawn(layout, rows))
    signals = {
        "boxWidth": NODE_WIDTH,
        "boxHeight": NODE_HEIGHT,
        "whole": {"x": 0, "y": 0, "w": round(layout.width) or 1, "h": round(layout.height) or 1},
        **_legend(box["action"] for box in boxes),
    }
    choices = [(-1, f"All ({len(families):,})"), *((number, label) for number, (label, _) in enumerate(families))]
    title = "Containment graph: a line leads from a dataset down to one whose rows it all holds"
    frames = [frame for _, frame in families]
    records: Mapping[str, Sequence[Record]] = {"boxes": boxes, "links": links, "frames": frames}
    return Chart("graph", title, records, signals, {"family": choices}), layout


def _families_drawn(layout: GraphLayout, rows: Mapping[str, DatasetRow]) -> Iterator[tuple[str, Record]]:
    """The components of a layout, the heaviest first: how each is called, and where it is drawn."""
    members: dict[int, list[DatasetRow]] = defaultdict(list)
    for node in layout.nodes:
        members[node.frame].extend(rows[name] for name in node.members)
    for number, frame in enumerate(layout.frames):
        label = f"{_named(_stays(members[number]).id)} ({plural(len(members[number]), 'dataset')})"
        yield label, {"x": round(frame.x), "y": round(frame.y), "w": round(frame.width), "h": round(frame.height)}


def _box(number: int, placed: PlacedNode, rows: Mapping[str, DatasetRow]) -> Record:
    members = sorted((rows[m] for m in placed.members), key=lambda r: (r.action in GONE, -r.bytes, r.id))
    first, retired = members[0], sum(member.action in GONE for member in members)
    size = sum(member.bytes for member in members)
    times = f"×{len(members):,}  " if len(members) > 1 else ""
    return {
        "id": number,
        "x": round(placed.x),
        "y": round(placed.y),
        "label": _tail(visible(first.id)),
        "detail": f"{times}{human_bytes(size)}",
        "title": _told(members, retired, size),
        "names": "\n".join(visible(member.id) for member in members).lower(),
        "action": first.action if len({member.action in GONE for member in members}) == 1 else "mixed",
        "anchor": first.anchor,
    }


def _told(members: Sequence[DatasetRow], retired: int, size: int) -> str:
    """What a box is, in a sentence."""
    first = members[0]
    names = ", ".join(shortened(visible(m.id)) for m in members[:5])
    more = f" and {len(members) - 5:,} more" if len(members) > 5 else ""
    copies = f"{len(members):,} exact duplicates: " if len(members) > 1 else ""
    fate = f"{retired:,} can be retired" if retired else "kept"
    if len(members) == 1 and retired:
        how = "rebuilt from" if first.action == "retire" else "with a view over"
        fate = f"can be retired, {how} {shortened(visible(first.parent or ''))}"
    return f"{copies}{names}{more}. {human_bytes(size)}, {count(first.rows)} rows; {fate}."


def tradeoff_chart(points: Sequence[LimitPoint], currency: str) -> Chart:
    """What would be saved at other limits of how long a rebuild may take, and where the plan is."""
    records = [
        {
            "label": _limit(point.seconds),
            "saving": point.saving_per_month,
            "chosen": point.chosen,
            "note": f"{money(point.saving_per_month, currency)} a month, {plural(point.retired, 'dataset')} retired",
        }
        for point in points
    ]
    return Chart("tradeoff", "What is saved a month, by how long a rebuild may take", {"points": records})


def _limit(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if math.isfinite(seconds) and seconds >= size and seconds % size == 0:
            return f"{seconds / size:,.0f} {unit}"
    return "any time" if math.isinf(seconds) else human_seconds(seconds) if seconds else "no wait"


def growth_chart(points: Iterable[RunPoint], currency: str) -> Chart:
    """The lake from run to run: its bytes, and those that can be retired."""
    records = [
        {
            "at": round(point.started.timestamp() * 1000),
            "lake": point.bytes,
            "gone": point.bytes_retired,
            "note": _of_run(point, currency),
        }
        for point in points
    ]
    return Chart("growth", "The lake from run to run", {"runs": records})


def _of_run(point: RunPoint, currency: str) -> str:
    held = f"{human_bytes(point.bytes)} in {plural(point.datasets, 'dataset')}"
    saved = f"{human_bytes(point.bytes_retired)} can be retired, {money(point.saving_per_month, currency)} a month"
    return f"{point.started:%Y-%m-%d %H:%M}: {held}; {saved}"


def _named(name: str) -> str:
    return shortened(visible(name), 60)


def _tail(name: str) -> str:
    """The end of a name, which tells the datasets of one directory apart: as many whole steps as fit, or a part."""
    start = next((i + 1 for i in range(max(0, len(name) - _LABEL - 1), len(name) - 1) if name[i] == "/"), None)
    if len(name) <= _LABEL or start is not None:
        return name if len(name) <= _LABEL else name[start:]
    return "…" + name[1 - _LABEL :]
