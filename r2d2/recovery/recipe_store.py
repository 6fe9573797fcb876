"""Recipes are kept twice: in the state, and as a file beside the quarantined data. The journal knows their SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress

import pyarrow.dataset as ds

from r2d2.catalog.state import State
from r2d2.errors import R2D2Error, Tampered
from r2d2.lake.storage import storage_for
from r2d2.model.receipt import Receipt
from r2d2.model.recipe import Recipe
from r2d2.recovery.lake_writer import LakeWriter
from r2d2.recovery.places import Area


def keep(state: State, lake: LakeWriter, area: Area, recipe: Recipe) -> str:
    """Writes a recipe to both places; its SHA-256. What is there of another one of the same retirement is replaced."""
    text, digest = recipe.to_json(), recipe.sha256
    row = {"receipt": area.receipt, "dataset": recipe.manifest.dataset, "sha256": digest, "recipe": text}
    state.append("recipes", [row])
    lake.put(area.recipe, text.encode("utf-8"), only_if=None)
    return digest


def load(state: State, receipt: Receipt) -> Recipe:
    """The recipe of a retirement, from wherever it is still what was written.

    Raises:
        Tampered: neither place has it.
    """
    for text in _texts(state, receipt):
        if hashlib.sha256(text.encode("utf-8")).hexdigest() == receipt.recipe:
            return Recipe.from_json(text)
    where = Area(receipt.root, receipt.id).recipe
    raise Tampered(
        f"the recipe of {receipt.dataset} is not what was written, neither in the state nor at {where}",
        "restore one of both from a backup",
    )


def _texts(state: State, receipt: Receipt) -> Iterator[str]:
    with suppress(R2D2Error):  # a damaged state is what the second copy is for
        rows = state.rows("recipes", only=ds.field("receipt") == receipt.id)
        yield from (row["recipe"] for row in rows.to_pylist())
    with suppress(OSError, UnicodeDecodeError):
        yield storage_for(receipt.root).read_bytes(Area(receipt.root, receipt.id).recipe).decode("utf-8")
