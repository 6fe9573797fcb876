"""The report as one HTML page: no network access, and nothing from the lake can run in it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from r2d2 import units
from r2d2.report import bars, charts
from r2d2.report.by_topic import MAX_TOPICS, topic_lines
from r2d2.report.data import MAX_COLUMNS, ReportData
from r2d2.report.limits import LIMITS, going_on
from r2d2.report.owners import OwnerPage
from r2d2.report.problems import Problem
from r2d2.report.standing import Stand
from r2d2.report.summary import decided, left_out
from r2d2.report.vega.chart import Chart, Theme, colours_css, config, runtime
from r2d2.report.wire import embedded, payload
from r2d2.visible import shell_word, shortened, visible

#: Problems listed in the page; the plan's filter "not usable" shows every dataset among them.
MAX_PROBLEMS = 300
#: What marks the pages of owners, of whatever state.
OWNERS_MARK = "r2d2 owners "
_STATUS_WORDS = {
    "error": "Can't be read",
    "unsupported": "Can't be compared exactly",
    "unprovable": "Can't be read in full",
    "empty": "Holds no rows",
    "archived": "Not read, because it is archived",
    "unread": "Not read yet, because of the run's limit",
    "retired": "Retired by r2d2",
    "shared": "Shares files with others",
    "usage": "Logs and lineage that can't be used",
    "topics": "Topics that could not be made",
}


def render(data: ReportData) -> str:
    """The page. Names and texts from the lake pass autoescape, and what is invisible in them is spelled out."""
    style, script = _style(), _asset("report.js")
    draw = Markup(runtime()) + _asset("draw.js")  # Vega's, and our own file
    topics, (graph, layout) = topic_lines(data), charts.graph_chart(data)
    return _environment(data.currency).get_template("report.html.j2").render(
        data=data,
        style=style,
        script=script,
        draw=draw,
        policy=_policy(style, script, draw),
        payload=embedded(payload(data)),
        state=shell_word(data.run.state),
        steps=bars.funnel_steps(data.funnel),
        ways=bars.decision_ways(data.funnel),
        stages=bars.stage_bars(data.funnel),
        parts=bars.savings_parts(data),
        top=bars.top_savings(data),
        decided=decided(data),
        left_out=left_out(data),
        any_decision=any(row.stand is not Stand.OPEN or row.stand_note for row in data.gone),
        charts=embedded(_charts(data, graph)),
        layout=layout,
        drawn=sum(len(node.members) for node in layout.nodes),
        limits=LIMITS,
        going_on=going_on(data.funnel),
        apart=units.no_part(data.funnel.datasets - data.funnel.usable, data.funnel.unusable),
        problems=_problem_groups(data.problems[:MAX_PROBLEMS]),
        topics=topics[:MAX_TOPICS],
        most_columns=MAX_COLUMNS,
        hidden_topics=max(0, len(topics) - MAX_TOPICS),
        hidden_problems=max(0, len(data.problems) - MAX_PROBLEMS),
    )  # fmt: skip


def _environment(currency: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("r2d2.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        bytes=units.human_bytes,
        seconds=units.human_seconds,
        count=units.count,
        money=lambda amount: units.money(amount, currency),
        name=lambda text: shortened(visible(text)),
        brief=lambda text: shortened(visible(text), 400),
        word=dataset_word,
    )
    environment.globals.update(plural=units.plural, percent=units.percent)
    return environment


def _shown(value: Any) -> Any:
    """What every ``{{ … }}`` passes: text with its invisible characters spelled out."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _style() -> Markup:
    return Markup(colours_css()) + _asset("report.css")  # our own colours and file


def _asset(name: str) -> Markup:
    text = files("r2d2.report").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)  # our own file, no data in it


def render_owner(page: OwnerPage, data: ReportData, floor: float) -> str:
    """An owner's page: no script, no network access.

    Args:
        floor: ``retention.min_saving``.
    """
    style = _style()
    return _environment(data.currency).get_template("owner.html.j2").render(
        page=page,
        run=data.run,
        style=style,
        policy=_policy(style),
        floor=floor,
        mark=owners_mark(data),
        state=shell_word(data.run.state),
    )  # fmt: skip


def render_owners(pages: Sequence[OwnerPage], data: ReportData) -> str:
    """The page that leads to those of the owners: no script, no network access."""
    style = _style()
    return _environment(data.currency).get_template("owners.html.j2").render(
        pages=pages,
        run=data.run,
        style=style,
        policy=_policy(style),
        mark=owners_mark(data),
        state=shell_word(data.run.state),
        open=sum(page.open for page in pages),
        saving=sum(page.saving for page in pages),
    )  # fmt: skip


def dataset_word(dataset: str) -> str:
    """A dataset as the last words of a command: nothing in its name is invisible there, or taken for an option."""
    return f"-- {shell_word(dataset)}" if dataset.startswith("-") else shell_word(dataset)


def owners_mark(data: ReportData) -> str:
    """By which a page of an owner is known to be of this state."""
    return f"{OWNERS_MARK}{hashlib.sha256(data.run.state.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def render_notebook(title: str, body: str, specs: Mapping[str, Any], others: Sequence[tuple[str, str]]) -> str:
    """The page of a notebook that was executed.

    Args:
        body: HTML whose names from the lake are escaped; places of charts have their names as ``data-chart``.
        specs: specifications of charts by the names of their places.
        others: titles and files of all notebooks.
    """
    style, tables = _style(), _asset("tables.js")
    draw = Markup(runtime()) + _asset("draw.js")  # Vega's, and our own file
    return _environment("").get_template("notebook.html.j2").render(
        title=title,
        body=Markup(body),  # the exporter's, over tables that escape their cells
        style=style,
        draw=draw,
        tables=tables,
        policy=_policy(style, draw, tables),
        charts=embedded({"charts": dict(specs), "themes": _themes()}),
        others=others,
    )  # fmt: skip


def _themes() -> dict[str, Any]:
    """The colours of both themes."""
    papers: dict[Theme, str] = {"light": "#fdfdfc", "dark": "#16181a"}
    return {theme: {"config": config(theme), "paper": paper} for theme, paper in papers.items()}


def _charts(data: ReportData, graph: Chart) -> dict[str, Any]:
    """What the page draws, and the colours of both themes."""
    drawn = {
        "savings": charts.savings_chart(data),
        "sizes": charts.sizes_chart(data),
        "graph": graph,
        "tradeoff": charts.tradeoff_chart(data.limits, data.currency),
        "growth": charts.growth_chart(data.growth, data.currency),
    }
    return {"charts": {name: chart.specification for name, chart in drawn.items()}, "themes": _themes()}


def _policy(style: str, *scripts: str) -> str:
    """Only these very scripts and this very style; no connection, frame, form or other source at all."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src " + (" ".join(f"'{_digest(script)}'" for script in scripts) or "'none'"),
            f"style-src '{_digest(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _problem_groups(problems: tuple[Problem, ...]) -> list[tuple[str, list[Problem]]]:
    groups: dict[str, list[Problem]] = {}
    for problem in problems:
        groups.setdefault(_STATUS_WORDS.get(problem.status, _STATUS_WORDS["error"]), []).append(problem)
    return list(groups.items())
