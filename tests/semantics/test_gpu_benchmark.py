"""The GPU benchmark checks itself; where there is no GPU, the same code on the CPU."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from benchmarks import gpu_semantics
from r2d2.errors import EnvironmentMissing
from r2d2.semantics.embed.static import StaticEmbedder
from r2d2.semantics.embed.weights import MINILM
from r2d2.semantics.neighbours.neighbours import nearest


def test_names_are_all_different_and_the_same_again() -> None:
    found = gpu_semantics.names(5000)
    assert len(set(found)) == len(found) == 5000
    assert found == gpu_semantics.names(5000)


def test_agreement_counts_what_is_not_among_the_nearest() -> None:
    vectors = StaticEmbedder().embed(gpu_semantics.names(400))
    numbers, _ = nearest(vectors, 10)
    rows = np.arange(0, 400, 3)
    assert gpu_semantics.agreement(vectors, rows, numbers[rows]) == 1
    shifted = np.roll(numbers, 1, axis=0)
    assert gpu_semantics.agreement(vectors, rows, shifted[rows]) < 0.5


def test_it_says_what_it_runs_on_and_that_it_agrees(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="torch is not installed (the extra gpu)")
    try:
        MINILM.found()
    except EnvironmentMissing as error:
        pytest.skip(str(error))
    monkeypatch.setattr(sys, "argv", ["gpu_semantics", "--rows", "300"])
    assert gpu_semantics.main() == 0
    told = capsys.readouterr().out
    assert told.startswith(("GPU: ", "no GPU on this machine"))
    for step in ("tokenise", "embed", "neighbours", "cluster"):
        assert f"\n{step} " in told


def test_without_torch_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(sys, "argv", ["gpu_semantics"])
    assert gpu_semantics.main() == 1
    assert "torch is not installed" in capsys.readouterr().out
