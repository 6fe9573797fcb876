"""Limits of a run: what is left, and what a round may take of it."""

from __future__ import annotations

import math

from r2d2.containment.budget import Budget


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_run_without_limits_has_room_for_everything() -> None:
    budget = Budget()
    assert not budget.limited
    assert budget.room([10**18, 10**18]).take((0, 1))


def test_bytes_that_were_read_are_not_left() -> None:
    budget = Budget(max_bytes=100)
    budget.charge(70, 70)
    assert budget.bytes_left == 30
    budget.charge(70, 70)
    assert budget.bytes_left == 0


def test_a_dataset_takes_its_room_once_in_a_round() -> None:
    room = Budget(max_bytes=100).room([60, 40, 1])
    assert room.take((0,))
    assert room.take((0, 1))
    assert not room.take((2,))
    assert room.take((0, 1))


def test_what_does_not_fit_takes_nothing() -> None:
    room = Budget(max_bytes=100).room([150, 100])
    assert not room.take((0, 1))
    assert room.take((1,))


def test_rows_at_hand_take_time_and_no_bytes() -> None:
    clock = Clock()
    budget = Budget(max_bytes=10, deadline=clock.now + 10, clock=clock)
    budget.charge(0, 1000)
    clock.now += 5  # 200 bytes a second, 5 seconds left, half of them planned with
    room = budget.room([400, 200])
    assert room.work == 500
    assert not room.take((), (0, 1))
    assert room.take((), (0,))
    assert room.bytes == 10


def test_after_the_deadline_nothing_begins() -> None:
    clock = Clock()
    budget = Budget(deadline=clock.now + 1, clock=clock)
    assert budget.limited
    assert not budget.over_time
    clock.now += 1
    assert budget.over_time
    assert budget.work_left == 0
    assert not budget.room([1]).take((0,))
    assert budget.bytes_left == math.inf
