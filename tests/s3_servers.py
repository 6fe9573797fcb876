"""A real S3 endpoint on this machine, and a proxy before it that fails as stores do."""

from __future__ import annotations

import http.client
import itertools
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

#: A key as AWS makes them, with what URLs, shells and XML have to escape.
SECRET = "aws/Secret+Key=%&'\"<é>"[:18] + "0123456789"


@contextmanager
def s3_endpoint() -> Iterator[str]:
    """The URL of an empty endpoint."""
    from moto.server import ThreadedMotoServer
    from werkzeug.serving import WSGIRequestHandler

    WSGIRequestHandler.disable_nagle_algorithm = True
    _list_as_s3()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def _list_as_s3() -> None:
    """*Seen*: moto lists directories of which only deleted versions are left; S3 lists none of those."""
    from moto.s3.models import FakeDeleteMarker, S3Backend

    listed = S3Backend.list_objects
    if hasattr(listed, "__wrapped__"):
        return

    @wraps(listed)
    def of_what_is_there(self: Any, bucket: Any, *args: Any, **options: Any) -> Any:
        keys, folders, truncated, marker = listed(self, bucket, *args, **options)
        gone = any(isinstance(key, FakeDeleteMarker) for key in bucket.keys.values())
        there = [name for name, key in bucket.keys.items() if not isinstance(key, FakeDeleteMarker)] if gone else []
        held = [folder for folder in folders if not gone or any(name.startswith(folder) for name in there)]
        return keys, held, truncated, marker

    S3Backend.list_objects = of_what_is_there


def written_at(bucket: str) -> dict[str, datetime]:
    """When each object of a bucket was written last."""
    return {name: key.last_modified for name, key in _keys(bucket).items()}


def set_written_at(bucket: str, times: Mapping[str, datetime]) -> None:
    """Makes objects as old as others were before them, which no request can."""
    for name, time in times.items():
        _keys(bucket)[name].last_modified = time


def _keys(bucket: str) -> Mapping[str, Any]:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    keys: Mapping[str, Any] = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys
    return keys


@contextmanager
def environment(endpoint: str) -> Iterator[None]:
    """What leads there, besides AWS's own variables, which are gone meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN", "AWS_SDK_UA_APP_ID"):
            patch.delenv(name, raising=False)
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "AKIAR2D2TESTS",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        yield


def bucket(endpoint: str, name: str) -> Any:
    """Makes a bucket; a client that is not r2d2's, to look and write with."""
    import boto3

    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket=name)
    return client


class Faults:
    """Which calls fail and how: each way in turn, every ``n``-th call."""

    WAYS = ("500", "503", "429", "reset", "lost answer", "cut answer")

    def __init__(self, every: int, ways: tuple[str, ...] = WAYS) -> None:
        self.every = every
        self.calls, self.failed = 0, Counter[str]()
        self.reads: Counter[str] = Counter()
        self.asked: list[tuple[str, str]] = []  # method and path of each call
        self._ways, self._lock = itertools.cycle(ways), threading.Lock()

    def next(self, method: str, path: str) -> str:
        """How the call fails; empty if it does not."""
        with self._lock:
            self.calls += 1
            self.reads[unquote(path)] += method == "GET"
            if self.calls % self.every:
                return ""
            way = next(self._ways)
            self.failed[way] += 1
            return way

    def passed_on(self) -> None:
        """The store has done what it was asked; its answer is not sent yet."""


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the body waits 40 ms for the client to have confirmed the headers
    target: str
    faults: Faults

    def log_message(self, *_: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.faults.asked.append((self.command, self.path))
        way = self.faults.next(self.command, self.path)
        if way.isdigit():
            self._answer(int(way), {"Content-Type": "application/xml"}, b"<Error><Code>SlowDown</Code></Error>", "")
        elif way == "reset":
            self._drop()
        else:
            status, headers, content = self._ask(body)
            self.faults.passed_on()
            if way == "lost answer":
                self._drop()
            else:
                self._answer(status, headers, content, way)

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.target).netloc, timeout=30)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], content: bytes, way: str) -> None:
        self.send_response_only(status)
        kept = {
            k: v for k, v in headers.items() if k.lower() not in ("connection", "transfer-encoding", "content-length")
        }
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
        for name, value in {**kept, "Content-Length": length}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if way == "cut answer" else content)
        if way == "cut answer":
            self._drop()

    def _drop(self) -> None:
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()
        self.close_connection = True

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _forward  # noqa: N815


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no error here."""


@contextmanager
def faulty(endpoint: str, faults: Faults) -> Iterator[str]:
    """The URL of a proxy before ``endpoint``."""
    server = _Server(("127.0.0.1", 0), type("Proxy", (_Proxy,), {"target": endpoint, "faults": faults}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
