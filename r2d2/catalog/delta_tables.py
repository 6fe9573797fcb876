"""A Delta table as a candidate: the files that its log names, each found and looked at."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from r2d2.catalog.listing import Candidate, fingerprint
from r2d2.catalog.named_files import identities, is_inside, look
from r2d2.errors import RetiredData, UnreadableData, UnsupportedData
from r2d2.lake.delta_log import DeltaFile, DeltaSnapshot, replay_delta, require_known
from r2d2.lake.delta_vectors import DeletionVector, vector_of
from r2d2.lake.file_tree import FileStat, joined, shown
from r2d2.lake.storage import Storage
from r2d2.model.comments import comments_property, spark_comments
from r2d2.model.dataset import DataFile, OtherFiles
from r2d2.model.source import SparkSource

_DAY_NS = 86_400 * 10**9
_WIDENING = frozenset({"typeWidening", "typeWidening-preview"})
#: Types of partition columns whose text in the log is a time of some zone, or a number that is not the value itself.
_READ_IN_SEVERAL_WAYS = ("timestamp", "float", "binary")

#: The property that says who wrote the table last: job, user, engine, milliseconds; None if nobody says.
LAST_WRITER = "r2d2.lastWriter"


def delta_candidate(bare: Candidate, storage: Storage, below: Sequence[FileStat], within: Sequence[str]) -> Candidate:
    """The table at ``bare.location``.

    Args:
        bare: id, location and what else is known without the log.
        storage: where the location is.
        below: all files below the location.
        within: the roots; files that the log names must lie in one of them.

    Returns:
        The candidate; with status ``error`` or ``unsupported`` and no files if it can't be read as it is. What its log
        refers to is pinned either way.
    """
    claimed = tuple(stat.identity for stat in below)
    unread = replace(
        bare,
        format="delta",
        claimed=claimed,
        bytes=sum(stat.size for stat in below),
        modified_ns=max((stat.mtime_ns for stat in below), default=0),
        fingerprint=fingerprint(bare.location, [DataFile(*stat) for stat in below]),
    )
    try:
        snapshot = replay_delta(storage, bare.location, within)
    except UnreadableData as error:
        return replace(unread, status="error", reason=str(error))
    except UnsupportedData as error:
        return replace(unread, status="unsupported", reason=str(error))
    described = _described(unread, snapshot)
    known = {stat.path: stat for stat in below}
    try:
        require_known(snapshot)
        look = _Look(bare.location, known, within)
        files = tuple(look.data_file(file) for file in snapshot.files)
        _require_each_once(files)
    except UnreadableData as error:
        return replace(described, status="error", reason=str(error))
    except RetiredData as error:
        return replace(described, status="retired", reason=str(error))
    except UnsupportedData as error:
        return replace(described, status="unsupported", reason=str(error))
    own = {file.identity for file in files}
    return replace(
        described,
        files=files,
        file_ids=tuple(_file_id(bare, file) for file in files),
        claimed=tuple(identity for identity in claimed if identity not in own),
        others=other_files(stat for stat in below if stat.identity not in own),
        bytes=sum(file.size for file in files),
        fingerprint=_mark(bare.location, files, snapshot),
        unsuited="its columns are mapped by their numbers" if snapshot.mapping_mode not in ("", "name") else "",
        fallback=_for_spark(bare.location, snapshot),
    )


def _for_spark(location: str, snapshot: DeltaSnapshot) -> SparkSource | None:
    """What Spark may read instead, where a feature says that the files alone don't give the rows.

    Without such a feature files that don't fit the log contradict it, and Spark would take one side. Of partition
    values whose text can be read in several ways it would take that of the session.
    """
    fields = [field for field in snapshot.schema["fields"] if isinstance(field, Mapping)]
    types = {str(field.get("name")): field.get("type") for field in fields}
    ambiguous = any(types.get(name) in _READ_IN_SEVERAL_WAYS for name in snapshot.partition_columns)
    asked = snapshot.mapping_mode == "id" or not _WIDENING.isdisjoint(snapshot.reader_features)
    if ambiguous or not asked:
        return None
    return SparkSource("delta", (location,), options={"versionAsOf": str(snapshot.version)})


def _mark(location: str, files: Sequence[DataFile], snapshot: DeltaSnapshot) -> str:
    """A fingerprint that changes with the files, and with what the log says of the same ones."""
    own = fingerprint(location, files)
    told = [file.vector for file in snapshot.files], snapshot.mapping_mode, snapshot.schema, snapshot.version
    if not (any(told[0]) or snapshot.mapping_mode):
        return own
    return f"f{hashlib.sha256(json.dumps([own, told]).encode()).hexdigest()[:32]}"


def other_files(stats: Iterable[FileStat]) -> tuple[OtherFiles, ...]:
    """Files by the day of their last change and by size, smallest first within a day."""
    groups: dict[tuple[int, int], list[FileStat]] = defaultdict(list)
    for stat in stats:
        groups[stat.mtime_ns // _DAY_NS, max(0, stat.size - 1).bit_length()].append(stat)
    return tuple(
        OtherFiles(len(group), sum(stat.size for stat in group), max(stat.mtime_ns for stat in group))
        for _, group in sorted(groups.items())
    )


def _described(unread: Candidate, snapshot: DeltaSnapshot) -> Candidate:
    claimed = set(unread.claimed)
    found = identities(snapshot.referred)
    return replace(
        unread,
        version=f"v{snapshot.version}",
        modified_ns=snapshot.committed_ms * 1_000_000,
        partition_columns=snapshot.partition_columns,
        # what is r2d2's own comes last: a table property of that name must not forge it
        properties={
            **snapshot.configuration,
            **comments_property(snapshot.description, spark_comments(snapshot.schema)),
            "delta.tableId": snapshot.table_id,
            LAST_WRITER: snapshot.last_writer,
        },
        schema=json.dumps(snapshot.schema, sort_keys=True),
        pins=tuple(sorted(found - claimed)),
    )


@dataclass(frozen=True)
class _Look:
    """Looks at what a log names: in the table's directory, whose files are ``known``, or elsewhere in the roots."""

    location: str
    known: Mapping[str, FileStat]
    within: Sequence[str]

    def data_file(self, file: DeltaFile) -> DataFile:
        stat, named = self._stat(file.path)
        if stat.size != file.size:
            raise UnreadableData(f"its log says that {named} has {file.size} bytes, but it has {stat.size}")
        vector = self._vector(file)
        rows = file.rows - vector.rows if file.rows is not None and vector else file.rows
        return DataFile(*stat, rows=rows, partition=file.partition, vector=vector.to_json() if vector else "")

    def _vector(self, file: DeltaFile) -> DeletionVector | None:
        """The vector of a file, with what its own file is now."""
        vector = vector_of(file.vector, self.location) if file.vector else None
        return replace(vector, stamp=self._stat(vector.path)[0].version) if vector and vector.path else vector

    def _stat(self, path: str) -> tuple[FileStat, str]:
        """What a file is, and how it is shown."""
        stat, named = self.known.get(path), shown(path.removeprefix(f"{self.location.rstrip('/')}/"))
        if stat is None and not is_inside(path, self.within):
            raise UnsupportedData(f"its log names {named}, which lies outside of the lake's roots")
        stat = stat or look(path)
        if stat is None:
            raise UnreadableData(f"its log names {named}, which is missing or can't be looked at")
        return stat, named


def _require_each_once(files: Sequence[DataFile]) -> None:
    """A log that names one file by two spellings would count its rows twice."""
    twice = next((identity for identity, times in Counter(f.identity for f in files).items() if times > 1), None)
    if twice is not None:
        named = next(file.path for file in files if file.identity == twice)
        raise UnreadableData(f"its log names {shown(named)} twice, by different paths")


def _file_id(bare: Candidate, file: DataFile) -> str:
    base = f"{bare.location.rstrip('/')}/"
    return joined(bare.id, file.path.removeprefix(base)) if file.path.startswith(base) else file.path
