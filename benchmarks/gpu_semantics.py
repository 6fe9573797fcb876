"""Embedding and grouping a million names of columns on a GPU: ``python -m benchmarks.gpu_semantics [--rows N]``.

Needs the extra ``gpu``. Times of each step apart: cutting texts into pieces, what the model makes of them, nearest
neighbours, Leiden on their graph. Then 3,000 rows are compared with what a CPU finds in single precision: vectors by
cosine, neighbours by the share of those found that are among the nearest (one that is as near as the last of them is as
good). It ends with 1 where that falls below 0.999. Without a GPU it says so, and the same code runs on 3,000 rows.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from benchmarks.planted.vocabulary import subjects
from r2d2.config import SemanticsSettings
from r2d2.semantics.base_relations import Relations
from r2d2.semantics.embed.devices import GPU_EXTRA, device_of
from r2d2.semantics.embed.embedder import embedder_of, unit
from r2d2.semantics.embed.transformer import TransformerEmbedder
from r2d2.semantics.hierarchy.pieces import pieces
from r2d2.semantics.neighbours.exact import nearest_of
from r2d2.semantics.neighbours.inverted import recall
from r2d2.semantics.neighbours.torch_tiles import nearest_by_tiles
from r2d2.semantics.similarity.graph import graph_of
from r2d2.semantics.tree import Floats, Ints

#: Rows that are compared with the CPU's, and how well they have to agree.
CHECKED, AGREE = 3000, 0.999


@dataclass
class Clock:
    """Seconds of each step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measures what is done within."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started
        print(f"{name:<12}{self.seconds[name]:8.1f} s", flush=True)


def names(count: int, seed: int = 0) -> list[str]:
    """So many different names of columns: a concept of the planted vocabulary and one to three words of others."""
    said = [" ".join(words) for subject in subjects() for concept in subject.concepts for words in concept.spoken]
    words = sorted({word for text in said for word in text.split()})
    draw = np.random.default_rng(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        firsts, lengths = draw.integers(len(said), size=count), draw.integers(1, 4, size=count)
        others = draw.integers(len(words), size=(count, 3))
        for first, length, other in zip(firsts.tolist(), lengths.tolist(), others.tolist(), strict=True):
            found[" ".join([said[first], *(words[number] for number in other[:length])])] = None
    return list(found)[:count]


def embedded(model: TransformerEmbedder, texts: list[str], clock: Clock) -> Floats:
    """Vectors of the texts; what ``embed`` does, in two steps."""
    with clock.step("tokenise"):
        batches = [(rows, model.pieces_of([texts[row] for row in rows])) for rows in model.batches(texts)]
    with clock.step("embed"):
        found = [(rows, model.vectors_of(cut)) for rows, cut in batches]
        vectors = np.empty((len(texts), model.dimensions), np.float32)
        for rows, batch in found:
            vectors[rows] = batch.float().cpu().numpy()
        return unit(vectors)


def checked(model: TransformerEmbedder, texts: list[str], vectors: Floats, numbers: Ints) -> bool:
    """Whether a CPU finds the same, on a sample of the rows; tells how much of it."""
    rows = np.sort(np.random.default_rng(1).choice(len(texts), min(CHECKED, len(texts)), replace=False))
    on_cpu = embedder_of(SemanticsSettings(model="minilm", device="cpu")).embed([texts[row] for row in rows])
    cosines = np.einsum("nd,nd->n", on_cpu, vectors[rows])
    overlap = agreement(vectors, rows, numbers[rows])
    print(f"vectors: cosine with the CPU's {cosines.mean():.5f}, at least {cosines.min():.5f}")
    print(f"neighbours: {overlap:.5f} of {numbers.shape[1]} are those that the CPU finds ({len(rows):,} rows)")
    return bool(cosines.min() >= AGREE and overlap >= AGREE)


def agreement(vectors: Floats, rows: npt.NDArray[np.int64], numbers: Ints) -> float:
    """The share of neighbours of the rows that are among the nearest, by single precision on the CPU."""
    scores = np.einsum("nd,nkd->nk", vectors[rows], vectors[numbers])
    return recall(scores, nearest_of(vectors, rows, numbers.shape[1])[1])


def measured(count: int, device: str) -> bool:
    """One run; whether it agrees with a CPU."""
    model = TransformerEmbedder.of("minilm", device)
    texts, clock = names(count), Clock()
    model.embed(texts[: min(count, 2000)])  # what is loaded and compiled once
    vectors = embedded(model, texts, clock)
    with clock.step("neighbours"):
        numbers, scores = nearest_by_tiles(vectors, min(15, count - 1), device)
    with clock.step("cluster"):
        found = pieces(graph_of(count, numbers, scores, Relations.none()), 20, 0)
    print(f"{count:,} names, {model.dimensions} dimensions, {int(found.max()) + 1:,} pieces")
    print(
        f"embed and neighbours {sum(list(clock.seconds.values())[:3]):.1f} s, all {sum(clock.seconds.values()):.1f} s"
    )
    return checked(model, texts, vectors, numbers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--rows", type=int, help="1,000,000; without a GPU 3,000")
    rows = parser.parse_args().rows
    try:
        import torch
    except ImportError:
        print(f"nothing is measured: torch is not installed; {GPU_EXTRA}")
        return 1
    device = device_of("auto")
    if device == "cuda":
        print(f"GPU: {torch.cuda.get_device_name()}; torch {torch.__version__}")
        return int(not measured(rows or 1_000_000, device))
    print(f"no GPU on this machine: the same code on the CPU, for the checks alone; torch {torch.__version__}")
    return int(not measured(rows or CHECKED, device))


if __name__ == "__main__":
    sys.exit(main())
