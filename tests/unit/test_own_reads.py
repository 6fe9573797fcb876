"""r2d2's requests to S3 carry a user agent that the default of ``usage.own`` recognises."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from r2d2.config import UsageSettings
from r2d2.lake.object_storage import ObjectStorage
from r2d2.usage.accesses import Own


def test_access_logs_can_tell_r2d2s_own_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    agents: list[str] = []

    class Store(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            agents.append(self.headers["User-Agent"])
            self.send_response(404)
            self.end_headers()

        do_GET = do_HEAD  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Store)
    Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SDK_UA_APP_ID", raising=False)
    with pytest.raises(OSError, match="key"):
        ObjectStorage("s3://bucket/key").stat("s3://bucket/key")
    server.shutdown()
    server.server_close()
    assert agents
    own = Own(UsageSettings().own)
    assert all(own.is_own(agent) for agent in agents), agents
    assert not own.is_own(agents[0].replace("app/r2d2", "app/other"))
