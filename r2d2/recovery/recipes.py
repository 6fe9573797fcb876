"""Finding recipes: how one dataset can be rebuilt from another, the cheapest way first (DELETION 3).

A recipe that is offered selects exactly the child's rows by value. Whether they come back identical only a rebuild
tells (``recovery.rebuild``), so all ways that there are are given, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from r2d2.config import ContainmentSettings
from r2d2.containment.candidates import find_candidates, refuted_by_metadata
from r2d2.containment.digest import stored_digests
from r2d2.containment.scan_sql import source
from r2d2.containment.scanner import Runner
from r2d2.containment.schema_graph import schema_of
from r2d2.errors import NotRetirable, UnreadableData, UnsupportedData
from r2d2.lake.layout import Reader
from r2d2.model.dataset import DataFile, Dataset
from r2d2.model.edge import Projection
from r2d2.model.recipe import Manifest, ParentPin, Recipe, RecipeKind, units
from r2d2.recovery.categories import categories_of
from r2d2.recovery.conditions import conditions_of
from r2d2.recovery.headers import BYTES, identity_of, kind_of
from r2d2.recovery.identity import Looked
from r2d2.recovery.matching import matched_rows
from r2d2.recovery.predicate import Predicate, to_json
from r2d2.recovery.pruning import may_hold
from r2d2.recovery.selection import unit_keys
from r2d2.recovery.shaping import child_columns
from r2d2.recovery.tallies import fewest, tallied


def digest_of(dataset: Dataset, settings: ContainmentSettings, run: Runner) -> str:
    """The stored digest of a dataset's rows (docs/encoding.md).

    Raises:
        UnreadableData: its files can't be read as its metadata says.
    """
    found, failed = stored_digests([dataset], settings, run)
    if 0 not in found:
        raise UnreadableData(f"{dataset.id}: {failed.get(0) or dataset.error or 'it has no columns'}")
    return str(found[0])


def candidates(
    child: Dataset,
    looked: Looked,
    parent: Dataset,
    parent_looked: Looked | None,
    manifest: Manifest,
    settings: ContainmentSettings,
    run: Runner,
) -> Iterator[Recipe]:
    """Recipes for a child from a parent, the cheapest first: copies of files, all rows, a predicate, a list of rows.

    Each but the first kind is looked for when it is asked for, and reads both datasets.

    Args:
        looked, parent_looked: what their bytes show; without the parent's no file is copied, and no checksum of its
            files is kept.
        manifest: of the child.

    Raises:
        NotRetirable: there is none, in words for the child's owner.
    """
    search = _Search(child, parent, parent_looked, manifest, settings, run)
    offered = False
    for recipe in search.recipes(looked):
        if recipe.size < manifest.bytes:
            offered = True
            yield recipe
        else:
            search.reasons.append(f"a recipe would take {recipe.size} bytes, the data takes {manifest.bytes}")
    if not offered:
        raise NotRetirable(f"{child.id}: {'; '.join(search.reasons)}", _HINT)


_HINT = "it stays as it is; `r2d2 explain` shows what it is compared with"


@dataclass
class _Search:
    """One search for recipes, and why there are no others."""

    child: Dataset
    parent: Dataset
    parent_looked: Looked | None
    manifest: Manifest
    settings: ContainmentSettings
    run: Runner
    reasons: list[str] = field(default_factory=list)

    def recipes(self, looked: Looked) -> Iterator[Recipe]:
        copies = self._copies(looked)
        if copies:
            yield copies
        reason = self._only_copied(looked)
        if not reason:
            try:
                yield from self._by_rows(self._projection())
            except NotRetirable as error:
                reason = str(error)
        if reason:
            self.reasons.append(reason)
