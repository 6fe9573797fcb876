"""One POST over HTTP with a limit on its whole time. Redirects are not followed: a key goes nowhere else."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit

from r2d2.errors import UsageError

#: No answer that is asked for is as long.
MOST_BYTES = 4 * 1024 * 1024
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Place:
    """Where requests go: a URL in parts."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """It as text."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


@dataclass(frozen=True)
class Reply:
    """What came back; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class TooLong(HTTPException):
    """More came than is read."""


class CutOff(HTTPException):
    """Less came than was announced."""


def place_of(setting: str, url: str, path: str) -> Place:
    """The place of a path below a URL that a setting gives; the URL may end with the path.

    Raises:
        UsageError: it is none, or could hold a password: settings are kept in the state.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # it repeats parts of the URL
        good = False
    if not good or not (url.isascii() and url.isprintable()) or " " in url:
        raise UsageError(f"{setting}: not the URL of an API", "expected http(s)://HOST:PORT/v1 or the like")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(f"{setting}: a URL must hold no password, and nothing after ? or #", "keys have a variable")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Place(parts.scheme, parts.hostname or "", port, parts.path.rstrip("/").removesuffix(path) + path)


def post(place: Place, content: bytes, headers: Mapping[str, str], seconds: float) -> Reply:
    """Sends and waits for all of the answer.

    Args:
        seconds: for connecting, and for all that follows.

    Raises:
        TimeoutError: it took longer.
        OSError, HTTPException: no or half an answer came, or one of more than 4 MB.
    """
    connection, target, more = _connection(place, seconds)
    over = threading.Event()
    try:
        connection.connect()
        watch = threading.Timer(seconds, _cut, (connection.sock, over))
        watch.start()
        try:
            reply = _exchange(connection, target, content, {**headers, **more})
        except (OSError, HTTPException, ValueError):
            if not over.is_set():
                raise
        finally:
            watch.cancel()
    finally:
        connection.close()
    if over.is_set():  # a socket that was cut may look like one that ended
        raise TimeoutError
    return reply


def _exchange(connection: HTTPConnection, target: str, content: bytes, headers: Mapping[str, str]) -> Reply:
    connection.request("POST", target, content, dict(headers))
    with connection.getresponse() as reply:
        found = reply.read(MOST_BYTES + 1)
        if len(found) > MOST_BYTES:
            raise TooLong
        if reply.length:
            raise CutOff
        return Reply(reply.status, {name.lower(): value for name, value in reply.headers.items()}, found)


def _cut(sock: socket.socket, over: threading.Event) -> None:
    """Ends all waiting on a socket: limits of single reads let an endless trickle through."""
    over.set()
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _connection(place: Place, seconds: float) -> tuple[HTTPConnection, str, Mapping[str, str]]:
    """A connection, what to ask for on it, and headers for a proxy, where the environment names one."""
    kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
    proxy = _proxy(place)
    if not proxy:
        return kind(place.host, place.port, timeout=seconds), place.path, {}
    connection = kind(proxy.hostname or "", proxy.port or 8080, timeout=seconds)
    if place.scheme == "http":
        return connection, place.url, _proxy_headers(proxy)
    connection.set_tunnel(place.host, place.port, _proxy_headers(proxy))
    return connection, place.path, {}


def _proxy(place: Place) -> SplitResult | None:
    url = urllib.request.getproxies().get(place.scheme, "")
    if not url or place.host in _LOCAL or urllib.request.proxy_bypass(place.host):
        return None
    return urlsplit(url if "://" in url else f"http://{url}")


def _proxy_headers(proxy: SplitResult) -> Mapping[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}
