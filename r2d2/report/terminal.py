"""The funnel as text, for the end of ``r2d2 run``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from r2d2.model.funnel import Funnel, StageFigures
from r2d2.model.plan import Plan
from r2d2.report.limits import LIMITS, going_on
from r2d2.units import count, human_bytes, human_seconds, money, no_part, percent
from r2d2.visible import visible

_WIDTH = 20


def funnel_lines(funnel: Funnel) -> list[str]:
    """The funnel, aligned, one figure a line; then the stages with their time and what they read."""
    figures: list[tuple[str, str, str]] = [
        ("datasets", count(funnel.datasets), no_part(funnel.datasets - funnel.usable, funnel.unusable)),
        ("schema classes", count(funnel.classes), ""),
        ("pairs", count(funnel.pairs), ""),
        ("schema fits", count(funnel.candidates), _share(funnel.candidates, funnel.pairs, "of the pairs")),
        ("left by min-max", count(funnel.after_minmax), _share(funnel.after_minmax, funnel.candidates, "of those")),
        ("proven", count(funnel.proven_pairs), _ways(funnel.proven)),
        ("refuted", count(funnel.refuted_pairs), _ways(funnel.refuted)),
    ]
    figures += _left(funnel)
    if funnel.shared:
        figures.append(("shared", count(funnel.shared), "hold files in common: not compared, neither is retired"))
    figures += [
        ("duplicate groups", count(funnel.groups), ""),
        ("edges", count(funnel.edges), "after transitive reduction"),
        ("can be saved", human_bytes(funnel.bytes_saved), f"{money(funnel.money_saved, funnel.currency)} a month"),
    ]
    return [*_aligned(figures), *_stage_lines(funnel.stages)]


def retire_lines(
    plan: Plan, how: Callable[[str, str], str], most: int = 10, rejected: Collection[str] = ()
) -> list[str]:
    """What to retire first: dataset, what it is rebuilt from, how that was proven, what it saves, how long it takes.

    Args:
        plan: the plan; its order is kept.
        how: how a parent's containment of a child was proven.
        most: lines; how many more there are is said.
        rejected: datasets that people want to keep; how many they are is said.
    """
    if not plan.retired:
        return ["  nothing is worth retiring; `r2d2 plan` says why for each dataset"]
    retired = [entry for entry in plan.retired if entry.dataset not in rejected]
    rows = [("retire first", "rebuilt from", "proven by", "saves a month", "back in")] + [
        (
            visible(entry.dataset),
            visible(entry.parent or ""),
            how(entry.parent or "", entry.dataset),
            money(entry.saving_per_month, plan.currency),
            human_seconds(entry.rebuild_seconds),
        )
        for entry in retired[:most]
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}  {e:>{widths[4]}}"
        for a, b, c, d, e in rows
    ]
    if (more := len(retired) - most) > 0:
        lines.append(f"  and {count(more)} more (`r2d2 plan` lists them all)")
    if left := len(plan.retired) - len(retired):
        lines.append(f"  and {count(left)} more that would save money but {'was' if left == 1 else 'were'} rejected")
    return lines


def _left(funnel: Funnel) -> Iterator[tuple[str, str, str]]:
    """What is neither proven nor refuted, and why."""
    limited, worthless = (funnel.not_compared.get(why, 0) for why in ("limit", "value"))
    if funnel.undecided > limited + worthless:
        yield "undecided", count(funnel.undecided - limited - worthless), "stay plausible and lead to nothing"
    if worthless:
        yield "not worth it", count(worthless), "could not save money (--goal value): not compared"
    if limited:
        yield "not compared", count(limited), f"for lack of {LIMITS[funnel.limit]}: {going_on(funnel)}"
    if funnel.unread:
        yield "datasets unread", count(funnel.unread), f"for lack of {LIMITS[funnel.limit]}: {going_on(funnel)}"


def _aligned(figures: Iterable[tuple[str, str, str]]) -> list[str]:
    rows = list(figures)
    width = max(len(value) for _, value, _ in rows)
    return [f"  {name:<{_WIDTH}}{value:>{width}}  {visible(note)}".rstrip() for name, value, note in rows]


def _stage_lines(stages: Sequence[StageFigures]) -> list[str]:
    if not stages:
        return []
    total = StageFigures(
        "all", sum(s.seconds for s in stages), sum(s.bytes_read for s in stages), sum(s.files_read for s in stages)
    )
    rows = [("stage", "time", "read", "files")] + [
        (visible(s.name), human_seconds(s.seconds), human_bytes(s.bytes_read), count(s.files_read))
        for s in (*stages, total)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    first = max(widths[0] + 2, _WIDTH)
    return ["", *(f"  {n:<{first}}{t:>{widths[1]}}  {b:>{widths[2]}}  {f:>{widths[3]}}" for n, t, b, f in rows)]


def _ways(counts: Mapping[str, int]) -> str:
    parts = [f"{visible(how)} {count(number)}" for how, number in sorted(counts.items(), key=lambda i: (-i[1], i[0]))]
    return f"by {', '.join(parts)}" if parts else ""


def _share(part: int, whole: int, of_what: str) -> str:
    return f"{percent(part, whole)} {of_what}" if whole else ""
