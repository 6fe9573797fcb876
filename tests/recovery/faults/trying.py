"""Faults in an operation, and whether all is well after each of them."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol, TypeVar

from tests.lakes import seed_from_environment
from tests.recovery.faults.operations import Operation
from tests.recovery.faults.processes import Outcome, Step, run
from tests.recovery.faults.snapshots import Snapshot, contents, difference, seen


class Fault(Protocol):
    """What goes wrong; its text says it to people."""

    @property
    def kills(self) -> bool:
        """The process does not come to an end of its own."""


F = TypeVar("F", bound=Fault)


class World(Protocol[F]):
    """A lake and a state that are made new for each try.

    Attributes:
        lake: its root.
        state: where the state is, or will be.
        environ: variables that lead there.
    """

    lake: str
    state: str
    environ: Mapping[str, str]

    def fresh(self) -> None:
        """Makes everything as it was at the beginning."""

    def keep(self) -> None:
        """What is there now is the beginning."""

    def everything(self) -> Snapshot:
        """All that is in the lake, r2d2's own included."""

    def faults(self, operation: Operation) -> Iterator[F]:
        """All that are worth trying; asked of a prepared world."""

    def meets(self, operation: Operation, fault: F) -> Outcome:
        """The operation runs, and meets the fault.

        Raises:
            Failure: something is lost.
        """


class Expected(NamedTuple):
    """The lake before, and after the operation came to its end."""

    before: Snapshot
    planned: Snapshot


class Failure(Exception):
    """What must hold does not."""


def all_failures(world: World[F], operation: Operation, number: int) -> list[str]:
    """What does not hold after faults: all of them in a full run, else a number that the seed chooses."""
    _prepare(world, operation)
    faults = list(world.faults(operation))
    if os.environ.get("R2D2_FULL") != "1" and len(faults) > number:
        faults = random.Random(seed_from_environment()).sample(faults, number)
    return list(failures(world, operation, faults))


def failures(world: World[F], operation: Operation, faults: Iterable[F]) -> Iterator[str]:
    """What does not hold after which fault."""
    _prepare(world, operation)
    before = seen(world.everything())
    must(world, operation.run)
    wanted = Expected(before, seen(world.everything()))
    for fault in faults:
        try:
            _try(world, operation, fault, wanted)
        except Failure as failure:
            yield f"{operation.name}, {fault}: {failure}"


def must(world: World[F], *steps: Step | None) -> None:
    """Does something that no fault may hinder."""
    given = [step for step in steps if step]
    if given:
        outcome = run(given, world.lake, world.state, environ=world.environ)
        if outcome.how != "done":
            raise Failure(f"afterwards, {outcome.how}: {outcome.said}")


def _prepare(world: World[F], operation: Operation) -> None:
    world.fresh()
    must(world, operation.prepare)
    if operation.portable:
        world.keep()


def _try(world: World[F], operation: Operation, fault: F, wanted: Expected) -> None:
    world.fresh()
    if not operation.portable:
        must(world, operation.prepare)
    held = contents(world.everything())
    outcome = world.meets(operation, fault)
    if outcome.how not in ({"killed"} if fault.kills else {"done", operation.refusal}):
        raise Failure(f"it ended with {outcome.how}: {outcome.said}")
    if operation.keeps and (lost := held - contents(world.everything())):
        raise Failure(f"the contents {sorted(lost)} are gone")
    must(world, operation.recover, operation.check)
    _settled(world, operation, wanted, outcome.how == "done")


def _settled(world: World[F], operation: Operation, wanted: Expected, done: bool) -> None:
    """The lake is as before or as planned, and all can go on."""
    now = seen(world.everything())
    if now not in wanted:
        raise Failure(f"neither as before ({difference(now, wanted.before)}) nor as planned")
    if done and now != wanted.planned:
        raise Failure("it said that it was done, and it was not")
    if now == wanted.before:
        must(world, operation.run, operation.check)
        if differs := difference(seen(world.everything()), wanted.planned):
            raise Failure(f"not as planned after the second try: {differs}")
    if operation.back:
        must(world, operation.back, operation.check)
        if differs := difference(seen(world.everything()), wanted.before):
            raise Failure(f"not as before when it was taken back: {differs}")
