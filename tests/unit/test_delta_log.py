"""Replay of Delta logs: exactly the active files, or a refusal that names the feature or the damaged file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.delta_log import DeltaSnapshot, read_delta, replay_delta, require_known
from r2d2.lake.local_storage import LocalStorage

FIELDS = [{"name": "k", "type": "string", "nullable": True, "metadata": {}}]
SCHEMA = json.dumps({"type": "struct", "fields": FIELDS})
PROTOCOL: dict[str, Any] = {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}


def metadata(columns: tuple[str, ...] = (), **configuration: str) -> dict[str, Any]:
    content = {"id": "t", "format": {"provider": "parquet", "options": {}}, "schemaString": SCHEMA}
    return {"metaData": {**content, "partitionColumns": list(columns), "configuration": configuration}}


def add(path: str, **more: Any) -> dict[str, Any]:
    return {"add": {"path": path, "partitionValues": {}, "size": 1, "modificationTime": 5, "dataChange": True, **more}}


def remove(path: str) -> dict[str, Any]:
    return {"remove": {"path": path, "deletionTimestamp": 1, "dataChange": True}}


def commit(table: Path, version: int, *actions: dict[str, Any]) -> Path:
    log = table / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    file = log / f"{version:020d}.json"
    file.write_text("".join(json.dumps(action) + "\n" for action in actions))
    return file


def snapshot(table: Path) -> DeltaSnapshot:
    return read_delta(LocalStorage(), str(table))


def replayed(table: Path) -> DeltaSnapshot:
    return replay_delta(LocalStorage(), str(table))


def paths(table: Path) -> list[str]:
    return [os.path.relpath(file.path, table) for file in snapshot(table).files]


CHECKPOINT = pa.schema(
    {
        "protocol": pa.struct({"minReaderVersion": pa.int32(), "minWriterVersion": pa.int32()}),
        "metaData": pa.struct(
            {
                "id": pa.string(),
                "format": pa.struct({"provider": pa.string()}),
                "schemaString": pa.string(),
                "partitionColumns": pa.list_(pa.string()),
                "configuration": pa.map_(pa.string(), pa.string()),
            }
        ),
        "add": pa.struct(
            {
                "path": pa.string(),
                "partitionValues": pa.map_(pa.string(), pa.string()),
                "size": pa.int64(),
                "modificationTime": pa.int64(),
                "stats": pa.string(),
            }
        ),
        "remove": pa.struct({"path": pa.string()}),
    }
)


def checkpoint(table: Path, name: str, *actions: dict[str, Any]) -> Path:
    (table / "_delta_log").mkdir(parents=True, exist_ok=True)
    file = table / "_delta_log" / name
    pq.write_table(pa.Table.from_pylist(list(actions), CHECKPOINT), file)
    return file


def test_the_active_files_are_those_added_and_not_removed(tmp_path: Path) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a"), add("b"))
    commit(tmp_path, 1, remove("a"), add("c", stats='{"numRecords": 7}'), {"commitInfo": {"timestamp": 1234}})
    found = snapshot(tmp_path)
    assert (found.version, found.committed_ms, found.table_id) == (1, 1234, "t")
    assert [(os.path.basename(file.path), file.rows) for file in found.files] == [("b", None), ("c", 7)]
    assert found.schema["fields"][0]["name"] == "k"


def test_a_file_that_comes_back_is_active_again(tmp_path: Path) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a"))
    commit(tmp_path, 1, remove("a"))
    commit(tmp_path, 2, add("a"))
    assert paths(tmp_path) == ["a"]


def test_a_checkpoint_replaces_the_commits_before_it(tmp_path: Path) -> None:
    checkpoint(tmp_path, f"{3:020d}.checkpoint.parquet", PROTOCOL, metadata(), add("a"), add("b"), remove("x"))
    commit(tmp_path, 4, remove("a"), add("c"))
    assert snapshot(tmp_path).version == 4
    assert paths(tmp_path) == ["b", "c"]


def test_a_checkpoint_in_parts_counts_only_when_it_is_complete(tmp_path: Path) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a"))
    commit(tmp_path, 1, add("b"))
    checkpoint(tmp_path, f"{1:020d}.checkpoint.{1:010d}.{2:010d}.parquet", PROTOCOL, metadata(), add("only-part-1"))
    assert paths(tmp_path) == ["a", "b"]
    checkpoint(tmp_path, f"{1:020d}.checkpoint.{2:010d}.{2:010d}.parquet", add("part-2"))
    assert paths(tmp_path) == ["only-part-1", "part-2"]


@pytest.mark.parametrize("hint", ["{", "", '{"version": 99, "size": 1}', '{"version": "x"}', "\x00\xff"])
def test_a_broken_last_checkpoint_is_ignored(tmp_path: Path, hint: str) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a"))
    (tmp_path / "_delta_log/_last_checkpoint").write_text(hint)
    assert paths(tmp_path) == ["a"]


def test_files_of_the_log_that_readers_ignore_are_ignored(tmp_path: Path) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a"))
    log = tmp_path / "_delta_log"
    for name in ("00000000000000000000.crc", "5.json", f".{1:020d}.json.tmp", f"{0:020d}.{1:020d}.compacted.json"):
        (log / name).write_text("{")
    (log / "_sidecars").mkdir()
    assert paths(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        ("k=A%252FA/p.parquet", "k=A%2FA/p.parquet"),
        ("a%20b.parquet", "a b.parquet"),
        ("a+b.parquet", "a+b.parquet"),
        ("%F0%9F%98%80%23%3F.parquet", "😀#?.parquet"),
        ("a%0Ab", "a\nb"),
        ("x:y/p", "x:y/p"),
    ],
)
def test_paths_are_percent_decoded_once(tmp_path: Path, encoded: str, decoded: str) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add(encoded))
    assert [file.path for file in snapshot(tmp_path).files] == [f"{tmp_path}/{decoded}"]
    commit(tmp_path, 1, remove(encoded))
    assert snapshot(tmp_path).files == ()


@pytest.mark.parametrize("prefix", ["file:", "file://", ""])
def test_absolute_paths_of_a_shallow_clone_are_kept_and_reported(tmp_path: Path, prefix: str) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add(f"{prefix}/src/a%20b"), add("own"), add(f"{prefix}/src/old"))
    commit(tmp_path, 1, remove(f"{prefix}/src/old"))
    found = snapshot(tmp_path)
    assert [file.path for file in found.files] == ["/src/a b", f"{tmp_path}/own"]
    assert found.referred == ("/src/a b", "/src/old")


def test_urls_of_object_stores_are_kept(tmp_path: Path) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add("s3a://bucket/t/a%20b"))
    assert snapshot(tmp_path).files[0].path == "s3a://bucket/t/a b"


def test_partition_values_are_texts_in_the_tables_order_and_empty_is_null(tmp_path: Path) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(("b", "a")), add("x", partitionValues={"a": "01", "b": ""}))
    commit(tmp_path, 1, add("y", partitionValues={"a": None, "b": "é"}))
    assert [file.partition for file in snapshot(tmp_path).files] == [
        (("b", None), ("a", "01")),
        (("b", "é"), ("a", None)),
    ]


@pytest.mark.parametrize("values", [{}, {"a": "1", "b": "2"}, {"A": "1"}, {"a": 1}, "x", [["a", "1"]]])
def test_partition_values_that_do_not_fit_the_table_are_damage(tmp_path: Path, values: Any) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(("a",)), add("x", partitionValues=values))
    with pytest.raises(UnreadableData, match="partition"):
        snapshot(tmp_path)


@pytest.mark.parametrize(
    "protocol",
    [
        {"minReaderVersion": 1},
        {"minReaderVersion": 2},
        {"minReaderVersion": 3, "readerFeatures": []},
        {"minReaderVersion": 3, "readerFeatures": ["timestampNtz", "vacuumProtocolCheck"]},
        {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["rowTracking", "anything"]},
    ],
)
def test_basic_protocols_are_read(tmp_path: Path, protocol: dict[str, Any]) -> None:
    commit(tmp_path, 0, {"protocol": protocol}, metadata(), add("a"))
    assert paths(tmp_path) == ["a"]


@pytest.mark.parametrize(
    "feature",
    [
        "variantType",
        "catalogManaged",
        "x'; DROP\x1b[2J",
    ],
)
def test_a_reader_feature_that_spark_does_not_take_care_of_is_refused_by_name(tmp_path: Path, feature: str) -> None:
    features = ["timestampNtz", feature]
    commit(tmp_path, 0, {"protocol": {"minReaderVersion": 3, "readerFeatures": features}}, metadata(), add("a"))
    with pytest.raises(UnsupportedData, match="Delta features that R2D2 does not read yet") as caught:
        snapshot(tmp_path)
    assert feature.partition("\x1b")[0] in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(replay_delta(LocalStorage(), str(tmp_path)).files) == 1


def test_a_table_whose_newest_commits_a_coordinator_keeps_is_refused(tmp_path: Path) -> None:
    told = {"delta.coordinatedCommits.commitCoordinator-preview": "dynamodb"}
    commit(tmp_path, 0, PROTOCOL, metadata(**told))
    with pytest.raises(UnsupportedData, match="coordinatedCommits"):
        snapshot(tmp_path)


@pytest.mark.parametrize("version", [0, 4, 5, -1])
def test_other_reader_versions_are_refused(tmp_path: Path, version: int) -> None:
    commit(tmp_path, 0, {"protocol": {"minReaderVersion": version}}, metadata(), add("a"))
    with pytest.raises(UnsupportedData, match=f"reader version {version}"):
        snapshot(tmp_path)


@pytest.mark.parametrize(
    "feature", ["deletionVectors", "columnMapping", "v2Checkpoint", "vacuumProtocolCheck", "typeWidening"]
)
def test_a_feature_that_a_table_may_use_and_does_not_changes_nothing(tmp_path: Path, feature: str) -> None:
    commit(tmp_path, 0, {"protocol": {"minReaderVersion": 3, "readerFeatures": [feature]}}, metadata(), add("a"))
    assert paths(tmp_path) == ["a"]


@pytest.mark.parametrize("mode", ["name", "id"])
@pytest.mark.parametrize("version", [1, 2])
def test_partition_values_of_mapped_columns_are_found_by_the_names_of_the_files(
    tmp_path: Path, mode: str, version: int
) -> None:
    mapped = metadata(("k",), **{"delta.columnMapping.mode": mode})
    fields = [{**FIELDS[0], "metadata": {"delta.columnMapping.physicalName": "col-1"}}]
    mapped["metaData"]["schemaString"] = json.dumps({"type": "struct", "fields": fields})
    partition = {"col-1": "x"}
    commit(tmp_path, 0, {"protocol": {"minReaderVersion": version}}, mapped, add("a", partitionValues=partition))
    found = replayed(tmp_path)
    assert (found.mapping_mode, [file.partition for file in found.files]) == (mode, [(("k", "x"),)])
    with pytest.raises(UnsupportedData, match="columnMapping"):
        snapshot(tmp_path)


def test_the_newest_protocol_counts(tmp_path: Path) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a"))
    commit(tmp_path, 1, {"protocol": {"minReaderVersion": 3, "readerFeatures": ["variantType"]}})
    with pytest.raises(UnsupportedData, match="variantType"):
        require_known(replayed(tmp_path))


def test_a_deletion_vector_is_told_whatever_the_protocol_says(tmp_path: Path) -> None:
    vector = {"storageType": "u", "pathOrInlineDv": "x", "offset": 1, "sizeInBytes": 2, "cardinality": 1}
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a", deletionVector=vector))
    assert [file.vector for file in replayed(tmp_path).files] == [vector]
    with pytest.raises(UnsupportedData, match="deletionVectors"):
        snapshot(tmp_path)


def test_a_vector_at_an_absolute_path_is_referred_to(tmp_path: Path) -> None:
    vector = {"storageType": "p", "pathOrInlineDv": "file:///else/where.bin", "offset": 1}
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a", deletionVector=vector))
    assert replayed(tmp_path).referred == ("/else/where.bin",)


def test_a_table_of_another_file_format_is_refused(tmp_path: Path) -> None:
    table = metadata()
    table["metaData"]["format"] = {"provider": "orc"}
    commit(tmp_path, 0, PROTOCOL, table)
    with pytest.raises(UnsupportedData, match="orc"):
        snapshot(tmp_path)


NEWER = f"{5:020d}.checkpoint.f5ee283b-37c7-46af-b64c-8f77c6a5c43a"


@pytest.mark.parametrize("kind", ["json", "parquet", "classic"])
def test_a_newer_kind_of_checkpoint_and_the_files_that_it_names_are_read(tmp_path: Path, kind: str) -> None:
    commit(tmp_path, 6, add("c"))
    sidecars = tmp_path / "_delta_log/_sidecars"
    sidecars.mkdir()
    for name in ("a", "b"):
        checkpoint(tmp_path, f"_sidecars/{name}.parquet", add(name))
    actions = [{"sidecar": {"path": f"{name}.parquet", "sizeInBytes": 1}} for name in ("a", "b")]
    if kind == "json":
        lines = [PROTOCOL, metadata(), {"checkpointMetadata": {"version": 5}}, *actions]
        (tmp_path / f"_delta_log/{NEWER}.json").write_text("\n".join(map(json.dumps, lines)))
    else:
        name = f"{NEWER}.parquet" if kind == "parquet" else f"{5:020d}.checkpoint.parquet"
        schema = CHECKPOINT.append(pa.field("sidecar", pa.struct({"path": pa.string(), "sizeInBytes": pa.int64()})))
        rows = [PROTOCOL, metadata(), *actions]
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), tmp_path / "_delta_log" / name)
    assert (snapshot(tmp_path).version, paths(tmp_path)) == (6, ["a", "b", "c"])


@pytest.mark.parametrize("path", ["../../x.parquet", "/etc/passwd", "..", "", 7, None, "s3://x/y"])
def test_a_sidecar_that_lies_elsewhere_is_not_followed(tmp_path: Path, path: object) -> None:
    commit(tmp_path, 6, add("c"))
    lines = [PROTOCOL, metadata(), {"sidecar": {"path": path}}]
    (tmp_path / f"_delta_log/{NEWER}.json").write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises((UnsupportedData, UnreadableData), match="sidecar"):
        snapshot(tmp_path)


def test_a_sidecar_that_is_gone_is_damage(tmp_path: Path) -> None:
    commit(tmp_path, 6, add("c"))
    lines = [PROTOCOL, metadata(), {"sidecar": {"path": "gone.parquet"}}]
    (tmp_path / f"_delta_log/{NEWER}.json").write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(UnreadableData, match=r"_sidecars/gone\.parquet"):
        snapshot(tmp_path)


def test_a_gap_in_the_versions_is_named(tmp_path: Path) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a"))
    commit(tmp_path, 2, add("b"))
    with pytest.raises(UnreadableData, match=r"00000000000000000001\.json is missing"):
        snapshot(tmp_path)


def test_commits_that_were_cleaned_before_a_checkpoint_are_no_gap(tmp_path: Path) -> None:
    commit(tmp_path, 1, remove("long gone"))
    checkpoint(tmp_path, f"{2:020d}.checkpoint.parquet", PROTOCOL, metadata(), add("a"))
    assert (snapshot(tmp_path).version, paths(tmp_path)) == (2, ["a"])


def test_a_log_without_its_beginning_is_damage(tmp_path: Path) -> None:
    commit(tmp_path, 3, PROTOCOL, metadata(), add("a"))
    with pytest.raises(UnreadableData, match=r"00000000000000000000\.json is missing"):
        snapshot(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "\n\n", '{"add"', '{"add": {"path": "a"', "[]", "null", "1", "[" * 100_000, "\udcff"]
)
def test_a_cut_or_damaged_commit_is_named(tmp_path: Path, content: str) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a"))
    commit(tmp_path, 1).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UnreadableData, match=r"00000000000000000001\.json"):
        snapshot(tmp_path)


def test_every_cut_of_a_commit_inside_a_line_is_noticed(tmp_path: Path) -> None:
    file = commit(tmp_path, 0, PROTOCOL, metadata(), add("a"))
    whole = file.read_bytes()
    lines = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    for length in range(len(whole) - 1):
        if length not in lines and length + 1 not in lines:
            file.write_bytes(whole[:length])
            with pytest.raises(UnreadableData):
                snapshot(tmp_path)


@pytest.mark.parametrize(
    ("actions", "what"),
    [
        ([metadata(), add("a")], "protocol"),
        ([PROTOCOL, add("a")], "metaData"),
        ([PROTOCOL, {"metaData": {"id": "t"}}], "without a schema, so the table has no columns"),
        ([PROTOCOL, {"metaData": {"schemaString": "{"}}], "schema"),
        ([PROTOCOL, {"metaData": {"schemaString": "[]"}}], "schema"),
        ([PROTOCOL, {"metaData": {}}], "schema"),
        ([PROTOCOL, {"metaData": {"schemaString": SCHEMA, "partitionColumns": "k"}}], "partitionColumns"),
        ([{"protocol": {}}, metadata()], "minReaderVersion"),
        ([{"protocol": {"minReaderVersion": True}}, metadata()], "minReaderVersion"),
        ([{"protocol": {"minReaderVersion": 3, "readerFeatures": "x"}}, metadata()], "readerFeatures"),
        ([PROTOCOL, metadata(), {"add": {}}], "without a path"),
        ([PROTOCOL, metadata(), {"add": "a"}], "without a path"),
        ([PROTOCOL, metadata(), {"add": {"path": "a", "size": "1"}}], "size"),
        ([PROTOCOL, metadata(), add("a"), remove("zzz")], "does not hold"),
        ([PROTOCOL, metadata(), add("%ff")], "UTF-8"),
    ],
)
def test_actions_that_make_no_table_are_damage(tmp_path: Path, actions: list[dict[str, Any]], what: str) -> None:
    commit(tmp_path, 0, *actions)
    with pytest.raises(UnreadableData, match=what):
        snapshot(tmp_path)


@pytest.mark.parametrize("path", ["../other/a", "a/../../b", "file:///x/../etc/passwd", "a%2F..%2F..%2Fb", "a%00b"])
def test_paths_that_climb_are_refused(tmp_path: Path, path: str) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add(path))
    with pytest.raises(UnsupportedData, match=r"'\.\.'"):
        snapshot(tmp_path)


def test_one_commit_that_adds_and_removes_a_file_has_no_order_and_is_refused(tmp_path: Path) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a"))
    commit(tmp_path, 1, add("a"), remove("a"))
    with pytest.raises(UnreadableData, match="same file"):
        snapshot(tmp_path)


def test_a_checkpoint_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a"))
    commit(tmp_path, 1, add("b"))
    file = checkpoint(tmp_path, f"{1:020d}.checkpoint.parquet", PROTOCOL, metadata(), add("a"), add("b"))
    whole = file.read_bytes()
    for damaged in (b"", b"PAR1", whole[: len(whole) // 2], whole[:40] + b"\xff" * 40 + whole[80:]):
        file.write_bytes(damaged)
        with pytest.raises(UnreadableData, match=r"checkpoint\.parquet"):
            snapshot(tmp_path)
    pq.write_table(pa.table({"x": [1]}), file)
    with pytest.raises(UnreadableData, match="no checkpoint"):
        snapshot(tmp_path)


@pytest.mark.parametrize("make", [lambda log: None, Path.mkdir, Path.touch])
def test_a_log_that_is_missing_or_empty_is_damage(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "_delta_log")
    with pytest.raises(UnreadableData, match="_delta_log"):
        snapshot(tmp_path)


def test_damaged_statistics_are_as_good_as_none(tmp_path: Path) -> None:
    bad = ["{", "[]", '{"numRecords": -1}', '{"numRecords": "1"}', '{"numRecords": true}', '{"numRecords": 1.5}']
    commit(tmp_path, 0, PROTOCOL, metadata(), *(add(f"{i}", stats=stats) for i, stats in enumerate(bad)))
    assert [file.rows for file in snapshot(tmp_path).files] == [None] * len(bad)
