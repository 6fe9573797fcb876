"""How the rows of a recipe are shared out: which task writes which files from which parts of the parent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from r2d2.errors import Tampered
from r2d2.model.recipe import Recipe, units


@dataclass(frozen=True)
class Piece:
    """Rows of a unit that one part of the parent holds: the first few are left out, so many taken."""

    part: int
    skip: int
    take: int


@dataclass(frozen=True)
class Job:
    """Files of the child that one task writes one after the other, and the rows of the parent that they hold.

    Attributes:
        unit: see ``model.recipe.units``.
        files: indexes of the child's files.
        pieces: their rows, in this order.
    """

    unit: int
    files: tuple[int, ...]
    pieces: tuple[Piece, ...]


def jobs(recipe: Recipe, counts: Sequence[Sequence[int]], most_bytes: int) -> list[Job]:
    """The jobs that write all files of a recipe's child.

    Args:
        counts: of each unit the number of its rows in each part of the parent.
        most_bytes: of the child's files that a job writes, if it writes more than one.

    Raises:
        Tampered: the parts don't hold as many rows as the child had.
    """
    found: list[Job] = []
    for unit, (members, held) in enumerate(zip(units(recipe.manifest), counts, strict=True)):
        wanted = sum(recipe.manifest.files[index].rows for index in members)
        if sum(held) != wanted:
            what = f"the recipe gives {sum(held)} rows for files that had {wanted}"
            raise Tampered(what, "the recipe, or the parent's files, are not what they were")
        found += _unit_jobs(recipe, unit, members, held, most_bytes)
    return found


def _unit_jobs(
    recipe: Recipe, unit: int, members: Sequence[int], held: Sequence[int], most_bytes: int
) -> Iterator[Job]:
    files = recipe.manifest.files
    start = 0
    for group in _runs(members, [files[index].size for index in members], most_bytes):
        stop = start + sum(files[index].rows for index in group)
        yield Job(unit, tuple(group), tuple(_between(held, start, stop)))
        start = stop


def _runs(members: Sequence[int], sizes: Sequence[int], most_bytes: int) -> list[list[int]]:
    """Neighbours together, so that a part of the parent is read by few tasks."""
    groups: list[list[int]] = [[]]
    filled = 0
    for index, size in zip(members, sizes, strict=True):
        if groups[-1] and filled + size > most_bytes:
            groups.append([])
            filled = 0
        groups[-1].append(index)
        filled += size
    return groups


def _between(held: Sequence[int], start: int, stop: int) -> Iterator[Piece]:
    """The pieces of the parts that hold the rows from ``start`` to before ``stop``."""
    for part, (end, rows) in enumerate(zip(accumulate(held), held, strict=True)):
        first = max(start, end - rows)
        last = min(stop, end)
        if first < last:
            yield Piece(part, first - (end - rows), last - first)
