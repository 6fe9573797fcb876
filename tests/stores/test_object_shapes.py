"""Objects that stand for directories, have one name with others, may not be looked at, or go while they are listed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from r2d2.catalog.discovery import discover
from r2d2.config import DiscoverySettings
from r2d2.errors import LakeError
from r2d2.lake.object_listing import _Work
from r2d2.lake.object_storage import ObjectStorage
from r2d2.lake.object_tree import stat_of
from r2d2.lake.storage import storage_for
from r2d2.lake.urls import url_identity
from tests.s3_servers import environment, faulty
from tests.stores.test_lease_faults import Some


def put(client: Any, bucket: str, **objects: bytes) -> None:
    for key, content in objects.items():
        client.put_object(Bucket=bucket, Key=key, Body=content)


def test_a_file_beside_a_marker_of_its_name_is_listed_as_the_file(s3: str, other_client: Any) -> None:
    put(other_client, s3, **{"t.csv": b"a\n1\n", "t.csv/": b"", "u.csv": b"b\n1\n", "u.csv/": b"a\n2\n3\n"})
    storage = storage_for(f"s3://{s3}")
    tree = storage.tree(f"s3://{s3}", [])
    assert [found.name for found in tree.files] == ["t.csv", "u.csv"]
    assert all(storage.stat(found.stat.path) == found.stat for found in tree.files)
    assert [entry.name for entry in tree.unlisted] == ["u.csv/"], "it has rows, and no path leads to it"


def test_a_root_that_an_empty_object_stands_for_is_a_directory(s3: str, other_client: Any) -> None:
    put(other_client, s3, **{"lake": b"", "lake/t.csv": b"a\n1\n", "empty": b""})
    assert [found.name for found in storage_for(f"s3://{s3}").tree(f"s3://{s3}/lake", []).files] == ["t.csv"]
    assert storage_for(f"s3://{s3}").tree(f"s3://{s3}/empty", []).is_file


@pytest.mark.parametrize("status", ["403", "400", "404"])
def test_an_object_that_may_not_be_looked_at_or_is_gone_leaves_the_others(
    endpoint: str, s3: str, other_client: Any, status: str
) -> None:
    """One that is encrypted with a key of the client's answers 400."""
    put(other_client, s3, **{"a//bad.csv": b"1", "a/t.csv": b"a\n1\n", "a/z.csv": b"a\n2\n", "b/none": b""})
    with faulty(endpoint, Some(status, "HEAD", "/a/z.csv")) as url, environment(url):
        tree = storage_for(f"s3://{s3}").tree(f"s3://{s3}", [])
    assert [found.name for found in tree.files] == ["a/t.csv", "b/none"]
    refused = [entry.reason for entry in tree.unlisted if entry.name == "a/z.csv"]
    assert len(refused) == (status != "404")
    assert all(status in reason for reason in refused)
    with faulty(endpoint, Some(status, "HEAD", "/b/none")) as url, environment(url):
        names = [found.name for found in storage_for(f"s3://{s3}").tree(f"s3://{s3}/b", []).files]
    assert names == ([] if status == "404" else ["none"])


def test_a_root_is_not_read_as_plain_files_where_the_log_above_it_may_have_been_missed(
    endpoint: str, s3: str, other_client: Any
) -> None:
    put(other_client, s3, **{"t/_delta_log/00000000000000000000.json": b"{}", "t/k=1/a.csv": b"a\n1\n"})
    with (
        faulty(endpoint, Some("400", "GET", "_delta_log")) as url,
        environment(url),
        pytest.raises(LakeError, match="_delta_log: can't be listed"),
    ):
        discover([f"s3://{s3}/t/k=1"], DiscoverySettings(), None, None)


def test_two_spellings_of_one_root_are_two_names_of_its_datasets(s3: str, other_client: Any) -> None:
    put(other_client, s3, **{"lake/t.csv": b"a\n1\n"})
    (candidate,) = discover([f"s3://{s3}/lake", f"s3a://{s3}//lake/"], DiscoverySettings(), None, None).candidates
    assert len(candidate.names) == 1


def test_all_names_of_one_place_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "acme")
    spellings = ["az://c/x", "abfs://c/x/", "abfss://c@acme.dfs.core.windows.net/x", "abfs://c@acme//x"]
    assert len({url_identity(url) for url in spellings}) == 1
    assert url_identity("abfss://c@other.dfs.core.windows.net/x") != url_identity("az://c/x")


def test_a_tag_is_the_same_with_and_without_quotes(s3: str) -> None:
    """ADLS lists it without, and gives it with them in a header."""
    storage, url = storage_for(f"s3://{s3}"), f"s3://{s3}/a"
    storage.put(url, b"1")
    assert isinstance(storage, ObjectStorage)
    meta = storage.client.head("a")
    assert stat_of(url, {**meta, "e_tag": (meta["e_tag"] or "").strip('"')}) == storage.stat(url)


def test_a_listing_that_nobody_wants_any_more_ends_however_many_pages_wait(s3: str) -> None:
    storage = storage_for(f"s3://{s3}")
    assert isinstance(storage, ObjectStorage)
    work = _Work(storage.client, lambda _: False, lambda _: ([], [], []))
    while not work.found.full():
        work.found.put([])
    with ThreadPoolExecutor(1) as pool:
        work.start(pool, "")
        time.sleep(0.5)  # it has listed all there is, and can't say so
        work.stop()
        assert pool.submit(bool).result(10) is False
