"""The tables and views of a Spark catalog database as candidates: each is one dataset, whatever its files are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from r2d2.catalog.catalog_files import file_candidate
from r2d2.catalog.catalog_views import view_candidate
from r2d2.catalog.claims import claimed_directories
from r2d2.catalog.iceberg_tables import iceberg_candidate
from r2d2.catalog.listing import Candidate
from r2d2.catalog.patterns import Patterns
from r2d2.catalog.root_listing import RootListing, hidden, list_root, unread
from r2d2.config import DiscoverySettings
from r2d2.errors import LakeError, UnreadableData, UnsupportedData, first_line, unknown_damage
from r2d2.lake.catalog_names import RETIRED, database_parts
from r2d2.lake.file_tree import FileTree, FoundFile, shown
from r2d2.lake.spark_catalog import (
    VIEW,
    CatalogTable,
    catalog_tables,
    iceberg_metadata_file,
    spark_errors,
)
from r2d2.lake.storage import Storage, is_local, storage_for
from r2d2.model.comments import comments_property

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Formats whose tables are their files, with what the catalog says of them.
_OF_FILES = ("parquet", "orc")


def catalog_candidates(
    spark: SparkSession, database: str, alias: str, roots: Sequence[str], settings: DiscoverySettings
) -> RootListing:
    """One candidate for each table or view of ``database``, ids starting with ``alias``; problems of their directories.

    ``database`` is ``DATABASE`` or ``CATALOG.DATABASE``. ``discovery.include`` and ``.exclude`` are compared with the
    table's name; other settings play no part.

    Raises:
        LakeError: the database can't be listed.
        UsageError: the name of the database is none.
    """
    include, exclude = Patterns(settings.include), Patterns(settings.exclude)
    parts = []
    for table in catalog_tables(spark, database_parts(database)):
        part = _listed(spark, table, f"{alias}/{table.name}", roots)
        wanted = (not settings.include or include.matches(table.name)) and not exclude.matches(table.name)
        wanted = wanted and not table.name.startswith(RETIRED)  # by r2d2: it is no dataset, and its files are its own
        parts.append(part if wanted else RootListing(tuple(map(hidden, part.candidates)), ()))
    return RootListing(
        tuple(candidate for part in parts for candidate in part.candidates),
        tuple(problem for part in parts for problem in part.problems),
    )


def _listed(spark: SparkSession, table: CatalogTable, own_id: str, roots: Sequence[str]) -> RootListing:
    bare = Candidate(own_id, table.provider or "unknown", table.location, reason=table.refusal)
    if table.provider == VIEW:
        return RootListing((view_candidate(spark, table, bare),), ())
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
    return _read(spark, table, bare, storage, tree, within)


def _read(
    spark: SparkSession, table: CatalogTable, bare: Candidate, storage: Storage, tree: FileTree, within: Sequence[str]
) -> RootListing:
    try:
        if table.provider == "iceberg":
            below = [found.stat for found in tree.files]
            current = iceberg_metadata_file(spark, table)
            return RootListing((iceberg_candidate(bare, storage, below, within, current),), ())
        if table.provider in _OF_FILES:
            return RootListing((file_candidate(spark, table, bare, within),), ())
    except spark_errors() as error:
        return _failed(bare, tree, "error", f"Spark can't open it: {shown(first_line(error))}")
    except (OSError, LakeError, UnreadableData) as error:
        return _failed(bare, tree, "error", shown(str(error)))
    except UnsupportedData as error:
        return _failed(bare, tree, "unsupported", str(error))
    except Exception as error:  # noqa: BLE001  # what a catalog says is a stranger's: recorded, and ends nothing
        return _failed(bare, tree, "error", unknown_damage(shown(bare.id), error))
    return _as_directory(table, bare, storage, tree, within)


def _as_directory(
    table: CatalogTable, bare: Candidate, storage: Storage, tree: FileTree, within: Sequence[str]
) -> RootListing:
    """A table that is what discovery finds at its location."""
    found = list_root(storage, tree, bare.id, within, DiscoverySettings(datasets=(".",)))
    about = comments_property(table.comment, iter(()))
    tables = [
        replace(candidate, parts=False, properties={**about, **candidate.properties})
        for candidate in found.candidates
        if candidate.status != "hidden"
    ]
    if len(tables) != 1 or tables[0].id != bare.id:
        return _refused(replace(bare, reason="its location holds no data files, or more than the table"), tree.files)
    if tables[0].status == "ok" and tables[0].format != table.provider:
        reason = f"its files are {tables[0].format}, but its provider is {table.provider}"
        return _refused(replace(bare, reason=reason), tree.files)
    return RootListing(tuple(tables), found.problems)


def _refusal(table: CatalogTable, tree: FileTree) -> str:
    claims = claimed_directories(tree)
    if table.provider in ("delta", "iceberg"):
        return "" if claims.get("") == table.provider else f"its location holds no {table.provider} table"
    if claims:
        return "a table format claims its location, or a directory in it"
    if table.provider not in _OF_FILES and any("/" in found.name for found in tree.files):
        return "its location has files in directories below, which the catalog does not take for the table's"
    return ""


def _failed(bare: Candidate, tree: FileTree, status: str, reason: str) -> RootListing:
    (claiming,) = _refused(replace(bare, reason=reason), tree.files).candidates
    return RootListing((replace(claiming, status=status),), ())


def _refused(bare: Candidate, files: Sequence[FoundFile]) -> RootListing:
    """A table that is not read. Its files stay its own: no dataset at the same place may be retired unseen."""
    return RootListing((unread(bare, files),), ())
