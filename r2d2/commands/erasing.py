"""``r2d2 erase``: people's rows go from what is retired, and their keys from what the state keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from r2d2.commands.asking import ask
from r2d2.commands.output import print_rows
from r2d2.commands.recovering import Command
from r2d2.commands.retire import OUTCOME_COLUMNS
from r2d2.errors import NotRetirable
from r2d2.model.receipt import RETIRED
from r2d2.recovery.erase import erase as erasing
from r2d2.recovery.erase.keys import read_keys
from r2d2.units import plural


def erase(command: Command, keys: str, yes: bool, output: str) -> int:
    """Takes people's rows out of retired datasets and their keys out of the state.

    Args:
        keys: path of the file that names them.

    Returns:
        The exit code: 9 if a dataset had to be left alone.

    Raises:
        UsageError: the file can't be read or is wrong; nobody is there to be asked.
        StateError: something was begun earlier and is not finished.
    """
    found = read_keys(keys)
    retired = [receipt for receipt in command.receipts.values() if receipt.status in RETIRED]
    people = plural(len(found.people), "person", "people")
    ask(f"Erase {people} from {plural(len(retired), 'retired dataset')} and from the state, for good?", yes)
    left = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal left
        for outcome in erasing.erase(recovery, found):
            left += not outcome.done
            yield asdict(outcome)

    with command.at_work(command.lake_of(retired)) as recovery:
        print_rows(rows(), OUTCOME_COLUMNS, output)
    command.progress.say("the report and what was kept to save time are made anew by the next run")
    return NotRetirable.exit_code if left else 0
