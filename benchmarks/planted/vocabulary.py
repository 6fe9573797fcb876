"""What planted catalogs are about: 60 subject matters in 12 domains, hand-written in ``vocabulary.txt``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import starmap
from pathlib import Path

#: Words that carry no subject: both camps of a family may use them.
NEUTRAL = frozenset(("id", "code", "date", "name", "type", "number", "status", "time"))

Words = tuple[str, ...]


@dataclass(frozen=True)
class Concept:
    """What a column means, in the words of either camp.

    Attributes:
        spoken: words of camp 0 and of camp 1.
        kind: s text, n whole number, m money, f fraction, d date, t moment, b yes or no.
    """

    spoken: tuple[Words, Words]
    kind: str

    @property
    def key(self) -> str:
        """What tells it from the others."""
        return " ".join(self.spoken[0])


@dataclass(frozen=True)
class Subject:
    """A family: what its tables are called by either camp, and the columns that they draw from.

    Attributes:
        tables: names of camp 0 and of camp 1, each as words.
        own: concepts that are its own.
        shared: concepts that it has in common with the other families of its group.
    """

    name: str
    group: str
    domain: str
    tables: tuple[tuple[Words, ...], tuple[Words, ...]]
    own: tuple[Concept, ...]
    shared: tuple[Concept, ...]

    @property
    def concepts(self) -> tuple[Concept, ...]:
        """All of them."""
        return self.own + self.shared


def concept(text: str) -> Concept:
    """``order date / purchase day:d`` read."""
    words, _, kind = text.partition(":")
    first, second = words.split("/")
    return Concept((tuple(first.split()), tuple(second.split())), kind.strip() or "s")


def _names(text: str) -> tuple[Words, ...]:
    return tuple(tuple(name.split()) for name in text.split(","))


@cache
def subjects() -> tuple[Subject, ...]:
    """All families, in the order of the file."""
    found: list[Subject] = []
    domain, group, shared = "", "", tuple[Concept, ...]()
    for line in (Path(__file__).parent / "vocabulary.txt").read_text().splitlines():
        mark, rest = line[:1], line[2:]
        if mark == "@":
            domain = rest.strip()
        elif mark == "=":
            name, texts = rest.split("|")
            group, shared = f"{domain}/{name.strip()}", tuple(map(concept, texts.split(";")))
        elif mark == "-":
            name, tables, texts = rest.split("|")
            first, second = tables.split("/")
            own = tuple(map(concept, texts.split(";")))
            found.append(Subject(name.strip(), group, domain, (_names(first), _names(second)), own, shared))
    return tuple(found)


@cache
def related(name: str) -> tuple[Subject, ...]:
    """The other families of a family's domain, those of its group first."""
    own = next(subject for subject in subjects() if subject.name == name)
    others = [other for other in subjects() if other.domain == own.domain and other != own]
    return tuple(sorted(others, key=lambda other: other.group != own.group))


@cache
def german_subjects() -> tuple[Subject, ...]:
    """The same families with German as camp 0 and English as camp 1; kinds of columns stay."""
    english = {subject.name: subject for subject in subjects()}
    found: list[Subject] = []
    shared: tuple[str, ...] = ()
    for line in (Path(__file__).parent / "german.txt").read_text().splitlines():
        if line.startswith("="):
            shared = tuple(line.split("|")[1].split(";"))
        elif line.startswith("-"):
            name, tables, texts = line[2:].split("|")
            found.append(_in_german(english[name.strip()], tables, tuple(texts.split(";")), shared))
    return tuple(found)


def _in_german(subject: Subject, tables: str, own: tuple[str, ...], shared: tuple[str, ...]) -> Subject:
    return replace(
        subject,
        tables=(_names(tables), subject.tables[0]),
        own=tuple(starmap(_translated, zip(subject.own, own, strict=True))),
        shared=tuple(starmap(_translated, zip(subject.shared, shared, strict=True))),
    )


def _translated(concept: Concept, text: str) -> Concept:
    return replace(concept, spoken=(tuple(text.split()), concept.spoken[0]))
