"""How a writer of JSON spaces and escapes, and JSON texts in that style."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from r2d2.lake.json_canonical import Number

_WORDS = {None: "null", True: "true", False: "false"}
_LINES = re.compile(r"\{(\r?\n)([ \t]*)\".*\n([ \t]*)\}$", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|(.))")


@dataclass(frozen=True)
class JsonStyle:
    """What stands between values, and which characters are escaped that need not be.

    Attributes:
        item, key: between items, and between a key and its value.
        ascii: characters beyond ASCII are escaped.
        slash: ``/`` is.
        upper: the digits of escapes are upper case.
        line: line end, where each item stands on its own line; else empty.
        base, indent: spaces at the start of the last line of a value, and so many more for each level in it.
    """

    item: str = ","
    key: str = ":"
    ascii: bool = False
    slash: bool = False
    upper: bool = False
    line: str = ""
    base: str = ""
    indent: str = ""

    def packed(self) -> dict[str, Any]:
        """The style as JSON holds it; its keyword arguments."""
        return asdict(self)

    def string(self, text: str) -> str:
        """A string with its quotes."""
        found = json.dumps(text, ensure_ascii=self.ascii)
        found = found.replace("/", "\\/") if self.slash else found
        return _ESCAPE.sub(_upper, found) if self.upper and "\\u" in found else found

    def start(self, level: int) -> str:
        """What stands before an item of a level, and before the end of one that is a level further out."""
        return f"{self.line}{self.base}{self.indent * level}" if self.line else ""

    def value(self, value: Any, level: int = 0) -> str:
        """Any value; numbers stay as they are spelled (``json_canonical.Number``)."""
        if isinstance(value, Number):
            return str(value)
        if isinstance(value, str):
            return self.string(value)
        if isinstance(value, list):
            return self._within("[", [self.value(item, level + 1) for item in value], "]", level)
        if isinstance(value, dict):
            members = [f"{self.string(name)}{self.key}{self.value(inner, level + 1)}" for name, inner in value.items()]
            return self._within("{", members, "}", level)
        return _WORDS[value]

    def _within(self, opening: str, items: Sequence[str], end: str, level: int) -> str:
        if not items:
            return f"{opening}{end}"
        start = self.start(level + 1)
        return f"{opening}{start}{f'{self.item}{start}'.join(items)}{self.start(level)}{end}"

    @property
    def plain(self) -> str:
        """The pattern of a text that is its own string in this style but for the quotes."""
        beyond = r"\x00-\x1f\x7f-\x{10ffff}" if self.ascii else r"\x00-\x1f"
        return rf'[^"\\{"/" if self.slash else ""}{beyond}]*'


def spelled_values(text: str) -> Any:
    """The value of a JSON text, numbers as they are spelled there.

    Raises:
        ValueError: it is none.
    """
    return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)


def style_of(texts: Sequence[str]) -> JsonStyle:
    """The style in which most of these texts are written."""
    line, base, indent = _lines_of(next((text for text in texts if "\n" in text), ""))
    styles = [
        JsonStyle(item, key, escaped, slash, upper, line, base, indent)
        for item, key in ((",", ":"), (", ", ": "), (",", ": "), (", ", ":"))
        for escaped, slash, upper in product((False, True), repeat=3)
    ]
    values = [spelled_values(text) for text in texts]
    best, most = styles[0], -1
    for style in styles:
        hits = sum(style.value(value) == text for value, text in zip(values, texts, strict=True))
        if hits > most:
            best, most = style, hits
        if hits == len(texts):
            break
    return best


def _lines_of(text: str) -> tuple[str, str, str]:
    """Line end, and the spaces at the start of the last line and of the first level, as an object's text has them."""
    found = _LINES.match(text)
    if not found or not found[2].startswith(found[3]):
        return "", "", ""
    return found[1], found[3], found[2].removeprefix(found[3])


def _upper(found: re.Match[str]) -> str:
    return f"\\u{found[1].upper()}" if found[1] else found[0]
