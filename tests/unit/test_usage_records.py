"""Usage in the state: what is written comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from r2d2.catalog.usage_records import usage_of, usage_row
from r2d2.model.usage import Consumer, Job, Reads, Usage, Writer

AT = datetime(2026, 10, 1, 2, 3, 4, 5, tzinfo=UTC)
FULL = Usage(
    "d 🦆\n",
    Reads(2.5, "csv", AT, AT, ("ann", "ben"), more_readers=True),
    (Job("j", "s", None, live=True), Job("k", "s", AT, live=False)),
    (Consumer("c", "exposure", "dbt"),),
    ("up",),
    "owner",
    "facts",
    Writer("j", "u", AT, "e"),
    frozenset({"b", "a"}),
    True,
    "pii",
    frozenset({"*"}),
    "eu",
    AT,
    "facts",
)


@pytest.mark.parametrize("usage", [FULL, Usage("d"), replace(FULL, rights=frozenset(), reads=None, last_writer=None)])
def test_a_row_gives_the_record_back(usage: Usage) -> None:
    assert usage_of(usage_row("r", usage)) == usage


def test_unknown_reads_and_rights_are_not_none_and_nobody() -> None:
    row = usage_row("r", Usage("d"))
    assert row["reads_per_month"] is None
    assert usage_of(row).rights is None
    assert usage_of(usage_row("r", Usage("d", rights=frozenset()))).rights == frozenset()
