"""Replay of a Delta table's log: which files make up its newest version, and what else tells which rows it has.

What the log refers to is known even where the table can't be read: ``replay_delta`` tells, ``require_known`` refuses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from r2d2.errors import RetiredData, UnreadableData, UnsupportedData
from r2d2.lake.delta_checkpoint import Action, read_checkpoint, sidecar_name
from r2d2.lake.delta_paths import decoded_path, is_absolute
from r2d2.lake.delta_segment import LogSegment, log_segment
from r2d2.lake.delta_writers import LastWriter, earlier_writer, writer_of
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.storage import Storage

#: The feature that no reader and no writer of Delta has: *seen*, all of them refuse the table, in-flight appends too.
FENCE_FEATURE = "r2d2Retired"
#: Reader features that are taken care of: here, where the files are read, or by Spark's reader where those don't do.
_KNOWN = frozenset(
    (
        *("timestampNtz", "vacuumProtocolCheck", "v2Checkpoint", "deletionVectors", "columnMapping"),
        *("typeWidening", "typeWidening-preview"),
    )
)
_MAPPING_MODE = "delta.columnMapping.mode"
_COORDINATOR = "delta.coordinatedCommits.commitCoordinator-preview"
PHYSICAL_NAME = "delta.columnMapping.physicalName"


@dataclass(frozen=True)
class DeltaFile:
    """A file of the table, as its ``add`` action describes it.

    Attributes:
        path: absolute path or URL, decoded.
        partition: partition column → text, None for NULL, in the order of the partition columns.
        size: bytes, as the log says.
        modified_ms: milliseconds since 1970-01-01 UTC, as the log says.
        rows: number of rows, or None where the log has no statistics.
        vector: descriptor of the deletion vector that takes rows out; None if there is none.
    """

    path: str
    partition: tuple[tuple[str, str | None], ...]
    size: int
    modified_ms: int
    rows: int | None
    vector: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class DeltaSnapshot:
    """The newest version of a table.

    Attributes:
        version: of the table.
        committed_ms: when that version was committed, milliseconds since 1970-01-01 UTC; 0 if unknown.
        reader_version: of the protocol.
        reader_features: of the protocol; empty below reader version 3.
        table_id: the table's own id.
        schema: parsed ``schemaString``.
        mapping_mode: how files name columns otherwise than the table, ``name`` or ``id``; empty if they don't.
        partition_columns: names.
        configuration: table properties.
        files: sorted by path.
        referred: every absolute path that the log names, in files that were removed too: other tables may own them.
        description: what people wrote about the table; it need not be text.
        last_writer: who changed its data last, as the log says; None if it does not.
        actions: ``protocol``, ``metaData`` and what of ``domainMetadata`` is in force, as the log spells them.
    """

    version: int
    committed_ms: int
    reader_version: int
    reader_features: tuple[str, ...]
    table_id: str
    schema: Mapping[str, Any]
    mapping_mode: str
    partition_columns: tuple[str, ...]
    configuration: Mapping[str, str]
    files: tuple[DeltaFile, ...]
    referred: tuple[str, ...]
    description: object = None
    last_writer: LastWriter | None = None
    actions: tuple[Action, ...] = ()


def read_delta(storage: Storage, location: str) -> DeltaSnapshot:
    """The newest version of the table at ``location``, if its files can be read as they are.

    Raises:
        UnreadableData: the log is damaged; the message names the file of the log.
        UnsupportedData: the table uses a feature beyond the basic ones; the message names it.
    """
    snapshot = replay_delta(storage, location)
    require_known(snapshot)
    mapped = ["columnMapping"] if snapshot.mapping_mode else []
    deleted = ["deletionVectors"] if any(file.vector for file in snapshot.files) else []
    if mapped or deleted:
        raise UnsupportedData(f"its files don't hold its rows as they are: {', '.join(mapped + deleted)}")
    return snapshot


def replay_delta(storage: Storage, location: str, within: Sequence[str] = ()) -> DeltaSnapshot:
    """As ``read_delta``, without asking which features the table uses.

    Args:
        storage: where the table is.
        location: of the table.
        within: the log and its files must lie in one of these directories, links resolved; anywhere if there are none.

    Raises:
        UnreadableData: the log is damaged.
        UnsupportedData: the log lies elsewhere.
    """
    log = joined(location, "_delta_log")
    _require_inside(storage, log, "_delta_log", within)
    segment = log_segment(storage, log)
    for name in (*segment.checkpoint, *segment.commits):
        _require_inside(storage, joined(log, name), f"_delta_log/{name}", within)
    replay = _Replay(location)
    for name in segment.checkpoint:
        for action in _checkpoint(storage, log, name, within):
            replay.apply(action, f"_delta_log/{name}")
    for name in segment.commits:
        replay.commit(list(_actions(storage, joined(log, name), name)), f"_delta_log/{name}")
    snapshot = replay.snapshot(segment, _committed_ms(storage, log, segment, replay))
    return replace(snapshot, last_writer=replay.writer or earlier_writer(storage, log, segment, within))


def _checkpoint(storage: Storage, log: str, name: str, within: Sequence[str]) -> Iterator[Action]:
    """The actions of a checkpoint, those of the files that it names in their place (v2)."""
    parquet = name.endswith(".parquet")
    read = read_checkpoint(storage, joined(log, name), name) if parquet else _actions(storage, joined(log, name), name)
    for action in read:
        if "sidecar" not in action:
            yield action
            continue
        sidecar = sidecar_name(action["sidecar"], name)
        _require_inside(storage, joined(log, sidecar), f"_delta_log/{sidecar}", within)
        yield from read_checkpoint(storage, joined(log, sidecar), sidecar)


def _require_inside(storage: Storage, path: str, named: str, within: Sequence[str]) -> None:
    if within and not storage.inside(path, within):
        raise UnsupportedData(f"{named} is a link out of the lake's roots")


def require_known(snapshot: DeltaSnapshot) -> None:
    """Refuses a table whose rows may be others than is known here.

    Raises:
        RetiredData: r2d2 keeps its readers out.
        UnsupportedData: names every feature that is not taken care of.
    """
    if FENCE_FEATURE in snapshot.reader_features:
        raise RetiredData("it is retired by r2d2: its log is fenced, and `r2d2 restore` gives it back")
    unknown = [name for name in snapshot.reader_features if name not in _KNOWN]
    if snapshot.reader_version not in (1, 2, 3):
        unknown.append(f"reader version {snapshot.reader_version}")
    # a writer's feature by the protocol, but its newest commits need not be among those of the log
    unknown += ["coordinatedCommits"] if snapshot.configuration.get(_COORDINATOR) else []
    if unknown:
        names = ", ".join(sorted({shown(name) for name in unknown}))
        raise UnsupportedData(f"Delta features that R2D2 does not read yet: {names}")


@dataclass
class _Replay:
    """The state of the table while actions are applied in order."""

    location: str
    protocol: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    active: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    referred: set[str] = field(default_factory=set)
    committed_ms: int = 0
    writer: LastWriter | None = None
    domains: dict[str, Action] = field(default_factory=dict)

    def commit(self, actions: list[Action], where: str) -> None:
        """One JSON commit, whose actions have no order among themselves: removals come first."""
        self.committed_ms = _commit_time(actions)
        self.writer = writer_of(actions) or self.writer
        removed = {self._key(action["remove"], where) for action in actions if "remove" in action}
        unknown = next((key for key in sorted(removed) if key not in self.active), None)
        if unknown is not None:
            raise UnreadableData(f"{where} removes {shown(unknown[0])}, which the table does not hold")
        for key in removed:
            del self.active[key]
        for action in actions:
            self.apply(action, where)
            if "add" in action and self._key(action["add"], where) in removed:
                raise UnreadableData(f"{where} adds and removes the same file {shown(str(action['add']['path']))}")

    def apply(self, action: Action, where: str) -> None:
        """One action of a checkpoint, or one of a commit whose removals are done."""
        if "add" in action:
            self.active[self._key(action["add"], where)] = action["add"]
        if "protocol" in action:
            self.protocol = action["protocol"]
        if "metaData" in action:
            self.metadata = action["metaData"]
        if isinstance(domain := action.get("domainMetadata"), Mapping):
            self.domains[str(domain.get("domain"))] = {"domainMetadata": dict(domain)}

    def _key(self, action: Any, where: str) -> tuple[str, str]:
        """What the protocol identifies a file by: its path, and the deletion vector that goes with it."""
        if not isinstance(action, Mapping) or not isinstance(action.get("path"), str):
            raise UnreadableData(f"{where} names a file without a path")
        path = self._absolute(action["path"], where)
        vector = action.get("deletionVector")
        if not vector:
            return path, ""
        if not isinstance(vector, Mapping):
            raise UnreadableData(f"{where} has a deletion vector that is not one")
        if vector.get("storageType") == "p":
            self.referred.add(decoded_path(str(vector.get("pathOrInlineDv")), where))
        return path, "/".join(str(vector.get(part)) for part in ("storageType", "pathOrInlineDv", "offset"))

    def _absolute(self, encoded: str, where: str) -> str:
        path = decoded_path(encoded, where)
        if not is_absolute(path):
            return joined(self.location, path)
        self.referred.add(path)
        return path

    def snapshot(self, segment: LogSegment, committed_ms: int) -> DeltaSnapshot:
        """The table as it is now."""
        if not isinstance(self.protocol, Mapping):
            raise UnreadableData("its log has no protocol action up to the newest version")
        if not isinstance(self.metadata, Mapping):
            raise UnreadableData("its log has no metaData action up to the newest version")
        columns = _texts(self.metadata.get("partitionColumns"), "partitionColumns")
        provider = _mapping(self.metadata.get("format"), "format").get("provider", "parquet")
        if provider != "parquet":
            raise UnsupportedData(f"its files are in the format {shown(str(provider))}, not parquet")
        configuration = _mapping(self.metadata.get("configuration"), "configuration")
        schema = _schema(self.metadata.get("schemaString"))
        mode = "" if configuration.get(_MAPPING_MODE) == "none" else str(configuration.get(_MAPPING_MODE, ""))
        physical = _physical(schema) if mode else {}
        named = {column: physical.get(column, column) for column in columns}
        active = sorted(self.active.items(), key=lambda item: item[0])
        files = [_delta_file(path, add, named) for (path, _), add in active]
        if len({file.path for file in files}) < len(files):
            raise UnreadableData("its log holds one file twice, with different deletion vectors")
        return DeltaSnapshot(
            segment.version,
            committed_ms,
            _whole(self.protocol.get("minReaderVersion"), "minReaderVersion"),
            _texts(self.protocol.get("readerFeatures"), "readerFeatures"),
            str(self.metadata.get("id", "")),
            schema,
            mode,
            columns,
            {str(key): str(value) for key, value in configuration.items()},
            tuple(files),
            tuple(sorted(self.referred)),
            self.metadata.get("description"),
            actions=({"protocol": self.protocol}, {"metaData": self.metadata}, *self._domains()),
        )

    def _domains(self) -> Iterator[Action]:
        return (
            self.domains[name]
            for name in sorted(self.domains)
            if not self.domains[name]["domainMetadata"].get("removed")
        )


def _actions(storage: Storage, path: str, name: str) -> Iterator[Action]:
    where = f"_delta_log/{name}"
    try:
        lines = storage.read_bytes(path).split(b"\n")
    except OSError as error:
        raise UnreadableData(f"{where} can't be read: {error.strerror or error}") from error
    found = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = True
        try:
            action = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UnreadableData(f"{where} is cut or damaged at line {number}") from error
        if not isinstance(action, dict):
            raise UnreadableData(f"{where} has no action at line {number}")
        yield {kind: content for kind, content in action.items() if content is not None}
    if not found:
        raise UnreadableData(f"{where} is empty")


def _commit_time(actions: list[Action]) -> int:
    for action in actions:
        info = action.get("commitInfo")
        if isinstance(info, Mapping):
            times = [info.get(key) for key in ("inCommitTimestamp", "timestamp")]
            return next((time for time in times if isinstance(time, int) and not isinstance(time, bool)), 0)
    return 0


def _committed_ms(storage: Storage, log: str, segment: LogSegment, replay: _Replay) -> int:
    """The newest commit's own time, else when its file was written."""
    if replay.committed_ms:
        return replay.committed_ms
    newest = (*segment.checkpoint, *segment.commits)[-1]
    try:
        return storage.stat(joined(log, newest)).mtime_ns // 1_000_000
    except OSError as error:
        raise UnreadableData(f"_delta_log/{newest} can't be looked at: {error.strerror or error}") from error


def _delta_file(path: str, add: Mapping[str, Any], columns: Mapping[str, str]) -> DeltaFile:
    """``columns``: partition column → how files and the log's values name it (column mapping)."""
    values = _mapping(add.get("partitionValues"), f"partitionValues of {shown(path)}")
    if set(values) != set(columns.values()):
        raise UnreadableData(f"its log gives {shown(path)} other partition columns than the table has")
    if not all(value is None or isinstance(value, str) for value in values.values()):
        raise UnreadableData(f"its log gives {shown(path)} a partition value that is not a text")
    partition = tuple((column, values[name] or None) for column, name in columns.items())  # the protocol: '' is NULL
    size = _whole(add.get("size"), f"size of {shown(path)}")
    modified = _whole(add.get("modificationTime"), f"modificationTime of {shown(path)}")
    return DeltaFile(path, partition, size, modified, _rows(add), add.get("deletionVector") or None)


def _rows(add: Mapping[str, Any]) -> int | None:
    """The number of rows from the statistics; they are optional, so a damaged one is as good as none."""
    stats: Any = add.get("stats_parsed")
    if isinstance(add.get("stats"), str):
        try:
            stats = json.loads(add["stats"])
        except (ValueError, RecursionError):
            return None
    rows = stats.get("numRecords") if isinstance(stats, Mapping) else None
    return rows if isinstance(rows, int) and not isinstance(rows, bool) and rows >= 0 else None


def _schema(text: Any) -> Mapping[str, Any]:
    if text is None:
        raise UnreadableData("its log has a metaData action without a schema, so the table has no columns")
    try:
        schema = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise UnreadableData("its log has a metaData action whose schema is not JSON") from error
    if not isinstance(schema, dict) or schema.get("type") != "struct" or not isinstance(schema.get("fields"), list):
        raise UnreadableData("its log has a metaData action whose schema is not a struct")
    return schema


def _physical(schema: Mapping[str, Any]) -> dict[str, str]:
    """How files name the columns, by their names, where that is told."""
    found: dict[str, str] = {}
    for field_ in schema["fields"]:
        told = field_.get("metadata") if isinstance(field_, Mapping) else None
        name = told.get(PHYSICAL_NAME) if isinstance(told, Mapping) else None
        if isinstance(name, str):
            found[str(field_.get("name"))] = name
    return found


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UnreadableData(f"its log has something else than a map as {what}")
    return value


def _texts(value: Any, what: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UnreadableData(f"its log has something else than a list of texts as {what}")
    return tuple(value)


def _whole(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnreadableData(f"its log has something else than a whole number as {what}")
    return value
