"""Tables before they are datasets: those that were written for themselves, and those that were made from others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from benchmarks.planted.mess import Mess, Style, mark
from benchmarks.planted.vocabulary import Concept, Subject, Words


@dataclass(frozen=True)
class Column:
    """A column of a draft.

    Attributes:
        path: its name, below the struct that it lies in.
        meaning: the concept's key; empty for a generic column, and for one whose name nobody can read.
        kind: as ``Concept.kind``.
    """

    path: tuple[str, ...]
    meaning: str
    kind: str


@dataclass(frozen=True)
class Draft:
    """A table.

    Attributes:
        name: its own, without directories.
        made_from: position of the draft that it was made from; -1 for none.
        how: ``written``, ``edited`` (rows and columns of another, changed), ``copy``, ``slice`` or ``projection``.
        rows: number of rows.
    """

    subject: Subject
    camp: int
    style: Style
    name: str
    columns: tuple[Column, ...]
    rows: int
    made_from: int = -1
    how: str = "written"

    @property
    def held(self) -> bool:
        """Whether what it was made from holds all its rows."""
        return self.how in ("copy", "slice", "projection")


@dataclass(frozen=True)
class Recipe:
    """How tables are drawn.

    Attributes:
        about: all families.
        mess: of names.
        camps: in how many ways a family is spoken of.
        derived: share of copies, slices and projections.
        edited: share of tables that were made from others and then changed, so that nothing holds them.
        specific: fewest and most concepts of its own that a table has.
        generic: what the shares of generic columns are multiplied with.
        spare: fewest and most numbered columns that users may fill as they like.
    """

    about: tuple[Subject, ...]
    mess: Mess
    camps: int = 1
    derived: float = 0.35
    edited: float = 0.04
    specific: tuple[int, int] = (4, 10)
    generic: float = 1.0
    spare: tuple[int, int] = (0, 0)


def family_drafts(subject: Subject, size: int, recipe: Recipe, random: Random) -> list[Draft]:
    """All tables of a family, camp by camp; ``made_from`` counts within the list."""
    found: list[Draft] = []
    for camp in range(recipe.camps):
        here = size // recipe.camps + (camp < size % recipe.camps)
        derived = round(here * recipe.derived)
        first = len(found)
        for number in range(here):
            if number < here - derived:
                edit = number > 0 and random.random() < recipe.edited
                found.append(_edited(found, first, random) if edit else _written(subject, camp, recipe, random))
            else:
                found.append(_derived(found, first, random))
    return found


def _written(subject: Subject, camp: int, recipe: Recipe, random: Random) -> Draft:
    style = Style.drawn(recipe.mess, random)
    columns = [*_specific(subject, camp, style, recipe, random), *_generic(style, recipe, random)]
    random.shuffle(columns)
    name = style.table(random.choice(subject.tables[camp]), random)
    return Draft(subject, camp, style, name, _distinct(columns), _rows(random))


def _rows(random: Random) -> int:
    return max(1000, int(random.lognormvariate(10, 2.5)))


def _specific(subject: Subject, camp: int, style: Style, recipe: Recipe, random: Random) -> Iterator[Column]:
    own = min(random.randint(*recipe.specific), len(subject.own))
    drawn = random.sample(subject.own, own) + random.sample(subject.shared, random.randint(0, len(subject.shared) - 1))
    if random.random() < recipe.mess.strangers:
        drawn.append(_stranger(subject, camp, recipe.about, random))
    for concept in drawn:
        words, hidden = concept.spoken[camp], style.hides(random)
        name = style.unreadable(words, random) if hidden else style.column(words, random)
        yield Column((style.wrapper, name) if style.wrapper else (name,), "" if hidden else concept.key, concept.kind)


def _stranger(subject: Subject, camp: int, about: Sequence[Subject], random: Random) -> Concept:
    """A concept of another subject, in no words that the family's other camp uses."""
    taken = {word for concept in subject.concepts for word in concept.spoken[1 - camp]}
    while True:
        other = random.choice(about)
        concept = random.choice(other.concepts)
        if other != subject and not taken.intersection(concept.spoken[camp]):
            return concept


def _generic(style: Style, recipe: Recipe, random: Random) -> Iterator[Column]:
    for text, kind, share in style.mess.generic:
        if random.random() < share * recipe.generic:
            yield Column((style.cased(text.split()),), "", kind)
    for number in range(1, random.randint(*recipe.spare) + 1):
        yield Column((style.cased(["udf", str(number)]),), "", "s")


def _distinct(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Without those whose name another one has, compared as most engines do."""
    seen = {"/".join(column.path).lower(): column for column in reversed(columns)}
    return tuple(reversed(seen.values()))


def _picked(found: Sequence[Draft], first: int, random: Random) -> int:
    """Some tables are copied often, most never."""
    number = len(found) - first
    return first + min(int(number * random.random() ** 2.5), number - 1)


def _edited(found: Sequence[Draft], first: int, random: Random) -> Draft:
    at = _picked(found, first, random)
    model = found[at]
    columns = model.columns if random.random() < 0.5 else _without(model, 0.85, random)
    return replace(model, columns=columns, name=_renamed(model, random), rows=_rows(random), made_from=at, how="edited")


def _derived(found: Sequence[Draft], first: int, random: Random) -> Draft:
    at = _picked(found, first, random)
    model, how = found[at], random.choices(("copy", "slice", "projection"), (35, 35, 30))[0]
    if model.rows < 100 or len(model.columns) < 4:  # too little for a part of it
        how = "copy"
    rows, columns = model.rows, model.columns
    if how == "slice" or (how == "projection" and random.random() < 0.3):
        rows = max(1, int(rows * random.uniform(0.02, 0.9)))
    if how == "projection":
        columns = _without(model, random.uniform(0.35, 0.9), random)
    return replace(model, columns=columns, name=_renamed(model, random), rows=rows, made_from=at, how=how)


def _without(model: Draft, share: float, random: Random) -> tuple[Column, ...]:
    """About that share of its columns, not all; it may be that no column of a subject is left."""
    count = max(1, min(len(model.columns) - 1, round(len(model.columns) * share)))
    kept = set(random.sample(range(len(model.columns)), count))
    return tuple(column for number, column in enumerate(model.columns) if number in kept)


def _renamed(model: Draft, random: Random) -> str:
    if random.random() < 0.5:
        return model.name + mark(random)
    return model.style.table(_words(model, random), random)


def _words(model: Draft, random: Random) -> Words:
    return random.choice(model.subject.tables[model.camp])
