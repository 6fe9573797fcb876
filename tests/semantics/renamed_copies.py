"""Copies of planted datasets whose columns are spelled otherwise, and what each of them was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

from benchmarks.planted.mess import Mess, Style
from benchmarks.planted.planted import Planted
from benchmarks.planted.vocabulary import Concept, subjects
from r2d2.model.dataset import Dataset, Leaf


@dataclass(frozen=True)
class Renamed:
    """A copy: what it was made from, and its column for each of that one's whose name is another."""

    original: str
    copy: Dataset
    mapping: Mapping[str, str]


def renamed_copies(planted: Planted, number: int, seed: int = 0) -> list[Renamed]:
    """Copies of datasets with four columns at least that can be read, each in a style of its own."""
    random = Random(f"renamed{seed}")
    concepts = {concept.key: concept for subject in subjects() for concept in subject.concepts}
    order = random.sample(range(len(planted.datasets)), len(planted.datasets))
    found: list[Renamed] = []
    for at in order:
        if sum(map(bool, planted.meanings[at])) >= 4 and len(found) < number:
            style = Style.drawn(Mess(opaque=0.0), random)
            leaves = list(_leaves(planted, at, concepts, style, random))
            if len({leaf.path[-1].lower() for leaf in leaves}) == len(leaves):
                found.append(_renamed(planted.datasets[at], leaves, f"renamed/{len(found)}/copy"))
    return found


def _leaves(planted: Planted, at: int, concepts: Mapping[str, Concept], style: Style, random: Random) -> Iterator[Leaf]:
    for leaf, meaning in zip(planted.datasets[at].leaves, planted.meanings[at], strict=True):
        concept = concepts.get(meaning)
        name = style.column(concept.spoken[planted.camp[at]], random) if concept else leaf.path[-1]
        yield replace(leaf, path=(name,))


def _renamed(dataset: Dataset, leaves: list[Leaf], name: str) -> Renamed:
    names = [(".".join(old.path), new.path[0]) for old, new in zip(dataset.leaves, leaves, strict=True)]
    return Renamed(dataset.id, replace(dataset, id=name, leaves=tuple(leaves)), {a: b for a, b in names if a != b})
