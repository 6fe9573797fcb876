"""A retired dataset without people's rows: what it is now, and a recipe that gives that back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from r2d2.catalog import codec
from r2d2.catalog.assembly import assemble
from r2d2.catalog.listing import Candidate
from r2d2.catalog.reading import files_of
from r2d2.catalog.summaries import summary_texts
from r2d2.containment.digest import narrowest
from r2d2.containment.request import bound_of
from r2d2.errors import NotRetirable, R2D2Error
from r2d2.lake.file_tree import shown
from r2d2.model.dataset import TEXT_FORMATS, Bounds, Dataset, Leaf
from r2d2.model.family import BOOLEAN, FLOATING
from r2d2.model.receipt import Receipt
from r2d2.model.recipe import Fidelity, Manifest, Recipe, RecipeKind
from r2d2.recovery.context import Recovery
from r2d2.recovery.erase.words import Words
from r2d2.recovery.formats.headers import with_advice_of
from r2d2.recovery.identity.identity import Looked, look_at
from r2d2.recovery.moves.places import Area
from r2d2.recovery.parents.rebinding import leaves_of, pinned
from r2d2.recovery.rebuild.prove import tried
from r2d2.recovery.recipes.predicate import Condition, Filled, Range, from_json
from r2d2.recovery.recipes.recipes import candidates, digest_of


def described(recovery: Recovery, dataset: Dataset, recipe: Recipe) -> Dataset:
    """The dataset with its columns and their bounds, from what its files say; of text without bounds.

    Raises:
        NotRetirable: they don't make up a dataset.
    """
    if dataset.format in TEXT_FORMATS:  # how it is read was told from names, which quarantine changes
        return replace(dataset, leaves=leaves_of(recipe))
    table = dict(recipe.manifest.table)
    stated = json.loads(table["metaData"])["metaData"] if "metaData" in table else {}
    candidate = Candidate(
        id=dataset.id,
        format=dataset.format,
        location=dataset.location,
        version=dataset.version,
        files=dataset.files,
        bytes=sum(file.size for file in dataset.files),
        partition_columns=dataset.partition_columns,
        properties=stated.get("configuration") or {},
        schema=stated.get("schemaString", ""),
    )
    per_task = recovery.settings.discovery.files_per_task
    texts = summary_texts(files_of([candidate]), recovery.run, per_task)
    summaries = {path: codec.from_json(text) for path, text in texts.items()}
    (found, *_) = assemble([candidate], summaries, recovery.settings.containment.case_sensitive)
    if found.status != "ok":
        raise NotRetirable(f"{shown(dataset.id)} can't be used without these rows: {found.error}", "")
    return found


def manifest_of_rest(
    recovery: Recovery, dataset: Dataset, manifest: Manifest, others: Sequence[str]
) -> tuple[Looked, Manifest]:
    """What the bytes of a dataset show, and its manifest: that of before, with the rows that are left.

    Args:
        others: names of the further files of its directory.

    Raises:
        NotRetirable: it can't be read exactly.
    """
    settings = recovery.settings.containment
    (looked,) = look_at([dataset], settings, recovery.run).values()
    if isinstance(looked, str):
        raise NotRetirable(f"{shown(dataset.id)} can't be read exactly: {looked}", "")
    directories = {"", *(name for file in looked.files for name in _above(file.directory))}
    return looked, replace(
        manifest,
        rows=dataset.rows or 0,
        bytes=dataset.bytes,
        files=looked.files,
        headers=with_advice_of(looked.headers, manifest.headers),
        readers=looked.readers,
        identity=looked.identity,
        digest=digest_of(dataset, settings, recovery.run),
        projection=narrowest(dataset, settings.case_sensitive),
        others=tuple(sorted(others)),
        modes=tuple((name, mode) for name, mode in manifest.modes if name in directories),
    )


def recipe_of_rest(
    recovery: Recovery, receipt: Receipt, recipe: Recipe, rest: tuple[Dataset, Looked, Manifest], words: Words
) -> Recipe | None:
    """A recipe without keys that was seen to give back what is left, from the parent as it is now; None if none does.

    Args:
        recipe: the one so far.
        rest: the dataset without people's rows, what its bytes show, and its manifest.
    """
    parent = recovery.dataset_at(recipe.parent.location)
    if parent is None or parent.status != "ok":
        return None
    area = Area(receipt.root, receipt.id)
    for found in _candidates(recovery, recipe, parent, rest):
        if recipe_tells(found, words):
            continue
        try:
            fidelity = tried(recovery, found, area)
        except R2D2Error:
            continue
        if fidelity is Fidelity.IDENTICAL or (fidelity is not None and recipe.fidelity is Fidelity.EQUAL):
            return replace(found, fidelity=fidelity, lost=recipe.lost)
    return None


def _candidates(
    recovery: Recovery, recipe: Recipe, parent: Dataset, rest: tuple[Dataset, Looked, Manifest]
) -> Iterator[Recipe]:
    dataset, looked, manifest = rest
    if not recipe.copies and recipe.kind is not RecipeKind.ROWS and parent.source is None:
        yield pinned(recovery, replace(recipe, manifest=manifest), parent)
    try:
        yield from candidates(dataset, looked, parent, manifest, recovery.settings.containment, recovery.run)
    except NotRetirable:
        return


def recipe_tells(recipe: Recipe, words: Words) -> bool:
    """Whether a recipe holds the key of a person: in names, partition values, headers or its predicate."""
    if any(_condition_tells(condition, words) for condition in from_json(recipe.predicate)):
        return True
    return words.tells_in(json.loads(replace(recipe, predicate="").to_json()))


def _condition_tells(condition: Condition, words: Words) -> bool:
    if isinstance(condition, Filled):
        return False
    if isinstance(condition, Range):
        term = condition.term
        return words.leaf_tells(Leaf(term.path, (), bounds={term.family: Bounds(term.low, term.high)}))
    if condition.family in (FLOATING, BOOLEAN):  # spelled as bits; and no key by itself
        return condition.family == FLOATING and words.keys.names(condition.path) is not None
    values = (bound_of(text.replace("\\;", ";").replace("\\\\", "\\"), condition.family) for text in condition.values)
    return any(
        words.leaf_tells(Leaf(condition.path, (), bounds={condition.family: Bounds(value, value)})) for value in values
    )


def _above(directory: str) -> list[str]:
    """A directory and those above it, relative to the dataset's."""
    parts = directory.split("/")
    return ["/".join(parts[:number]) for number in range(1, len(parts) + 1)]
