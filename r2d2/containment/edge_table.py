"""Refuted and undecided pairs as columns: there may be millions, and the state takes them as they are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pyarrow as pa

from r2d2.catalog.records import pack_projection
from r2d2.catalog.tables import SCHEMAS
from r2d2.containment.minmax import refutes_by_metadata, spelling_notes
from r2d2.containment.pairs import HOWS, Ints, Pairs, Standing
from r2d2.containment.reasons import reason
from r2d2.containment.sketch import row_hash
from r2d2.containment.verification import Verification
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Grade


def others_table(
    run_id: str, datasets: Sequence[Dataset], found: Verification, case_sensitive: bool, by_values: bool
) -> pa.Table:
    """Rows of ``edges`` for every pair that was not proven, for each dataset that a side stands for."""
    pairs = found.pairs
    unproven = np.flatnonzero(pairs.standing != Standing.PROVEN)
    position, parent, child = _members(datasets, found, unproven, case_sensitive)
    rows = np.asarray([dataset.rows or 0 for dataset in datasets], np.int64)
    ids = pa.array([dataset.id for dataset in datasets], pa.string())
    packed = pa.array([pack_projection(projection) for projection in pairs.projections], pa.string())
    witnessed = pairs.in_child[position] > 0
    columns = {
        "run_id": pa.repeat(pa.scalar(run_id), len(position)),
        "parent": ids.take(pa.array(parent)),
        "child": ids.take(pa.array(child)),
        "grade": pa.array([pairs.grade(p).value for p in position.tolist()], pa.string()),
        "rows_child": pa.array(rows[child]),
        "rows_parent": pa.array(rows[parent]),
        "equal": pa.repeat(pa.scalar(False), len(position)),
        "how": pa.array(HOWS).take(pa.array(pairs.how[position])),
        "reason": pa.array(
            _reasons(datasets, pairs, (position, parent, child), case_sensitive, by_values), pa.string()
        ),
        "projection": packed.take(pa.array(pairs.projection[position])),
        "predicate": pa.repeat(pa.scalar(""), len(position)),
        "row_hash": pa.array(_row_hashes(pairs, position), pa.string()),
        "in_child": pa.array(pairs.in_child[position], mask=~witnessed),
        "in_parent": pa.array(pairs.in_parent[position], mask=~witnessed),
    }
    return pa.table(columns).select(SCHEMAS["edges"].names).cast(SCHEMAS["edges"])


def _members(
    datasets: Sequence[Dataset], found: Verification, positions: Ints, case_sensitive: bool
) -> tuple[Ints, Ints, Ints]:
    """Positions, parents and children, a pair of groups once for each pair of their members."""
    pairs = found.pairs
    if not found.stands_for():
        return positions, pairs.parent[positions], pairs.child[positions]
    members = found.members()
    told = []
    for position in positions.tolist():
        parents, children = (members[int(side[position])] for side in (pairs.parent, pairs.child))
        every = pairs.weight[position] == len(parents) * len(children)
        projection = pairs.projections[pairs.projection[position]]
        for parent, child in product(parents, children):
            # metadata may have ruled out a pair, though not all that it stands with: copies may have other bounds
            if every or not refutes_by_metadata(datasets[parent], datasets[child], projection, case_sensitive):
                told.append((position, parent, child))
    columns = np.asarray(told, np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def _reasons(
    datasets: Sequence[Dataset],
    pairs: Pairs,
    told: tuple[Ints, Ints, Ints],
    case_sensitive: bool,
    by_values: bool,
) -> list[str]:
    texts = []
    for position, parent, child in zip(*(column.tolist() for column in told), strict=True):
        grade, how = pairs.grade(position), HOWS[pairs.how[position]]
        sides = datasets[parent], datasets[child]
        rows = sides[1].rows or 0, sides[0].rows or 0
        text = reason(grade, how, *rows, int(pairs.number[position]), pairs.witness(position), by_values)
        if grade is Grade.REFUTED:
            text += spelling_notes(*sides, pairs.projections[pairs.projection[position]], case_sensitive)
        texts.append(text)
    return texts


def _row_hashes(pairs: Pairs, positions: Ints) -> list[str | None]:
    """The witness's hash for people, where there is one."""
    columns = pairs.low[positions].tolist(), pairs.high[positions].tolist(), pairs.in_child[positions].tolist()
    return [row_hash(low, high) if held else None for low, high, held in zip(*columns, strict=True)]
