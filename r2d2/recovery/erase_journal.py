"""The journal's facts without people's keys: what nothing needs any more goes, what people wrote is cleared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from r2d2.model.receipt import RETIRED, Receipt
from r2d2.recovery.context import Recovery
from r2d2.recovery.erase_words import Words

#: Facts by which a retired dataset is given back: texts in them can't be replaced.
_NEEDED = frozenset(
    {"dataset", "names", "root", "location", "parent", "parent_location", "away", "child", "gone", "placing", "erasing"}
)


def erase_from_journal(recovery: Recovery, words: Words) -> list[Receipt]:
    """Takes keys out of the facts of all records; can be done again.

    Returns:
        Retired datasets that need a fact with a key: names of files, directories or datasets that stay in use.
    """
    found = recovery.receipts
    changed: dict[int, Mapping[str, Any]] = {}
    left: dict[str, Receipt] = {}
    for number, receipt, facts in _telling(recovery, words):
        own = found.get(receipt)
        if own is None or own.status not in RETIRED:
            changed[number] = words.cleared_in(facts)
            continue
        changed[number] = dict(_still_needed(facts, own, words))
        if words.tells_in(changed[number]):
            left[receipt] = own
    recovery.journal.replace_facts(changed)
    return list(left.values())


def _telling(recovery: Recovery, words: Words) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    for record in recovery.journal.records:
        if words.tells_in(record.facts):
            yield record.sequence, record.receipt, record.facts


def _still_needed(facts: Mapping[str, Any], receipt: Receipt, words: Words) -> Iterator[tuple[str, Any]]:
    """Facts of a record of a retired dataset: without those that a later one has replaced, texts of people cleared."""
    for name, value in facts.items():
        if name not in _NEEDED:
            yield name, words.cleared_in(value)
        elif not words.tells_in({name: value}) or receipt.facts.get(name) == value:
            yield name, value
