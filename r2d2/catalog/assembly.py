"""Datasets from what discovery found and what the files say of themselves.

A dataset takes part in pairs only if all its files can be read, and all fit together; else its status says why not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from r2d2.catalog.catalog_leaves import catalog_leaves
from r2d2.catalog.delta_leaves import delta_leaves, delta_partition, partition_values, table_summaries
from r2d2.catalog.iceberg_foreign import FOREIGN, refuse_foreign
from r2d2.catalog.identity import merge_aliases
from r2d2.catalog.leaves import FileLeaves, by_path, merge_leaf, partition_leaf
from r2d2.catalog.listing import Candidate, split
from r2d2.catalog.nested_views import with_nested_views
from r2d2.catalog.reading import to_read
from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.file_tree import shown as shown_name
from r2d2.lake.parquet_types import shown
from r2d2.lake.text_summary import NULL_TOKENS_PROPERTY
from r2d2.model.dataset import COMMENTS, DataFile, Dataset, FileSummary, Leaf, LeafPath
from r2d2.model.names import fold_name

Summaries = Mapping[str, FileSummary]


def assemble(
    candidates: Iterable[Candidate], summaries: Summaries, case_sensitive: bool = False
) -> tuple[Dataset, ...]:
    """Datasets sorted by id: one for each candidate, or one for each file of it where its files do not fit together.

    Args:
        candidates: as discovery gives them.
        summaries: by the path of each file.
        case_sensitive: names that differ only in case are different names.
    """
    datasets = [_dataset(candidate, summaries, case_sensitive) for candidate in _split_parts(candidates, summaries)]
    return with_nested_views(sorted(datasets, key=lambda dataset: dataset.id), case_sensitive)


def _split_parts(candidates: Iterable[Candidate], summaries: Summaries) -> tuple[Candidate, ...]:
    """Takes apart what was put together by names only and turns out not to share a schema.

    Files of JSON may lack keys that others have, and stay together. Where a file can't be read nothing is known, so
    that the whole stays together too. Which files are shared, and with whom, is then found anew.
    """
    whole = tuple(candidates)
    apart = [split(candidate) if _falls_apart(candidate, summaries) else (candidate,) for candidate in whole]
    parted = tuple(candidate for group in apart for candidate in group)
    return whole if parted == whole else merge_aliases(parted)


def _falls_apart(candidate: Candidate, summaries: Summaries) -> bool:
    if not candidate.parts or len(candidate.files) < 2 or candidate.status != "ok":
        return False
    found = [summaries.get(file.path) for file in candidate.files]
    if any(summary is None or summary.status != "ok" for summary in found):
        return False
    return len({_signature(candidate.format, summary) for summary in found if summary is not None}) > 1


def _signature(format_: str, summary: FileSummary) -> frozenset[tuple[LeafPath, tuple[str, ...]]]:
    """What files of one dataset must have in common: names, and the families of what is typed."""
    if format_ in ("json", "jsonl"):
        return frozenset()
    typed = format_ == "parquet"
    return frozenset((leaf.path, leaf.families if typed else ()) for leaf in summary.leaves)


def listed(candidate: Candidate) -> Dataset:
    """A dataset as far as its listing tells: no rows, no leaves."""
    return Dataset(
        id=candidate.id,
        format=candidate.format,
        location=candidate.location,
        version=candidate.version,
        files=candidate.files,
        bytes=candidate.bytes,
        modified_ns=candidate.modified_ns,
        partition_columns=candidate.partition_columns,
        properties=candidate.properties,
        names=candidate.names,
        pins=candidate.pins,
        shared_with=candidate.shared_with,
        others=candidate.others,
        source=candidate.source,
        retirable=candidate.retirable,
        status=candidate.status,
        reason=candidate.reason,
    )


def _dataset(candidate: Candidate, summaries: Summaries, case_sensitive: bool) -> Dataset:
    dataset = listed(candidate)
    if candidate.status != "ok":
        return dataset
    bad = _bad_file(candidate, summaries)
    if bad is not None:
        return replace(dataset, status=bad.status, reason=bad.reason)
    fill = _filled if candidate.source is None else _filled_by_spark
    try:
        return fill(dataset, candidate, summaries, case_sensitive)
    except UnsupportedData as error:
        return replace(dataset, status="unsupported", reason=str(error))
    except UnreadableData as error:
        return replace(dataset, status="error", reason=str(error))


def _bad_file(candidate: Candidate, summaries: Summaries) -> FileSummary | None:
    """Status and reason of a dataset that has files which can't be used; a file that is lost or damaged comes first."""
    missing = FileSummary(status="error", reason="nothing was learned of it")
    found = [(read.file, summaries.get(read.file.path, missing)) for read in to_read(candidate)]
    bad = [(file, summary) for file, summary in found if summary.status != "ok"]
    if not bad:
        return None
    file, worst = min(bad, key=lambda item: item[1].status != "error")
    more = f" (and {len(bad) - 1} more of its files)" if len(bad) > 1 else ""
    reason = worst.reason
    if file.path != candidate.location and candidate.source is None:
        reason = f"{_name(file, candidate)}: {reason}"
    return FileSummary(status=worst.status, reason=f"{reason}{more}")


def _name(file: DataFile, candidate: Candidate) -> str:
    return shown_name(file.path.removeprefix(f"{candidate.location.rstrip('/')}/"))


def _filled(dataset: Dataset, candidate: Candidate, summaries: Summaries, case_sensitive: bool) -> Dataset:
    parts = [summaries[file.path] for file in candidate.files]
    if candidate.unsuited == FOREIGN:
        refuse_foreign(candidate.schema, candidate.properties, parts)
    if candidate.unsuited:
        raise UnsupportedData(candidate.unsuited)
    is_delta = candidate.format == "delta"
    if is_delta:
        parts = table_summaries(candidate, parts)
    texts = list(dict.fromkeys(part.reader for part in parts))
    places = {text: index for index, text in enumerate(texts)}
    files = tuple(
        replace(
            file,
            reader=places[part.reader],
            rows=part.rows,
            partition=delta_partition(file) if is_delta else file.partition,
        )
        for file, part in zip(candidate.files, parts, strict=True)
    )
    described_by_files = [FileLeaves(part.rows, by_path(part.leaves, case_sensitive)) for part in parts]
    make = delta_leaves if is_delta else catalog_leaves if candidate.schema else _file_leaves
    leaves = make(candidate, files, described_by_files, case_sensitive)
    if (
        is_delta or candidate.schema or len(parts) > 1 or candidate.partition_columns
    ):  # else it was seen already that names differ
        by_path(leaves, case_sensitive)
    rows = sum(part.rows for part in parts)
    status, reason = _standing(candidate, files, rows)
    return replace(
        dataset,
        files=files,
        readers=tuple(texts),
        leaves=leaves,
        rows=rows,
        properties={**_of_table(candidate, parts), **_properties(parts), **_comments(candidate)},
        status=status,
        reason=reason,
    )


def _filled_by_spark(dataset: Dataset, candidate: Candidate, summaries: Summaries, case_sensitive: bool) -> Dataset:
    """Columns and rows as Spark handed them over; partition columns are columns like others there."""
    (read,) = to_read(candidate)
    summary = summaries[read.file.path]
    by_path(summary.leaves, case_sensitive)
    told = [file.rows for file in candidate.files]
    expected = sum(rows for rows in told if rows is not None) if told and None not in told else None
    status, reason = ("ok", "") if summary.rows else ("empty", "no rows")
    if expected is not None and expected != summary.rows:
        status, reason = "unprovable", f"the table's log says {expected:,} rows, Spark read {summary.rows:,}"
    return replace(
        dataset,
        readers=(summary.reader,),
        leaves=summary.leaves,
        rows=summary.rows,
        status=status,
        reason=reason,
    )


def _of_table(candidate: Candidate, parts: Sequence[FileSummary]) -> Mapping[str, object]:
    """Properties of the table but for those whose names are taken by what files say: anybody may set them."""
    taken = {name for part in parts for name in part.properties} | {NULL_TOKENS_PROPERTY}
    return {name: value for name, value in candidate.properties.items() if name not in taken}


def _comments(candidate: Candidate) -> Mapping[str, object]:
    """What a table says of its columns counts for more than what its files said when they were written."""
    return {name: value for name, value in candidate.properties.items() if name == COMMENTS}


def _properties(parts: Sequence[FileSummary]) -> Mapping[str, object]:
    """What all files say alike, and all texts that stand for NULL in one of them."""
    if not parts:
        return {}
    first = parts[0].properties
    alike = {key: value for key, value in first.items() if all(part.properties.get(key) == value for part in parts)}
    tokens: dict[str, set[str]] = defaultdict(set)
    for part in parts:
        for name, found in part.properties.get(NULL_TOKENS_PROPERTY, {}).items():
            tokens[name].update(found)
    return alike | ({NULL_TOKENS_PROPERTY: {name: sorted(tokens[name]) for name in sorted(tokens)}} if tokens else {})


def _standing(candidate: Candidate, files: Sequence[DataFile], rows: int) -> tuple[str, str]:
    for listed, read in zip(candidate.files, files, strict=True):
        if listed.rows is not None and listed.rows != read.rows:
            told = f"the table's log says {listed.rows:,} rows, the file has {read.rows:,}"
            return "unprovable", f"{_name(listed, candidate)}: {told}"
    return ("ok", "") if rows else ("empty", "no rows")


def _file_leaves(
    candidate: Candidate, files: Sequence[DataFile], parts: Sequence[FileLeaves], case_sensitive: bool
) -> tuple[Leaf, ...]:
    """Leaves where only the files tell: those of all files, and the partition columns of their directories."""
    paths = list(dict.fromkeys(path for part in parts for path in part.leaves))
    leaves = [merge_leaf(path, parts) for path in paths]
    if candidate.format not in ("json", "jsonl"):
        _refuse_lacking(candidate, paths, files, parts)
    names = {leaf.path[0] if case_sensitive else fold_name(leaf.path[0]) for leaf in leaves}
    for name in candidate.partition_columns:
        if (name if case_sensitive else fold_name(name)) in names:
            raise UnsupportedData(f"partition column {shown((name,))} is also a column of the files")
        leaves.append(partition_leaf(name, partition_values(name, files)))
    return tuple(leaves)


def _refuse_lacking(
    candidate: Candidate, paths: Sequence[LeafPath], files: Sequence[DataFile], parts: Sequence[FileLeaves]
) -> None:
    """Files that a rule puts together, and that have not the same columns, are no dataset that can be read."""
    for file, part in zip(files, parts, strict=True):
        for path in paths:
            if path not in part.leaves:
                raise UnsupportedData(f"{_name(file, candidate)}: has no column {shown(path)}, which other files have")
