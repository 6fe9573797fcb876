"""Stars: what saves most for the money that its proof costs is read first, and nothing beyond the room."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from r2d2.containment.budget import Budget
from r2d2.containment.waves import Choices, Star, best_stars


def stars(
    pairs: Sequence[tuple[int, int, float]], sizes: Sequence[int], max_bytes: int = 0, read: Sequence[int] = ()
) -> list[Star]:
    parent, child, saving = (np.asarray(column) for column in zip(*pairs, strict=True))
    done = np.zeros(len(sizes), bool)
    done[list(read)] = True
    choices = Choices(parent, child, saving.astype(float), np.asarray(sizes, float))
    return best_stars(choices, done, Budget(max_bytes).room(sizes))


def read_by(found: Sequence[Star]) -> set[int]:
    return {index for star in found for index in (star.parent, *star.children)}


def test_a_cheap_parent_with_much_to_save_comes_before_a_dear_one() -> None:
    found = stars([(0, 1, 1.0), (2, 3, 10.0)], [100, 10, 10, 10])
    assert [star.parent for star in found] == [2, 0]


def test_children_share_the_price_of_their_parent() -> None:
    found = stars([(0, 1, 5.0), (0, 2, 5.0), (0, 3, 5.0), (4, 5, 6.0)], [10, 1, 1, 1, 10, 1])
    assert found[0] == Star(0, (1, 2, 3), 15 / 13)


def test_a_child_that_adds_less_than_the_star_is_worth_is_left_for_later() -> None:
    found = stars([(0, 1, 100.0), (0, 2, 1.0)], [10, 10, 1000])
    assert [star.children for star in found] == [(1,), (2,)]


def test_what_is_read_already_is_free() -> None:
    found = stars([(0, 1, 1.0), (2, 3, 1.0)], [100, 10, 50, 10], read=[0])
    assert [star.parent for star in found] == [0, 2]


def test_what_is_read_for_one_star_is_free_for_the_next() -> None:
    found = stars([(0, 1, 9.0), (1, 2, 1.0), (3, 4, 1.0)], [10, 10, 5, 10, 5])
    assert [star.parent for star in found] == [0, 1, 3]


def test_nothing_is_chosen_beyond_the_room() -> None:
    found = stars([(0, 1, 9.0), (2, 3, 1.0)], [100, 10, 10, 5], max_bytes=20)
    assert found == [Star(2, (3,), 1 / 15)]


def test_a_child_without_room_does_not_keep_a_smaller_one_out() -> None:
    found = stars([(0, 1, 1000.0), (0, 2, 1.0)], [10, 100, 5], max_bytes=20)
    assert found == [Star(0, (2,), 1 / 15)]


def test_with_room_for_all_every_child_is_read_once_and_a_room_is_never_exceeded() -> None:
    random_ = random.Random(5)
    for _ in range(200):
        size = random_.randint(2, 12)
        sizes = [random_.randint(1, 50) for _ in range(size)]
        pairs = [
            (p, c, float(random_.randint(1, 9)))
            for p in range(size)
            for c in range(size)
            if p != c and random_.random() < 0.4
        ]
        if not pairs:
            continue
        everything = stars(pairs, sizes)
        assert read_by(everything) >= {child for _, child, _ in pairs}
        room = random_.randint(1, sum(sizes))
        assert sum(sizes[index] for index in read_by(stars(pairs, sizes, room))) <= room
