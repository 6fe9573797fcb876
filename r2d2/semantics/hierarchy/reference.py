"""LeanRAG's way to aggregate, layer by layer (arXiv 2508.10391, and its code), to compare with: ``semantics.mode``.

Vectors of a layer are reduced to two dimensions by UMAP and clustered by Gaussian mixtures with full covariances, with
a twentieth as many clusters as there are vectors, or as many as the Bayesian information criterion (BIC) finds if those
are more. A cluster is embedded from its summary and goes into the next layer; a single member goes on as it is. It ends
with four or fewer, or where a layer is parted as much as the one below. Summaries are the words that tell a cluster
from others: language models name topics afterwards.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from r2d2.errors import EnvironmentMissing, UsageError
from r2d2.semantics.entities.entities import Entities
from r2d2.semantics.labels.terms import terms, words_of_entities
from r2d2.semantics.similarity.dense import Embed
from r2d2.semantics.tree import Floats, Ints, numbered

#: Entities that it can take: time grows with their number times that of clusters.
MOST = 5_000
#: Members of a cluster on average, at least one cluster for so many; a layer with so few ends it.
_MEMBERS, _LAST = 20, 4
#: A layer that is parted as much as the one below, but for this share, is left out and ends it: few points make pairs.
_CHANGE = 0.05
#: Dimensions, and neighbours of UMAP.
_DIMENSIONS, _NEIGHBOURS = 2, 15
#: Clusters that BIC may find, and how little it changes where they are enough, as a share.
_CLUSTERS, _ENOUGH = 50, 1e-3
#: Starts of each mixture.
_STARTS = 5
#: Words of a summary.
_WORDS = 12
_HINT = "pip install 'r2d2[reference]', or leave semantics.mode as it is"


def require_reference() -> tuple[ModuleType, ModuleType]:
    """umap and sklearn.mixture.

    Raises:
        EnvironmentMissing: one of them is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they warn of each other's versions
            import umap
            from sklearn import mixture
    except ImportError as error:
        raise EnvironmentMissing(
            f"semantics.mode=reference needs {error.name}, which is not installed", _HINT
        ) from error
    return umap, mixture


def reference_levels(entities: Entities, embed: Embed, seed: int) -> tuple[Ints, ...]:
    """The group of each entity on each level, the finest first; the root, which holds all, comes last.

    Args:
        embed: texts → vectors of length one.

    Raises:
        EnvironmentMissing: umap-learn or scikit-learn is not installed.
        UsageError: there are too many entities.
    """
    if len(entities) > MOST:
        raise UsageError(
            f"semantics.mode=reference groups {MOST:,} datasets at most, and these are {len(entities):,}",
            "leave semantics.mode as it is",
        )
    umap, mixture = require_reference()
    words, spelled = words_of_entities(entities)
    vectors = embed([" ".join(text) for text in _texts(entities)])
    levels: list[Ints] = []
    parted = 0.0
    while len(vectors) > _LAST:
        labels = _clustered(_reduced(vectors, umap, seed), mixture, seed)
        before, parted = parted, _parted(labels)
        if abs(parted - before) <= _CHANGE * before or parted == 1:
            break
        levels.append(labels[levels[-1]] if levels else labels)
        summaries = [" ".join(spelled[word] for word in row) for row in terms(words, levels[-1], _WORDS)]
        vectors = _above(vectors, labels, embed(summaries))
    root = np.zeros(len(entities), np.int32)
    return (*levels, root) if levels else (root, root)


def _parted(labels: Ints) -> float:
    """The share of pairs that lie in two clusters."""
    sizes, count = np.bincount(labels), len(labels)
    return 1 - float((sizes * (sizes - 1)).sum()) / (count * (count - 1))


def _texts(entities: Entities) -> Iterator[Sequence[str]]:
    """What describes an entity: its name, and its columns."""
    starts, columns = entities.holds.indptr, entities.holds.indices
    for row, name in enumerate(entities.names):
        held = columns[starts[row] : starts[row + 1]].tolist()
        yield [*name, *(entities.concepts[concept].text for concept in held)]


def _above(vectors: Floats, labels: Ints, summaries: Floats) -> Floats:
    """The vectors of clusters: of their summaries, but for those of one member, which is carried up."""
    found = summaries.copy()
    alone = np.bincount(labels)[labels] == 1
    found[labels[alone]] = vectors[alone]
    return found


def _reduced(vectors: Floats, umap: Any, seed: int) -> Floats:
    dimensions, neighbours = min(_DIMENSIONS, len(vectors) - 2), min(_NEIGHBOURS, len(vectors) - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # small or disconnected graphs are what upper layers are
        reducer = umap.UMAP(
            n_neighbors=neighbours, n_components=dimensions, metric="cosine", random_state=seed, n_jobs=1
        )
        return np.asarray(reducer.fit_transform(vectors), np.float32)


def _clustered(points: Floats, mixture: Any, seed: int) -> Ints:
    """The cluster of each point, numbered from 0."""
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):  # matrices of two columns: threads only wait for each other
        warnings.simplefilter("ignore")  # a start that does not converge, equal points
        count = max(len(points) // _MEMBERS, _by_bic(points, mixture, seed))
        return numbered(_mixture(mixture, count, seed).fit(points).predict(points))


def _by_bic(points: Floats, mixture: Any, seed: int) -> int:
    """The number of clusters with the lowest BIC, of those up to where it hardly changes any more."""
    found: list[float] = []
    for count in range(1, min(len(points), _CLUSTERS)):
        found.append(float(_mixture(mixture, count, seed).fit(points).bic(points)))
        if len(found) > 1 and abs(found[-2] - found[-1]) < _ENOUGH * abs(found[-2]):
            break
    return int(np.argmin(found)) + 1


def _mixture(mixture: Any, count: int, seed: int) -> Any:
    return mixture.GaussianMixture(n_components=count, random_state=seed, n_init=_STARTS, init_params="k-means++")
