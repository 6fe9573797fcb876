"""Made-up report data for tests: a lake like TPC-H's with its copies, a large one, and one of hostile names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from r2d2.config import Settings, load_settings
from r2d2.model.dataset import Dataset, Leaf
from r2d2.model.edge import Edge, Grade, Witness
from r2d2.model.funnel import Funnel, StageFigures
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.report.data import ReportData, RunFacts, build_report
from r2d2.report.near_misses import NearMisses
from r2d2.report.problems import Problem
from r2d2.report.standing import Stand
from r2d2.report.topics import TopicName, Topics
from r2d2.report.trends import LimitPoint, RunPoint
from r2d2.semantics.look_alikes.kept import LookAlike

TABLES = {"lineitem": 232, "orders": 54, "partsupp": 41, "customer": 12, "part": 7, "supplier": 1, "nation": 1}
COLUMNS = ("l_orderkey", "l_partkey", "l_suppkey", "l_linenumber", "l_quantity", "l_extendedprice", "l_shipdate")
HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<!--<script>",
    "quote\"s 'n' `ticks` & amps",
    "new\nline\r\ttab",
    "rtl\u202egnp.exe\u2066",
    "zero\u200bwidth\ufeff",
    "separators\u2028and\u2029",
    "emoji 🐘 and 数据",
    "not utf8 \udcff\udc80",
    "=cmd|'/c calc'!A1",
    "-rf",
    "javascript:alert(1)",
    "nul\x00 and escape \x1b[31mred",
    "{{ 7 * 7 }}{% raw %}",
    "x" * 10_000,
)


def dataset(name: str, size: int = 1_000_000, rows: int = 10_000, **other: object) -> Dataset:
    leaves = tuple(Leaf((column,), ("number",)) for column in COLUMNS)
    fields = {"format": "parquet", "version": "f" + format(abs(hash(name)) % 10**8, "08x"), **other}
    return Dataset(
        id=name,
        location=f"/lake/{name}",
        bytes=size,
        rows=rows,
        leaves=leaves,
        modified_ns=1_760_000_000 * 10**9,
        **fields,  # type: ignore[arg-type]
    )


def edge(parent: Dataset, child: Dataset, how: str = "box", **other: object) -> Edge:
    fields = {
        "grade": Grade.PROVEN,
        "equal": False,
        "reason": f"The parent's rows within the bounds of the child are as many and digest the same ({how}).",
        "projection": tuple(((column,), "number") for column in COLUMNS),
        "predicate": "l_shipdate between 1994-01-01 and 1994-12-31",
        **other,
    }
    return Edge(
        parent=parent.id,
        child=child.id,
        rows_child=child.rows or 0,
        rows_parent=parent.rows or 0,
        how=how,
        **fields,  # type: ignore[arg-type]
    )


def plan_of(datasets: Sequence[Dataset], parent_of: dict[str, str]) -> Plan:
    lines = []
    for each in datasets:
        if each.status != "ok":
            continue
        parent = parent_of.get(each.id)
        saving = round(each.bytes * 23e-9 * 0.9, 6)  # at 1,000 times 0.023 USD a GB
        lines.append(
            PlannedDataset(each.id, Action.KEEP, None, 0.0, 0.0, 0.0, "No kept dataset holds all its rows.")
            if parent is None
            else PlannedDataset(
                each.id,
                Action.RETIRE,
                parent,
                saving,
                saving / 300,
                30 + each.bytes / 5e7,
                f"Storing it costs {saving * 1.1:.4f} USD a month; rebuilding it takes {30 + each.bytes / 5e7:.0f} s.",
            )
        )
    retired = [line for line in lines if line.action is Action.RETIRE]
    sizes = {each.id: each.bytes for each in datasets}
    return Plan(
        tuple(lines),
        sum(line.saving_per_month for line in retired),
        sum(sizes[line.dataset] for line in retired),
        "HiGHS",
        True,
    )


def funnel_of(datasets: Sequence[Dataset], edges: Sequence[Edge], plan: Plan, groups: int) -> Funnel:
    usable = sum(each.status == "ok" for each in datasets)
    pairs = usable * (usable - 1)
    return Funnel(
        datasets=len(datasets),
        usable=usable,
        classes=max(1, usable // 5),
        pairs=pairs,
        candidates=pairs // 3,
        after_minmax=pairs // 6,
        proven={"box": len(edges), "digest": 12, "sketch": 9, "join": 7, "implied": 31},
        refuted={"box": 118, "sketch": 204, "join": 23},
        undecided=0,
        groups=groups,
        edges=len(edges),
        bytes_saved=plan.bytes_retired,
        money_saved=plan.total_saving_per_month,
        stages=(
            StageFigures("discover", 2.31, 1_250_000, 212),
            StageFigures("schema graph", 0.04),
            StageFigures("min-max", 0.02),
            StageFigures("box and sketch scan", 9.4, 1_312_000_000, 212),
            StageFigures("join", 3.1, 402_000_000, 61),
            StageFigures("plan", 0.31),
        ),
    )


def tpch_report(settings: Settings | None = None, topics: Topics | None = None) -> ReportData:
    """Some 60 datasets: tables, copies, slices, projections, snapshots, and some that can't be compared."""
    datasets, edges, groups, parent_of = [], [], [], {}
    for table, megabytes in TABLES.items():
        size = megabytes * 10**6
        whole = dataset(f"warehouse/{table}", size, megabytes * 26_000)
        copies = [dataset(f"{team}/{table}_copy", size, whole.rows or 0) for team in ("finance", "ml")]
        slices = [
            dataset(f"exports/{table}/{table}_{year}.csv", size // 7, megabytes * 3_700, format="csv")
            for year in range(1992, 1998)
        ]
        narrow = dataset(f"dashboards/{table}_1994_keys", size // 40, megabytes * 3_700)
        datasets += [whole, *copies, *slices] + ([narrow] if megabytes > 10 else [])
        edges += [edge(whole, copy, "digest", equal=True, predicate="") for copy in copies]
        edges += [edge(whole, each) for each in slices]
        edges += [edge(slices[2], narrow, "join")] if megabytes > 10 else []
        groups.append((whole.id, *(copy.id for copy in copies)))
        parent_of.update({each.id: whole.id for each in (*copies, *slices)})
        if megabytes > 10:
            parent_of[narrow.id] = whole.id
    datasets += [
        dataset("broken/truncated.parquet", 4096, 0, status="error", reason="part-0.parquet ends before its footer."),
        dataset("iceberg/orders", 10**7, 0, status="unsupported", reason="Iceberg tables are not read yet."),
        dataset("tmp/nothing_yet", 900, 0, status="empty", reason="It has columns, but no rows."),
    ]
    settings = settings or load_settings(overrides=("retention.storage_price_factor=1000",), environ={})
    plan = plan_of(datasets, parent_of)
    near = [
        edge(datasets[0], datasets[9], "join", grade=Grade.REFUTED, reason="One row is missing.", predicate="",
             witness=Witness("9f3a77c1d2e04b55", 1, 0)),
        edge(datasets[0], datasets[10], "sketch", grade=Grade.REFUTED, reason="A row is held once too often.",
             predicate="", witness=Witness("17aa", 2, 1)),
    ]  # fmt: skip
    problems = [Problem("s3://bucket/archive", "The root can't be listed: access denied.", "Grant ListBucket on it.")]
    funnel = funnel_of(datasets, edges, plan, len(groups))
    return build_report(
        run_facts(), datasets, edges, groups, NearMisses(tuple(near), 2), plan, funnel, problems, settings, topics
    )


def topics_report() -> ReportData:
    """The same in topics by table, those of parts below one of their own; what can't be compared is in none."""
    names = [TopicName("Lineitem"), TopicName("Orders"), TopicName("Part", "Parts"), TopicName("Partsupp", "Parts")]
    tables = {name.name.casefold(): number for number, name in enumerate(names)}
    of = {row.id: tables.get(row.id.split("/")[1].split("_")[0]) for row in tpch_report().rows if row.action != "none"}
    known = {name: number for name, number in of.items() if number is not None}
    alike = LookAlike("warehouse/orders", "gone/orders", 0.876, (("o_total", "total"), ("o_day", "date")), 1, 4, False)
    return tpch_report(topics=Topics(tuple(names), known, (alike,)))


def decided_report() -> ReportData:
    """The same, where of the five that save most one is approved, two are rejected, one is retired and one lapsed."""
    data = tpch_report()
    why = "ben had approved it, and that counts no more: it is 91 days old"
    stands = (Stand.APPROVED, ""), (Stand.REJECTED, ""), (Stand.REJECTED, ""), (Stand.RETIRED, ""), (Stand.OPEN, why)
    stood = {row.id: stand for row, stand in zip(data.gone, stands, strict=False)}
    rows = [
        replace(row, stand=stood[row.id][0], stand_note=stood[row.id][1]) if row.id in stood else row
        for row in data.rows
    ]
    return replace(data, rows=tuple(rows), stood_at=datetime(2026, 11, 28, 1, 30, tzinfo=UTC))


def hostile_report(settings: Settings | None = None) -> ReportData:
    """Every hostile name as a dataset, parent, reason, alias, problem, stage, way, topic and look-alike."""
    whole = dataset("whole")
    children = [dataset(name, names=(name + "2",), version=name[:40], format=name[:20]) for name in HOSTILE]
    bad = [dataset("bad/" + name, status="error", reason=name) for name in HOSTILE]
    edges = [edge(whole, child, reason=child.id, how=child.id[:30]) for child in children]
    near = [edge(whole, child, reason=child.id, grade=Grade.REFUTED) for child in children]
    plan = plan_of([whole, *children], {child.id: "whole" for child in children})
    problems = [Problem(name, name, name) for name in HOSTILE]
    funnel = Funnel(
        stages=tuple(StageFigures(name, 1.0) for name in HOSTILE),
        proven={name[:50]: 1 for name in HOSTILE},
        currency=HOSTILE[0],
    )
    run = RunFacts(HOSTILE[0], datetime(2026, 11, 24, 8, tzinfo=UTC), HOSTILE, HOSTILE[1])
    everything = [whole, *children, *bad]
    found = NearMisses(tuple(near), len(near))
    of = {name: number for number, name in enumerate(HOSTILE)}
    alike = tuple(LookAlike(name, "whole", 0.9, ((name, HOSTILE[-2]),), 0, 1, True) for name in HOSTILE)
    topics = Topics(tuple(TopicName(name, name) for name in HOSTILE), of, alike)
    groups = [(whole.id, children[0].id)]
    return build_report(run, everything, edges, groups, found, plan, funnel, problems, settings, topics)


def large_report(number: int = 10_000, edge_count: int = 50_000) -> ReportData:
    """``number`` datasets in families of 50, with ``edge_count`` edges whose reasons all differ."""
    datasets = []
    for i in range(number):
        name = f"department_{i // 50:03}/team_{i % 7}/table_{i:05}/current"
        datasets.append(dataset(name, 10**9 // (i % 50 + 1), 10_000 * (51 - i % 50)))
    edges = list(_family_edges(datasets, edge_count))
    parent_of = {each.id: datasets[i - i % 50].id for i, each in enumerate(datasets) if i % 50}
    plan = plan_of(datasets, parent_of)
    funnel = funnel_of(datasets, edges, plan, 0)
    return build_report(run_facts(), datasets, edges, [], NearMisses(), plan, funnel)


def with_trends(data: ReportData) -> ReportData:
    """With runs before it, and what other limits would save."""
    growth = tuple(
        RunPoint(f"r{n}", data.run.started - timedelta(days=7 * (8 - n)), 50 + n, 10**9 * (n + 4), 10**8 * n, 3.0 + n)
        for n in range(9)
    )
    saved = ((0.0, 0.0, False), (60.0, 5.0, False), (3600.0, 20.0, True), (math.inf, 21.5, False))
    limits = tuple(LimitPoint(seconds, saving, int(saving), chosen) for seconds, saving, chosen in saved)
    return replace(data, growth=growth, limits=limits)


def run_facts() -> RunFacts:
    started = datetime(2026, 11, 24, 8, 46, tzinfo=UTC)
    return RunFacts("20261124-084600-1f3a", started, ("/data/lake", "s3://warehouse/raw"), "/var/lib/r2d2/state")


def _family_edges(datasets: Sequence[Dataset], most: int) -> Iterator[Edge]:
    made = 0
    for distance in range(1, 50):
        for i, child in enumerate(datasets):
            if made == most:
                return
            if i % 50 >= distance:
                made += 1
                reason = (
                    f"{child.rows:,} rows of the parent lie in the child's bounds and digest the same (scan {made})."
                )
                yield edge(datasets[i - distance], child, ("digest", "box", "join")[made % 3], reason=reason)
