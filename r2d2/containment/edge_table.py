"""Refuted and undecided pairs as columns: there may be millions, and the state takes them as they are.

Texts are dictionaries: a text that a million pairs have in common is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from r2d2.catalog.records import pack_projection
from r2d2.catalog.tables import SCHEMAS
from r2d2.containment.minmax import refutes_by_metadata, spelling_notes
from r2d2.containment.pairs import HOWS, Bools, Ints, Standing
from r2d2.containment.reasons import reason
from r2d2.containment.sketch import row_hash
from r2d2.containment.verification import Verification
from r2d2.model.dataset import Dataset

#: Ways to refute whose reason, without a witness, does not say how many rows the sides have.
_WITHOUT_ROWS = tuple(HOWS.index(how) for how in ("implied", "join", "values"))
#: Formats that can't tell NULL from an empty text.
_SEPARATED = ("csv", "tsv")


def others_table(
    run_id: str, datasets: Sequence[Dataset], found: Verification, case_sensitive: bool, by_values: bool
) -> pa.Table:
    """Rows of ``edges`` for every pair that was not proven, for each dataset that a side stands for.

    Returns:
        the columns of ``edges`` in their order, texts as dictionaries.
    """
    return _Others(run_id, datasets, found, case_sensitive, by_values).table()


class _Others:
    """The pairs (``position``: where they, or those that stand for them, are in ``pairs``) and their columns."""

    def __init__(
        self, run_id: str, datasets: Sequence[Dataset], found: Verification, case_sensitive: bool, by_values: bool
    ) -> None:
        self.run_id, self.datasets, self.pairs = run_id, datasets, found.pairs
        self.case_sensitive, self.by_values, self.sample = case_sensitive, by_values, found.sample
        unproven = np.flatnonzero(self.pairs.standing != Standing.PROVEN)
        self.position, self.parent, self.child = _members(datasets, found, unproven, case_sensitive)

    def table(self) -> pa.Table:
        """All columns."""
        pairs, position = self.pairs, self.position
        ids = [dataset.id for dataset in self.datasets]
        witnessed = pairs.in_child[position] > 0
        columns = {
            "run_id": _constant(self.run_id, len(position)),
            "parent": _texts(self.parent, ids),
            "child": _texts(self.child, ids),
            "grade": self._grades(),
            "rows_child": pa.array(self.rows[self.child]),
            "rows_parent": pa.array(self.rows[self.parent]),
            "equal": pa.repeat(pa.scalar(False), len(position)),
            "how": _texts(pairs.how[position], HOWS),
            "reason": self._reasons(),
            "projection": _texts(pairs.projection[position], [pack_projection(each) for each in pairs.projections]),
            "predicate": _constant("", len(position)),
            "row_hash": self._row_hashes(witnessed),
            "in_child": pa.array(pairs.in_child[position], mask=~witnessed),
            "in_parent": pa.array(pairs.in_parent[position], mask=~witnessed),
        }
        return pa.table(columns).select(SCHEMAS["edges"].names)

    @cached_property
    def rows(self) -> Ints:
        """Rows of each dataset."""
        return np.asarray([dataset.rows or 0 for dataset in self.datasets], np.int64)

    def _grades(self) -> pa.DictionaryArray:
        first, index = distinct([self.pairs.standing[self.position].astype(np.int64)])
        return _texts(index, [self.pairs.grade(int(at)).value for at in self.position[first].tolist()])

    def _reasons(self) -> pa.DictionaryArray:
        """One text for all pairs of which it says the same."""
        first, index = distinct(self._told())
        texts = [self._reason(i) for i in first.tolist()]
        places = {text: place for place, text in enumerate(texts)}
        for i in self._noted().tolist():
            pair = self.datasets[self.parent[i]], self.datasets[self.child[i]]
            projection = self.pairs.projections[self.pairs.projection[self.position[i]]]
            if note := spelling_notes(*pair, projection, self.case_sensitive):
                text = texts[index[i]] + note
                if places.setdefault(text, len(texts)) == len(texts):
                    texts.append(text)
                index[i] = places[text]
        return _texts(index, texts)

    def _told(self) -> list[Ints]:
        """What a reason is made of, by pair; what it leaves out is 0."""
        pairs, at = self.pairs, self.position
        sampled = pairs.how[at] == HOWS.index("sample")
        refuted = (pairs.standing[at] == Standing.REFUTED) | sampled
        counts = pairs.number[at], pairs.in_child[at], pairs.in_parent[at]
        by_rows = sampled | (refuted & (counts[1] == 0) & ~np.isin(pairs.how[at], _WITHOUT_ROWS))
        rows = [np.where(by_rows, self.rows[side], 0) for side in (self.child, self.parent)]
        verdict = [column[at].astype(np.int64) for column in (pairs.standing, pairs.how)]
        columns = np.where(sampled, self._columns[pairs.projection[at]], 0)
        return [*verdict, *(np.where(refuted, column, 0) for column in counts), *rows, columns]

    def _reason(self, i: int) -> str:
        pairs, position = self.pairs, int(self.position[i])
        rows = int(self.rows[self.child[i]]), int(self.rows[self.parent[i]])
        how, number, witness = HOWS[pairs.how[position]], int(pairs.number[position]), pairs.witness(position)
        if self.sample and how == "sample":
            columns = int(self._columns[pairs.projection[position]])
            return self.sample.reason(pairs.grade(position), rows[0], columns, number, witness)
        return reason(pairs.grade(position), how, *rows, number, witness, self.by_values)

    @cached_property
    def _columns(self) -> Ints:
        """Columns of each projection."""
        return np.asarray([len(projection) for projection in self.pairs.projections], np.int64)

    def _noted(self) -> Ints:
        """Refuted pairs in whose reason the spelling of a text file may play a part."""
        separated = np.asarray([dataset.format in _SEPARATED for dataset in self.datasets], bool)
        refuted = self.pairs.standing[self.position] == Standing.REFUTED
        return np.flatnonzero(refuted & (separated[self.parent] | separated[self.child]))

    def _row_hashes(self, witnessed: Bools) -> pa.DictionaryArray:
        """The witness's hash for people, where there is one."""
        low, high = self.pairs.low[self.position], self.pairs.high[self.position]
        held = np.flatnonzero(witnessed)
        first, number = distinct([low[held].view(np.int64), high[held].view(np.int64)])
        index = np.zeros(len(low), np.int32)
        index[held] = number
        texts = [row_hash(int(low[i]), int(high[i])) for i in held[first].tolist()]
        return pa.DictionaryArray.from_arrays(pa.array(index, mask=~witnessed), pa.array(texts, pa.string()))


def distinct(columns: Sequence[Ints]) -> tuple[Ints, npt.NDArray[np.int32]]:
    """The first place of each distinct row of some columns, and for each row the number of its like."""
    number: npt.NDArray[np.int32] = np.zeros(len(columns[0]), np.int32)
    for column in columns:
        if len(column) and (column[0] == column).all():
            continue
        values = pa.array(column).dictionary_encode()
        keys = number.astype(np.int64) * max(1, len(values.dictionary)) + values.indices.to_numpy()
        number = pa.array(keys).dictionary_encode().indices.to_numpy()
    number = number.copy()
    first = np.zeros(int(number.max()) + 1 if len(number) else 0, np.int64)
    first[number[::-1]] = np.arange(len(number) - 1, -1, -1)
    return first, number


def _texts(index: npt.NDArray[Any], texts: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32, copy=False)), pa.array(texts, pa.string()))


def _constant(text: str, count: int) -> pa.DictionaryArray:
    return _texts(np.zeros(count, np.int32), [text])


def _members(
    datasets: Sequence[Dataset], found: Verification, positions: Ints, case_sensitive: bool
) -> tuple[Ints, Ints, Ints]:
    """Positions, parents and children, a pair of groups once for each pair of their members."""
    pairs = found.pairs
    if not found.stands_for():
        return positions, pairs.parent[positions], pairs.child[positions]
    members = [group for _, group in sorted(found.members().items())]
    sizes = np.asarray([len(group) for group in members], np.int64)
    starts, flat = np.cumsum(sizes) - sizes, np.asarray([index for group in members for index in group], np.int64)
    one, other = pairs.parent[positions], pairs.child[positions]
    counts = sizes[one] * sizes[other]
    told = np.repeat(np.arange(len(positions)), counts)
    within = np.arange(len(told)) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(within, sizes[other][told])
    parent, child = flat[starts[one][told] + row], flat[starts[other][told] + column]
    # metadata may have ruled out a pair, though not all that it stands with: copies may have other bounds
    kept = np.ones(len(told), bool)
    for i in np.flatnonzero((pairs.weight[positions] != counts)[told]).tolist():
        projection = pairs.projections[pairs.projection[positions[told[i]]]]
        sides = datasets[parent[i]], datasets[child[i]]
        kept[i] = not refutes_by_metadata(*sides, projection, case_sensitive)
    return positions[told][kept], parent[kept], child[kept]
