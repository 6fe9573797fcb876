"""The proof before a deletion: the child is rebuilt from its recipe, and is the same as what is there (DELETION 3)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from r2d2.containment.digest import narrowest
from r2d2.errors import NotRetirable, Tampered, UnreadableData, UnsupportedData
from r2d2.lake.file_tree import shown
from r2d2.model.dataset import Dataset
from r2d2.model.recipe import Fidelity, Manifest, Recipe
from r2d2.recovery.context import Recovery
from r2d2.recovery.identity.closer import closer
from r2d2.recovery.identity.identity import Looked, look_at
from r2d2.recovery.identity.manifest import manifest_of
from r2d2.recovery.moves.moving import remove_below
from r2d2.recovery.moves.places import Area
from r2d2.recovery.moves.put_away import Seen
from r2d2.recovery.rebuild.differences import differences
from r2d2.recovery.rebuild.rebuild import Built, rebuild
from r2d2.recovery.recipes.losses import About, losses
from r2d2.recovery.recipes.recipes import candidates, digest_of


@dataclass(frozen=True)
class Taken:
    """A dataset as it was found, whole."""

    dataset: Dataset
    looked: Looked
    manifest: Manifest


@dataclass(frozen=True)
class Proven:
    """A recipe that was tried.

    Attributes:
        unlike: where it gives back equal data, what of that is otherwise, in words.
    """

    recipe: Recipe
    unlike: tuple[str, ...] = ()


def take_down(recovery: Recovery, dataset: Dataset, there: tuple[Seen, ...]) -> Taken:
    """Reads a dataset, all of it, and what else of it must come back.

    Args:
        there: every file at its location.

    Raises:
        NotRetirable: it can't be read exactly.
    """
    (looked,) = look_at([dataset], recovery.settings.containment, recovery.run).values()
    if isinstance(looked, str):
        raise NotRetirable(f"{shown(dataset.id)} can't be read exactly: {looked}", "")
    digest = digest_of(dataset, recovery.settings.containment, recovery.run)
    projection = narrowest(dataset, recovery.settings.containment.case_sensitive)
    return Taken(dataset, looked, manifest_of(dataset, looked, digest, projection, there))


def proven_recipe(recovery: Recovery, taken: Taken, parent: Dataset, area: Area) -> Proven:
    """A recipe that was seen to give back the same data, or, where none does, equal data.

    Raises:
        NotRetirable: there is none.
    """
    equal, reason = None, "no recipe gives back its rows"
    settings = recovery.settings.containment
    for recipe in candidates(taken.dataset, taken.looked, parent, taken.manifest, settings, recovery.run):
        try:
            proven = _proven(recovery, taken, recipe, area)
        except (NotRetirable, Tampered, UnreadableData, UnsupportedData) as error:
            proven, reason = None, str(error)  # another recipe may do
        if proven and proven.recipe.fidelity is Fidelity.IDENTICAL:
            return proven
        equal = equal or proven
    if equal is None:
        raise NotRetirable(f"{shown(taken.dataset.id)} can't be rebuilt from {shown(parent.id)}: {reason}", "")
    return equal


def _proven(recovery: Recovery, taken: Taken, recipe: Recipe, area: Area) -> Proven | None:
    """What a recipe was seen to give back; one that gives equal data is tried again after a closer look at the child.

    None where it gives back other rows.
    """
    found = _compared(recovery, taken, recipe, area)
    if not found or found.recipe.fidelity is Fidelity.IDENTICAL:
        return found
    learned = closer(taken.dataset, recipe.manifest, recovery.settings.containment, recovery.run)
    better = replace(recipe, manifest=learned)
    if better == recipe or better.size >= taken.manifest.bytes:
        return found
    return _compared(recovery, taken, better, area) or found


def tried(recovery: Recovery, recipe: Recipe, area: Area) -> Fidelity | None:
    """What a rebuild gives back now; None where it gives back other rows. What it wrote is removed."""
    with _built(recovery, recipe, area) as built:
        return _fidelity(recipe, built)


def _compared(recovery: Recovery, taken: Taken, recipe: Recipe, area: Area) -> Proven | None:
    """As ``tried``, with what is otherwise where the data is merely equal, and what is lost."""
    child, settings = taken.dataset, recovery.settings.containment
    with _built(recovery, recipe, area) as built:
        fidelity = _fidelity(recipe, built)
        if fidelity is None:
            return None
        equal = fidelity is Fidelity.EQUAL
        unlike = differences(child, recipe.manifest, built, settings, recovery.run) if equal else ()
    about = replace(About.dataset(child, taken.manifest.others), ordered=recipe.keeps_order)
    return Proven(replace(recipe, fidelity=fidelity, lost=(*unlike, *losses(about))), unlike)


@contextmanager
def _built(recovery: Recovery, recipe: Recipe, area: Area) -> Iterator[Built]:
    """What a rebuild gives now, until it is removed."""
    remove_below(recovery.lake, area.scratch)
    try:
        yield rebuild(recipe, area.scratch, recovery.settings.containment, recovery.run)
    finally:
        remove_below(recovery.lake, area.scratch)


def _fidelity(recipe: Recipe, built: Built) -> Fidelity | None:
    if built.identity == recipe.manifest.identity:
        return Fidelity.IDENTICAL
    return Fidelity.EQUAL if recipe.manifest.digest and built.digest == recipe.manifest.digest else None
