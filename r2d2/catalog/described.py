"""Datasets from what was listed: first by their files, then by Spark where the files alone don't give the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from r2d2.catalog.assembly import assemble
from r2d2.catalog.iceberg_foreign import FOREIGN
from r2d2.catalog.listing import Candidate
from r2d2.catalog.reading import FileToRead, files_of
from r2d2.catalog.spark_file_sets import opened, with_sources
from r2d2.model.dataset import Dataset, FileSummary

#: What files say of themselves, by path; read now, or known before.
Read = Callable[[Sequence[FileToRead]], Mapping[str, FileSummary]]


def describe(
    candidates: Sequence[Candidate], summaries: Mapping[str, FileSummary], read: Read, case_sensitive: bool = False
) -> tuple[Dataset, ...]:
    """Datasets sorted by id.

    A table whose files can all be read, and which they don't make up (columns that changed their type or are known by
    numbers), is left to Spark: its files were looked at first, for Spark would cut what it can't hold without a word.
    So are files of formats that only Spark reads.

    Args:
        summaries: of the files of usable candidates, by path.
        read: gives those of what Spark is to read.
    """
    candidates = with_sources(candidates, summaries)
    unread = [file for file in files_of(opened(candidates)) if file.file.path not in summaries]
    summaries = {**summaries, **read(unread)} if unread else summaries
    datasets = assemble(candidates, summaries, case_sensitive)
    left = left_to_spark(candidates, summaries, datasets)
    if not left:
        return datasets
    again = [left.get(candidate.id, candidate) for candidate in candidates]
    return assemble(again, {**summaries, **read(files_of(list(left.values())))}, case_sensitive)


def left_to_spark(
    candidates: Sequence[Candidate], summaries: Mapping[str, FileSummary], datasets: Sequence[Dataset]
) -> dict[str, Candidate]:
    """By id, the candidates that only Spark's reader can make a dataset of, as it is to read them."""
    unsupported = {dataset.id: dataset.reason for dataset in datasets if dataset.status == "unsupported"}
    return {
        candidate.id: replace(candidate, source=candidate.fallback, unsuited="")
        for candidate in candidates
        if candidate.id in unsupported
        and candidate.fallback is not None
        and candidate.status == "ok"
        and (candidate.unsuited != FOREIGN or unsupported[candidate.id] == FOREIGN)  # else Spark would read it wrongly
        and all(file.path in summaries and summaries[file.path].status == "ok" for file in candidate.files)
    }
