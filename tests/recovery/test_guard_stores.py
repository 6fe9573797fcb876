"""Guard and purge where the parent lies in a bucket, which keeps older versions or does not (DELETION 4)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from botocore.config import Config
from deltalake import DeltaTable, write_deltalake

from r2d2.lake import object_versions
from r2d2.lake.object_versions import version_with, versions_kept_for
from r2d2.lake.storage import storage_for
from r2d2.recovery.apply import Outcome
from r2d2.recovery.guard.frozen import decide
from r2d2.recovery.guard.guard import Finding, Verdict, guard
from r2d2.recovery.moves import placing
from r2d2.recovery.purge import purge
from r2d2.recovery.records.receipts import of_dataset
from tests.recovery.guarded import NOW, ROWS, SLICE
from tests.recovery.test_guard_decisions import Killed
from tests.recovery_runs import ALL, at_work, give_back, recover_all, retire
from tests.s3_servers import environment, faulty
from tests.sampling import FULL, some
from tests.stores.test_lease_faults import Some


def put(lake: str, name: str, rows: pa.Table) -> None:
    data = BytesIO()
    pq.write_table(rows, data)
    storage_for(lake).put(f"{lake}/{name}", data.getvalue())


def versioned(client: Any, bucket: str, *rules: dict[str, Any]) -> None:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    if rules:
        configuration = {"Rules": [{"ID": str(n), "Status": "Enabled", **rule} for n, rule in enumerate(rules)]}
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=configuration)


def retired(bucket: str, state: Path) -> str:
    """A lake in a bucket with a retired slice of ``all.parquet``, at which the guard has looked."""
    lake = f"s3://{bucket}/lake"
    put(lake, "all.parquet", ROWS)
    put(lake, "slice.parquet", SLICE)
    (outcome,) = retire(lake, state, ("slice.parquet", "all.parquet"))
    assert outcome.done, outcome
    assert guarded(lake, state).verdict is Verdict.GOOD
    return lake


def guarded(lake: str, state: Path) -> Finding:
    with at_work(lake, state) as recovery:
        (finding,) = guard(recovery, NOW)
    return finding


def purged(lake: str, state: Path) -> Outcome:
    with at_work(lake, state) as recovery:
        (outcome,) = purge(recovery, timedelta(0), lambda _: True, lambda _: (), now=datetime.now(UTC))
    return outcome


def rows_of(lake: str) -> pa.Table:
    return pq.read_table(BytesIO(storage_for(lake).read_bytes(f"{lake}/slice.parquet"))).sort_by("id")


@pytest.mark.parametrize("change", some(["overwritten", "deleted"], 1))
def test_a_parent_in_a_bucket_that_keeps_versions_loses_no_row(
    s3: str, other_client: Any, tmp_path: Path, change: str
) -> None:
    versioned(other_client, s3)
    lake = retired(s3, tmp_path / "state")
    outcome = purged(lake, tmp_path / "state")
    assert outcome.done, outcome
    if change == "overwritten":
        put(lake, "all.parquet", ROWS.slice(0, 10))
    else:
        other_client.delete_object(Bucket=s3, Key="lake/all.parquet")
    finding = guarded(lake, tmp_path / "state")
    assert finding.verdict is Verdict.RESTORED, finding
    assert rows_of(lake) == SLICE
    left = [page["Key"] for page in other_client.list_objects_v2(Bucket=s3)["Contents"] if "/scratch/" in page["Key"]]
    assert not left


def test_a_store_that_does_not_say_what_it_keeps_has_lost_nothing_yet(
    s3: str, other_client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versioned(other_client, s3)
    lake = retired(s3, tmp_path / "state")
    assert purged(lake, tmp_path / "state").done
    other_client.delete_object(Bucket=s3, Key="lake/all.parquet")
    nobody = boto3.client("s3", endpoint_url="http://127.0.0.1:9", config=Config(retries={"max_attempts": 0}))
    with monkeypatch.context() as patch:
        patch.setattr(object_versions, "_client", lambda: nobody)
        finding = guarded(lake, tmp_path / "state")
    assert (finding.verdict, "s3:ListBucketVersions" in finding.hint) == (Verdict.UNSURE, True), finding
    assert guarded(lake, tmp_path / "state").verdict is Verdict.RESTORED


@pytest.mark.parametrize("times", [1, 1000])
def test_a_parent_whose_footer_is_refused_for_the_moment_is_neither_damaged_nor_gone(
    endpoint: str, s3: str, tmp_path: Path, times: int
) -> None:
    lake = retired(s3, tmp_path / "state")
    put(lake, "all.parquet", ROWS.take(list(reversed(range(2000)))))
    refused = Some("403", "GET", "/all.parquet")
    refused.left = times
    with faulty(endpoint, refused) as url, environment(url):
        finding = guarded(lake, tmp_path / "state")
    assert refused.left < times
    assert (finding.verdict, "403" in finding.what) == (
        (Verdict.CARRIED, False) if times == 1 else (Verdict.UNSURE, True)
    ), finding
    assert guarded(lake, tmp_path / "state").verdict is (Verdict.GOOD if times == 1 else Verdict.CARRIED)


def test_a_parent_that_is_damaged_brings_the_dataset_back(s3: str, tmp_path: Path) -> None:
    lake = retired(s3, tmp_path / "state")
    storage_for(lake).put(f"{lake}/all.parquet", b"PAR1, and then nothing more of it")
    finding = guarded(lake, tmp_path / "state")
    assert finding.verdict is Verdict.RESTORED, finding
    assert rows_of(lake) == SLICE


def test_a_parent_in_a_bucket_without_versions_protects_nothing(s3: str, tmp_path: Path) -> None:
    lake = retired(s3, tmp_path / "state")
    assert "keeps no older versions" in purged(lake, tmp_path / "state").what
    put(lake, "all.parquet", ROWS.slice(0, 10))
    assert guarded(lake, tmp_path / "state").verdict is Verdict.RESTORED
    assert rows_of(lake) == SLICE


def expiry(days: int, prefix: str = "") -> dict[str, Any]:
    return {"Filter": {"Prefix": prefix}, "NoncurrentVersionExpiration": {"NoncurrentDays": days}}


def archive(days: int) -> dict[str, Any]:
    move = {"NoncurrentDays": days, "StorageClass": "DEEP_ARCHIVE"}
    return {"Filter": {"Prefix": ""}, "NoncurrentVersionTransitions": [move]}


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ((), None),
        ((expiry(1),), 1),
        ((expiry(90), expiry(30, "lake/")), 30),
        ((expiry(1, "other/"), expiry(9, "lake/deep/")), 9),
        ((expiry(90), archive(3)), 3),
    ],
)
def test_how_long_versions_are_kept(
    s3: str, other_client: Any, rules: tuple[dict[str, Any], ...], days: int | None
) -> None:
    versioned(other_client, s3, *rules)
    kept = versions_kept_for(f"s3://{s3}/lake")
    assert kept == (timedelta.max if days is None else timedelta(days=days))


@FULL
def test_versions_that_expire_too_early_protect_nothing(s3: str, other_client: Any, tmp_path: Path) -> None:
    versioned(other_client, s3, expiry(1))
    lake = retired(s3, tmp_path / "state")
    assert "kept for 1.00 days" in purged(lake, tmp_path / "state").what


def test_a_version_is_found_by_its_etag(s3: str, other_client: Any) -> None:
    versioned(other_client, s3)
    first = other_client.put_object(Bucket=s3, Key="x", Body=b"one")
    other_client.put_object(Bucket=s3, Key="x", Body=b"two")
    other_client.put_object(Bucket=s3, Key="xy", Body=b"three")
    assert version_with(f"s3://{s3}/x", first["ETag"]) == first["VersionId"]
    assert version_with(f"s3://{s3}/x", "none of them") == ""


def test_what_stayed_in_place_is_not_purged_while_another_table_refers_to_it(
    s3: str, other_client: Any, tmp_path: Path
) -> None:
    versioned(other_client, s3)
    lake = retired(s3, tmp_path / "state")
    storage = storage_for(lake)
    schema = json.dumps(
        {"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": True, "metadata": {}}]}
    )
    table = {"id": "1", "format": {"provider": "parquet", "options": {}}, "schemaString": schema}
    add = {"path": f"{lake}/slice.parquet", "partitionValues": {}, "modificationTime": 0, "dataChange": True}
    actions = (
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        {"metaData": {**table, "partitionColumns": [], "configuration": {}}},
        {"add": {**add, "size": storage.stat(f"{lake}/slice.parquet").size}},
    )
    log = f"{lake}/clone/_delta_log/00000000000000000000.json"
    storage.put(log, "\n".join(map(json.dumps, actions)).encode())

    outcome = purged(lake, tmp_path / "state")

    assert not outcome.done
    assert "clone" in outcome.what
    storage.delete(log)
    assert purged(lake, tmp_path / "state").done


@FULL
def test_an_honour_in_a_bucket_is_gone_on_with_between_two_files_whatever_became_of_the_parent(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, disk, state = f"s3://{s3}/lake", tmp_path / "disk", tmp_path / "state"
    write_deltalake(str(disk / "t"), ROWS)
    names = [f"child/day={day}/part.parquet" for day in "ab"]
    for name, day in zip(names, "ab", strict=True):
        put(store, name, SLICE.filter(pc.equal(SLICE["day"], day)).drop_columns(["day"]))
    lakes = [str(disk), store]
    (outcome,) = retire(lakes, state, ("lake/child", "disk/t"), accepted=ALL)
    assert outcome.done, outcome
    DeltaTable(str(disk / "t")).delete("id = 700")
    with at_work(lakes, state) as recovery:
        assert [finding.verdict for finding in guard(recovery, NOW)] == [Verdict.ASKED]
    with monkeypatch.context() as patch:
        patch.setattr(placing, "carry", once(placing.carry))
        with pytest.raises(Killed), at_work(lakes, state) as recovery:
            decide(recovery, of_dataset(recovery.receipts, "lake/child"), "honour", "ann")
    shutil.rmtree(disk / "t")
    recover_all(lakes, state)
    give_back(lakes, state, "lake/child")
    parts = [pq.read_table(BytesIO(storage_for(store).read_bytes(f"{store}/{name}"))) for name in names]
    assert sorted(pa.concat_tables(parts)["id"].to_pylist()) == [i for i in SLICE["id"].to_pylist() if i != 700]


def once(real: Callable[..., bool]) -> Callable[..., bool]:
    """Moves one file, and is killed at the next."""
    left = [True]

    def carry(*given: Any) -> bool:
        if not left:
            raise Killed
        left.pop()
        return real(*given)

    return carry
