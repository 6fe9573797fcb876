"""Vectors of texts, kept in the state: a text is embedded once by each model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from r2d2.catalog.state import State
from r2d2.catalog.tables import VECTORS
from r2d2.errors import StateError
from r2d2.semantics.embed.embedder import Embedder
from r2d2.semantics.tree import Floats


@dataclass(frozen=True)
class VectorStore:
    """The table ``vectors`` of a state, as one model sees it."""

    state: State
    embedder: Embedder

    def of(self, texts: Sequence[str]) -> Floats:
        """As the embedder's ``embed``; only texts that the table lacks are embedded, and kept there.

        The caller holds the state's lock.

        Raises:
            StateError: the table is damaged, or can't be written.
        """
        return self._found(texts, keep=True)

    def read(self, texts: Sequence[str]) -> Floats:
        """The same for those who only read the state: nothing is kept.

        Raises:
            StateError: the table is damaged.
        """
        return self._found(texts, keep=False)

    def _found(self, texts: Sequence[str], keep: bool) -> Floats:
        rows: dict[str, int] = {}
        numbers = [rows.setdefault(text, len(rows)) for text in texts]
        keys = [self._key(text) for text in rows]
        vectors = np.zeros((len(rows), self.embedder.dimensions), np.float32)
        known = self._fill(vectors, keys)
        new = np.flatnonzero(~known)
        if len(new):
            different = list(rows)
            vectors[new] = self.embedder.embed([different[row] for row in new])
            if keep:
                self._keep([keys[row] for row in new], vectors[new])
        return vectors[numbers]

    def _fill(self, vectors: Floats, keys: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Puts what is known into the rows of its keys; which ones those are."""
        table = self.state.by_key("vectors", keys)
        places = {key: place for place, key in enumerate(keys)}
        rows = [places[key] for key in table["key"].to_pylist()]
        vectors[rows] = from_lists(table["vector"], vectors.shape[1])
        known = np.zeros(len(keys), np.bool_)
        known[rows] = True
        return known

    def _keep(self, keys: Sequence[str], vectors: Floats) -> None:
        model = pa.array([self.embedder.name] * len(keys), pa.string())
        self.state.append("vectors", pa.table([pa.array(keys, pa.string()), model, as_lists(vectors)], VECTORS.names))

    def _key(self, text: str) -> str:
        return hashlib.sha256(f"{self.embedder.name}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()


def as_lists(vectors: Floats) -> pa.ListArray:
    """Rows as lists."""
    ends = np.arange(0, vectors.size + 1, vectors.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(ends, np.ascontiguousarray(vectors).reshape(-1))


def from_lists(column: pa.ChunkedArray, dimensions: int) -> Floats:
    """Lists as rows.

    Raises:
        StateError: one has another length.
    """
    lengths = pc.unique(pc.list_value_length(column)).to_pylist()
    if lengths not in ([], [dimensions]):
        raise StateError("a vector is damaged", "remove the directory `vectors` of the state: it is made again")
    flat: Floats = pc.list_flatten(column).to_numpy()
    return flat.reshape(-1, dimensions)
