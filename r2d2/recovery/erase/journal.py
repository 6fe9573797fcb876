"""The journal's facts without people's keys: what nothing needs any more goes, what people wrote is cleared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from r2d2.model.receipt import RETIRED, Receipt
from r2d2.recovery.context import Recovery
from r2d2.recovery.erase.words import Words

#: Facts by which a retired dataset is given back: texts in them can't be replaced.
_NEEDED = frozenset(
    {"dataset", "names", "root", "location", "parent", "parent_location", "away", "child", "gone", "placing", "erasing"}
    | {"kept", "tagged"}
)
#: Facts that only code writes, and reads: a person may be named like a word of it.
_CODE = frozenset(
    {"accepted", "status", "was", "source", "kind", "recipe", "recipe_kind", "fidelity", "plan", "promised_seconds"}
    | {"bytes", "tag", "decision", "frozen_until", "frozen_version", "frozen_causes", "replacing", "stale"}
    | {"looked_at", "findings", "keys_sha256", "people", "replaced"}
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
            changed[number] = {name: _cleared(name, value, words) for name, value in facts.items()}
            continue
        changed[number] = dict(_still_needed(facts, own, words))
        if _tell(changed[number], words):
            left[receipt] = own
    recovery.journal.replace_facts(changed)
    return list(left.values())


def _telling(recovery: Recovery, words: Words) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    for record in recovery.journal.records:
        if _tell(record.facts, words):
            yield record.sequence, record.receipt, record.facts


def _tell(facts: Mapping[str, Any], words: Words) -> bool:
    return any(_cleared(name, value, words) != value for name, value in facts.items())


def _cleared(name: str, value: Any, words: Words) -> Any:
    """A fact without keys. Its name is no person's: records are read by it."""
    return value if name in _CODE else words.cleared_in(value)


def _still_needed(facts: Mapping[str, Any], receipt: Receipt, words: Words) -> Iterator[tuple[str, Any]]:
    """Facts of a record of a retired dataset: texts cleared; of what a later one has replaced only names."""
    for name, value in facts.items():
        if name not in _NEEDED:
            yield name, _cleared(name, value, words)
        elif not words.tells_in(value) or receipt.facts.get(name) == value:
            yield name, value
        elif isinstance(value, str):  # an older name: a record is not read without
            yield name, words.cleared(value)
