"""A parent that is an Iceberg table is kept from expiring the rows of a retired dataset, by a tag (DELETION 4)."""

from __future__ import annotations

from r2d2.errors import LakeError, NotRetirable
from r2d2.lake.file_tree import shown
from r2d2.model.receipt import Receipt
from r2d2.model.recipe import Recipe
from r2d2.recovery.catalogs.catalog_quarantine import table_of
from r2d2.recovery.context import Recovery

ICEBERG = "iceberg"


def protect(recovery: Recovery, receipt: str, recipe: Recipe) -> str:
    """Sets a tag on the snapshot of the parent that a recipe reads; a second call finds it there.

    Returns:
        Why it could not be set; empty if it was, or where the parent is no Iceberg table.
    """
    pin = recipe.parent
    if pin.format != ICEBERG:
        return ""
    parent = recovery.datasets().get(pin.dataset)
    if parent is None or parent.version != pin.version:
        return f"{shown(pin.dataset)} is not at the snapshot any more that the recipe reads"
    try:
        table = table_of(parent, recovery.roots)
        if not table:
            return f"no tag can be set on {shown(pin.dataset)}: its catalog is no root"
        tag = f"r2d2_{receipt}"
        recovery.journal.append("parent-tagged", receipt, tag=tag, tagged=list(table))
        recovery.catalogs.tag(table, tag, _snapshot(recipe))
    except (NotRetirable, LakeError) as error:
        return f"no tag can be set on {shown(pin.dataset)}: {error}"
    return ""


def not_kept(recovery: Recovery, receipt: Receipt, recipe: Recipe) -> str:
    """Why an Iceberg table may lose the rows that a recipe reads; empty if a tag keeps them."""
    why = f"no tag keeps the snapshot of {shown(recipe.parent.dataset)}"
    if not receipt.facts.get("tag"):
        return why
    try:
        kept = recovery.catalogs.tagged(tuple(receipt.facts["tagged"]), receipt.facts["tag"])
    except LakeError as error:
        return f"{why}: {error}"
    return "" if kept == _snapshot(recipe) else why


def let_go(recovery: Recovery, receipt: Receipt) -> None:
    """Removes the tag again, when nothing is rebuilt from the parent any more; a second call finds none.

    One that can't be removed costs storage, and keeps no dataset from its owner.
    """
    if not receipt.facts.get("tag"):
        return
    try:
        recovery.catalogs.untag(tuple(receipt.facts["tagged"]), receipt.facts["tag"])
    except LakeError as error:
        recovery.progress.note(f"the tag {receipt.facts['tag']} is not needed any more, and stays: {error}")


def _snapshot(recipe: Recipe) -> int:
    return int(recipe.parent.version.removeprefix("s"))
