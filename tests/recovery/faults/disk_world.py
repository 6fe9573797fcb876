"""A lake and a state on disk, and the faults that a disk has."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.recovery.faults.disk_calls import SYNC, WAYS, Plan
from tests.recovery.faults.operations import Operation
from tests.recovery.faults.power_loss import image, lose_power
from tests.recovery.faults.processes import Outcome, run
from tests.recovery.faults.small_worlds import build
from tests.recovery.faults.snapshots import Snapshot, contents, difference, hashed
from tests.recovery.faults.trying import Failure

#: Power losses at each call, besides the two that take all and that leave all names: by chance.
_BY_CHANCE = 3


class DiskFault(NamedTuple):
    """What goes wrong, at which call.

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

    @property
    def kills(self) -> bool:
        return self.way == "killed" and self.at > 0

    @property
    def sort(self) -> str:
        return "power losses" if self.power is not None else "kills" if self.kills else "failing calls"


class DiskWorld:
    """Below a directory that is its own."""

    def __init__(self, kind: str, directory: Path) -> None:
        self.directory, self._beginning = directory / "world", directory / "beginning"
        self.lake, self.state = str(self.directory / "lake"), str(self.directory / "state")
        self.environ: dict[str, str] = {}
        self.exact = False
        self._calls: tuple[str, ...] = ()
        build(kind, self._beginning / "lake")
        self.original = contents(dict(_found(self._beginning)))

    def fresh(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.copytree(self._beginning, self.directory, symlinks=True)

    def keep(self) -> None:
        shutil.rmtree(self._beginning)
        shutil.copytree(self.directory, self._beginning, symlinks=True)

    def everything(self) -> Snapshot:
        return dict(_found(Path(self.lake)))

    def files(self) -> Path:
        return Path(self.lake)

    def runs(self, operation: Operation) -> Outcome:
        outcome = run([operation.run], self.lake, self.state, Plan(str(self.directory)))
        self._calls = outcome.calls
        return outcome

    def faults(self) -> Iterator[DiskFault]:
        """A kill after a sync finds what a kill before it does, unless the power goes, too."""
        calls = {way: [c for c in self._calls if c.split(" ", 1)[0] in kinds] for way, kinds in WAYS.items()}
        found = calls.pop("killed")
        for number, call in enumerate(found, 1):
            if number == 1 or not found[number - 2].startswith(SYNC):
                yield DiskFault("killed", number, call=call)
            seeds = (0, 1, *range(10 * number, 10 * number + _BY_CHANCE))
            yield from (DiskFault("killed", number, power=seed, call=call) for seed in seeds)
        yield from (DiskFault("killed", 0, power=seed, call="the end") for seed in range(_BY_CHANCE))
        for way, able in calls.items():
            for number, call in enumerate(able, 1):
                yield from (DiskFault(way, number, for_good, call=call) for for_good in (False, True))

    def meets(self, operation: Operation, fault: DiskFault) -> Outcome:
        plan = Plan(str(self.directory), fault.way, fault.at, fault.for_good)
        if fault.power is None:
            return run([operation.run], self.lake, self.state, plan)
        before = image(self.directory)
        with tempfile.TemporaryDirectory(dir=self.directory.parent) as log:
            outcome = run([operation.run], self.lake, self.state, plan._replace(log=log))
            done = self._lasting(operation)
            lose_power(self.directory, before, Path(log), fault.power)
        if outcome.how == "done" and (lost := difference(self._lasting(operation), done)):
            raise Failure(f"it had come to its end, and then the power took {lost}")
        return outcome

    def _lasting(self, operation: Operation) -> Snapshot:
        """What must outlast a power loss once the operation has come to its end."""
        found = dict(self.everything())
        for name in operation.lasting:
            place = Path(self.state, name)
            found |= {f"{name}/{below}": each for below, each in _found(place)} if place.is_dir() else {}
        return found


def _found(root: Path) -> Iterator[tuple[str, tuple[str, int]]]:
    for above, directories, files in os.walk(root):
        for name in [*directories, *files]:
            path = Path(above) / name
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                yield f"{path.relative_to(root)}/", ("", stat.S_IMODE(mode))
            else:
                content = os.fsencode(os.readlink(path)) if stat.S_ISLNK(mode) else path.read_bytes()
                yield str(path.relative_to(root)), (hashed(content), stat.S_IMODE(mode))
