"""Embedding on this machine: the default model, the one for tests, and what is said where one is missing."""

from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from r2d2.config import SemanticsSettings
from r2d2.errors import EnvironmentMissing
from r2d2.semantics.embed.embedder import Embedder, embedder_of
from r2d2.semantics.embed.hashing import HashingEmbedder
from r2d2.semantics.embed.static import StaticEmbedder
from r2d2.semantics.embed.weights import WORDLLAMA

TEXTS = ["customer order", "order amount", "Customer", "cstmr ordr", "日本 ü", "a" * 5_000, "x\udcff\n\x00"]


@pytest.fixture(scope="module", params=["static", "hashing"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return embedder_of(SemanticsSettings(model=request.param))


def cosine(model: Embedder, one: str, other: str) -> float:
    vectors = model.embed([one, other])
    return float(vectors[0] @ vectors[1])


def test_vectors_have_length_one(embedder: Embedder) -> None:
    found = embedder.embed(TEXTS)
    assert (found.dtype, found.shape) == (np.float32, (len(TEXTS), embedder.dimensions))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_a_text_of_nothing_is_zeros(embedder: Embedder) -> None:
    assert not embedder.embed(["", "  \n"]).any()
    assert embedder.embed([]).shape == (0, embedder.dimensions)


def test_a_text_gets_the_same_vector_among_any_others(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS * 30)
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    assert np.array_equal(together, np.tile(alone, (30, 1)))


def test_the_default_model_knows_meanings() -> None:
    model = embedder_of(SemanticsSettings())
    for one, other in (("customer", "client"), ("order", "purchase"), ("amount", "price")):
        assert cosine(model, one, other) > cosine(model, one, "temperature") + 0.1


def test_names_tell_models_and_seeds_apart() -> None:
    names = {StaticEmbedder().name, HashingEmbedder().name, HashingEmbedder(1).name}
    assert len(names) == 3
    assert WORDLLAMA.checksum in StaticEmbedder().name


def test_the_default_model_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    assert StaticEmbedder().embed(["customer order"]).any()


def test_the_default_model_loads_without_the_package_that_carries_it() -> None:
    code = (
        "import sys; from r2d2.semantics.embed.static import StaticEmbedder; StaticEmbedder().embed(['order']);"
        "print([name for name in ('wordllama', 'huggingface_hub', 'requests', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_package_that_is_missing_is_named() -> None:
    with pytest.raises(EnvironmentMissing, match=r"no-such-weights.*not installed") as error:
        replace(WORDLLAMA, package="no-such-weights").found()
    assert "wordllama==" in error.value.hint


def test_altered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = WORDLLAMA.found()
    for place, (name, _) in zip(real, WORDLLAMA.files, strict=True):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(place.read_bytes())
    (tmp_path / "wordllama-0.4.0.post1.dist-info").mkdir()
    (tmp_path / "wordllama-0.4.0.post1.dist-info/METADATA").write_text("Name: wordllama\nVersion: 0.4.0.post1\n")
    monkeypatch.setattr(
        metadata, "distribution", lambda name: next(iter(metadata.distributions(name=name, path=[str(tmp_path)])))
    )
    assert [place.name for place in WORDLLAMA.found()] == [place.name for place in real]
    table = tmp_path / WORDLLAMA.files[0][0]
    table.write_bytes(table.read_bytes()[:-1] + b"\x00")
    with pytest.raises(EnvironmentMissing, match="not the file that r2d2 was tested with"):
        WORDLLAMA.found()
    table.unlink()
    with pytest.raises(EnvironmentMissing, match="can't be read"):
        WORDLLAMA.found()
