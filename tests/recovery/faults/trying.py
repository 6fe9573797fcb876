"""Faults in an operation, and whether all is well after each of them."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from tests.lakes import seed_from_environment
from tests.recovery.faults.operations import Operation
from tests.recovery.faults.processes import Outcome, Step, run
from tests.recovery.faults.rows import rows_of
from tests.recovery.faults.snapshots import Snapshot, contents, difference, seen


class Fault(Protocol):
    """What goes wrong; its text says it to people."""

    @property
    def kills(self) -> bool:
        """The process does not come to an end of its own."""

    @property
    def sort(self) -> str:
        """``kills``, ``power losses`` or ``failing calls``."""


F = TypeVar("F", bound=Fault)


class World(Protocol[F]):
    """A lake and a state that are made new for each try.

    Attributes:
        lake: its root.
        state: where the state is, or will be.
        environ: variables that lead there.
        exact: a file that is made anew is the same version.
        original: the SHA-256 of all files of people.
    """

    lake: str
    state: str
    environ: Mapping[str, str]
    exact: bool
    original: set[str]

    def fresh(self) -> None:
        """Makes everything as it was at the beginning."""

    def keep(self) -> None:
        """What is there now is the beginning."""

    def everything(self) -> Snapshot:
        """All that is in the lake, r2d2's own included."""

    def files(self) -> Path:
        """The lake as files on disk."""

    def runs(self, operation: Operation) -> Outcome:
        """The operation runs without a fault."""

    def faults(self) -> Iterator[F]:
        """All that are worth trying, as the last run without a fault went."""

    def meets(self, operation: Operation, fault: F) -> Outcome:
        """The operation runs, and meets the fault.

        Raises:
            Failure: something is lost.
        """


class Expected(NamedTuple):
    """The lake before, and after the operation came to its end."""

    before: Snapshot
    planned: Snapshot

    def begun_with(self, before: Snapshot) -> Expected:
        """The same change of a lake that was made anew, in which others' files may have other names."""
        changed = {name: found for name, found in self.planned.items() if self.before.get(name) != found}
        kept = {name: found for name, found in before.items() if name in self.planned or name not in self.before}
        return Expected(before, kept | changed)


class Failure(Exception):
    """What must hold does not."""


def all_well(world: World[F], operation: Operation, number: int, tell: Callable[[str, object], None]) -> None:
    """Fails with all that does not hold after faults.

    Args:
        number: of faults that `make test` tries; R2D2_FAULTS, which `make faults` sets, says otherwise: another
            number, the first word of a sort for all of that sort, or ``all``.
        tell: is told how many were tried, by sort.
    """
    asked = os.environ.get("R2D2_FAULTS") or str(number)
    most = int(asked) if asked.isdecimal() else None
    only = (lambda _: True) if asked == "all" or most is not None else (lambda fault: fault.sort.startswith(asked))
    results = list(tried(world, operation, most, only))
    assert results, f"R2D2_FAULTS={asked}: there are none of these"
    tell("faults", dict(Counter(fault.sort for fault, _ in results)))
    failed = [f"{operation.name}, {fault}: {failure}" for fault, failure in results if failure]
    assert not failed, "\n".join(failed)


def tried(
    world: World[F], operation: Operation, number: int | None = None, only: Callable[[F], bool] = lambda _: True
) -> Iterator[tuple[F, str]]:
    """Faults, and what does not hold after each; empty where all is well.

    Args:
        number: of the faults that are tried, which the seed chooses; None for all.
        only: which of them.
    """
    wanted = _expected(world, operation)
    faults = [fault for fault in world.faults() if only(fault)]
    if number is not None and number < len(faults):
        faults = random.Random(seed_from_environment()).sample(faults, number)
    for fault in faults:
        try:
            _try(world, operation, fault, wanted)
        except Failure as failure:
            yield fault, str(failure)
        else:
            yield fault, ""


def _expected(world: World[F], operation: Operation) -> Expected:
    """What the operation does to a world that is made for it."""
    world.fresh()
    must(world, *operation.prepare)
    if operation.portable or world.exact:
        world.keep()
    before = _seen(world, operation)
    outcome = world.runs(operation)
    if outcome.how != "done":
        raise Failure(f"without a fault, {outcome.how}: {outcome.said}")
    planned = _seen(world, operation)
    must(world, operation.check, operation.end)
    return Expected(before, planned)


def must(world: World[F], *steps: Step | None) -> None:
    """Does something that no fault may hinder."""
    given = [step for step in steps if step]
    if given:
        outcome = run(given, world.lake, world.state, environ=world.environ)
        if outcome.how != "done":
            raise Failure(f"afterwards, {outcome.how}: {outcome.said}")


def _seen(world: World[F], operation: Operation) -> Snapshot:
    return rows_of(world.files()) if operation.equal else seen(world.everything())


def _begin(world: World[F], operation: Operation) -> None:
    world.fresh()
    if not (operation.portable or world.exact):
        must(world, *operation.prepare)


def _try(world: World[F], operation: Operation, fault: F, wanted: Expected) -> None:
    _begin(world, operation)
    wanted = wanted.begun_with(_seen(world, operation))
    held = contents(world.everything()) & world.original
    outcome = world.meets(operation, fault)
    if outcome.how not in ({"killed"} if fault.kills else {"done", *operation.refusal}):
        raise Failure(f"it ended with {outcome.how}: {outcome.said}")
    if operation.keeps and (lost := held - contents(world.everything())):
        raise Failure(f"the contents {sorted(lost)} are gone")
    must(world, operation.recover, operation.check)
    _settled(world, operation, wanted, outcome.how == "done")


def _settled(world: World[F], operation: Operation, wanted: Expected, done: bool) -> None:
    """The lake is as before or as planned, and all can go on."""
    now = _seen(world, operation)
    if now not in wanted:
        raise Failure(f"neither as before ({difference(now, wanted.before)}) nor as planned")
    if done and now != wanted.planned:
        raise Failure("it said that it was done, and it was not")
    if now == wanted.before:
        must(world, operation.run, operation.check)
        if differs := difference(_seen(world, operation), wanted.planned):
            raise Failure(f"not as planned after the second try: {differs}")
    if operation.back:
        must(world, operation.back, operation.check)
        if differs := difference(_seen(world, operation), wanted.before):
            raise Failure(f"not as before when it was taken back: {differs}")
    must(world, operation.end)
