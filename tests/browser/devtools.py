"""A headless Chromium driven over its DevTools pipe: no driver program and no further Python package is needed."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--remote-debugging-pipe",
)  # fmt: skip


class Page:
    """One tab: commands, and all that it said (console, exceptions, requests) since it was opened."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._out, self._in = to_browser, from_browser
        self._buffer = b""
        self._last_id = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []

    def attach(self, downloads: Path) -> None:
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Security"):
            self.send(f"{domain}.enable")
        self.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """A command's result."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._last_id:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])
            self.events.append(answer)

    def open(self, path: Path, fragment: str = "") -> None:
        self.events.clear()
        self.send("Page.navigate", url=path.as_uri() + fragment)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def evaluate(self, expression: str) -> Any:
        """The value of a script's expression; promises are awaited."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def until(self, expression: str, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < deadline, f"waited {seconds} s for {expression}"
            time.sleep(0.02)

    def size(self, width: int, height: int, mobile: bool = False) -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def scheme(self, name: str) -> None:
        """``light`` or ``dark``."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def screenshot(self, path: Path, whole_page: bool = False) -> None:
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=whole_page)
        path.write_bytes(base64.b64decode(shot["data"]))

    def complaints(self) -> list[str]:
        """Console errors and warnings, exceptions, refusals by the page's policy."""
        self.evaluate("0")
        names = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [json.dumps(e["params"]) for e in self.events if e.get("method") in names]

    def requests(self) -> list[str]:
        """Addresses asked for, the page itself included.

        Left out is what never leaves the browser: ``data:`` and ``blob:``, and what the page's own policy refused
        (which ``complaints`` tells).
        """
        self.evaluate("0")
        refused = {
            e["params"]["requestId"]
            for e in self.events
            if e.get("method") == "Network.loadingFailed" and e["params"].get("blockedReason") == "csp"
        }
        sent = [e["params"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        urls = [params["request"]["url"] for params in sent if params["requestId"] not in refused]
        return [url for url in urls if not url.startswith(("data:", "blob:"))]

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], 60)
            assert ready, "the browser did not answer within 60 s"
            chunk = os.read(self._in, 1 << 20)
            assert chunk, "the browser ended"
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))


@contextmanager
def browser(program: str, profile: Path, downloads: Path) -> Iterator[Page]:
    """A new Chromium with an empty profile, ended at exit. It reads commands from file 3 and answers on file 4."""
    command_in, command_out = os.pipe()
    answer_in, answer_out = os.pipe()
    # The shell moves the two pipes to the numbers that Chromium expects.
    script = f'exec "$0" "$@" 3<&{command_in} 4>&{answer_out}'
    process = subprocess.Popen(
        ["/bin/bash", "-c", script, program, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(command_in, answer_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(command_in)
    os.close(answer_out)
    try:
        page = Page(command_out, answer_in)
        page.attach(downloads)
        yield page
    finally:
        os.close(command_out)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(answer_in)
