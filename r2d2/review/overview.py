"""What is in the lake, what can be saved, and what is new since the run before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Literal

from r2d2.catalog import lakes
from r2d2.commands.plans import differences
from r2d2.model.plan import GONE
from r2d2.report import charts
from r2d2.report.data import DatasetRow, ReportData
from r2d2.report.summary import decided, headline, left_out
from r2d2.report.vega.chart import Chart
from r2d2.review.lake import Lake
from r2d2.review.table import Said, Table
from r2d2.review.tables import Cell, amount, plain, size, table, time, whole

By = Literal["format", "size", "age", "owner", "topic", "action"]
#: Sizes of datasets, in bytes; and ages, in days since they last changed: up to so many.
_SIZES = ((10**6, "under 1 MB"), (10**9, "1 MB to 1 GB"), (10**12, "1 GB to 1 TB"))
_AGES = ((7, "up to a week"), (31, "up to a month"), (183, "up to half a year"), (366, "up to a year"))


def summary(lake: Lake) -> Said:
    """What can be saved, in a sentence."""
    if lake.data is None:
        return lake.nothing
    said = decided(lake.data)
    return Said(f"{headline(lake.data)}. {said + '. ' if said else ''}Nothing was changed: this is a plan.")


def first(lake: Lake, most: int = 10) -> Table | Said:
    """What to retire first; what is to stay by decision is only counted."""
    if lake.data is None:
        return lake.nothing
    rows, currency = lake.data.to_retire, lake.data.currency
    rest = rows[most:]
    saving = amount(sum(row.saving_per_month for row in rest), currency).text
    cells = (
        (
            plain(row.id),
            plain(row.parent),
            amount(row.saving_per_month, currency),
            size(row.bytes),
            time(row.rebuild_seconds),
        )
        for row in rows[:most]
    )
    more = f"And {len(rest):,} more, which save {saving} a month together." if rest else ""
    out = left_out(lake.data)
    note = " ".join(filter(None, (more, f"{out}." if out else "")))
    return table("Retire first", "dataset|rebuilt from|#saves a month|#bytes|#back in", cells, note)


def sizes_by(lake: Lake, by: By = "format") -> Table | Said:
    """Datasets and bytes by format, size, age, owner, topic or what is planned, the largest first."""
    if lake.data is None:
        return lake.nothing
    groups: dict[str, list[DatasetRow]] = defaultdict(list)
    key = _key(lake.data, by)
    for row in lake.data.rows:
        groups[key(row)].append(row)
    rows = sorted(groups.items(), key=lambda item: (-sum(row.bytes for row in item[1]), item[0]))
    currency = lake.data.currency
    cells = ((plain(name), *_figures(members, currency)) for name, members in rows)
    return table(f"The lake by {by}", f"{by}|#datasets|#bytes|#can be retired|#bytes of these|#saves a month", cells)


def _figures(rows: list[DatasetRow], currency: str) -> tuple[Cell, ...]:
    gone = [row for row in rows if row.action in GONE]
    saving = sum(row.saving_per_month for row in rows)
    counted = whole(len(rows)), size(sum(row.bytes for row in rows)), whole(len(gone))
    return *counted, size(sum(row.bytes for row in gone)), amount(saving, currency)


def _key(data: ReportData, by: By) -> Callable[[DatasetRow], str]:
    if by == "topic":
        return lambda row: "in no topic" if row.topic is None else data.topics[row.topic].name
    if by == "size":
        return lambda row: next((name for most, name in _SIZES if row.bytes < most), "1 TB and more")
    if by == "age":
        return lambda row: _age(row.modified, data.run.started)
    return lambda row: str(getattr(row, by)) or "unknown"


def _age(modified: str, now: datetime) -> str:
    if not modified:
        return "unknown"
    days = (now - datetime.fromisoformat(modified).replace(tzinfo=UTC)).days
    return next((name for most, name in _AGES if days <= most), "more than a year")


def funnel(lake: Lake) -> Chart | Said:
    """How many pairs are left after each stage."""
    return charts.funnel_chart(lake.data.funnel) if lake.data else lake.nothing


def savings(lake: Lake) -> Chart | Said:
    """What the plan saves, step by step."""
    return charts.savings_chart(lake.data) if lake.data else lake.nothing


def families(lake: Lake) -> Chart | Said:
    """Bytes by family of datasets that hold each other's rows."""
    return charts.sizes_chart(lake.data) if lake.data else lake.nothing


def growth(lake: Lake) -> Chart | Said:
    """The lake from run to run."""
    if lake.data is None:
        return lake.nothing
    if len(lake.data.growth) < 2:
        return Said("This is the first run on the lake: there is nothing to compare it with.")
    return charts.growth_chart(lake.data.growth, lake.data.currency)


def changes(lake: Lake) -> Table | Said:
    """What the plan decides otherwise than the one before on the same lake."""
    if lake.found is None or lake.state is None or lake.run is None:
        return lake.nothing
    plan = lake.found.plan
    before = lakes.plan_before(lake.state, lake.run.lake, plan.number)
    if before is None:
        return Said(f"Plan {plan.number} is the first on this lake.")
    title = f"What plan {plan.number} decides otherwise than plan {before.number}"
    return table(title, "dataset|before|now|why", _changed(lake, differences(before, plan)))


def _changed(lake: Lake, found: Iterator[dict[str, object]]) -> Iterator[tuple[Cell, ...]]:
    for each in found:
        name = str(each["dataset"])
        reason = lake.rows[name].reason if name in lake.rows else str(each["reason"])
        yield plain(name), plain(each["before"]), plain(each["after"]), plain(reason)


def problems(lake: Lake) -> Table | Said:
    """What took no part, and what to do about it."""
    if lake.data is None:
        return lake.nothing
    cells = ((plain(p.where), plain(p.status), plain(p.what), plain(p.hint)) for p in lake.data.problems)
    return table("What took no part, or may not be retired", "where|status|what|what to do", cells)
