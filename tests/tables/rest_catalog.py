"""A small Iceberg REST catalog: what a JDBC catalog keeps in SQLite, read only, as the REST specification says."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote


@contextmanager
def serving(database: Path) -> Iterator[str]:
    """The address of a catalog that answers until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = _answer(database, [unquote(part) for part in self.path.partition("?")[0].strip("/").split("/")])
            body = json.dumps(
                found or {"error": {"message": "none", "type": "NoSuchTableException", "code": 404}}
            ).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(database: Path, parts: list[str]) -> dict[str, Any] | None:
    match parts:
        case ["v1", "config"]:
            return {"defaults": {}, "overrides": {}}
        case ["v1", "namespaces"]:
            return {"namespaces": [[name] for name in sorted({name for name, _ in _tables(database)})]}
        case ["v1", "namespaces", name]:
            return {"namespace": [name], "properties": {}}
        case ["v1", "namespaces", name, "tables"]:
            found = [table for namespace, table in _tables(database) if namespace == name]
            return {"identifiers": [{"namespace": [name], "name": table} for table in found]}
        case ["v1", "namespaces", name, "tables", table] if (name, table) in _tables(database):
            location = _tables(database)[name, table]
            text = Path(location.removeprefix("file:")).read_text(encoding="utf-8")
            return {"metadata-location": location, "metadata": json.loads(text), "config": {}}
    return None


def _tables(database: Path) -> dict[tuple[str, str], str]:
    """(namespace, table) -> its current metadata file."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "SELECT table_namespace, table_name, metadata_location FROM iceberg_tables"
        ).fetchall()
    connection.close()
    return {(namespace, table): location for namespace, table, location in rows}
