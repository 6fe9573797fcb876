"""One POST over HTTP with a limit on its whole time. Redirects are not followed: a key goes nowhere else."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import urllib.request
from collections.abc import Mapping
from concurrent.futures import Future
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


class _Line(HTTPConnection):
    """A connection that another thread can cut, whatever it waits for."""

    _held: socket.socket | None = None

    def connect(self) -> None:
        """Keeps hold of the socket: TLS takes the object over, and hides it, until both sides have agreed."""
        super().connect()
        self._held = self.sock.dup()

    def cut(self) -> None:
        """Ends all waiting: limits of single reads let an endless trickle through."""
        for sock in (self._held, self.sock):
            if sock is not None:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """What was held, too."""
        super().close()
        if self._held is not None:
            self._held.close()


class _TlsLine(HTTPSConnection, _Line):
    """The same over TLS, which it lays over what ``_Line`` has connected."""


def post(place: Place, content: bytes, headers: Mapping[str, str], seconds: float) -> Reply:
    """Sends and waits for all of the answer.

    Args:
        seconds: for all of it: finding the host, connecting, a proxy, TLS, and the answer.

    Raises:
        TimeoutError: it took longer.
        OSError, HTTPException: no or half an answer came, or one of more than 4 MB.
    """
    connection, target, more = _connection(place, seconds)
    found: Future[Reply] = Future()
    over = threading.Event()

    def work() -> None:
        try:
            reply = _exchange(connection, target, content, {**headers, **more}, over)
        except BaseException as error:  # noqa: BLE001  # raised again where the answer is waited for
            found.set_exception(error)
        else:
            found.set_result(reply)
        finally:
            connection.close()

    # a thread of its own, as nothing ends the wait for the name of a host; it ends with the process at the latest
    threading.Thread(target=work, daemon=True).start()
    try:
        return found.result(seconds)
    except BaseException:
        over.set()
        connection.cut()
        raise


def _exchange(
    connection: HTTPConnection, target: str, content: bytes, headers: Mapping[str, str], over: threading.Event
) -> Reply:
    """The answer; nothing is sent any more once nobody waits for it."""
    connection.connect()
    if over.is_set():
        raise TimeoutError
    connection.request("POST", target, content, dict(headers))
    with connection.getresponse() as reply:
        found = reply.read(MOST_BYTES + 1)
        if len(found) > MOST_BYTES:
            raise TooLong
        if reply.length:
            raise CutOff
        return Reply(reply.status, {name.lower(): value for name, value in reply.headers.items()}, found)


def _connection(place: Place, seconds: float) -> tuple[_Line, str, Mapping[str, str]]:
    """A connection, what to ask for on it, and headers for a proxy, where the environment names one."""
    kind = _TlsLine if place.scheme == "https" else _Line
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
