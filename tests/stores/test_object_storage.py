"""An object store, hostile keys and failing calls included, is listed, read and written as it is."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from r2d2.catalog.discovery import discover
from r2d2.catalog.listing import plain_candidate
from r2d2.config import DiscoverySettings
from r2d2.errors import EnvironmentMissing, UnreadableData
from r2d2.lake import object_client, object_listing, object_requests, object_storage
from r2d2.lake.object_client import delta_options, open_client
from r2d2.lake.staging import changed, stage
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import DataFile
from tests.s3_servers import SECRET, Faults, environment, faulty

READABLE = ["a b.csv", "x%20y.csv", "q?.csv", "k=1/[x]*.csv", "#.csv", "plus+.csv", "'q\".csv", "{a}.csv", "é/😀.csv"]
READABLE += ["back\\slash.csv", "dir.csv/part", "dir.csv", "k::v.csv", "n:1@2.csv"]
UNREADABLE = ["a//b.csv", "./c.csv", "d/../e.csv", "tab\t.csv", "esc\x1b[31m.csv"]


def fill(client: Any, bucket: str, keys: list[str]) -> None:
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())


def test_every_key_is_listed_as_it_is_and_read(s3: str, other_client: Any) -> None:
    fill(other_client, s3, READABLE)
    storage = storage_for(f"s3://{s3}")
    tree = storage.tree(f"s3://{s3}", [])
    assert [found.name for found in tree.files] == sorted(READABLE)
    assert tree.unlisted == ()
    for found in tree.files:
        assert storage_for(found.stat.path).read_bytes(found.stat.path).decode() == found.name
        assert storage.stat(found.stat.path) == found.stat
        assert found.stat.tag == f'"{hashlib.md5(found.name.encode()).hexdigest()}"'


def test_a_key_that_no_path_spells_is_said_and_the_rest_is_listed(s3: str, other_client: Any) -> None:
    fill(other_client, s3, [*READABLE, *UNREADABLE, *(f"t/{key}" for key in UNREADABLE)])
    for root in (f"s3://{s3}", f"s3://{s3}/t"):
        tree = storage_for(root).tree(root, [])
        assert [found.name for found in tree.files] == (sorted(READABLE) if root.endswith(s3) else [])
        bad = {entry.name for entry in tree.unlisted}
        assert {"tab\t.csv", "esc\x1b[31m.csv"} <= bad
        assert all("empty or dotted part" in entry.reason for entry in tree.unlisted)
        assert len(bad) == (10 if root.endswith(s3) else 5)


def test_empty_objects_that_stand_for_directories_are_no_files(s3: str, other_client: Any) -> None:
    keys = ["t/", "t/_delta_log/", "t.csv/", "t.csv/part.csv", "empty.csv", "u/_SUCCESS", "u/none", "t.csv"]
    for key in keys:
        other_client.put_object(Bucket=s3, Key=key, Body=b"")
    tree = storage_for(f"s3://{s3}").tree(f"s3://{s3}", [])
    assert [found.name for found in tree.files] == ["empty.csv", "t.csv", "t.csv/part.csv", "u/_SUCCESS", "u/none"]
    assert tree.directories == ("t", "t.csv", "t/_delta_log", "u")
    assert storage_for(f"s3://{s3}").names(f"s3://{s3}/t") == ["_delta_log"]


def test_more_than_a_page_is_listed_whole_whatever_its_shape(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a flat directory, in many, and deep down."""
    for module in (object_requests, object_listing):
        monkeypatch.setattr(module, "PAGE", 20)
    storage = storage_for(f"s3://{s3}")
    names = [f"flat/{i:04}" for i in range(101)] + [f"many/d{i:03}/x" for i in range(50)]
    names += [f"deep/a/b/c{i % 40}/{i:04}" for i in range(100)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: storage.put(f"s3://{s3}/{name}", b"1"), names))
    for root, wanted in ((f"s3://{s3}", names), (f"s3://{s3}/flat", names[:101])):
        tree = storage.tree(root, [], [f"s3a://{s3}/many/d007"])
        below = [f"{s3}/{name}".removeprefix(root.removeprefix("s3://") + "/") for name in wanted]
        assert [found.name for found in tree.files] == sorted(set(below) - {"many/d007/x"})


def test_a_read_is_of_the_version_that_was_listed(s3: str, tmp_path: Path) -> None:
    storage, url = storage_for(f"s3://{s3}"), f"s3://{s3}/a.csv"
    storage.put(url, b"one")
    file = DataFile(*storage.stat(url))
    assert not changed([file])
    with storage.open(url, file.tag) as opened:
        storage.put(url, b"two")
        with pytest.raises(OSError, match="has changed"):
            opened.read()
    with pytest.raises(UnreadableData, match="has changed"):
        stage([file], tmp_path / "s")
    assert changed([file])


def test_content_of_the_same_length_and_second_is_another_version(s3: str) -> None:
    storage, url = storage_for(f"s3://{s3}"), f"s3://{s3}/t/a.csv"
    seen = set()
    for content in (b"a\n1\n", b"a\n2\n"):
        storage.put(url, content)
        (candidate,) = discover([f"s3://{s3}"], DiscoverySettings(), None, None).candidates
        seen.add(candidate.version)
        assert plain_candidate(candidate).fingerprint == candidate.version
    assert len(seen) == 2


def test_only_one_of_many_writers_makes_an_object_and_only_the_newest_version_is_replaced(s3: str) -> None:
    storage, url = storage_for(f"s3://{s3}"), f"s3://{s3}/lock"

    def attempt(number: int) -> bool:
        try:
            storage.put(url, f"{number}".encode(), only_if="")
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
    first = storage.stat(url).version
    second = storage.put(url, b"second", only_if=first)
    assert second == storage.stat(url).version
    with pytest.raises(FileExistsError):
        storage.put(url, b"third", only_if=first)
    assert storage.read_bytes(url) == b"second"
    with pytest.raises(FileExistsError):
        storage.delete(url, only_if=first)
    storage.delete(url, only_if=second)
    with pytest.raises(FileNotFoundError):
        storage.stat(url)


@pytest.mark.parametrize("size", [0, 5, 3_000_000])
def test_objects_are_copied_and_moved_to_free_names_only(s3: str, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(object_storage, "_MOST_COPIED", 1_000_000)
    storage, content = storage_for(f"s3://{s3}"), b"x" * size
    a, b, c = (f"s3://{s3}/{name}" for name in "abc")
    storage.put(a, content)
    storage.copy(a, b)
    storage.rename(a, c)
    assert storage.read_bytes(b) == storage.read_bytes(c) == content
    assert storage.names(f"s3://{s3}") == ["b", "c"]
    with pytest.raises(FileExistsError):
        storage.copy(b, c)
    with pytest.raises(FileExistsError):
        storage.rename(b, c)


@pytest.mark.parametrize("way", Faults.WAYS)
def test_what_fails_for_a_moment_is_tried_again(endpoint: str, s3: str, way: str) -> None:
    """Every second call fails, a write whose answer is lost included: it counts once."""
    with faulty(endpoint, faults := Faults(2, (way,))) as url, environment(url):
        storage, content = storage_for(f"s3://{s3}"), bytes(range(256)) * 8000
        for number in range(3):
            storage.put(f"s3://{s3}/{number}", content + bytes([number]), only_if="")
        tree = storage.tree(f"s3://{s3}", [])
        assert [found.name for found in tree.files] == ["0", "1", "2"]
        for number, found in enumerate(tree.files):
            with storage.open(found.stat.path, found.stat.tag) as source:
                assert source.read() == content + bytes([number])
        version = storage.put(f"s3://{s3}/0", b"new", only_if=tree.files[0].stat.version)
        storage.delete(f"s3://{s3}/0", only_if=version)
        assert storage.names(f"s3://{s3}") == ["1", "2"]
    assert faults.failed[way] > 5


def test_a_call_that_hangs_is_tried_again(endpoint: str, s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(object_client, "_STALLED", timedelta(milliseconds=300))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setitem(object_client._RETRY, "max_retries", 2)
        with (
            environment(f"http://127.0.0.1:{silent.getsockname()[1]}"),
            pytest.raises(OSError, match=r"s3://") as caught,
        ):
            storage_for(f"s3://{s3}").read_bytes(f"s3://{s3}/x")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("status", ["403", "404", "400"])
def test_what_fails_for_good_fails_at_once_and_says_what_the_store_answered(
    endpoint: str, s3: str, status: str
) -> None:
    with faulty(endpoint, faults := Faults(1, (status,))) as url, environment(url):
        kind = {"403": PermissionError, "404": FileNotFoundError}.get(status, OSError)
        with pytest.raises(kind, match=r"s3://.*answers 4") as caught:
            storage_for(f"s3://{s3}").read_bytes(f"s3://{s3}/a.csv")
    assert faults.calls == 1
    assert "\n" not in str(caught.value)
    assert url not in str(caught.value)


def test_a_hundred_reads_at_once_give_one_digest(endpoint: str, s3: str, tmp_path: Path) -> None:
    """While every 20th call fails."""
    content = bytes(range(251)) * 4000
    storage_for(f"s3://{s3}").put(f"s3://{s3}/a.parquet", content)
    with faulty(endpoint, faults := Faults(20)) as url, environment(url):
        file = DataFile(*storage_for(f"s3://{s3}").stat(f"s3://{s3}/a.parquet"))

        def digest(number: int) -> str:
            (path,) = stage([file], tmp_path / str(number))
            found = hashlib.sha256(path.read_bytes()).hexdigest()
            path.unlink()
            return found

        with ThreadPoolExecutor(100) as pool:
            assert set(pool.map(digest, range(100))) == {hashlib.sha256(content).hexdigest()}
    assert set(faults.failed) == set(Faults.WAYS)


def test_the_newest_version_of_a_versioned_bucket_is_read_and_a_deleted_one_is_gone(s3: str, other_client: Any) -> None:
    other_client.put_bucket_versioning(Bucket=s3, VersioningConfiguration={"Status": "Enabled"})
    storage, url = storage_for(f"s3://{s3}"), f"s3://{s3}/a.csv"
    first = storage.put(url, b"one")
    storage.put(url, b"two", only_if=first)
    assert storage.read_bytes(url) == b"two"
    assert storage.tree(f"s3://{s3}", []).files[0].stat == storage.stat(url)
    storage.delete(url)
    assert storage.tree(f"s3://{s3}", []).files == ()


def test_credentials_come_from_a_profile_where_the_environment_has_none(
    endpoint: str, s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage_for(f"s3://{s3}").put(f"s3://{s3}/a", b"1")
    (tmp_path / "credentials").write_text(f"[team]\naws_access_key_id = P1\naws_secret_access_key = {SECRET}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert storage_for(f"s3://{s3}").read_bytes(f"s3://{s3}/a") == b"1"
    (tmp_path / "config").write_text("[profile team]\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.delenv("AWS_REGION")
    assert (delta_options("s3://b/state") or {})["aws_region"] == "eu-west-3"
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(EnvironmentMissing, match="nobody"):
        storage_for(f"s3://{s3}").read_bytes(f"s3://{s3}/a")


def test_a_public_bucket_is_read_unsigned(s3: str, other_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    other_client.put_object(Bucket=s3, Key="a", Body=b"1", ACL="public-read")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    assert storage_for(f"s3://{s3}").read_bytes(f"s3://{s3}/a") == b"1"


@pytest.mark.parametrize(
    "url", ["gs://bucket", "abfss://container@account.dfs.core.windows.net", "abfs://container", "s3://bucket"]
)
def test_a_client_is_made_for_each_kind_of_store(url: str) -> None:
    """What they answer is tested on S3 only."""
    scheme, _, authority = url.partition("://")
    environ = {"AZURE_STORAGE_ACCOUNT_NAME": "account"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
        assert open_client({"abfss": "abfs"}.get(scheme, scheme), authority, environ)
