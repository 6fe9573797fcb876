"""One POST against real servers and proxies that take their time: no part of it takes longer than the limit."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest

from r2d2.semantics.labels.http_post import place_of, post
from tests.semantics.endpoint_server import says, serving

#: Seconds that a request may take here, and that slow ones would take.
LIMIT, SLOW = 0.4, 4.0
#: The start of a TLS record of 16 KB: a handshake whose end does not come.
HELLO = b"\x16\x03\x03\x40\x00"


@contextmanager
def trickling(first: bytes) -> Iterator[tuple[int, Event]]:
    """A port on which whoever comes gets some bytes, and then one more now and then; and whether that was ended."""
    ended = Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(first)
            end = time.monotonic() + SLOW
            while time.monotonic() < end:
                connection.sendall(b" ")
                time.sleep(0.05)
            return
        ended.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], ended
        thread.join()


def timed_out(url: str) -> float:
    """Seconds until a request was given up."""
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        post(place_of("url", url, "/v1"), b"{}", {}, LIMIT)
    return time.monotonic() - start


@pytest.fixture
def _named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)


@pytest.mark.usefixtures("_named")
def test_a_proxy_that_takes_its_time_to_connect_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with trickling(b"HTTP/1.1 200 ok") as (port, ended):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        assert timed_out("https://llm.example.com/v1") < SLOW / 2
    assert ended.is_set()


def test_a_server_that_takes_its_time_for_tls_is_cut_off() -> None:
    with trickling(HELLO) as (port, ended):
        assert timed_out(f"https://127.0.0.1:{port}/v1") < SLOW / 2
    assert ended.is_set()


@pytest.mark.usefixtures("_named")
def test_a_host_whose_name_is_found_too_late_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found, asked = socket.getaddrinfo, Event()

    def late(host: str, *rest: object, **more: object) -> object:
        time.sleep(3 * LIMIT)
        asked.set()
        return found("127.0.0.1", *rest, **more)  # type: ignore[arg-type]

    with serving(says("yes")) as server:
        monkeypatch.setattr(socket, "getaddrinfo", late)
        assert timed_out(server.url.replace("127.0.0.1", "llm.example.com")) < 2 * LIMIT
        assert asked.wait(SLOW)
        time.sleep(LIMIT)
        assert server.asked == []
