"""The paper's sample: what is drawn of a child, and what it says if nothing of it is missing (docs/paper-mode.md).

A sample may only refute (DESIGN 4): a drawn row that the parent lacks under the drawn columns, or holds less often than
it was drawn, rules containment out; finding all of them proves nothing.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from r2d2.config import ContainmentSettings
from r2d2.containment.reasons import times
from r2d2.model.edge import Grade, Projection, Witness

#: How sure the bound is: a larger missing fraction would have shown itself with this probability.
CONFIDENCE = 0.95
#: The logarithm of the probability that is left, less what rounding may take away: the bound is never too small.
_LEAST = math.log(1 - CONFIDENCE) - 1e-9
#: Different choices of columns under one projection: a parent is hashed once for each, whatever its children's number.
_CHOICES = 4


@dataclass(frozen=True)
class SampleSize:
    """The paper's parameters: rows and columns to draw, at most, and what makes the draw another one."""

    rows: int
    columns: int
    seed: int

    @staticmethod
    def of(settings: ContainmentSettings) -> SampleSize:
        """As the settings say."""
        return SampleSize(settings.sampled_rows, settings.sampled_columns, settings.sample_seed)

    def drawn_rows(self, key: str, rows: int) -> list[int]:
        """Positions, in order, of rows that are drawn uniformly and without replacement.

        Args:
            key: identifies the dataset and its version: another version gets another draw.
            rows: how many it has.
        """
        return sorted(random.Random(f"{self.seed} rows {key}").sample(range(rows), min(self.rows, rows)))

    def drawn_columns(self, key: str, projection: Projection) -> Projection:
        """The leaves that are drawn of a projection, in its order: one of ``_CHOICES`` draws, by the dataset's key."""
        choice = random.Random(f"{self.seed} columns {key}").randrange(_CHOICES)
        places = random.Random(f"{self.seed} {choice} {projection}").sample(
            range(len(projection)), min(self.columns, len(projection))
        )
        return tuple(projection[place] for place in sorted(places))

    def reason(self, grade: Grade, rows: int, columns: int, number: int, witness: Witness | None) -> str:
        """What the sample says of a pair, in words for people.

        Args:
            rows: of the child.
            columns: of the child, as it was compared.
            number: different rows of the sample that the parent lacks, or holds less often than they were drawn.
            witness: one of them.
        """
        if grade is not Grade.REFUTED:
            return _nothing_missing(self, rows, columns)
        assert witness is not None, "a lacking row is its own witness"
        drawn, under = self._words(rows, columns)
        return (
            f"of {drawn} of its {rows} rows, looked up {under}, {number} are missing or too rare in the other; one "
            f"that was drawn {times(witness.in_child)} is there {times(witness.in_parent)}"
        )

    def _words(self, rows: int, columns: int) -> tuple[int, str]:
        """How many rows were drawn, and under how many columns."""
        under = f"under {self.columns} of its {columns} columns" if self.columns < columns else "under all its columns"
        return min(self.rows, rows), under


@lru_cache(maxsize=10_000)
def _nothing_missing(size: SampleSize, rows: int, columns: int) -> str:
    """One text for all pairs of such children: there may be millions."""
    drawn, under = size._words(rows, columns)
    share = math.ceil(1000 * missing_bound(rows, drawn)) / 10
    return (
        f"not proven, only sampled (containment.verify=paper): {drawn} of its {rows} rows were looked up {under}, "
        f"and none is missing; so at {CONFIDENCE:.0%} confidence at most {share:g}% of its rows are missing there"
    )


def missing_bound(rows: int, drawn: int) -> float:
    """The largest fraction of rows that may be missing, at ``CONFIDENCE``, if none of those drawn is (0 to 1).

    Exact for a draw without replacement (hypergeometric): of ``rows``, ``d`` of which are missing, a draw meets none
    with probability C(rows - d, drawn) / C(rows, drawn); this is the largest ``d`` for which that is at least
    1 - ``CONFIDENCE``, over ``rows``. For many rows it comes to 1 - (1 - ``CONFIDENCE``) ** (1 / drawn).

    >>> missing_bound(8, 8), missing_bound(10, 0)
    (0.0, 1.0)
    """
    unseen = rows - drawn
    still_drawn = rows - np.arange(drawn, dtype=np.float64)
    low, high = 0, unseen  # more missing rows than were not drawn can't be
    while low < high:
        middle = (low + high + 1) // 2
        missed = float(np.log1p(-middle / still_drawn).sum()) if middle else 0.0
        low, high = (middle, high) if missed > _LEAST else (low, middle - 1)
    return low / rows
