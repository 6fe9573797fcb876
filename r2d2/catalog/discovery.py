"""From roots to listed datasets: what is one dataset, under which id, at which version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from r2d2.catalog.catalog_roots import catalog_candidates
from r2d2.catalog.iceberg_tables import told_by_catalogs
from r2d2.catalog.identity import merge_aliases
from r2d2.catalog.listing import Candidate, Listing, Problem
from r2d2.catalog.root_listing import RootListing, list_root
from r2d2.config import DiscoverySettings
from r2d2.errors import LakeError, UsageError
from r2d2.lake.file_tree import shown
from r2d2.lake.storage import absolute, is_local, storage_for
from r2d2.lake.urls import without_credentials

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CATALOG = "catalog:"


@dataclass(frozen=True)
class _Root:
    """A root as given, as an absolute path or URL (empty for a catalog database), and the alias before its ids."""

    given: str
    path: str
    alias: str


def discover(
    roots: Sequence[str], settings: DiscoverySettings, state_dir: str | None, spark: SparkSession | None
) -> Listing:
    """The datasets below ``roots``, sorted by id; the order of the roots plays no part.

    Args:
        roots: local paths, ``file:`` and other URLs, ``catalog:DATABASE``.
        settings: what counts as a dataset.
        state_dir: left out where it lies below a root.
        spark: needed for ``catalog:`` roots only.

    Raises:
        LakeError: a root can't be listed at all.
        UsageError: no root is given, or a catalog root without a Spark session.
    """
    if not roots:
        raise UsageError("no lake is given", "name at least one directory, URL or catalog:DATABASE")
    placed = _with_aliases(roots)
    paths = [root.path for root in placed if root.path]
    skip = [absolute(state_dir)] if state_dir else []
    parts = [_listed(root, paths, skip, settings, spark) for root in placed]
    candidates = _with_unique_ids([candidate for part in parts for candidate in part.candidates])
    merged = merge_aliases(told_by_catalogs(candidates))
    problems = [problem for part in parts for problem in part.problems]
    if not merged:
        where = ", ".join(shown(without_credentials(root.given)) for root in placed)
        problems.append(Problem(where, "no datasets were found", "check the roots and discovery.include and .exclude"))
    claims = dict.fromkeys(path for part in parts for path in part.claims)
    return Listing(merged, tuple(dict.fromkeys(problems)), tuple(claims))


def _with_aliases(roots: Sequence[str]) -> list[_Root]:
    """Roots in an order of their own, each with the alias that its ids start with; a single root needs none."""
    keyed = sorted((("", root) if root.startswith(_CATALOG) else (absolute(root), root)) for root in roots)
    taken: set[str] = set()
    placed = []
    for path, given in keyed:
        name = given if not path else path.rstrip("/").rpartition("/")[2] or "root"
        alias, number = name, 2
        while alias in taken:
            alias, number = f"{name}-{number}", number + 1
        taken.add(alias)
        placed.append(_Root(given, path, alias))
    return [replace(placed[0], alias="")] if len(placed) == 1 and placed[0].path else placed


def _listed(
    root: _Root, paths: Sequence[str], skip: Sequence[str], settings: DiscoverySettings, spark: SparkSession | None
) -> RootListing:
    if not root.path:
        if spark is None:
            raise UsageError(f"{root.given}: a catalog database needs a Spark session", "run it with Spark")
        return catalog_candidates(spark, root.given.removeprefix(_CATALOG), root.alias, paths, settings)
    where = shown(without_credentials(root.given))
    try:
        root.path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise LakeError(f"{where}: its name is not valid UTF-8", "rename the directory") from error
    within = [path for path in paths if is_local(path) == is_local(root.path)]
    storage = storage_for(root.path)
    skip = [directory for directory in skip if is_local(directory) == is_local(root.path)]
    if any(storage.resolved(root.path) == storage.resolved(directory) for directory in skip):
        raise LakeError(f"{where}: it is the state directory itself", "give the state a directory of its own")
    try:
        # a state directory above the root holds the lake: nothing to leave out then
        tree = storage.tree(root.path, within, [d for d in skip if not storage.inside(root.path, [d])])
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LakeError(f"{where}: can't be listed: {reason}", "check that it exists and may be read") from error
    return list_root(storage, tree, root.alias, within, settings)


def _with_unique_ids(candidates: Iterable[Candidate]) -> list[Candidate]:
    """A store can hold a file ``x`` and files below ``x/``: the second id gets a mark, in an order of its own."""
    ordered = sorted(candidates, key=lambda c: (c.id, len(c.location), c.location))
    seen: Counter[str] = Counter()
    unique = []
    for candidate in ordered:
        seen[candidate.id] += 1
        mark = "/" if seen[candidate.id] == 2 else f"/-{seen[candidate.id]}"
        unique.append(candidate if seen[candidate.id] == 1 else replace(candidate, id=f"{candidate.id}{mark}"))
    return unique
