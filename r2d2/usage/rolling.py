"""Rolling windows: tables that lose their oldest rows, seen as a smallest value that rises from version to version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from r2d2.model import family as families
from r2d2.model.dataset import BoundValue, Dataset, LeafPath
from r2d2.usage.draft import Draft

#: What can be a window, what says most first.
_FAMILIES = (families.DATE, families.TIMESTAMP, families.INSTANT, families.NUMBER)
#: Rises that make a window: a single one may be a clean-up.
RISES = 2

#: Family and path.
Leaf = tuple[str, LeafPath]
Lows = Mapping[Leaf, BoundValue]


class EarlierRun(Protocol):
    """An earlier run of the state."""

    def versions(self) -> Mapping[str, str]:
        """The version of each of its datasets, by id."""

    def datasets(self, ids: Iterable[str]) -> Iterable[Dataset]:
        """Some of its datasets."""


def rolling_windows(
    datasets: Sequence[Dataset], earlier: Iterable[EarlierRun], drafts: Sequence[Draft], now: datetime
) -> None:
    """Marks the datasets whose smallest value of a leaf rose twice and never fell: rows expire already.

    Args:
        earlier: the newest run first.
    """
    looked_at = {dataset.id: _Window(dataset) for dataset in datasets}
    for run in earlier:
        open_ = {name: window for name, window in looked_at.items() if window.lows and not window.rolling}
        if not open_:
            break
        changed = [name for name, version in run.versions().items() if name in open_ and open_[name].version != version]
        for dataset in run.datasets(changed):
            open_[dataset.id].look_back(dataset)
    for dataset, draft in zip(datasets, drafts, strict=True):
        rolling = looked_at[dataset.id].rolling
        if rolling:
            _, path = min(rolling, key=lambda leaf: (_FAMILIES.index(leaf[0]), leaf[1]))
            draft.expires_at(now, f"rolling window on {'.'.join(path)}")


class _Window:
    """One dataset, followed back through its versions: the leaves whose smallest value never fell, and how it rose."""

    def __init__(self, dataset: Dataset) -> None:
        self.location, self.version = dataset.location, dataset.version
        self.lows = _lows(dataset)
        self.rises = dict.fromkeys(self.lows, 0)

    @property
    def rolling(self) -> list[Leaf]:
        """The leaves that are windows as far as is known."""
        return [leaf for leaf in self.lows if self.rises[leaf] >= RISES]

    def look_back(self, before: Dataset) -> None:
        """The version before. Of another table at another place nothing follows."""
        lows = _lows(before) if before.location == self.location else {}
        self.version = before.version
        for leaf, low in self.lows.items():
            self.rises[leaf] += leaf in lows and _less(lows[leaf], low)
        self.lows = {leaf: lows[leaf] for leaf, low in self.lows.items() if leaf in lows and not _less(low, lows[leaf])}


def _lows(dataset: Dataset) -> Lows:
    """Smallest values that rows have, and that no row is below."""
    return {
        (family, leaf.path): leaf.bounds[family].low
        for leaf in dataset.leaves
        for family in _FAMILIES
        if family in leaf.bounds and leaf.bounds[family].low_tight and leaf.bounds[family].low_valid
    }


def _less(a: BoundValue, b: BoundValue) -> bool:
    return bool(a < b)  # type: ignore[operator]  # both are of one family
