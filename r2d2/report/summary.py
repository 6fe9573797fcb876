"""A run in Markdown, fit for a pull request or a chat message."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from r2d2.report.data import DatasetRow, ReportData
from r2d2.report.standing import Stand
from r2d2.units import count, human_bytes, human_seconds, money, plural
from r2d2.visible import shortened, visible

#: Datasets that are named.
_MOST = 10
#: What is said of one dataset, and of many, that somebody decided on.
_DECIDED = {
    Stand.APPROVED: ("is approved", "are approved"),
    Stand.REJECTED: ("was rejected and stays", "were rejected and stay"),
    Stand.RETIRED: ("is retired already", "are retired already"),
}


def markdown(data: ReportData) -> str:
    """What can be saved, what to retire first, what was compared, what could not be read, what is new since."""
    return "\n".join(_lines(data)) + "\n"


def _lines(data: ReportData) -> Iterator[str]:
    first = data.to_retire
    lakes = ", ".join(map(_plain, data.run.roots))
    yield f"### {headline(data)}"
    yield ""
    when = f"{data.run.started:%Y-%m-%d %H:%M} UTC"
    yield f"Run {_plain(data.run.run_id)} of {when} on {lakes}: a plan, nothing was changed."
    if said := decided(data):
        yield f"{said}."
    if first:
        yield ""
        yield "| retire first | rebuilt from | saves a month | back in |"
        yield "| --- | --- | ---: | ---: |"
        yield from (_row(row, data.currency) for row in first[:_MOST])
        if len(first) > _MOST:
            rest = sum(row.saving_per_month for row in first[_MOST:])
            yield f"| and {count(len(first) - _MOST)} more | | {money(rest, data.currency)} | |"
    yield ""
    yield from (f"- {line}" for line in _facts(data))


def headline(data: ReportData) -> str:
    """What can be saved, in a sentence without its stop."""
    of = f"of {plural(len(data.rows), 'dataset')}"
    saves = f"{money(data.saving_per_month, data.currency)} a month"
    ways = [
        f"{word} {len(rows):,}"
        for word, rows in (
            ("retiring", data.gone),
            ("moving to a colder class", data.with_action("colder")),
            ("stopping the producers of", data.with_action("stop producer")),
        )
        if rows
    ]
    if not ways:
        return f"R2D2: nothing to retire among {plural(len(data.rows), 'dataset')}"
    freed = f" and {human_bytes(data.bytes_retired)}" if data.bytes_retired else ""
    return f"R2D2: {saves}{freed} can be saved by {', '.join(ways)} {of}"


def decided(data: ReportData) -> str:
    """What people decided of what could go, and when that was looked at, without its stop; empty where they did not."""
    number = Counter(row.stand for row in data.gone)
    parts = [f"{number[stand]:,} {words[number[stand] > 1]}" for stand, words in _DECIDED.items() if number[stand]]
    if not parts:
        return ""
    first, *rest = parts
    at = f" (as of {data.stood_at:%Y-%m-%d %H:%M} UTC)" if data.stood_at else ""
    return ", ".join((first.replace(" ", " of these ", 1), *rest)) + at


def left_out(data: ReportData) -> str:
    """What is not among what to retire first, without its stop; empty where all of it is."""
    number = Counter(row.stand for row in data.gone)
    parts = ((number[Stand.REJECTED], "rejected"), (number[Stand.RETIRED], "retired already"))
    said = ", ".join(f"{many:,} {word}" for many, word in parts if many)
    return f"Left out: {said}" if said else ""


def _row(row: DatasetRow, currency: str) -> str:
    parent = code(row.parent) if row.parent is not None else ""
    saving = money(row.saving_per_month, currency)
    return f"| {code(row.id)} | {parent} | {saving} | {human_seconds(row.rebuild_seconds)} |"


def _facts(data: ReportData) -> Iterator[str]:
    funnel = data.funnel
    yield (
        f"{plural(funnel.proven_pairs, 'containment')} proven row by row, of {count(funnel.pairs)} pairs; "
        f"{count(funnel.refuted_pairs)} refuted by content"
    )
    if out := left_out(data):
        yield f"{out[0].lower()}{out[1:]}"
    if data.problems:
        yield f"{plural(len(data.problems), 'dataset')} took no part or may not be retired: `r2d2 datasets`"
    if funnel.limit:
        yield "a part of the result: the run's limit ended it"
    if len(data.growth) > 1:
        before, now = data.growth[-2], data.growth[-1]
        yield (
            f"since the run of {before.started:%Y-%m-%d}: datasets {_change(now.datasets - before.datasets)}, bytes "
            f"{_sign(now.bytes - before.bytes)}{human_bytes(abs(now.bytes - before.bytes))}"
        )
    yield from (_plain(finding) for finding in data.findings)


def _change(number: int) -> str:
    return f"{_sign(number)}{abs(number):,}"


def _sign(number: int) -> str:
    return "−" if number < 0 else "+"


def _plain(text: str) -> str:
    """A code span outside of tables."""
    return code(text, 400).replace("\\|", "|")


def code(text: str, most: int = 120) -> str:
    """Text as a code span that nothing in it can end, fit for a cell of a table, of so many letters at most.

    >>> code("a|b"), code("tick ` tick")
    ('`a\\\\|b`', '``tick ` tick``')
    """
    shown = shortened(visible(text), most).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"
