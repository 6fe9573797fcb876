"""The proof before a deletion: the child is rebuilt from its recipe, and is the same as what is there (DELETION 3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from r2d2.containment.digest import narrowest
from r2d2.errors import NotRetirable, Tampered, UnreadableData, UnsupportedData
from r2d2.lake.file_tree import shown
from r2d2.model.dataset import Dataset
from r2d2.model.recipe import Fidelity, Manifest, Recipe
from r2d2.recovery.context import Recovery
from r2d2.recovery.formats.writers import gaps
from r2d2.recovery.identity.identity import Looked, look_at
from r2d2.recovery.identity.manifest import manifest_of
from r2d2.recovery.moves.moving import remove_below
from r2d2.recovery.moves.places import Area
from r2d2.recovery.moves.put_away import Seen
from r2d2.recovery.rebuild.rebuild import rebuild
from r2d2.recovery.recipes.losses import About, losses
from r2d2.recovery.recipes.recipes import candidates, digest_of


@dataclass(frozen=True)
class Taken:
    """A dataset as it was found, whole."""

    dataset: Dataset
    looked: Looked
    manifest: Manifest


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


def proven_recipe(recovery: Recovery, taken: Taken, parent: Dataset, area: Area) -> Recipe:
    """A recipe that was seen to give back the same data, or, where none does, equal data.

    Raises:
        NotRetirable: there is none.
    """
    equal, reason = None, "no recipe gives back its rows"
    settings = recovery.settings.containment
    for recipe in candidates(taken.dataset, taken.looked, parent, taken.manifest, settings, recovery.run):
        try:
            fidelity = tried(recovery, recipe, area)
        except (NotRetirable, Tampered, UnreadableData, UnsupportedData) as error:
            fidelity, reason = None, str(error)  # another recipe may do
        if fidelity is Fidelity.IDENTICAL:
            return _told(recipe, fidelity, taken)
        if fidelity is Fidelity.EQUAL and equal is None:
            equal = _told(recipe, fidelity, taken)
    if equal is None:
        raise NotRetirable(f"{shown(taken.dataset.id)} can't be rebuilt from {shown(parent.id)}: {reason}", "")
    return equal


def _told(recipe: Recipe, fidelity: Fidelity, taken: Taken) -> Recipe:
    """The recipe with what was seen, and with what it does not give back."""
    about = replace(About.dataset(taken.dataset, taken.manifest.others), ordered=recipe.keeps_order)
    headers = taken.manifest.headers if fidelity is Fidelity.EQUAL else ()
    other = dict.fromkeys(gap for header in headers for gap in gaps(header))
    return replace(recipe, fidelity=fidelity, lost=(*losses(about), *other))


def tried(recovery: Recovery, recipe: Recipe, area: Area) -> Fidelity | None:
    """What a rebuild gives back now; None where it gives back other rows. What it wrote is removed."""
    remove_below(recovery.lake, area.scratch)
    try:
        built = rebuild(recipe, area.scratch, recovery.settings.containment, recovery.run)
    finally:
        remove_below(recovery.lake, area.scratch)
    if built.identity == recipe.manifest.identity:
        return Fidelity.IDENTICAL
    return Fidelity.EQUAL if recipe.manifest.digest and built.digest == recipe.manifest.digest else None
