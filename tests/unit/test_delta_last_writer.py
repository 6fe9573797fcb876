"""The last writer of a Delta table: from its newest commit that changed data; what it says of itself, and no more."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.catalog.delta_tables import LAST_WRITER
from r2d2.catalog.discovery import discover
from r2d2.config import DiscoverySettings
from r2d2.lake.delta_log import replay_delta
from r2d2.lake.delta_writers import LastWriter
from r2d2.lake.local_storage import LocalStorage
from r2d2.model.dataset import Dataset
from tests.unit.test_delta_log import PROTOCOL, add, metadata, remove
from tests.usage_fakes import usages

AT = 1_790_000_000_000
RUNTIME = {"userId": "42", "userName": "ann@corp", "engineInfo": "Databricks-Runtime/16.4", "timestamp": AT}
JOB = {"jobId": "77", "jobName": "nightly copy", "jobOwnerId": "42", "triggerType": "cron"}


def commit(table: Path, version: int, *actions: dict[str, Any], **info: Any) -> None:
    log = table / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    first = [{"commitInfo": info}] if info else []
    text = "".join(json.dumps(action) + "\n" for action in (*first, *actions))
    (log / f"{version:020d}.json").write_text(text)


def last(table: Path, within: tuple[str, ...] = ()) -> LastWriter | None:
    return replay_delta(LocalStorage(), str(table), within).last_writer


def test_the_newest_commit_that_changed_data_names_the_writer(tmp_path: Path) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a"), **RUNTIME | {"userName": "old"})
    commit(tmp_path, 1, add("b"), **RUNTIME, job=JOB, operation="WRITE")
    commit(
        tmp_path, 2, {"remove": {**remove("b")["remove"], "dataChange": False}}, add("c", dataChange=False), **RUNTIME
    )
    assert last(tmp_path) == LastWriter("nightly copy", "ann@corp", "Databricks-Runtime/16.4", AT)


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (
            {"timestamp": AT, "engineInfo": "Apache-Spark/4.1 Delta-Lake/4.4"},
            ("", "", "Apache-Spark/4.1 Delta-Lake/4.4"),
        ),
        ({"timestamp": AT, "clientVersion": "delta-rs.0.2"}, ("", "", "delta-rs.0.2")),
        ({"timestamp": AT, "userId": "7", "job": {"jobId": "5"}}, ("job 5", "7", "")),
        ({"timestamp": AT, "userName": "u", "notebook": {"notebookId": "9"}}, ("notebook 9", "u", "")),
        ({"timestamp": AT}, None),
        ({"userName": "u"}, None),
        ({"timestamp": "now", "userName": "u"}, None),
        ({"timestamp": True, "userName": "u"}, None),
        ({"timestamp": AT, "userName": ["u"], "job": "x", "engineInfo": 5}, None),
    ],
)
def test_what_a_commit_says_of_itself(tmp_path: Path, info: dict[str, Any], expected: tuple[str, ...] | None) -> None:
    commit(tmp_path, 0, PROTOCOL, metadata(), add("a"), **info)
    found = last(tmp_path)
    assert (found[:3] if found else None) == expected


def checkpoint(table: Path, version: int) -> None:
    schema = pa.schema(
        {
            "protocol": pa.struct({"minReaderVersion": pa.int32()}),
            "metaData": pa.struct(
                {"id": pa.string(), "schemaString": pa.string(), "partitionColumns": pa.list_(pa.string())}
            ),
            "add": pa.struct({"path": pa.string(), "size": pa.int64(), "modificationTime": pa.int64()}),
        }
    )
    meta = {key: metadata()["metaData"][key] for key in ("id", "schemaString", "partitionColumns")}
    rows = [
        {"protocol": {"minReaderVersion": 1}},
        {"metaData": meta},
        {"add": {"path": "a", "size": 1, "modificationTime": 5}},
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema), table / f"_delta_log/{version:020d}.checkpoint.parquet")


def test_behind_a_checkpoint_the_commits_that_still_lie_there_tell(tmp_path: Path) -> None:
    commit(tmp_path, 3, add("a"), **RUNTIME, job=JOB)
    commit(tmp_path, 4, add("a", dataChange=False), **RUNTIME)
    checkpoint(tmp_path, 4)
    found = last(tmp_path)
    assert found is not None
    assert found.job == "nightly copy"


def test_a_damaged_or_missing_commit_behind_a_checkpoint_spoils_nothing(tmp_path: Path) -> None:
    commit(tmp_path, 4, add("a"), **RUNTIME)
    checkpoint(tmp_path, 4)
    (tmp_path / "_delta_log" / f"{4:020d}.json").write_text('{"commitInfo": {"userN')
    assert last(tmp_path) is None
    (tmp_path / "_delta_log" / f"{4:020d}.json").unlink()
    assert last(tmp_path) is None


def test_a_commit_behind_a_checkpoint_that_is_a_link_out_of_the_roots_is_not_read(tmp_path: Path) -> None:
    table, outside = tmp_path / "lake", tmp_path / "outside"
    commit(outside, 4, add("a"), **RUNTIME)
    (table / "_delta_log").mkdir(parents=True)
    (table / "_delta_log" / f"{4:020d}.json").symlink_to(outside / "_delta_log" / f"{4:020d}.json")
    checkpoint(table, 4)
    assert last(table, (str(table),)) is None
    assert last(table, (str(tmp_path),)) is not None


def table_of(directory: Path, **configuration: str) -> Dataset:
    commit(directory / "t", 0, PROTOCOL, metadata(**configuration), add("a.parquet"), **RUNTIME, job=JOB)
    (directory / "t/a.parquet").write_bytes(b"x")
    (found,) = discover([str(directory)], DiscoverySettings(), None, None).candidates
    return Dataset("t", "delta", found.location, found.version, properties=found.properties)


def test_the_writer_is_a_producer_and_a_proposed_owner(tmp_path: Path) -> None:
    usage = usages([table_of(tmp_path)])["t"]
    assert (usage.owner, usage.owner_source) == ("ann@corp", "delta commit")
    assert usage.last_writer is not None
    assert usage.last_writer.at == datetime.fromtimestamp(AT / 1000, UTC)
    assert [(job.name, job.live) for job in usage.producers] == [("nightly copy", False)]


def test_a_table_property_can_not_forge_a_writer(tmp_path: Path) -> None:
    commit(tmp_path / "t", 0, PROTOCOL, metadata(**{LAST_WRITER: "mallory"}), add("a.parquet"))
    (tmp_path / "t/a.parquet").write_bytes(b"x")
    (found,) = discover([str(tmp_path)], DiscoverySettings(), None, None).candidates
    assert found.properties[LAST_WRITER] is None
