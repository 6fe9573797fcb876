"""What exact names alone give: ``python -m benchmarks.planted.baseline``.

TF-IDF over the exact names of tables and columns (case folded, nothing split), clustered into as many parts as there
are families, by average linkage of cosines and by Ward's method; the better of both counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import scipy.cluster.hierarchy as hierarchy
from scipy.sparse import csr_matrix

from benchmarks.planted.catalogs import catalog_a, catalog_b, catalog_c
from benchmarks.planted.planted import Planted
from benchmarks.planted.scores import adjusted_rand_index
from r2d2.model.dataset import Dataset

Numbers = npt.NDArray[np.float64]


def exact_names(dataset: Dataset) -> list[str]:
    """Names of its columns and its own, case folded."""
    return [leaf.path[-1].lower() for leaf in dataset.leaves] + [dataset.id.rsplit("/", 1)[-1].lower()]


def tf_idf(documents: Sequence[Sequence[str]]) -> Numbers:
    """Rows of unit length, one for each document; a document of unknown words alone is all zeros."""
    words = {word: number for number, word in enumerate(sorted({word for text in documents for word in text}))}
    counts = csr_matrix(
        (
            np.ones(sum(map(len, documents))),
            (
                np.repeat(np.arange(len(documents)), [len(text) for text in documents]),
                [words[word] for text in documents for word in text],
            ),
        ),
        shape=(len(documents), len(words)),
    )
    frequency = np.asarray((counts > 0).sum(axis=0)).ravel()
    dense = counts.multiply(np.log(len(documents) / frequency)).toarray()
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    return np.asarray(dense / np.where(lengths > 0, lengths, 1))


def distances(rows: Numbers) -> Numbers:
    """Euclidean, condensed as scipy has them."""
    squares = (rows**2).sum(axis=1)
    full = squares[:, None] + squares[None, :] - 2 * rows @ rows.T
    return np.asarray(np.sqrt(np.maximum(full[np.triu_indices(len(rows), 1)], 0)))


def parts(rows: Numbers, method: str, count: int) -> list[int]:
    """Hierarchical clustering of rows by Euclidean distance, cut into that many parts."""
    return list(hierarchy.fcluster(hierarchy.linkage(distances(rows), method), count, "maxclust"))


def score(rows: Numbers, truth: Iterable[str]) -> float:
    """ARI with the truth, of the better way to cluster, into as many parts as there are families."""
    truth = list(truth)
    count = len(set(truth))
    return max(adjusted_rand_index(parts(rows, method, count), truth) for method in ("average", "ward"))


def exact_names_score(catalog: Planted) -> float:
    """ARI of exact names with the families."""
    return score(tf_idf([exact_names(dataset) for dataset in catalog.datasets]), catalog.family)


def main() -> None:
    for name, catalog in (("A", catalog_a), ("B", catalog_b), ("C", catalog_c)):
        print(name, *(f"{exact_names_score(catalog(seed)):.3f}" for seed in range(3)))


if __name__ == "__main__":
    main()
