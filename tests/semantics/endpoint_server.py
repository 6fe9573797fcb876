"""A real HTTP server on this machine that speaks the protocol of OpenAI's chat completions, well or badly."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@dataclass(frozen=True)
class Asked:
    """One request that came."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def system(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def data(self) -> Any:
        return json.loads(self.body["messages"][1]["content"])

    @property
    def form(self) -> str:
        return str(self.body.get("response_format", {}).get("type", ""))


#: Answers a request on an open connection.
Reaction = Callable[[BaseHTTPRequestHandler, Asked], None]


@dataclass
class EndpointServer:
    """Reacts to each request as it is told to; the last reaction repeats."""

    url: str
    reactions: list[Reaction]
    asked: list[Asked] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def react(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        asked = Asked(handler.path, dict(handler.headers), body)
        with self.lock:
            self.asked.append(asked)
            reaction = self.reactions.pop(0) if len(self.reactions) > 1 else self.reactions[0]
        with suppress(OSError):
            reaction(handler, asked)


@contextmanager
def serving(*reactions: Reaction, certificate: Path | None = None) -> Iterator[EndpointServer]:
    """A server on a free port, until the end; over TLS with a certificate (``self_signed``)."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server.react(self)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            http.socket = tls.wrap_socket(http.socket, server_side=True)
        scheme = "https" if certificate else "http"
        server = EndpointServer(f"{scheme}://127.0.0.1:{http.server_port}/v1", list(reactions))
        thread = Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def self_signed(file: Path) -> Path:
    """A key and a certificate for this machine that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    file.write_bytes(key.private_bytes(*form) + built.public_bytes(Encoding.PEM))
    return file


def replies(status: int, content: bytes = b"{}", **headers: str) -> Reaction:
    """An answer as it is; underscores in names of headers stand for dashes."""

    def react(handler: BaseHTTPRequestHandler, _: Asked) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return react


def completion(text: object, finish: str = "stop") -> bytes:
    """What the protocol wraps around a model's text."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
    return json.dumps({"object": "chat.completion", "choices": [choice]}).encode()


def says(answer: object, finish: str = "stop") -> Reaction:
    """An answer of the model: text, or an object as JSON."""
    return replies(200, completion(answer if isinstance(answer, str) else json.dumps(answer), finish))


def answers(make: Callable[[Asked], object]) -> Reaction:
    """An answer that depends on what was asked."""

    def react(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        says(make(asked))(handler, asked)

    return react


def only_plain(answer: object, status: int = 400) -> Reaction:
    """A server that knows no ``response_format`` and refuses what has one."""

    def react(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        (replies(status) if asked.form else says(answer))(handler, asked)

    return react


def hangs(seconds: float) -> Reaction:
    """No byte for so long."""

    def react(handler: BaseHTTPRequestHandler, _: Asked) -> None:
        time.sleep(seconds)
        replies(200)(handler, _)

    return react


def trickles(seconds: float, headers: bool = False) -> Reaction:
    """A byte now and then, so that no single wait is long, of the body or already of the headers."""

    def react(handler: BaseHTTPRequestHandler, _: Asked) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n" + (b"X-Slow: " if headers else b"\r\n"))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.02)

    return react


def breaks_off(promised: int = 1000) -> Reaction:
    """Half of what was promised, then the end."""

    def react(handler: BaseHTTPRequestHandler, _: Asked) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(promised))
        handler.end_headers()
        handler.wfile.write(b'{"choices": [')

    return react


def long(size: int, length: bool) -> Reaction:
    """Many blanks, which are announced or not."""

    def react(handler: BaseHTTPRequestHandler, _: Asked) -> None:
        handler.send_response(200)
        if length:
            handler.send_header("Content-Length", str(size))
        handler.end_headers()
        handler.wfile.write(b" " * size)

    return react
