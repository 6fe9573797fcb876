"""Which default model understands names of columns better: ``python -m benchmarks.embedding_models [--models NAME]``.

``synonyms``: the planted vocabulary says each of its column concepts in two ways that share no word with a meaning; how
often the other way is the nearest, or among the ten nearest, of all concepts said that way. ``A``, ``B``: the planted
catalogs; ``kin`` is the share of each entity's ten nearest by the dense part alone that are of its family, ``ARI``
that of the whole hierarchy, in as many parts as there are families. Means over seeds. minilm needs the extra ``gpu``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.planted.catalogs import catalog_a, catalog_b
from benchmarks.planted.planted import Planted
from benchmarks.planted.scores import adjusted_rand_index
from benchmarks.planted.vocabulary import subjects
from r2d2.config import SemanticsSettings
from r2d2.errors import EnvironmentMissing
from r2d2.semantics.embed.embedder import Embedder, embedder_of
from r2d2.semantics.entities.entities import Catalog, entities_of
from r2d2.semantics.hierarchy.aggregate import aggregate
from r2d2.semantics.neighbours.neighbours import nearest


def synonyms(model: Embedder) -> tuple[float, float]:
    """Recall of the other way to say a concept: the nearest, the ten nearest."""
    both = {concept.spoken for subject in subjects() for concept in subject.concepts}
    first, second = (model.embed([" ".join(words) for words in side]) for side in zip(*sorted(both), strict=True))
    scores = first @ second.T
    better = (scores > np.diagonal(scores)[:, None]).sum(axis=1)
    return float((better < 1).mean()), float((better < 10).mean())


def grouped(model: Embedder, catalog: Planted) -> tuple[float, float]:
    """The share of neighbours of the same family, and the ARI with the families."""
    planted = Catalog(catalog.datasets, catalog.pairs, catalog.duplicates, [*catalog.usages.values()])
    found = aggregate(entities_of(planted, {}), model.embed, SemanticsSettings())
    truth = dict(zip((dataset.id for dataset in catalog.datasets), catalog.family, strict=True))
    families = np.asarray([truth[id_] for id_ in found.entities.ids])
    numbers, _ = nearest(found.blended.dense, 10)
    part, entity = found.parts(len(set(catalog.family))), found.entities.entity_of
    ari = adjusted_rand_index([int(part[entity[id_]]) for id_ in truth], list(truth.values()))
    return float((families[numbers] == families[:, None]).mean()), ari


def row(name: str, seeds: int) -> Iterator[str]:
    """The cells of a model's row."""
    started = time.perf_counter()
    model = embedder_of(SemanticsSettings(model=name))
    model.embed(["warm"])
    yield from (model.name, str(model.dimensions), f"{time.perf_counter() - started:.1f}")
    texts = [" ".join(words) for subject in subjects() for concept in subject.concepts for words in concept.spoken]
    started = time.perf_counter()
    model.embed(texts)
    yield f"{len(texts) / (time.perf_counter() - started):,.0f}"
    yield from (f"{share:.3f}" for share in synonyms(model))
    for catalog in (catalog_a, catalog_b):
        yield from (f"{score:.3f}" for score in np.mean([grouped(model, catalog(seed)) for seed in range(seeds)], 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--models", nargs="+", default=["hashing", "static", "minilm"])
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    print(
        "| model | dimensions | load (s) | texts/s | synonym nearest | among ten | A: kin | A: ARI | B: kin | B: ARI |"
    )
    print("| --- |" + " --- |" * 9)
    for name in arguments.models:
        try:
            print("|", " | ".join(row(name, arguments.seeds)), "|", flush=True)
        except EnvironmentMissing as error:
            print(f"{name}: {error}", flush=True)


if __name__ == "__main__":
    main()
