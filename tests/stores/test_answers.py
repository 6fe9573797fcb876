"""What stores say in other words than Amazon's: conditions on numbers (GCS), weak tags, and none of a condition."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from r2d2.catalog.store_lease import Lease
from r2d2.errors import LakeError, UsageError
from r2d2.lake.s3_spark import s3a_properties
from r2d2.lake.storage import Storage, storage_for
from tests.s3_servers import SECRET, environment

TAGS = {"strong": '"{}"', "weak": 'W/"{}"'}


class _Store(BaseHTTPRequestHandler):
    """Objects with numbers; conditions as GCS has them, and no notice taken of others."""

    protocol_version = "HTTP/1.1"
    kept: dict[str, tuple[int, bytes]]
    lock: threading.Lock
    tag: str

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.lock:
            now, wanted = self.kept.get(self.path), self.headers.get("x-goog-if-generation-match")
            status = 200 if now or self.command == "PUT" else 404
            if wanted is not None and int(wanted) != (now[0] if now else 0):
                status = 412
            elif self.command == "PUT":
                now = self.kept[self.path] = (now[0] + 1 if now else 1, data)
        content = now[1] if now and status == 200 and self.command != "PUT" else b""
        headers = {"Last-Modified": self.date_time_string()}
        if content and "Range" in self.headers:
            first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
            status, headers["Content-Range"] = 206, f"bytes {first}-{last}/{len(content)}"
            content = content[first : last + 1]
        headers["Content-Length"] = str(len(content))
        self.send_response(status)
        if now:
            headers |= {"ETag": self.tag.format(now[0]), "x-goog-generation": str(now[0])}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_HEAD = _answer  # noqa: N815


@pytest.fixture(params=sorted(TAGS))
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a store of this kind."""
    made = {"kept": {}, "lock": threading.Lock(), "tag": TAGS[request.param]}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Store", (_Store,), made))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    account = {"gcs_base_url": url, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    monkeypatch.setenv("GOOGLE_BASE_URL", url)
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", json.dumps(account))
    with environment(url):
        yield url
    server.shutdown()
    server.server_close()


def test_gcs_replaces_only_the_version_that_was_meant(store: str) -> None:
    storage, url = storage_for("gs://bucket"), "gs://bucket/x"
    first = storage.put(url, b"1", only_if="")
    for condition in ("", '"9"'):
        with pytest.raises(FileExistsError):
            storage.put(url, b"2", only_if=condition)
    second = storage.put(url, b"2", only_if=first)
    assert storage.stat(url).version == second != first
    with pytest.raises(FileExistsError):
        storage.put(url, b"3", only_if=first)
    with pytest.raises(FileExistsError):
        storage.put("gs://bucket/none", b"3", only_if=first)
    assert storage.read_bytes(url) == b"2"


def test_a_lease_is_taken_given_back_and_taken_again_in_gcs(store: str) -> None:
    def lease() -> Lease:
        return Lease(storage_for("gs://bucket"), "gs://bucket/.r2d2.lock")

    first, second = lease(), lease()
    assert first.take() is None
    assert second.take() is not None
    first.give_back()
    assert second.take() is None
    assert second.fence() > 0
    assert not second.abandoned
    second.give_back()


@pytest.mark.parametrize("root", ["s3://bucket", "gs://bucket"])
def test_a_store_that_takes_no_notice_of_a_condition_gives_no_other_version(store: str, root: str) -> None:
    """*Seen*: a weak tag never matches, so that each file seemed to have changed."""
    storage, url = storage_for(root), f"{root}/y"
    storage.put(url, b"one")
    tag = storage.stat(url).tag
    assert _read(storage, url, tag) == b"one"
    with storage.open(url, tag) as opened:
        storage.put(url, b"two")
        with pytest.raises(FileExistsError, match="has changed"):
            opened.read()
    with pytest.raises(FileExistsError, match="has changed"):
        _read(storage, url, tag)


def _read(storage: Storage, url: str, tag: str) -> bytes:
    with storage.open(url, tag) as opened:
        return opened.read()


@pytest.mark.parametrize(
    "endpoint", [f"http://key:{SECRET}@host", "http://h:99999", "not a host", "ftp://host", "http://", "https://h\n"]
)
def test_an_endpoint_that_is_none_or_holds_a_secret_is_refused_and_reaches_no_property(endpoint: str) -> None:
    """*Seen*: the client ended by a panic, and Spark showed the secret among its properties."""
    with environment(endpoint):
        for ask in (lambda: s3a_properties(os.environ), lambda: storage_for("s3://bucket").stat("s3://bucket/x")):
            with pytest.raises(UsageError, match="AWS_ENDPOINT_URL is not the URL of a server") as caught:
                ask()
            assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://key:sec/ret@bucket/x", "must not carry credentials"),
        ("s3://b k/x", "names no bucket"),
        ("s3:///x", "names no bucket"),
        ("simplecache::s3://bucket/x", "chained"),
        ("zip://a.csv::s3://bucket/a.zip", "chained"),
    ],
)
def test_what_is_no_place_in_a_store_is_said_without_a_part_of_a_secret(url: str, words: str) -> None:
    with pytest.raises(LakeError, match=words) as caught:
        storage_for(url)
    assert "sec" not in str(caught.value)
