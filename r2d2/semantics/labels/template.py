"""A topic's summary without a language model: its facts as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from r2d2.semantics.labels.facts import Facts
from r2d2.units import count, human_bytes, plural, some_of

#: Words that a topic is told by.
_TERMS = 5


def summary_of(facts: Facts, terms: Sequence[str], typical: str) -> str:
    """Sentences; they hold names from the lake: print them through ``r2d2.visible``.

    Args:
        terms: the words that tell the topic from others, the best first.
        typical: its most typical dataset; empty without one.
    """
    sentences = [
        _size(facts),
        f"About {', '.join(terms[:_TERMS])}" if terms else "",
        f"Typical is {typical}" if typical and facts.datasets > 1 else "",
        _held(facts),
        f"Owned by {some_of(list(facts.owners))}" if facts.owners else "",
        _dated(facts),
    ]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def _size(facts: Facts) -> str:
    rows = plural(facts.rows, "row")
    if facts.unknown_rows:
        rows += f" and those of {plural(facts.unknown_rows, 'dataset')} that are not counted"
    return f"{plural(facts.datasets, 'dataset')} ({_counted(facts.formats)}), {rows}, {human_bytes(facts.bytes)}"


def _held(facts: Facts) -> str:
    if not facts.held:
        return ""
    if facts.datasets == 1:
        return "Another dataset holds all its rows"
    return f"Other datasets hold all rows of {count(facts.held)} of them"


def _dated(facts: Facts) -> str:
    if not facts.first:
        return ""
    return f"Dates in names: {facts.first}" + (f" to {facts.last}" if facts.last != facts.first else "")


def _counted(numbers: Mapping[str, int]) -> str:
    """The names, with their numbers where there are several."""
    if len(numbers) == 1:
        return next(iter(numbers))
    return some_of([f"{count(number)} {name}" for name, number in numbers.items()])
