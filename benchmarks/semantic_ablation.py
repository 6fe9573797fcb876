"""What each part adds: ``python -m benchmarks.semantic_ablation [--seeds N] [--catalogs A C+] [--only WORD]``.

One part after the other is left out, and the ARI with the families is taken at the cut with as many parts as there are
families, and at the finest level, which is chosen without labels. Means over seeds; C+ is C with its glossary of 150
words, S is A with 60 snapshots of each of 40 tables, which are not scored.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.planted.catalogs import catalog_a, catalog_b, catalog_c
from benchmarks.planted.planted import Planted
from benchmarks.planted.scores import adjusted_rand_index
from r2d2.config import SemanticsSettings
from r2d2.semantics.embed.embedder import unit
from r2d2.semantics.embed.static import StaticEmbedder
from r2d2.semantics.entities import entities, vocabulary
from r2d2.semantics.entities.entities import Catalog, Entities, entities_of
from r2d2.semantics.entities.glossary import read_glossary
from r2d2.semantics.hierarchy import aggregate as aggregation
from r2d2.semantics.hierarchy import linkage
from r2d2.semantics.hierarchy.aggregate import Compared
from r2d2.semantics.similarity import graph
from r2d2.semantics.similarity import tokens as weighing
from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.similarity.dense import Embed
from r2d2.semantics.similarity.weights import scaled, unit_rows
from r2d2.semantics.tree import Floats, Ints


@dataclass(frozen=True)
class Without:
    """The product with one part left out.

    Attributes:
        changes: module, name in it, what stands there instead.
    """

    name: str
    changes: tuple[tuple[Any, str, object], ...] = ()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Where it is so."""
        before = [(module, name, getattr(module, name)) for module, name, _ in self.changes]
        for change in self.changes:
            setattr(*change)
        try:
            yield
        finally:
            for change in before:
                setattr(*change)


class _Whole:
    """Words as they are written."""

    def __init__(self, *_: object) -> None:
        pass

    def parts(self, word: str) -> tuple[str, ...]:
        """For compounds."""
        return (word,)


class _Short(_Whole):
    """Short forms as they are, but for the glossary."""

    def __init__(self, _: object, glossary: Mapping[str, tuple[str, ...]]) -> None:
        self._glossary = glossary

    def of(self, word: str) -> tuple[str, ...]:
        """For expansions."""
        return self._glossary.get(word, (word,))


def _each_alone(schemas: Sequence[object], *_: object) -> Ints:
    return np.arange(len(schemas), dtype=np.int32)


def _no_weights(held: Any) -> Floats:
    return np.ones(held.shape[1], np.float32)


def _compared(columns: bool = True, names: bool = True, words: bool = True, pieces: bool = True) -> Callable[..., Any]:
    """What similarity is taken from, some of its parts as zeros."""

    def found(of: Entities, embed: Embed) -> Compared:
        whole = _COMPARED(of, embed)
        tokens, blended = whole.tokens, whole.blended
        half = blended.dense.shape[1] // 2
        meaning = np.hstack([blended.dense[:, :half] * columns, blended.dense[:, half:] * names])
        kept = np.repeat(np.float32([words, pieces]), [len(tokens.words), blended.lexical.shape[1] - len(tokens.words)])
        return whole._replace(blended=Blended(unit(meaning), unit_rows(scaled(blended.lexical, kept))))

    return found


def _part(name: str, **parts: bool) -> Without:
    return Without(name, ((aggregation, "compared", _compared(**parts)),))


_COMPARED = aggregation.compared
GLOSSARY = Path(__file__).parent / "planted/glossary.csv"
#: All of it first, then one part less each time.
VARIANTS = (
    Without("all of it"),
    _part("meaning (columns and names)", columns=False, names=False),
    _part("meaning of columns", columns=False),
    _part("meaning of names", names=False),
    _part("spelling (words and their pieces)", words=False, pieces=False),
    _part("words", words=False),
    _part("pieces of words", pieces=False),
    Without("specificity of words", ((weighing, "specificity", _no_weights),)),
    Without("contraction", ((entities, "contracted", _each_alone),)),
    Without("compounds", ((vocabulary, "Compounds", _Whole),)),
    Without("abbreviations", ((vocabulary, "Expansion", _Short),)),
    Without("compounds and abbreviations", ((vocabulary, "Compounds", _Whole), (vocabulary, "Expansion", _Short))),
    Without("containment, lineage", ((graph, "_ADDS", dict.fromkeys(graph._ADDS, 0.0)),)),
    Without("stages (one average linkage)", ((linkage, "_FEW", 1_000_000),)),
    Without("scaling by the nearest (CSLS)", ((linkage, "_USUAL", 0.0),)),
)


def snapshots(seed: int, tables: int = 40, each: int = 60) -> Planted:
    """A, with snapshots of some tables; nothing is proven of them, as where rows were changed in between."""
    catalog, random = catalog_a(seed), Random(f"snapshots{seed}")
    more = [
        replace(dataset, id=f"{dataset.id}_2024{day // 28 + 1:02}{day % 28 + 1:02}", rows=(dataset.rows or 0) + day)
        for dataset in random.sample([one for one in catalog.datasets if len(one.leaves) > 3], tables)
        for day in range(each)
    ]
    return replace(catalog, datasets=(*catalog.datasets, *more))


CATALOGS: Mapping[str, Callable[[int], Planted]] = {
    "A": catalog_a,
    "B": catalog_b,
    "C": catalog_c,
    "C+": catalog_c,
    "S": snapshots,
}


def scores(name: str, planted: Planted, embed: Embed) -> tuple[float, float]:
    """ARI with as many parts as there are families, and of the finest level."""
    glossary = read_glossary(str(GLOSSARY) if name == "C+" else "")
    catalog = Catalog(planted.datasets, planted.pairs, planted.duplicates, tuple(planted.usages.values()))
    found = entities_of(catalog, glossary)
    groups = aggregation.aggregate(found, embed, SemanticsSettings())
    entity = found.entity_of
    row = np.asarray([entity[dataset.id] for dataset in planted.datasets[: len(planted.family)]])
    cuts = groups.parts(len(set(planted.family))), groups.levels[0]
    at_families, free = (adjusted_rand_index(planted.family, cut[row].tolist()) for cut in cuts)
    return at_families, free


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--catalogs", nargs="+", default=["A", "B", "C", "C+"], choices=CATALOGS)
    parser.add_argument("--only", default="", help="variants that have this in their names")
    arguments = parser.parse_args()
    embed = StaticEmbedder().embed
    planted = {(name, seed): CATALOGS[name](seed) for name in arguments.catalogs for seed in range(arguments.seeds)}
    print("| without |", " | ".join(f"{name}: families | free" for name in arguments.catalogs), "|")
    print("| --- |" + " --- |" * 2 * len(arguments.catalogs))
    for variant in VARIANTS:
        if arguments.only not in variant.name:
            continue
        cells = []
        for name in arguments.catalogs:
            with variant.applied():
                rows = [scores(name, planted[name, seed], embed) for seed in range(arguments.seeds)]
            cells += [f"{score:.3f}" for score in np.mean(rows, axis=0)]
        print("|", variant.name, "|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
