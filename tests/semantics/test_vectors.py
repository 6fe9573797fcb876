"""Vectors kept in a state: only new texts are embedded, by each model for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from r2d2.catalog.state import State, open_state
from r2d2.errors import StateError
from r2d2.semantics.embed.hashing import HashingEmbedder
from r2d2.semantics.embed.vectors import VectorStore
from r2d2.semantics.tree import Floats


@dataclass
class Counted:
    """An embedder that tells what it was asked for."""

    model: HashingEmbedder = field(default_factory=HashingEmbedder)
    asked: list[list[str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def dimensions(self) -> int:
        return self.model.dimensions

    def embed(self, texts: Sequence[str]) -> Floats:
        self.asked.append(list(texts))
        return self.model.embed(texts)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return open_state(str(tmp_path / "state"), create=True)


TEXTS = ["customer order", "order amount", "", "snow \u2603", "half \udc80", "customer order"]


def test_vectors_are_those_of_the_model_in_the_order_of_the_texts(state: State) -> None:
    expected = HashingEmbedder().embed(TEXTS)
    for _ in range(2):
        assert np.array_equal(VectorStore(state, HashingEmbedder()).of(TEXTS), expected)
    again = VectorStore(state, HashingEmbedder()).of(TEXTS[::-1])
    assert np.array_equal(again, expected[::-1])


def test_a_text_is_embedded_once(state: State) -> None:
    model = Counted()
    VectorStore(state, model).of(TEXTS)
    VectorStore(state, model).of([*TEXTS, "new"])
    VectorStore(state, model).of(TEXTS)
    assert model.asked == [TEXTS[:-1], ["new"]]
    assert state.rows("vectors").num_rows == 6


def test_another_model_embeds_again_and_takes_nothing_from_the_first(state: State) -> None:
    first, other = Counted(), Counted(HashingEmbedder(seed=1, dimensions=64))
    VectorStore(state, first).of(TEXTS)
    assert np.array_equal(VectorStore(state, other).of(TEXTS), other.model.embed(TEXTS))
    assert np.array_equal(VectorStore(state, first).of(TEXTS), first.model.embed(TEXTS))
    assert (len(first.asked), len(other.asked)) == (1, 1)
    assert set(state.rows("vectors")["model"].to_pylist()) == {first.name, other.name}


def test_nothing_asked_is_nothing_written(state: State) -> None:
    assert VectorStore(state, HashingEmbedder()).of([]).shape == (0, 256)
    assert not (state.path / "vectors").exists()


def test_a_damaged_vector_is_no_vector(state: State) -> None:
    store = VectorStore(state, HashingEmbedder())
    store.of(["order"])
    key = state.rows("vectors")["key"][0].as_py()
    for vector in ([1.0, 0.0], None):
        state.rewrite("vectors", lambda rows: rows.slice(0, 0))
        state.append("vectors", [{"key": key, "model": store.embedder.name, "vector": vector}])
        with pytest.raises(StateError, match="damaged"):
            store.of(["order"])
