"""Whose metadata a run with limits reads: text has no footer, so that saying anything of it takes reading all of it.

Before that nothing is known of a text dataset but its size and what its bytes cost, and no pair of it. So they come
in the order of what each may save alone for the price of reading it, and take at most half of what the limits leave:
the other half is for comparing them. If not even one fits into that half, the first that fits into the whole is read.
Footers are few bytes, and without them there is no order at all: no limit of bytes keeps them from being read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from r2d2.catalog.assembly import listed
from r2d2.catalog.listing import Candidate
from r2d2.catalog.reading import by_spark, to_read
from r2d2.config import RetentionSettings
from r2d2.containment.budget import Budget
from r2d2.model.dataset import TEXT_FORMATS
from r2d2.retention.worth import alone

#: Time that a footer takes, as bytes that are worked on meanwhile: a millisecond of the rate that a run begins with.
FOOTER_WORK = 10_000
_SHARE = 0.5
_REASON = "its metadata was not read yet: the run's limit was reached; the same command goes on from here"


def without_unread(
    candidates: Sequence[Candidate],
    known: Collection[str],
    failed: Collection[tuple[str, str]],
    budget: Budget,
    settings: RetentionSettings,
) -> tuple[Candidate, ...]:
    """The candidates, those that the limits leave no room for with the status ``unread``.

    Args:
        known: paths of files that were read by earlier runs.
        failed: (id, version) of datasets that earlier runs could not read: they come last, lest every run begins with
            them and gets no further.
    """
    if not budget.limited:
        return tuple(candidates)
    costs = [_cost(candidate, known) for candidate in candidates]
    kept = _taken(_order(candidates, failed, settings), costs, budget)
    return tuple(
        candidate
        if candidate.status != "ok" or position in kept
        else replace(candidate, status="unread", reason=_REASON)
        for position, candidate in enumerate(candidates)
    )


def _cost(candidate: Candidate, known: Collection[str]) -> tuple[int, int]:
    """Bytes of text to read, and bytes to work on."""
    asked = to_read(candidate) if candidate.status == "ok" else []
    files = [read.file for read in asked if read.file.path not in known]
    if candidate.format not in TEXT_FORMATS and not by_spark(candidate):
        return 0, len(files) * FOOTER_WORK
    size = sum(file.size for file in files)
    return size, size


def _order(
    candidates: Sequence[Candidate], failed: Collection[tuple[str, str]], settings: RetentionSettings
) -> list[int]:
    """Footers first; then what may save most for its price; what could not be read before comes last."""
    saving, price = alone([listed(candidate) for candidate in candidates], settings)
    text = np.asarray([candidate.format in TEXT_FORMATS for candidate in candidates], bool)
    bad = np.asarray([(candidate.id, candidate.version) in failed for candidate in candidates], bool)
    worth = saving / np.maximum(price, np.finfo(np.float64).tiny)
    order: list[int] = np.lexsort((-worth, text, bad)).tolist()
    return order


def _taken(order: Sequence[int], costs: Sequence[tuple[int, int]], budget: Budget) -> set[int]:
    """Positions of what there is room for; something, if anything that costs anything fits at all."""
    for share, most in ((_SHARE, len(order)), (1.0, 1)):
        size, work = budget.bytes_left * share, budget.work_left * share
        found, new = set(), 0
        for position in order:
            own, own_work = costs[position]
            free = not own and not own_work
            if free or (new < most and own <= size and own_work <= work):
                size, work, new = size - own, work - own_work, new + (not free)
                found.add(position)
        if new:
            break
    return found
