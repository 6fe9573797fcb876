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
from r2d2.errors import NotContained, NotRetirable, UnreadableData, UnsupportedData
from r2d2.lake.layout import Reader
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Projection
from r2d2.model.recipe import Manifest, ParentPin, Recipe, RecipeKind, units
from r2d2.recovery.formats.headers import BYTES, identity_of, kind_of
from r2d2.recovery.identity.identity import Looked, checksums
from r2d2.recovery.identity.text_rows import has_numbers
from r2d2.recovery.recipes.categories import categories_of
from r2d2.recovery.recipes.conditions import conditions_of
from r2d2.recovery.recipes.matching import matched_rows
from r2d2.recovery.recipes.predicate import Predicate, to_json
from r2d2.recovery.recipes.pruning import may_hold
from r2d2.recovery.recipes.selection import unit_keys
from r2d2.recovery.recipes.shaping import child_columns
from r2d2.recovery.recipes.tallies import fewest, tallied


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
    manifest: Manifest,
    settings: ContainmentSettings,
    run: Runner,
) -> Iterator[Recipe]:
    """Recipes for a child from a parent, the cheapest first: copies of files, all rows, a predicate, a list of rows.

    Each but the first kind is looked for when it is asked for, and reads both datasets.

    Args:
        looked: what the child's bytes show.
        manifest: of the child.

    Raises:
        NotRetirable: there is none, in words for the child's owner; ``NotContained`` where that is the reason.
    """
    search = _Search(child, parent, manifest, settings, run)
    offered = False
    for recipe in search.recipes(looked):
        if recipe.size < manifest.bytes:
            offered = True
            yield recipe
        else:
            search.reasons.append(f"a recipe would take {recipe.size} bytes, the data takes {manifest.bytes}")
    if not offered:
        kind = NotContained if search.refuted else NotRetirable
        raise kind(f"{child.id}: {'; '.join(search.reasons)}", _HINT)


_HINT = "it stays as it is; `r2d2 explain` shows what it is compared with"


@dataclass
class _Search:
    """One search for recipes, and why there are no others."""

    child: Dataset
    parent: Dataset
    manifest: Manifest
    settings: ContainmentSettings
    run: Runner
    reasons: list[str] = field(default_factory=list)
    refuted: bool = False
    sha256: dict[str, str] = field(default_factory=dict)

    def recipes(self, looked: Looked) -> Iterator[Recipe]:
        """The cheapest first."""
        yield from self._copies(looked)
        try:
            self._refuse_by_rows(looked)
            yield from self._by_rows()
        except (NotRetirable, UnsupportedData) as error:
            self.reasons.append(str(error))
            self.refuted = isinstance(error, NotContained)

    def _copies(self, looked: Looked) -> Iterator[Recipe]:
        """All of the child's files as copies of files of the parent; equal bytes have equal headers."""
        sizes = {file.size for file in looked.files}
        alike = [place for place, file in enumerate(self.parent.files) if file.size in sizes]
        places: dict[tuple[str, int], int] = {}
        for place, sha256 in zip(alike, self._sha256(alike), strict=True):
            places.setdefault((sha256, self.parent.files[place].size), place)
        found = [places.get((file.sha256, file.size)) for file in looked.files]
        held = sorted({place for place in found if place is not None})
        if None in found:
            self.reasons.append(
                f"{found.count(None)} of its {len(found)} files are not in {self.parent.id} as they are"
            )
            return
        copies = tuple((number, held.index(place)) for number, place in enumerate(found) if place is not None)
        projection = tuple(
            (path, families[0]) for path, families in schema_of(self.child, self.settings.case_sensitive)
        )
        yield Recipe(RecipeKind.SAME, self.manifest, self._pin(held), projection, copies=copies, keeps_order=True)

    def _refuse_by_rows(self, looked: Looked) -> None:
        for dataset in (self.child, self.parent):
            if dataset.status != "ok":
                raise NotRetirable(dataset.error)
            if dataset.source is not None:
                raise NotRetirable(f"{dataset.id} is read by Spark only, so that rows of it are not written anew")
        if any(kind_of(header) == BYTES for header in looked.headers):
            if self.child.format == "json":
                raise NotRetirable("its JSON documents have unlike spaces between their records")
            raise NotRetirable(f"{self.child.format} files come back only as copies of the bytes that they were")

    def _by_rows(self) -> Iterator[Recipe]:
        projection = self._projection()
        manifest = unified(self.manifest)
        self._check_shapes(manifest, projection)
        conditions = self._conditions(projection)
        wanted, tallies = tallied(self.child, self.parent, projection, conditions, self.settings, self.run)
        predicate = fewest(wanted, tallies, conditions)
        if predicate is None and self.child.rows == self.parent.rows:
            raise NotContained(f"not every row of it is in {self.parent.id}")
        if predicate is not None and self._tells_units(recipe := self._filter(manifest, projection, predicate)):
            yield recipe
        else:
            yield self._listed(manifest, projection)

    def _projection(self) -> Projection:
        """What the pair is compared under: of text the view under which every field converts."""
        pair = (self.parent, self.child)
        for fit, block in find_candidates(pair, self.settings).blocks():
            if (0, 1) in zip(block.parents.tolist(), block.children.tolist(), strict=True):
                return fit.projection
        for edge in refuted_by_metadata(pair, self.settings.case_sensitive):
            if (edge.parent, edge.child) == (self.parent.id, self.child.id):
                raise NotContained(f"it is not contained in {self.parent.id}: {edge.reason}")
        raise NotContained(f"its columns are not all among those of {self.parent.id}, or both hold files in common")

    def _check_shapes(self, manifest: Manifest, projection: Projection) -> None:
        """Looks that the child's columns can be made of the parent's."""
        sensitive = self.settings.case_sensitive
        for held in self.parent.readers:
            part = source([("t", self.parent.files[0].partition)], Reader.from_json(held), sensitive)
            for reader in manifest.readers:
                child_columns(part, Reader.from_json(reader), projection, sensitive)

    def _conditions(self, projection: Projection) -> Predicate:
        if self.child.rows == self.parent.rows:
            return ()
        found = categories_of(self.child, self.parent, projection, self.settings, self.run)
        return conditions_of(self.child, self.parent, projection, found, self.settings.case_sensitive)

    def _filter(self, manifest: Manifest, projection: Projection, predicate: Predicate) -> Recipe:
        held = may_hold(self.parent.files, predicate, self.settings.case_sensitive)
        kind = RecipeKind.FILTER if predicate else RecipeKind.SAME
        return Recipe(kind, manifest, self._pin(held), projection, predicate=to_json(predicate))

    def _tells_units(self, recipe: Recipe) -> bool:
        """Whether partition values say which rows go to which of the child's files."""
        keys = unit_keys(recipe)
        return len(set(keys)) == len(keys)

    def _listed(self, manifest: Manifest, projection: Projection) -> Recipe:
        if not all(has_numbers(Reader.from_json(reader)) for reader in self.parent.readers):
            raise NotRetirable(
                f"no predicate tells its rows in {self.parent.id}, and rows of JSON documents have no numbers to list"
            )
        rows = matched_rows(self.child, units(manifest), self.parent, projection, self.settings, self.run)
        held = sorted({place for unit in rows for place in unit})
        numbers = {place: number for number, place in enumerate(held)}
        listed = tuple({numbers[place]: text for place, text in sorted(unit.items())} for unit in rows)
        return Recipe(RecipeKind.ROWS, manifest, self._pin(held), projection, rows=listed)

    def _pin(self, places: Sequence[int]) -> ParentPin:
        """The parent's files at some places of its list."""
        return ParentPin(
            self.parent.id,
            self.parent.location,
            self.parent.format,
            self.parent.version,
            tuple(self.parent.files[place] for place in places),
            self._sha256(places),
            self.parent.readers,
            self.settings.case_sensitive,
        )

    def _sha256(self, places: Sequence[int]) -> tuple[str, ...]:
        """Of the parent's files at some places of its list; each is read once in a search."""
        files = [self.parent.files[place] for place in places]
        unknown = [file for file in files if file.path not in self.sha256]
        self.sha256 |= checksums(unknown, self.settings, self.run)
        return tuple(self.sha256[file.path] for file in files)


def unified(manifest: Manifest) -> Manifest:
    """The manifest with one header for those that differ in advice for the writer only, which no identity counts."""
    keys = [(identity_of(header), reader) for header, reader in zip(manifest.headers, manifest.readers, strict=True)]
    kept = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    firsts = [keys.index(key) for key in kept]
    return replace(
        manifest,
        headers=tuple(manifest.headers[place] for place in firsts),
        readers=tuple(manifest.readers[place] for place in firsts),
        files=tuple(replace(file, header=kept[keys[file.header]]) for file in manifest.files),
    )
