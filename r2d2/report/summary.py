"""A run in Markdown, fit for a pull request or a chat message."""

from __future__ import annotations

import re
from collections.abc import Iterator

from r2d2.report.data import DatasetRow, ReportData
from r2d2.units import count, human_bytes, human_seconds, money, plural
from r2d2.visible import shortened, visible

#: Datasets that are named.
_MOST = 10


def markdown(data: ReportData) -> str:
    """What can be saved, what to retire first, what was compared, what could not be read, what is new since."""
    return "\n".join(_lines(data)) + "\n"


def _lines(data: ReportData) -> Iterator[str]:
    gone = data.gone
    lakes = ", ".join(map(_plain, data.run.roots))
    yield f"### {headline(data)}"
    yield ""
    when = f"{data.run.started:%Y-%m-%d %H:%M} UTC"
    yield f"Run {_plain(data.run.run_id)} of {when} on {lakes}: a plan, nothing was changed."
    if gone:
        yield ""
        yield "| retire first | rebuilt from | saves a month | back in |"
        yield "| --- | --- | ---: | ---: |"
        yield from (_row(row, data.currency) for row in gone[:_MOST])
        if len(gone) > _MOST:
            rest = sum(row.saving_per_month for row in gone[_MOST:])
            yield f"| and {count(len(gone) - _MOST)} more | | {money(rest, data.currency)} | |"
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
