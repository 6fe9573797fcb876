"""The planted catalogs: A (messy names), B (two camps), C (another language), and a big one.

Each has 60 families of 5 to 100 datasets in 24 groups in 12 domains, 35 % copies, slices and projections. What a
dataset is about shows in the names of its table and columns, in what is proven to hold it, and in nothing else.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from random import Random

from benchmarks.planted.drafts import Draft, Recipe, family_drafts
from benchmarks.planted.mess import GERMAN_GENERIC, GERMAN_NAMELESS, Mess
from benchmarks.planted.planted import Planted, planted
from benchmarks.planted.vocabulary import german_subjects, subjects

#: Names as messy as those of old lakes.
A = Recipe(subjects(), Mess())
#: Each family in two camps that share no name that means anything. Their words can be read, but for a few.
_TIDY = Mess(nameless=0.15, short=0.12, short_words=0.3, opaque=0.0, clipped=0.0, strangers=0.15)
B = Recipe(subjects(), _TIDY, camps=2)
#: As messy as A, in German: words are often written together, and generic columns are German, too.
C = Recipe(german_subjects(), Mess(cases=(45, 12, 12, 6, 20, 5), generic=GERMAN_GENERIC, empty_names=GERMAN_NAMELESS))
#: As A, with the wider tables of large lakes: more concepts, and fields that users may fill.
BIG = replace(A, specific=(5, 11), generic=1.25, spare=(0, 6))


def catalog_a(seed: int) -> Planted:
    """Messy names: abbreviations, codes, prefixes, versions, generic columns and tables."""
    return _catalog(A, _sizes(), Random(f"a{seed}"))


def catalog_b(seed: int) -> Planted:
    """Each family in two camps of other words, without containment between them."""
    return _catalog(B, _sizes(), Random(f"b{seed}"))


def catalog_c(seed: int) -> Planted:
    """As messy as A, in German; the camp that is never drawn from holds the English words."""
    return _catalog(C, _sizes(), Random(f"c{seed}"))


def glossary_c() -> dict[str, str]:
    """150 German words and what they mean: the subjects and the commonest words of columns, as users would list."""
    with (Path(__file__).parent / "glossary.csv").open(newline="") as file:
        return {row["word"]: row["meaning"] for row in csv.DictReader(file)}


def big_catalog(datasets: int = 10_000, seed: int = 0) -> Planted:
    """As A in 60 larger families, with 20 columns and a little more for each dataset."""
    sizes = [size * datasets // sum(_sizes()) for size in _sizes()]
    sizes[0] += datasets - sum(sizes)
    return _catalog(BIG, sizes, Random(f"big{seed}"))


def _sizes(families: int = 60, smallest: int = 5, largest: int = 100) -> list[int]:
    """Skewed, the largest first: 2,096 datasets in 60 families."""
    steps = (1 - number / (families - 1) for number in range(families))
    return [smallest + round((largest - smallest) * step**2.2) for step in steps]


def _catalog(recipe: Recipe, sizes: list[int], random: Random) -> Planted:
    sizes = random.sample(sizes, len(sizes))
    drafts: list[Draft] = []
    for subject, size in zip(recipe.about, sizes, strict=True):
        first = len(drafts)
        for draft in family_drafts(subject, size, recipe, random):
            made_from = draft.made_from + first if draft.made_from >= 0 else -1
            drafts.append(replace(draft, made_from=made_from))
    return planted(drafts, random)
