"""What a run may read, and until when (DESIGN 5, "Value first")."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

#: Bytes a second that are counted on before anything was measured.
_FIRST_RATE = 10_000_000
#: How much of the time that is left is planned with: what is next may be slower than what was.
_SAFE = 0.5


@dataclass
class Budget:
    """The limits of a run and what of them is used.

    Attributes:
        max_bytes: bytes of data files that may be read; 0 for no limit.
        deadline: when no further work may begin, by ``clock``; infinite for no limit.
        clock: seconds.
        read: bytes of data files that were read.
        worked: bytes of data whose rows were read or compared, by which the time of what is next is estimated.
    """

    max_bytes: int = 0
    deadline: float = math.inf
    clock: Callable[[], float] = time.monotonic
    read: int = 0
    worked: int = 0
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return bool(self.max_bytes) or self.deadline < math.inf

    @property
    def binding(self) -> str:
        """The limit that leaves less: ``max_bytes`` or ``time_limit``; empty where there is none."""
        if not self.limited:
            return ""
        return "max_bytes" if self.bytes_left <= self.work_left else "time_limit"

    @property
    def over_time(self) -> bool:
        """Whether the time is up."""
        return self.clock() >= self.deadline

    @property
    def bytes_left(self) -> float:
        """Bytes that may still be read."""
        return max(0, self.max_bytes - self.read) if self.max_bytes else math.inf

    @property
    def work_left(self) -> float:
        """Bytes of data that can still be worked on in time, if it goes on as it did."""
        now = self.clock()
        if self.deadline == math.inf:
            return math.inf
        if now >= self.deadline:
            return 0
        took = now - self.started
        rate = self.worked / took if self.worked and took > 0 else _FIRST_RATE
        return (self.deadline - now) * rate * _SAFE

    def charge(self, read: int, worked: int) -> None:
        """Counts what was done."""
        self.read += read
        self.worked += worked

    def room(self, sizes: Sequence[int], share: float = 1.0) -> Room:
        """Room for a round.

        Args:
            sizes: bytes of each dataset.
            share: of what is left.
        """
        return Room(sizes, self.bytes_left * share, self.work_left * share)


@dataclass
class Room:
    """What one round may still take in; each dataset counts once."""

    sizes: Sequence[int]
    bytes: float
    work: float
    taken: set[int] = field(default_factory=set)
    worked: set[int] = field(default_factory=set)

    def take(self, read: Collection[int], compared: Collection[int] = ()) -> bool:
        """Whether there is room, which is then taken.

        Args:
            read: datasets whose files are read.
            compared: datasets whose rows are compared without their files being read.
        """
        new = set(read) - self.taken
        rows = {*read, *compared} - self.worked
        size, work = (sum(self.sizes[index] for index in some) for some in (new, rows))
        if size > self.bytes or work > self.work:
            return False
        self.bytes -= size
        self.work -= work
        self.taken |= new
        self.worked |= rows
        return True
