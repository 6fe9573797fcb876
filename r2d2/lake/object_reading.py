"""An object as a file with random access."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from r2d2.lake.object_errors import store_errors
from r2d2.lake.object_requests import Requests
from r2d2.lake.urls import url_key

if TYPE_CHECKING:
    from obstore import ObjectMeta


class RangeReader(io.RawIOBase):
    """An object as a file: each read asks for its bytes, of the version that was there when it was opened."""

    def __init__(self, client: Requests, url: str, meta: ObjectMeta) -> None:
        self.client, self.url, self.size, self.position = client, url, meta["size"], 0
        self.tag = meta["e_tag"] or ""

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Where the next read starts."""
        return self.position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves there; no request is made."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.size}[whence]
        self.position = max(0, start + offset)
        return self.position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any writable buffer
        """Fills the buffer, as far as there are bytes, by one request."""
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """All that is left, by one request."""
        return self._next(self.size)

    def _next(self, number: int) -> bytes:
        stop = min(self.size, self.position + number)
        if stop <= self.position:
            return b""
        with store_errors(self.url):
            _, data = self.client.read(url_key(self.url), self.tag, (self.position, stop))
        if len(data) != stop - self.position:
            raise OSError(0, f"its store sent {len(data)} of {stop - self.position} bytes", self.url)
        self.position = stop
        return data
