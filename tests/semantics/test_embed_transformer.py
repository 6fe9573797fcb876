"""Models that torch runs: the default one, any directory, and what is said where there is none."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from r2d2.config import SemanticsSettings
from r2d2.errors import EnvironmentMissing, UsageError
from r2d2.semantics.embed.devices import device_of
from r2d2.semantics.embed.embedder import Embedder, embedder_of
from r2d2.semantics.embed.weights import MINILM

NEEDS_TORCH = "torch, sentence-transformers or the default weights are not installed (the extra gpu)"
TEXTS = ["customer order", "order amount", "", "cstmr ordr", "日本 ü \udcff", "a comment of many words " * 200]


@pytest.fixture(scope="module")
def minilm() -> Embedder:
    pytest.importorskip("torch", reason=NEEDS_TORCH)
    pytest.importorskip("sentence_transformers", reason=NEEDS_TORCH)
    try:
        MINILM.found()
    except EnvironmentMissing:
        pytest.skip(NEEDS_TORCH)
    return embedder_of(SemanticsSettings(model="minilm"))


def test_vectors_have_length_one_and_those_of_empty_texts_are_zeros(minilm: Embedder) -> None:
    found = minilm.embed(TEXTS)
    assert (found.dtype, found.shape) == (np.float32, (len(TEXTS), 384))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 1, 0, 1, 1, 1], atol=1e-5)
    assert minilm.embed([]).shape == (0, 384)


def test_the_order_and_the_company_of_texts_do_not_matter(minilm: Embedder) -> None:
    alone = np.concatenate([minilm.embed([text]) for text in TEXTS])
    together = minilm.embed((TEXTS * 3)[::-1])[::-1]
    precision = 1e-5 if device_of("auto") == "cpu" else 5e-3
    np.testing.assert_allclose(together, np.tile(alone, (3, 1)), atol=precision)


def test_the_model_knows_meanings(minilm: Embedder) -> None:
    customer, client, temperature = minilm.embed(["customer", "client", "temperature"])
    assert customer @ client > customer @ temperature + 0.1


def test_neither_the_default_model_nor_a_name_asks_the_network(
    minilm: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
    assert embedder_of(SemanticsSettings(model="minilm")).embed(["order"]).any()
    for name in ("sentence-transformers/no-such-model", "no such/name at all", "nowhere"):
        with pytest.raises(UsageError, match="no such model on this machine"):
            embedder_of(SemanticsSettings(model=name))


def test_a_directory_is_a_model_named_by_its_weights(minilm: Embedder, tmp_path: Path) -> None:
    place = tmp_path / "own model"
    shutil.copytree(MINILM.found()[0].parent, place)
    own = embedder_of(SemanticsSettings(model=str(place)))
    np.testing.assert_allclose(own.embed(TEXTS), minilm.embed(TEXTS), atol=1e-5)
    assert own.name == embedder_of(SemanticsSettings(model=str(place))).name != minilm.name
    (place / "tokenizer.json").write_bytes((place / "tokenizer.json").read_bytes() + b"\n")
    assert embedder_of(SemanticsSettings(model=str(place))).name != own.name


def test_a_directory_without_a_model_is_refused(minilm: Embedder, tmp_path: Path) -> None:
    place = tmp_path / "cut"
    shutil.copytree(MINILM.found()[0].parent, place)
    weights = place / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:10_000])
    (tmp_path / "empty").mkdir()
    for each in (place, tmp_path / "empty"):
        with pytest.raises(UsageError, match="can't be loaded"):
            embedder_of(SemanticsSettings(model=str(each)))


def test_a_gpu_that_is_asked_for_and_is_not_there_is_an_error(minilm: Embedder) -> None:
    if device_of("auto") == "cuda":
        pytest.skip("there is a GPU")
    with pytest.raises(EnvironmentMissing, match="no GPU"):
        embedder_of(SemanticsSettings(model="minilm", device="cuda"))


def test_without_torch_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(EnvironmentMissing, match="minilm needs sentence_transformers, which is not") as error:
        embedder_of(SemanticsSettings(model="minilm"))
    assert "r2d2[gpu]" in error.value.hint
