"""A chart: records and the Vega specification that draws them, on a page without network access or in a notebook."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Record = Mapping[str, Any]
Theme = Literal["light", "dark"]

#: What Jupyter draws by itself, offline.
MIME = "application/vnd.vega.v5+json"
_PLACE = "r2d2.report.vega"
_FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Arial, DejaVu Sans, sans-serif"
#: What colours stand for, in charts and tables: what is planned, and duplicates of which some go.
KINDS = ("keep", "retire", "redirect", "colder", "stop-producer", "none", "mixed")
#: Colours of these that colour-blind people can tell apart, whatever kind of cones they lack, and that stand out from
#: the ground as text on them does from them (tests/unit/test_report_colours.py measures both).
COLOURS: Mapping[Theme, tuple[str, ...]] = {
    "light": ("#0072b2", "#b34700", "#6a126b", "#2d18c7", "#11423a", "#6f7479", "#493b15"),
    "dark": ("#56b4e9", "#f0a35c", "#e84d83", "#8879f5", "#53fba9", "#c7ccd0", "#fed71c"),
}
#: ink, soft text, lines, the ground of bars.
_INKS: Mapping[Theme, tuple[str, ...]] = {
    "light": ("#1b1d1f", "#595e63", "#d9dbd8", "#e9ebe8"),
    "dark": ("#e6e7e4", "#a3a9ad", "#35393c", "#2a2e31"),
}


@dataclass(frozen=True)
class Chart:
    """Records with what draws them.

    Attributes:
        name: of the specification, ``specs/NAME.json``.
        title: what it shows, in a sentence.
        data: records by the name of the data set that they fill; values are what JSON has.
        signals: initial values of signals, by name.
        choices: what can be chosen for a signal: values and what they are called.
    """

    name: str
    title: str
    data: Mapping[str, Sequence[Record]]
    signals: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Sequence[tuple[Any, str]]] = field(default_factory=dict)

    @property
    def specification(self) -> dict[str, Any]:
        """The specification with the records in it, but for the theme.

        Raises:
            ValueError: it has no such data set or signal.
        """
        spec = copy.deepcopy(specification(self.name))
        spec["description"] = self.title
        _filled(spec.get("data", []), self.data, "values")
        _filled(spec.get("signals", []), self.signals, "value")
        _offered(spec.get("signals", []), self.choices)
        return spec

    def in_theme(self, theme: Theme = "light") -> dict[str, Any]:
        """The whole specification, colours included."""
        return self.specification | {"config": config(theme)}

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        title = {
            "text": self.title,
            "anchor": "start",
            "fontSize": 13,
            "fontWeight": "normal",
            "limit": {"signal": "width"},
        }
        return {MIME: self.in_theme("light") | {"background": "white", "title": title}, "text/plain": self.title}


def _filled(entries: Sequence[dict[str, Any]], given: Mapping[str, Any], key: str) -> None:
    known = {entry["name"]: entry for entry in entries}
    if unknown := sorted(given.keys() - known.keys()):
        raise ValueError(f"the specification has no {unknown[0]!r}; it has {', '.join(known)}")
    for name, value in given.items():
        known[name][key] = [dict(each) for each in value] if key == "values" else value


def _offered(signals: Sequence[dict[str, Any]], choices: Mapping[str, Sequence[tuple[Any, str]]]) -> None:
    known = {signal["name"]: signal for signal in signals}
    for name, offered in choices.items():
        known[name]["bind"] |= {"options": [value for value, _ in offered], "labels": [label for _, label in offered]}


@cache
def specification(name: str) -> dict[str, Any]:
    """A specification as it is kept, without records."""
    found: dict[str, Any] = json.loads(_text(f"specs/{name}.json"))
    return found


def config(theme: Theme) -> dict[str, Any]:
    """Vega's configuration of a theme: colours, fonts, lines."""
    ink, soft, line, ground = _INKS[theme]
    return {
        "background": None,
        "font": _FONT,
        "range": {"category": list(COLOURS[theme]), "ordinal": [ground, line, soft, ink]},
        "text": {"fill": ink, "fontSize": 12},
        "rule": {"stroke": line},
        "axis": {
            "labelColor": soft,
            "titleColor": soft,
            "domainColor": line,
            "tickColor": line,
            "gridColor": line,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "labelLimit": 140,
        },
        "legend": {"labelColor": ink, "titleColor": soft, "labelFontSize": 12, "symbolType": "square"},
    }


def colours_css() -> str:
    """The colours as properties of a style sheet, for the theme that the reader's system has."""
    light, dark = (
        "".join(f"--{kind}:{colour};" for kind, colour in zip(KINDS, COLOURS[theme], strict=True))
        for theme in ("light", "dark")
    )
    return f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


@cache
def runtime() -> str:
    """The script that draws: Vega, and its interpreter, by which a page that forbids ``eval`` can have charts.

    Both are as npm has them; the interpreter is a module, and is made to take what it imports from Vega.
    """
    interpreter = _text("vega-interpreter.js")
    imported, _, body = interpreter.partition("\n")
    body, _, exported = body.rpartition("export {")
    names = imported.partition("{")[2].partition("}")[0]
    inner = exported.partition(" as ")[0].strip()
    if not (names and inner):
        raise ValueError("vega-interpreter.js is not the module that it was: see CONTRIBUTING.md")
    wrapped = f"(() => {{ const {{{names}}} = vega;\n{body}\nvega.expressionInterpreter = {inner}; }})();"
    return f"{_text('vega.min.js')}\n{wrapped}\n"


def _text(name: str) -> str:
    return files(_PLACE).joinpath(name).read_text(encoding="utf-8")
