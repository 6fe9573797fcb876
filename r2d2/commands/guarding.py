"""``r2d2 guard``: whether everything that is retired can still be given back, and what people decided of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from r2d2.commands.output import print_rows
from r2d2.commands.recovering import Command
from r2d2.commands.retired import newest_receipt
from r2d2.errors import NotRetirable
from r2d2.model.receipt import RETIRED
from r2d2.recovery.guard.frozen import decide
from r2d2.recovery.guard.guard import Finding, Verdict, guard
from r2d2.units import plural
from r2d2.visible import visible

FINDING_COLUMNS = ("dataset", "verdict", "what", "hint", "mended", "receipt")
#: A person should see to these.
_OPEN = frozenset({Verdict.ASKED, Verdict.KEPT, Verdict.UNSURE, Verdict.LOST})


def look_after(command: Command, output: str) -> int:
    """Looks after all that is retired; a table shows what is not simply good.

    Returns:
        The exit code: 9 if a person should see to something.

    Raises:
        StateError: an erasure was begun earlier and is not finished.
    """
    retired = [receipt for receipt in command.receipts.values() if receipt.status in RETIRED]
    counts: Counter[Verdict] = Counter()
    with command.at_work(command.lake_of(retired)) as recovery:
        found = _counted(guard(recovery, datetime.now(UTC)), counts)
        rows = (_row(finding) for finding in found if output != "table" or not _is_quiet(finding))
        print_rows(rows, FINDING_COLUMNS, output)
    told = ", ".join(f"{number:,} {verdict}" for verdict, number in sorted(counts.items()))
    command.progress.say(f"{plural(len(retired), 'retired dataset')}{f': {told}' if told else ''}")
    return NotRetirable.exit_code if _OPEN.intersection(counts) else 0


def decide_on(command: Command, dataset: str, decision: str, by: str) -> None:
    """Carries out what a person decided about rows that a retired dataset holds and its parent deleted.

    Raises:
        NotFound: it was not retired.
        UsageError: there is nothing to decide.
        NotRetirable: it can't be done now.
    """
    found = newest_receipt(command.receipts, dataset)
    with command.at_work(command.lake_of([found])) as recovery:
        recovery.require_erased()
        done = decide(recovery, recovery.receipts[found.id], decision, by)
    if done is None:
        print(f"{visible(found.dataset)}: the rows that its parent deleted are given up")
    else:
        print(f"{visible(found.dataset)} is at {visible(done.path)}, from its {done.source}")


def _counted(found: Iterable[Finding], counts: Counter[Verdict]) -> Iterator[Finding]:
    for finding in found:
        counts[finding.verdict] += 1
        yield finding


def _is_quiet(finding: Finding) -> bool:
    return finding.verdict is Verdict.GOOD and not finding.mended


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "dataset": finding.dataset,
        "verdict": finding.verdict.value,
        "what": finding.what,
        "hint": finding.hint,
        "mended": list(finding.mended),
        "receipt": finding.receipt,
    }
