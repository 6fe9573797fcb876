"""An Iceberg table as a candidate: the files of its current snapshot, and all that its metadata leads to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from r2d2.catalog.delta_tables import other_files
from r2d2.catalog.iceberg_foreign import FOREIGN, NAME_MAPPING
from r2d2.catalog.listing import Candidate, fingerprint
from r2d2.catalog.named_files import identities, is_inside, look
from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.file_tree import FileStat, shown
from r2d2.lake.iceberg_manifests import IcebergFile, IcebergFiles, table_files
from r2d2.lake.iceberg_metadata import (
    ONLY_ITS_CATALOG,
    IcebergMetadata,
    current_file,
    metadata_files,
    read_metadata,
)
from r2d2.lake.jars import ICEBERG
from r2d2.lake.storage import Storage, storage_for
from r2d2.model.comments import comments_property, iceberg_comments
from r2d2.model.dataset import DataFile
from r2d2.model.source import SparkSource

#: Types that Spark has not, or gives as another one: a UUID as a string.
_OTHER_TYPES = frozenset(
    {"uuid", "time", "unknown", "variant", "geometry", "geography", "timestamp_ns", "timestamptz_ns"}
)


def iceberg_candidate(
    bare: Candidate, storage: Storage, below: Sequence[FileStat], within: Sequence[str], metadata_file: str = ""
) -> Candidate:
    """The table at ``bare.location``, which Spark reads by the metadata file that is current now.

    Args:
        bare: id, location and what else is known without the metadata.
        storage: where the location is.
        below: all files below the location.
        within: the roots; files that the metadata names must lie in one of them.
        metadata_file: the current one, as its catalog says; empty where the directory alone tells.

    Returns:
        The candidate; with status ``error`` or ``unsupported`` and no files if it can't be read. What its metadata
        refers to is pinned as far as that could be read.
    """
    unread = replace(
        bare,
        format="iceberg",
        claimed=tuple(stat.identity for stat in below),
        bytes=sum(stat.size for stat in below),
        modified_ns=max((stat.mtime_ns for stat in below), default=0),
        fingerprint=fingerprint(bare.location, [DataFile(*stat) for stat in below]),
    )
    try:
        path = metadata_file or current_file(storage, bare.location)
        if not is_inside(path, within):
            raise UnsupportedData(f"its metadata lies outside of the lake's roots, at {shown(path)}")
        metadata = read_metadata(storage, path)
    except (UnreadableData, UnsupportedData) as error:
        return _refused(_with_pins(unread, _all_referred(storage, bare.location, within)), error)
    listed = table_files(metadata, within)
    described = _with_pins(_described(unread, metadata), listed.referred)
    try:
        return _with_files(described, metadata, listed, below, within)
    except (UnreadableData, UnsupportedData) as error:
        return _refused(described, error)


def _refused(table: Candidate, error: UnreadableData | UnsupportedData) -> Candidate:
    status = "error" if isinstance(error, UnreadableData) else "unsupported"
    return replace(table, status=status, reason=str(error), source=None, fallback=None)


def _with_pins(table: Candidate, referred: Iterable[str]) -> Candidate:
    return replace(table, pins=tuple(sorted(identities(referred) - set(table.claimed))))


def _all_referred(storage: Storage, location: str, within: Sequence[str]) -> set[str]:
    """What any of the metadata files leads to, where it is not known which of them is current."""
    referred: set[str] = set()
    with suppress(UnreadableData):
        for path in metadata_files(storage, location):
            with suppress(UnreadableData, UnsupportedData):
                referred |= table_files(read_metadata(storage, path), within).referred
    return referred


def told_by_catalogs(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Candidates without those directories whose table a catalog among the roots gives: one table with two names."""
    found = list(candidates)
    catalogs: dict[str, dict[str, Candidate]] = defaultdict(dict)
    for candidate in found:
        if candidate.format == "iceberg" and candidate.reason != ONLY_ITS_CATALOG:
            catalogs[_place(candidate)][candidate.told] = candidate
    names: dict[str, list[str]] = {}
    for candidate in found:
        told = catalogs[_place(candidate)] if candidate.reason == ONLY_ITS_CATALOG else {}
        if len(told) == 1:  # catalogs that say different things leave it open which of them is right
            (table,) = told.values()
            names.setdefault(table.id, []).append(candidate.id)
    dropped = {name for others in names.values() for name in others}
    kept = [candidate for candidate in found if candidate.id not in dropped]
    return [replace(c, names=(*c.names, *names[c.id])) if c.id in names else c for c in kept]


def _place(candidate: Candidate) -> str:
    return storage_for(candidate.location).resolved(candidate.location)


def _described(unread: Candidate, metadata: IcebergMetadata) -> Candidate:
    snapshot = metadata.current.id if metadata.current else 0
    about = {
        "iceberg.tableId": metadata.table_id,
        "iceberg.formatVersion": str(metadata.format_version),
        "iceberg.branches": json.dumps(dict(metadata.branches), sort_keys=True),
        "iceberg.tags": json.dumps(dict(metadata.tags), sort_keys=True),
        "iceberg.partitioning": ", ".join(metadata.partitioning),
    }
    return replace(
        unread,
        version=f"s{snapshot}",
        modified_ns=metadata.updated_ms * 1_000_000,
        properties={**metadata.properties, **_comments(metadata), **about},
        **_reading(metadata),
    )


def _comments(metadata: IcebergMetadata) -> dict[str, Any]:
    return comments_property(metadata.properties.get("comment"), iceberg_comments(json.loads(metadata.schema)))


def _reading(metadata: IcebergMetadata) -> dict[str, Any]:
    """By Iceberg's reader, at once or after a look at files that Iceberg has not written."""
    source = SparkSource("iceberg", (metadata.path,), needs=(ICEBERG,))
    foreign = NAME_MAPPING in metadata.properties
    return {"unsuited": FOREIGN, "fallback": source, "schema": metadata.schema} if foreign else {"source": source}


def _with_files(
    described: Candidate,
    metadata: IcebergMetadata,
    listed: IcebergFiles,
    below: Sequence[FileStat],
    within: Sequence[str],
) -> Candidate:
    if metadata.format_version not in (1, 2):
        raise UnsupportedData(f"Iceberg tables of format version {metadata.format_version} are not read yet")
    if "#" in metadata.path:  # Iceberg's reader takes what follows for a snapshot or a metadata table, of another path
        raise UnsupportedData("its path holds a '#', which Iceberg's reader does not take for a part of it")
    try:
        _require_types(json.loads(metadata.schema), ())
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableData("the schema in its metadata is damaged") from error
    if listed.problem is not None:
        raise listed.problem
    if len({file.path for file in listed.live}) < len(listed.live):
        raise UnsupportedData("its manifests name a file twice, so that its rows count twice")
    pinned = look(metadata.path)
    if pinned is None:
        raise UnreadableData(f"{shown(metadata.path)} can't be looked at")
    if described.unsuited == FOREIGN and any(file.format != "PARQUET" for file in listed.live):
        raise UnsupportedData("it took over files of ORC or Avro, which are not looked at before Iceberg reads them")
    known = {stat.path: stat for stat in below}
    exact = all(file.kind == "rows" for file in listed.live)
    found = {file: _data_file(file, known, within, exact) for file in sorted(listed.live)}
    files = tuple(stat for file, stat in found.items() if file.kind == "rows")
    own = {file.identity for file in files}
    return replace(
        described,
        files=files,
        file_ids=tuple(f"{described.id}/{file.path.rpartition('/')[2]}" for file in files),
        claimed=tuple(identity for identity in described.claimed if identity not in own),
        others=other_files(stat for stat in below if stat.identity not in own),
        bytes=sum(file.size for file in files),
        told=pinned.identity,
        # a change of the schema alone makes a new metadata file, and no snapshot
        fingerprint=fingerprint(described.location, (*files, DataFile(*pinned))),
    )


def _data_file(file: IcebergFile, known: Mapping[str, FileStat], within: Sequence[str], exact: bool) -> DataFile:
    """``exact``: the table has no deletes, so that the manifests tell how many rows it has."""
    stat = known.get(file.path)
    if stat is None and not is_inside(file.path, within):
        raise UnsupportedData(f"its manifests name {shown(file.path)}, which lies outside of the lake's roots")
    stat = stat or look(file.path)
    if stat is None:
        raise UnreadableData(f"its manifests name {shown(file.path)}, which is missing or can't be looked at")
    if stat.size != file.size:
        raise UnreadableData(f"its manifests say that {shown(file.path)} has {file.size} bytes, but it has {stat.size}")
    return DataFile(*stat, rows=file.rows if exact else None)


def _require_types(kind: Any, path: tuple[str, ...]) -> None:
    """Refuses a column of a type that Spark would give as another one, or not at all."""
    for name, inner in _inner(kind):
        _require_types(inner, (*path, name))
    if isinstance(kind, str) and kind in _OTHER_TYPES:
        raise UnsupportedData(f"column {shown('.'.join(path))} is of the type {kind}")


def _inner(kind: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a nested type."""
    if isinstance(kind, Mapping):
        yield from ((field["name"], field["type"]) for field in kind.get("fields", ()))
        yield from ((name, kind[name]) for name in ("element", "key", "value") if name in kind)
