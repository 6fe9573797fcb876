"""Nearest neighbours: exact, by lists, and by torch's tiles, which must agree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from r2d2.errors import EnvironmentMissing
from r2d2.semantics.embed.devices import device_of
from r2d2.semantics.embed.embedder import unit
from r2d2.semantics.neighbours import neighbours
from r2d2.semantics.neighbours.exact import nearest_of
from r2d2.semantics.neighbours.inverted import RECALL, recall
from r2d2.semantics.neighbours.library import kernels
from r2d2.semantics.neighbours.neighbours import nearest

Vectors = npt.NDArray[np.float32]


def clustered(rows: int, dimensions: int = 64, seed: int = 0) -> Vectors:
    """Vectors around centres, as those of names are; some stand more than once."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(rows // 20, dimensions))
    found = centres[draw.integers(len(centres), size=rows)] + draw.normal(scale=0.5, size=(rows, dimensions))
    found[rows // 2 : rows // 2 + rows // 10] = found[: rows // 10]
    return found.astype(np.float32)


def by_hand(vectors: Vectors, k: int) -> tuple[npt.NDArray[np.int64], Vectors]:
    """All products in double precision, sorted."""
    exact = vectors.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    scores = exact @ exact.T
    np.fill_diagonal(scores, -np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(scores, order, 1).astype(np.float32)


def test_the_nearest_are_those_of_all_products() -> None:
    vectors = clustered(500)
    numbers, scores = nearest(vectors, 10)
    _, truth = by_hand(vectors, 10)
    assert (numbers.dtype, scores.dtype, numbers.shape) == (np.int32, np.float32, (500, 10))
    np.testing.assert_allclose(scores, truth, atol=1e-5)
    unit_rows = unit(vectors)
    np.testing.assert_allclose(np.einsum("nd,nkd->nk", unit_rows, unit_rows[numbers]), scores, atol=1e-5)


def test_nothing_is_its_own_neighbour_even_among_many_copies() -> None:
    vectors = np.repeat(clustered(40), 30, axis=0)
    numbers, scores = nearest(vectors, 5)
    assert not np.any(numbers == np.arange(len(vectors))[:, None])
    np.testing.assert_allclose(scores, 1, atol=1e-5)
    assert all(len(set(row)) == 5 for row in numbers.tolist())


def test_a_vector_of_zeros_has_no_neighbours_and_is_none() -> None:
    vectors = clustered(50)
    vectors[[3, 49]] = 0
    numbers, scores = nearest(vectors, 4)
    assert np.all(numbers[[3, 49]] == -1)
    assert np.all(scores[[3, 49]] == 0)
    assert not np.isin(numbers, [3, 49]).any()


@pytest.mark.parametrize("rows", [0, 1, 2, 4])
def test_where_there_are_fewer_the_rest_is_minus_one(rows: int) -> None:
    numbers, scores = nearest(np.eye(4, dtype=np.float32)[:rows] + 0.1, 6)
    assert numbers.shape == scores.shape == (rows, 6)
    assert np.all((numbers >= 0).sum(axis=1) == max(0, rows - 1))
    assert np.all(scores[numbers < 0] == 0)


def test_the_length_of_vectors_does_not_matter() -> None:
    vectors = clustered(200)
    longer = vectors * np.random.default_rng(1).uniform(0.01, 100, size=(200, 1)).astype(np.float32)
    np.testing.assert_allclose(nearest(vectors, 5)[1], nearest(longer, 5)[1], atol=1e-5)


@pytest.mark.parametrize("dimensions", [5, 32])
def test_lists_find_what_they_must_also_where_vectors_have_no_clusters(dimensions: int) -> None:
    vectors = np.random.default_rng(2).normal(size=(4000, dimensions)).astype(np.float32)
    numbers, scores = nearest(vectors, 10, exact_up_to=1000)
    rows = np.arange(0, 4000, 7)
    assert recall(scores[rows], nearest_of(unit(vectors), rows, 10)[1]) >= RECALL
    assert not np.any(numbers == np.arange(len(vectors))[:, None])


def test_lists_give_the_same_again() -> None:
    vectors = clustered(2000, 32)
    first, again = nearest(vectors, 10, exact_up_to=1000), nearest(vectors, 10, exact_up_to=1000)
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])


def test_recall_counts_what_is_as_near_as_the_last() -> None:
    truth = np.asarray([[0.9, 0.8]], np.float32)
    assert recall(np.asarray([[0.9, 0.8]], np.float32), truth) == 1
    assert recall(np.asarray([[0.9, 0.7]], np.float32), truth) == 0.5


@pytest.mark.parametrize(("rows", "dimensions"), [(3000, 256), (300, 7), (5, 3)])
def test_tiles_of_torch_find_what_faiss_finds(rows: int, dimensions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="torch is not installed (the extra gpu)")
    from r2d2.semantics.neighbours import torch_tiles

    monkeypatch.setattr(torch_tiles, "_ROWS", 512)
    monkeypatch.setattr(torch_tiles, "_COLUMNS", 700)
    vectors = unit(clustered(max(rows, 40), dimensions)[:rows])
    k = min(15, rows - 1)
    numbers, scores = torch_tiles.nearest_by_tiles(vectors, k, "cpu")
    _, truth = nearest(vectors, k)
    np.testing.assert_allclose(scores, truth, atol=1e-5)
    assert recall(np.einsum("nd,nkd->nk", vectors, vectors[numbers]), truth) >= 0.999
    assert not np.any(numbers == np.arange(rows)[:, None])


def test_products_of_halves_are_summed_in_single_precision_on_a_gpu_too() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (the extra gpu)")
    from r2d2.semantics.neighbours import torch_tiles

    halves = torch.empty((3, 8), dtype=torch.half, device="meta")  # knows which products torch has, and computes none
    assert torch_tiles._products(halves, halves).dtype == torch.float32
    ones = torch.ones((2, 4096), dtype=torch.half)
    ones[1, 0] = 2
    assert torch_tiles._products(ones[:1], ones[1:]).item() == 4097  # no half is


def test_a_gpu_is_looked_for_only_where_a_cpu_would_not_compare_all(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(neighbours, "device_of", lambda setting: asked.append(setting) or "cpu")
    nearest(clustered(200), 3, device="auto")
    assert asked == []
    nearest(clustered(2000, 8), 3, device="auto", exact_up_to=1000)
    assert asked == ["auto"]


def test_a_gpu_that_is_asked_for_and_is_not_there_is_an_error() -> None:
    if device_of("auto") == "cuda":
        pytest.skip("there is a GPU")
    with pytest.raises(EnvironmentMissing, match=r"semantics\.device=cuda"):
        nearest(clustered(40), 3, device="cuda")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx avx2 fma avx512f avx512bw avx512dq avx512vl", "SKYLAKEX"),
        ("fpu avx avx2 fma avx512f", "HASWELL"),
        ("fpu sse2", ""),
    ],
)
def test_kernels_are_those_that_the_cpu_can_run(flags: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nflags\t\t: \n")
    assert kernels(tmp_path / "cpuinfo") == expected
    assert kernels(tmp_path / "none") == ""


def test_nothing_else_is_told_of_kernels() -> None:
    code = "import os; before = dict(os.environ); import r2d2.semantics.neighbours.library; print(os.environ == before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
