"""A planted catalog some time later: a few datasets have other columns, are gone, or are new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from benchmarks.planted.planted import Planted
from r2d2.model.dataset import Dataset, Leaf

#: Of the changed: those that are gone, and those that are new.
_GONE, _NEW = 0.25, 0.25


def changed(catalog: Planted, share: float = 0.01, seed: int = 0) -> Planted:
    """The catalog with that share of its datasets changed, in another order.

    Half get or lose columns, a quarter is gone, a quarter is new: like one that is there, with other rows. Nothing is
    proven of a changed or new dataset. Those that are unchanged are equal to what they were.
    """
    random = Random(f"changed{seed}")
    touched = random.sample(range(len(catalog.datasets)), round(len(catalog.datasets) * share))
    gone, new = round(len(touched) * _GONE), round(len(touched) * _NEW)
    dropped, models, altered = set(touched[:gone]), touched[gone : gone + new], set(touched[gone + new :])
    kept = [at for at in range(len(catalog.datasets)) if at not in dropped]
    datasets = list(catalog.datasets)
    meanings = list(catalog.meanings)
    for at in altered:
        datasets[at], meanings[at] = _altered(datasets[at], meanings[at], random)
    rows = [(datasets[at], at) for at in kept] + [(_fresh(datasets[at], random), at) for at in models]
    random.shuffle(rows)
    stale = {catalog.datasets[at].id for at in dropped | altered}
    return _picked(catalog, rows, meanings, stale)


def _picked(
    catalog: Planted, rows: Sequence[tuple[Dataset, int]], meanings: Sequence[tuple[str, ...]], stale: set[str]
) -> Planted:
    at = [position for _, position in rows]
    left = (tuple(one for one in group if one not in stale) for group in catalog.duplicates)
    return Planted(
        datasets=tuple(dataset for dataset, _ in rows),
        pairs=tuple(pair for pair in catalog.pairs if not stale.intersection(pair)),
        duplicates=tuple(group for group in left if len(group) > 1),
        usages={one.id: catalog.usages[one.id] for one, _ in rows if one.id in catalog.usages},
        family=tuple(catalog.family[position] for position in at),
        group=tuple(catalog.group[position] for position in at),
        domain=tuple(catalog.domain[position] for position in at),
        camp=tuple(catalog.camp[position] for position in at),
        meanings=tuple(meanings[position] for position in at),
    )


def _altered(dataset: Dataset, meanings: tuple[str, ...], random: Random) -> tuple[Dataset, tuple[str, ...]]:
    """With a column less, or one more that says little."""
    leaves, meant = list(dataset.leaves), list(meanings)
    if len(leaves) > 2 and random.random() < 0.5:
        at = random.randrange(len(leaves))
        del leaves[at], meant[at]
    else:
        leaves.append(Leaf((f"added_{random.randrange(1000)}",), ("string",), "string"))
        meant.append("")
    return replace(dataset, leaves=tuple(leaves), version="v2", rows=(dataset.rows or 0) + 1), tuple(meant)


def _fresh(dataset: Dataset, random: Random) -> Dataset:
    id_ = f"{dataset.id}_{random.randrange(10**6):06}"
    return replace(dataset, id=id_, location=f"/lake/{id_}", rows=(dataset.rows or 0) + random.randrange(1, 1000))
