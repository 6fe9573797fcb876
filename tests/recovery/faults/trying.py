"""One fault in one operation, and whether all is well afterwards; and which faults there are to try."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.lakes import seed_from_environment
from tests.recovery.faults.disk_calls import SYNC, Plan
from tests.recovery.faults.operations import Operation
from tests.recovery.faults.power_loss import image, lose_power
from tests.recovery.faults.processes import Outcome, Step, run
from tests.recovery.faults.worlds import DiskWorld, Snapshot, World, contents, difference, snapshot


class Fault(NamedTuple):
    """What goes wrong on disk, at which call.

    Attributes:
        way: see ``disk_calls.WAYS``.
        at: number of the call; 0: none, so that the operation comes to its end.
        for_good: all calls after it fail, too.
        power: the seed of a power loss at that moment; None for none.
        call: which one it is.
    """

    way: str
    at: int
    for_good: bool = False
    power: int | None = None
    call: str = ""


class Expected(NamedTuple):
    """The lake before, and after the operation came to its end."""

    before: Snapshot
    planned: Snapshot


class Failure(Exception):
    """What must hold does not."""


def must(world: World, step: Step | None) -> None:
    """Does something that no fault may hinder."""
    if step:
        outcome = run(step, world.lake, world.state)
        if outcome.how != "done":
            raise Failure(f"{step.__name__} ended with {outcome.how}: {outcome.said}")


def prepared(world: World, operation: Operation) -> None:
    """The world before the operation."""
    world.fresh()
    must(world, operation.prepare)


def expected(world: World, operation: Operation) -> Expected:
    """What the operation does without a fault."""
    prepared(world, operation)
    before = snapshot(world)
    must(world, operation.run)
    return Expected(before, snapshot(world))


def calls(world: DiskWorld, operation: Operation, way: str) -> tuple[str, ...]:
    """Those of the operation that can go wrong in this way, in their order."""
    prepared(world, operation)
    return run(operation.run, world.lake, world.state, Plan(str(world.directory), way)).calls


def disk_faults(world: DiskWorld, operation: Operation) -> Iterator[Fault]:
    """All that are worth trying: a kill after a sync finds what a kill before it does, unless the power goes, too."""
    found = calls(world, operation, "killed")
    for number, call in enumerate(found, 1):
        if number == 1 or not found[number - 2].startswith(SYNC):
            yield Fault("killed", number, call=call)
        yield from (Fault("killed", number, power=seed, call=call) for seed in (0, 1, number + 1))
    yield from (Fault("killed", 0, power=seed, call="the end") for seed in (0, 1, 2))
    for way in ("full", "denied", "broken"):
        for number, call in enumerate(calls(world, operation, way), 1):
            yield from (Fault(way, number, for_good, call=call) for for_good in (False, True))


def sample(faults: Iterable[Fault], number: int) -> list[Fault]:
    """All of them in a full run, else some that the seed chooses."""
    found = list(faults)
    if os.environ.get("R2D2_FULL") == "1" or len(found) <= number:
        return found
    return random.Random(seed_from_environment()).sample(found, number)


def failures(world: DiskWorld, operation: Operation, faults: Iterable[Fault]) -> list[str]:
    """What does not hold after which fault."""
    wanted, found = expected(world, operation), []
    for fault in faults:
        try:
            _try(world, operation, fault, wanted)
        except Failure as failure:
            found.append(f"{operation.name}, {fault}: {failure}")
    return found


def _try(world: DiskWorld, operation: Operation, fault: Fault, wanted: Expected) -> None:
    prepared(world, operation)
    held = contents(world)
    outcome = _met(world, operation, fault)
    _ended_well(outcome, fault)
    if operation.keeps and (lost := held - contents(world)):
        raise Failure(f"the contents {sorted(lost)} are gone")
    must(world, operation.recover)
    settled(world, operation, wanted, outcome.how == "done")


def settled(world: World, operation: Operation, wanted: Expected, done: bool) -> None:
    """After a fault, and recovery: the lake is as before or as planned, and all can go on.

    Raises:
        Failure: not so.
    """
    must(world, operation.check)
    now = snapshot(world)
    if now != wanted.planned:
        if now != wanted.before:
            raise Failure(f"neither as before ({difference(now, wanted.before)}) nor as planned")
        if done:
            raise Failure("it said that it was done, and it was not")
    if wanted.planned == wanted.before or now != wanted.planned:
        must(world, operation.run)
        must(world, operation.check)
        if differs := difference(snapshot(world), wanted.planned):
            raise Failure(f"not as planned after the second try: {differs}")
    if operation.back:
        must(world, operation.back)
        if differs := difference(snapshot(world), wanted.before):
            raise Failure(f"not as before when it was taken back: {differs}")


def _met(world: DiskWorld, operation: Operation, fault: Fault) -> Outcome:
    """The operation meets the fault."""
    plan = Plan(str(world.directory), fault.way, fault.at, fault.for_good)
    if fault.power is None:
        return run(operation.run, world.lake, world.state, plan)
    before = image(world.directory)
    with tempfile.TemporaryDirectory(dir=world.directory.parent) as log:
        outcome = run(operation.run, world.lake, world.state, plan._replace(log=log))
        was = _synced(world, operation)
        lose_power(world.directory, before, Path(log), fault.power)
    if outcome.how == "done" and (lost := difference(_synced(world, operation), was)):
        raise Failure(f"it had come to its end, and then the power took {lost}")
    return outcome


def _synced(world: DiskWorld, operation: Operation) -> Snapshot:
    """What must outlast a power loss once the operation has come to its end."""
    found = world.everything()
    for name in operation.lasting:
        place = Path(world.state) / name
        found |= {f"{name}/{path.name}": (path.read_bytes().hex(), 0) for path in place.iterdir() if path.is_file()}
    return found


def _ended_well(outcome: Outcome, fault: Fault) -> None:
    allowed = {"killed"} if fault.way == "killed" and fault.at else {"done", "error"}
    if outcome.how not in allowed:
        raise Failure(f"it ended with {outcome.how}: {outcome.said}")
