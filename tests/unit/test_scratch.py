"""A scratch place leaves a lake as it was, on disk and in a store, whatever happens in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from r2d2.catalog.discovery import discover
from r2d2.config import DiscoverySettings
from r2d2.errors import LakeError
from r2d2.lake.scratch import PREFIX, scratch_place

TABLE = pa.table({"x": [1, 2, 3]})


@pytest.fixture
def bucket() -> Iterator[str]:
    """A directory of a bucket on a real S3 endpoint, with one object."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_REGION": "us-east-1"}
    with pytest.MonkeyPatch.context() as patch:
        for key, value in {**endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "hidden"}.items():
            patch.setenv(key, value)
        client = boto3.client("s3", endpoint_url=endpoint["AWS_ENDPOINT_URL"])
        client.create_bucket(Bucket="scratch-lake")
        client.put_object(Bucket="scratch-lake", Key="lake/own.csv", Body=b"a\n1\n")
        yield "s3://scratch-lake/lake"
    server.stop()


def test_what_is_written_is_read_and_gone_afterwards(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("a\n1\n")
    before = os.stat(tmp_path / "own.csv")
    with scratch_place(str(tmp_path)) as place:
        size = place.write("t.parquet", TABLE)
        (found,) = tmp_path.glob(f"{PREFIX}*/t.parquet")
        assert found.stat().st_size == size
        assert place.read("t.parquet").equals(TABLE)
        listing = discover([str(tmp_path)], DiscoverySettings(), None, None)
        assert [candidate.id for candidate in listing.candidates] == ["own.csv"], "it is no dataset meanwhile"
    assert [path.name for path in tmp_path.iterdir()] == ["own.csv"]
    assert os.stat(tmp_path / "own.csv") == before


def test_it_is_gone_after_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not-there"), scratch_place(str(tmp_path)) as place:
        place.read("not-there")
    assert not list(tmp_path.iterdir())


def test_a_store_holds_the_same_objects_afterwards(bucket: str) -> None:
    import boto3

    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])

    def keys() -> list[str]:
        return [entry["Key"] for entry in client.list_objects_v2(Bucket="scratch-lake")["Contents"]]

    with scratch_place(bucket) as place:
        place.write("t.parquet", TABLE)
        assert place.read("t.parquet").equals(TABLE)
        assert any(PREFIX in key for key in keys())
    assert keys() == ["lake/own.csv"]


@pytest.mark.parametrize("where", ["missing", "file.csv", "closed"])
def test_a_place_that_can_not_be_written_to_is_named(tmp_path: Path, where: str) -> None:
    (tmp_path / "file.csv").write_text("a\n1\n")
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed").chmod(0o500)
    if where == "closed" and os.access(tmp_path / "closed", os.W_OK):
        pytest.skip("root may write anywhere")
    with pytest.raises(LakeError, match=where), scratch_place(str(tmp_path / where)):
        pass
