"""Rows of the state table ``usage`` from the model's objects, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime
from typing import Any

from r2d2.model.usage import Consumer, Job, Reads, Usage, Writer

Row = dict[str, Any]


def usage_row(run_id: str, usage: Usage) -> Row:
    """A row of ``usage``."""
    return {
        "run_id": run_id,
        "dataset": usage.dataset,
        "reads_per_month": usage.reads.per_month if usage.reads else None,
        "owner": usage.owner,
        "hold": usage.hold,
        "expires": usage.expires,
        "detail": json.dumps(plain(usage)),
    }


def plain(usage: Usage) -> Row:
    """The record as JSON can hold it: times in ISO format, sets as sorted lists."""
    return {name: _plain(value) for name, value in vars(usage).items()}


def usage_of(row: Mapping[str, Any]) -> Usage:
    """The reverse of ``usage_row``."""
    raw = json.loads(row["detail"])
    reads, writer = raw["reads"], raw["last_writer"]
    times = {"since", "until", "at", "last_run"}
    return Usage(
        **raw
        | {
            "reads": Reads(**_typed(reads, times) | {"readers": tuple(reads["readers"])}) if reads else None,
            "producers": tuple(Job(**_typed(job, times)) for job in raw["producers"]),
            "consumers": tuple(Consumer(**consumer) for consumer in raw["consumers"]),
            "upstream": tuple(raw["upstream"]),
            "last_writer": Writer(**_typed(writer, times)) if writer else None,
            "tags": frozenset(raw["tags"]),
            "rights": None if raw["rights"] is None else frozenset(raw["rights"]),
            "expires": _time(raw["expires"]),
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return {name: _plain(inner) for name, inner in vars(value).items()} if is_dataclass(value) else value


def _typed(raw: Mapping[str, Any], times: set[str]) -> Row:
    return {name: _time(value) if name in times else value for name, value in raw.items()}


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
