"""Conditions that may tell the child's rows among the parent's: its bounds, categories and NULLs (DESIGN 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from r2d2.containment.box import box_of
from r2d2.containment.minmax import leaves_by_path
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Projection
from r2d2.recovery.recipes.categories import Categories
from r2d2.recovery.recipes.predicate import Filled, Listed, Predicate, Range
from r2d2.recovery.recipes.tallies import MOST_CONDITIONS

#: Conditions by category that are looked at in any case; more where the bounds tell little.
_LEAST_LISTED = 2
#: What stands for the number of values of a leaf that has too many to be counted.
_MANY = 1000


def conditions_of(
    child: Dataset,
    parent: Dataset,
    projection: Projection,
    categories: tuple[Categories, Categories],
    case_sensitive: bool,
) -> Predicate:
    """The conditions that all of the child's rows satisfy and not all of the parent's do, the most selective first."""
    ranges = list(_ranges(child, parent, projection, categories[0], case_sensitive))
    points = {each.path for each in ranges if each.term.low == each.term.high}
    listed = [each for each in _listed(projection, categories) if each.path not in points or len(each.values) != 1]
    listed = listed[: max(_LEAST_LISTED, MOST_CONDITIONS - len(ranges))]
    ranges = ranges[: MOST_CONDITIONS - len(listed)]
    filled = list(_filled(child, parent, projection, case_sensitive))
    found: Predicate = (*ranges, *listed, *filled)
    return found[:MOST_CONDITIONS]


def _ranges(
    child: Dataset, parent: Dataset, projection: Projection, known: Categories, case_sensitive: bool
) -> Iterator[Range]:
    mine, theirs = (leaves_by_path(dataset, case_sensitive) for dataset in (child, parent))
    for term in box_of(projection, mine, theirs):
        values = known[term.path].values
        nulls = term.nulls if values is None else None in values
        yield Range(replace(term, nulls=nulls), known[term.path].nan)


def _listed(projection: Projection, categories: tuple[Categories, Categories]) -> list[Listed]:
    """Leaves of few values in the child that have others in the parent."""
    found = []
    for path, family in projection:
        mine, theirs = (side[path].values for side in categories)
        if mine is None or (theirs is not None and theirs <= mine):
            continue
        share = len(mine) / (_MANY if theirs is None else len(theirs))
        values = tuple(sorted(value for value in mine if value is not None))
        found.append((share, Listed(path, family, values, None in mine)))
    return [each for _, each in sorted(found, key=lambda item: item[0])]


def _filled(child: Dataset, parent: Dataset, projection: Projection, case_sensitive: bool) -> Iterator[Filled]:
    """Leaves that are NULL in the parent only."""
    mine, theirs = (leaves_by_path(dataset, case_sensitive) for dataset in (child, parent))
    for path, family in projection:
        if mine[path].nulls == 0 and theirs[path].nulls:
            yield Filled(path, family)
