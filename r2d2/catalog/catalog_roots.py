"""The tables of a Spark catalog database as candidates: each is one dataset, whatever its files are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from r2d2.catalog.claims import claimed_directories
from r2d2.catalog.listing import Candidate
from r2d2.catalog.patterns import Patterns
from r2d2.catalog.root_listing import RootListing, hidden, list_root, unread
from r2d2.config import DiscoverySettings
from r2d2.errors import LakeError
from r2d2.lake.file_tree import FileTree, FoundFile, shown
from r2d2.lake.spark_catalog import CatalogTable, catalog_tables
from r2d2.lake.storage import is_local, storage_for

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def catalog_candidates(
    spark: SparkSession, database: str, alias: str, roots: Sequence[str], settings: DiscoverySettings
) -> RootListing:
    """One candidate for each table of ``database``, ids starting with ``alias``; problems of their directories.

    ``discovery.include`` and ``.exclude`` are compared with the table's name; other settings play no part.

    Raises:
        LakeError: the database can't be listed.
    """
    include, exclude = Patterns(settings.include), Patterns(settings.exclude)
    parts = []
    for table in catalog_tables(spark, database):
        part = _listed(table, f"{alias}/{table.name}", roots)
        wanted = (not settings.include or include.matches(table.name)) and not exclude.matches(table.name)
        parts.append(part if wanted else RootListing(tuple(map(hidden, part.candidates)), ()))
    return RootListing(
        tuple(candidate for part in parts for candidate in part.candidates),
        tuple(problem for part in parts for problem in part.problems),
    )


def _listed(table: CatalogTable, own_id: str, roots: Sequence[str]) -> RootListing:
    bare = Candidate(own_id, table.provider or "unknown", table.location, reason=table.refusal)
    if not table.location:
        return _refused(bare, ())
    within = [path for path in (*roots, table.location) if is_local(path) == is_local(table.location)]
    try:
        storage = storage_for(table.location)
        tree = storage.tree(table.location, within)
    except (OSError, LakeError) as error:
        if table.refusal:
            return _refused(bare, ())
        reason = f"its location can't be listed: {shown(str(error))}"
        return RootListing((replace(bare, status="error", reason=reason),), ())
    refusal = table.refusal or _refusal(table, tree)
    if refusal:
        return _refused(replace(bare, reason=refusal), tree.files)
    found = list_root(storage, tree, own_id, within, DiscoverySettings(datasets=(".",)))
    tables = [replace(candidate, parts=False) for candidate in found.candidates if candidate.status != "hidden"]
    if len(tables) != 1 or tables[0].id != own_id:
        return _refused(replace(bare, reason="its location holds no data files, or more than the table"), tree.files)
    if tables[0].status == "ok" and tables[0].format != table.provider:
        reason = f"its files are {tables[0].format}, but its provider is {table.provider}"
        return _refused(replace(bare, reason=reason), tree.files)
    return RootListing(tuple(tables), found.problems)


def _refusal(table: CatalogTable, tree: FileTree) -> str:
    claims = claimed_directories(tree)
    if table.provider == "delta":
        return "" if claims.get("") == "delta" else "its location holds no Delta log"
    if claims:
        return "a table format claims its location, or a directory in it"
    if any("/" in found.name for found in tree.files):
        return "its location has files in directories below, which the catalog does not take for the table's"
    return ""


def _refused(bare: Candidate, files: Sequence[FoundFile]) -> RootListing:
    """A table that is not read. Its files stay its own: no dataset at the same place may be retired unseen."""
    return RootListing((unread(bare, files),), ())
