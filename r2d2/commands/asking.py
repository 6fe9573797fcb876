"""A command that changes a lake asks first."""

from __future__ import annotations

import sys

from r2d2.errors import R2D2Error, UsageError


def ask(question: str, yes: bool) -> None:
    """Goes on only if somebody says so.

    Args:
        question: fit to be shown.
        yes: it was said on the command line.

    Raises:
        UsageError: nobody is there to be asked.
        R2D2Error: the answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        what = f"{question} Nobody is there to be asked"
        raise UsageError(what, "give --yes, or look with --dry-run first where the command has it")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        raise R2D2Error("the answer was not yes: nothing was done")
