"""Every vector compared with every other one, tile by tile, on a GPU by torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from r2d2.semantics.tree import Floats, Ints

if TYPE_CHECKING:
    from torch import Tensor

#: Vectors of a tile: rows that neighbours are looked for, and those that they are compared with.
_ROWS, _COLUMNS = 4096, 65536
#: Neighbours beyond those wanted that are kept until they are compared in single precision.
_SPARE = 16


def nearest_by_tiles(vectors: Floats, k: int, device: str) -> tuple[Ints, Floats]:
    """As ``neighbours.nearest``, of vectors of length 1.

    Products are those of halves, summed up in single precision; the best are compared again in single precision.

    Args:
        device: ``cuda``, or ``cpu``, which does the same and takes longer.
    """
    import torch

    numbers, scores = np.empty((len(vectors), k), np.int32), np.empty((len(vectors), k), np.float32)
    with torch.inference_mode():
        full = torch.from_numpy(vectors).to(device)
        halves = full.half()
        for start in range(0, len(vectors), _ROWS):
            rows = slice(start, start + _ROWS)
            found, near = _compared(full, rows, _candidates(halves, rows, k + 1 + _SPARE), k)
            numbers[rows], scores[rows] = found.int().cpu().numpy(), near.cpu().numpy()
    return numbers, scores


def _candidates(halves: Tensor, rows: slice, most: int) -> Tensor:
    """The numbers of the best ``most`` vectors for each row, itself among them; those of a tile after the other."""
    import torch

    own = halves[rows]
    best = torch.empty((len(own), 0), device=own.device)
    numbers = torch.empty((len(own), 0), dtype=torch.int64, device=own.device)
    for start in range(0, len(halves), _COLUMNS):
        near, found = _best(_products(own, halves[start : start + _COLUMNS]), most)
        best, places = _best(torch.cat((best, near), 1), most)
        numbers = torch.cat((numbers, found + start), 1).gather(1, places)
    return numbers


def _best(scores: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The highest of each row, in any order, and where they stand."""
    found = scores.topk(min(most, scores.shape[1]), sorted=False)
    return found.values, found.indices


def _products(one: Tensor, other: Tensor) -> Tensor:
    """Cosines in single precision. A CPU multiplies halves as singles, which holds their products exactly."""
    import torch

    if one.device.type == "cpu":
        return one.float() @ other.float().T
    return torch.mm(one, other.T, out_dtype=torch.float32)


def _compared(full: Tensor, rows: slice, candidates: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` best of the candidates but the row itself: the nearest first, of equal ones the first."""
    import torch

    candidates = candidates.sort(1).values
    scores = torch.bmm(full[candidates], full[rows].unsqueeze(2)).squeeze(2).clamp_(max=1)
    own = torch.arange(rows.start, rows.start + len(candidates), device=full.device)
    scores.masked_fill_(candidates == own.unsqueeze(1), -torch.inf)
    near, order = scores.sort(stable=True, dim=1, descending=True)
    return candidates.gather(1, order)[:, :k], near[:, :k]
