"""The nearest neighbours of vectors by cosine."""

from __future__ import annotations

import numpy as np

from r2d2.semantics.embed.devices import device_of
from r2d2.semantics.embed.embedder import unit
from r2d2.semantics.neighbours.exact import nearest_of_all
from r2d2.semantics.neighbours.inverted import nearest_by_lists
from r2d2.semantics.tree import Floats, Ints

#: Vectors up to which a CPU compares all with all.
EXACT_UP_TO = 50_000


def nearest(vectors: Floats, k: int, device: str = "cpu", exact_up_to: int = EXACT_UP_TO) -> tuple[Ints, Floats]:
    """The ``k`` nearest of each vector, the nearest first; of equally near ones those that come first.

    A vector is not its own neighbour. One of zeros has no neighbours and is none: nothing is known of it.

    Args:
        vectors: shape (n, dimensions), of any length.
        device: as in the settings; ``auto`` asks for a GPU only where a CPU would not compare all with all.
        exact_up_to: vectors up to which a CPU compares all with all; above that, at least 95% of the 10 nearest are
            found, which is checked on a sample.

    Returns:
        Their numbers and cosines, both of shape (n, k); -1 and 0 where there are fewer.

    Raises:
        EnvironmentMissing: the device is ``cuda``, and there is no GPU or no torch.
    """
    numbers = np.full((len(vectors), k), -1, np.int32)
    scores = np.zeros((len(vectors), k), np.float32)
    known = np.flatnonzero(np.any(vectors, axis=1))
    wanted = min(k, len(known) - 1)
    if wanted < 1:
        return numbers, scores
    found, near = _nearest_known(unit(np.ascontiguousarray(vectors[known], np.float32)), wanted, device, exact_up_to)
    numbers[known, :wanted] = np.where(found < 0, -1, known[found])
    scores[known, :wanted] = near
    return numbers, scores


def _nearest_known(vectors: Floats, k: int, device: str, exact_up_to: int) -> tuple[Ints, Floats]:
    many = len(vectors) > exact_up_to
    if device == "cuda" or (device == "auto" and many and device_of(device) == "cuda"):
        from r2d2.semantics.neighbours.torch_tiles import nearest_by_tiles

        return nearest_by_tiles(vectors, k, device_of("cuda"))
    return nearest_by_lists(vectors, k) if many else nearest_of_all(vectors, k)
