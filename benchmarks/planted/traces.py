"""What could give a family away besides names and proofs; of each, an encoding that a clustering could use."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from benchmarks.planted.planted import Planted

Numbers = npt.NDArray[np.float64]


def owners(catalog: Planted) -> Numbers:
    """One column for each owner."""
    return _one_hot([catalog.usages[one.id].owner if one.id in catalog.usages else "" for one in catalog.datasets])


def paths(catalog: Planted) -> Numbers:
    """One column for each directory and each format."""
    directories = _one_hot([one.id.rpartition("/")[0] for one in catalog.datasets])
    return np.hstack([directories, _one_hot([one.format for one in catalog.datasets])])


def order(catalog: Planted) -> Numbers:
    """The position."""
    return np.arange(len(catalog.datasets), dtype=float)[:, None]


def values(catalog: Planted) -> Numbers:
    """Rows, bytes, time of change, and the mean of all bounds that are numbers."""
    rows = []
    for dataset in catalog.datasets:
        bounds = [bound.low for leaf in dataset.leaves for bound in leaf.bounds.values()]
        numbers = [float(bound) for bound in bounds if isinstance(bound, Decimal | float)] or [0.0]
        sizes = (dataset.rows or 0, dataset.bytes, dataset.modified_ns - 16e17, float(np.mean(numbers)))
        rows.append([*np.log1p(np.maximum(sizes, 0)), len(dataset.leaves)])
    return _scaled(np.asarray(rows))


def types(catalog: Planted) -> Numbers:
    """How many columns there are of each type, as counts and as shares."""
    names = sorted({leaf.families[0] for dataset in catalog.datasets for leaf in dataset.leaves})
    rows = np.zeros((len(catalog.datasets), len(names)))
    for number, dataset in enumerate(catalog.datasets):
        for leaf in dataset.leaves:
            rows[number, names.index(leaf.families[0])] += 1
    return _scaled(np.hstack([rows, rows / rows.sum(axis=1, keepdims=True)]))


TRACES: dict[str, Callable[[Planted], Numbers]] = {
    "owners": owners,
    "paths": paths,
    "order": order,
    "values": values,
    "types": types,
}


def _one_hot(labels: list[str]) -> Numbers:
    names, numbers = np.unique(np.asarray(labels), return_inverse=True)
    return np.asarray(np.eye(len(names))[numbers])


def _scaled(rows: Numbers) -> Numbers:
    spread = rows.std(axis=0)
    return np.asarray((rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1))
