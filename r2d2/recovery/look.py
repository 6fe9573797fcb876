"""The lake as it is now: listed anew, what files say of themselves taken from the state where they have not changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from r2d2.catalog.cache import StateCache
from r2d2.catalog.described import describe
from r2d2.catalog.discovery import discover
from r2d2.catalog.listing import Candidate
from r2d2.catalog.reading import files_of
from r2d2.catalog.state import State
from r2d2.config import Settings
from r2d2.containment.scanner import Runner
from r2d2.model.dataset import Dataset

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def look(
    roots: Sequence[str],
    settings: Settings,
    state: State,
    run: Callable[[Sequence[Candidate]], Runner],
    spark: SparkSession | None = None,
) -> Mapping[str, Dataset]:
    """The datasets below the roots, by id.

    Args:
        run: what runs kernels for these candidates, of which Spark may have to read some.
        spark: needed for ``catalog:`` roots only.

    Raises:
        LakeError: a root can't be listed.
    """
    listing = discover(roots, settings.discovery, state.location, spark)
    cache = StateCache(state)
    candidates, known = cache.known(listing.candidates)
    summaries = {file.file.path: summary for file, summary in known.items()}
    read = partial(cache.known_or_read, run=run(candidates), files_per_task=settings.discovery.files_per_task)
    missing = [file for file in files_of(candidates) if file not in known]
    datasets = describe(candidates, summaries | read(missing), read, settings.containment.case_sensitive)
    return {dataset.id: dataset for dataset in datasets}
