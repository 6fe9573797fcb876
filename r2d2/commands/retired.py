"""What ``r2d2 explain`` says of a dataset that this state retired."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from r2d2.catalog.state import State
from r2d2.errors import NotFound
from r2d2.model.receipt import RETIRED, Receipt, Status
from r2d2.recovery.records import receipts
from r2d2.recovery.records.journal import Journal
from r2d2.visible import visible


def newest_receipt(found: dict[str, Receipt], dataset: str, receipt: str = "") -> Receipt:
    """The newest retirement of a dataset, by its id or another of its names.

    Raises:
        NotFound: there is none.
    """
    try:
        return receipts.of_dataset(found, dataset, receipt)
    except NotFound:
        known = next((each.dataset for each in found.values() if dataset in each.facts.get("names", ())), None)
        if known is None:
            raise
        return receipts.of_dataset(found, known, receipt)


def retired_lines(state: State, dataset: str) -> Iterator[str]:
    """Who retired it, when, and how it comes back; nothing if it is not retired."""
    try:
        receipt = newest_receipt(receipts.receipts(Journal(state).records), dataset)
    except NotFound:
        return
    if receipt.status not in RETIRED:
        return
    since = receipt.quarantined_at or receipt.at
    where = "in quarantine" if receipt.status is Status.QUARANTINED else f"purged on {receipt.at:%Y-%m-%d}"
    yield f"{visible(receipt.dataset)} was retired on {since:%Y-%m-%d} by plan {receipt.plan}, and is {where}"
    yield f"  approved by {visible(receipt.by)}: {visible(receipt.note)}"
    yield f"  it is rebuilt from {visible(receipt.parent)}; retirement {receipt.id}"
    if receipt.frozen:
        yield f"  it may not be purged: {visible(receipt.frozen)}"
    yield f"  it comes back with: r2d2 restore {shlex.quote(visible(receipt.dataset))} --state DIR"
    yield ""
