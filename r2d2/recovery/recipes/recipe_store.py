"""Recipes are kept twice: in the state, and as a file beside the quarantined data. The journal knows their SHA-256."""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from r2d2.catalog.state import State
from r2d2.errors import R2D2Error, Tampered
from r2d2.lake.storage import storage_for
from r2d2.model.receipt import Receipt
from r2d2.model.recipe import Recipe
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.moves.places import Area

#: What unpacking a damaged copy raises.
_DAMAGED = (OSError, ValueError, EOFError, zlib.error)


def keep(state: State, lake: LakeWriter, area: Area, recipe: Recipe) -> str:
    """Writes a recipe to both places; its SHA-256. What is there of another one of the same retirement is replaced."""
    row = {"receipt": area.receipt, "dataset": recipe.manifest.dataset, "sha256": recipe.sha256}
    state.append("recipes", [{**row, "recipe": recipe.packed}])
    lake.put(area.recipe, recipe.packed, only_if=None)
    return recipe.sha256


def forget_others(state: State, receipt: str, kept: str) -> None:
    """Removes from the state, for good, what recipes of a retirement were before.

    Args:
        kept: SHA-256 of the one that is in force.
    """

    def without(rows: pa.Table) -> pa.Table:
        old = pc.and_(pc.equal(rows["receipt"], receipt), pc.not_equal(rows["sha256"], kept))
        return rows.filter(pc.invert(old)) if pc.any(old).as_py() else rows

    state.rewrite("recipes", without)


def load(state: State, receipt: Receipt) -> Recipe:
    """The recipe of a retirement, from wherever it is still what was written.

    Raises:
        Tampered: neither place has it.
        OSError: the state does not have it, and the lake refuses to give its copy.
    """
    for text in _texts(state, receipt):
        if sha256_of(text) == receipt.recipe:
            return Recipe.from_json(text)
    where = Area(receipt.root, receipt.id).recipe
    raise Tampered(
        f"the recipe of {receipt.dataset} is not what was written, neither in the state nor at {where}",
        "restore one of both from a backup",
    )


def beside(receipt: Receipt) -> str:
    """The text of the copy beside the quarantined data; empty where it is gone or damaged.

    Raises:
        OSError: a disk or a store refuses to give it.
    """
    try:
        packed = storage_for(receipt.root).read_bytes(Area(receipt.root, receipt.id).recipe)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    with suppress(*_DAMAGED):
        return Recipe.unpacked(packed)
    return ""


def sums_in_state(state: State) -> Mapping[str, set[str]]:
    """SHA-256 of the texts that the state keeps, by retirement; a damaged state keeps none."""
    found: dict[str, set[str]] = defaultdict(set)
    with suppress(R2D2Error):
        for batch in state.rows("recipes", columns=["receipt", "recipe"]).to_batches(max_chunksize=100):
            for row in batch.to_pylist():
                with suppress(*_DAMAGED):
                    found[row["receipt"]].add(sha256_of(Recipe.unpacked(row["recipe"])))
    return found


def sha256_of(text: str) -> str:
    """Of a recipe's text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _texts(state: State, receipt: Receipt) -> Iterator[str]:
    """Of both copies; that in the state, whose table grows with all retirements, is read only if the other is bad."""
    yield beside(receipt)
    with suppress(R2D2Error):  # the caller says that neither is good
        rows = state.rows("recipes", only=ds.field("receipt") == receipt.id)
        for row in rows.to_pylist():
            with suppress(*_DAMAGED):
                yield Recipe.unpacked(row["recipe"])
