"""Glob patterns over paths relative to a root, as the configuration gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence


class Patterns:
    """Glob patterns: ``*`` and ``?`` stay inside one part of a path, ``**`` crosses parts, ``[ab]`` is a choice.

    A pattern without ``/`` is compared with the last part of a path, so that it holds at any depth. Only the pattern
    ``.`` names the root, whose path is ``.``.

    >>> Patterns(["raw/**", "*.bak"]).covers("raw/2024/a.csv"), Patterns(["*.bak"]).covers("x/a.bak/part-0.csv")
    (True, True)
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        cleaned = [pattern.removeprefix("./").rstrip("/") or "." for pattern in patterns]
        self._root = "." in cleaned
        self._anchored = _any_of([p.lstrip("/") for p in cleaned if "/" in p])
        self._named = _any_of([p for p in cleaned if "/" not in p])

    def matches(self, path: str) -> bool:
        """Whether a pattern names this very path."""
        if path == ".":
            return self._root
        return bool(self._anchored.fullmatch(path) or self._named.fullmatch(path.rpartition("/")[2]))

    def covers(self, path: str) -> bool:
        """Whether a pattern names this path or a directory above it."""
        return any(self.matches(part) for part in prefixes(path))


def prefixes(path: str) -> list[str]:
    """The path and the directories above it below the root, from the outside in.

    >>> prefixes("a/b/c")
    ['a', 'a/b', 'a/b/c']
    """
    parts = path.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_regex(pattern)})" for pattern in patterns) or r"(?!)", re.DOTALL)


def _regex(pattern: str) -> str:
    out, position = [], 0
    while position < len(pattern):
        token = _token(pattern, position)
        out.append(_TRANSLATED.get(token) or (_choice(token) if len(token) > 1 else re.escape(token)))
        position += len(token)
    return "".join(out)


#: ``x/**`` names ``x`` too, and ``**/x`` an ``x`` at the root.
_TRANSLATED = {"/**": "(?:/.*)?", "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _token(pattern: str, position: int) -> str:
    if pattern[position:] == "/**":
        return "/**"
    for token in ("**/", "**"):
        if pattern.startswith(token, position):
            return token
    if pattern[position] == "[":
        end = pattern.find("]", position + 2 + (pattern[position + 1 : position + 2] == "!"))
        if end > 0:
            return pattern[position : end + 1]
    return pattern[position]


def _choice(token: str) -> str:
    content = token[1:-1].replace("\\", r"\\").replace("[", r"\[").replace("&", r"\&").replace("~", r"\~")
    negated = content.startswith("!")
    content = content.removeprefix("!").replace("|", r"\|").replace("^", r"\^").replace("]", r"\]")
    return f"(?!/)[{'^' if negated else ''}{content}]"
