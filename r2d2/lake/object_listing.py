"""All objects below a prefix: page by page, many prefixes at once, and the pages that wait are bounded.

A page holds 1,000 keys and takes a request. One listing after the other is what a store allows; several at once need
prefixes to start from, which are found where the first page of a prefix shows that it has directories.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from obstore import exceptions as failures

from r2d2.lake.object_requests import PAGE, Requests

if TYPE_CHECKING:
    from obstore import ObjectMeta

#: Listings at once; they wait for the store most of the time.
WORKERS = 16
#: Pages that wait to be taken.
_WAITING = 16


@dataclass(frozen=True)
class BadKey:
    """A key that no path spells, or whose object can't be looked at: why, and what to do."""

    key: str
    reason: str
    hint: str


Page = Sequence["ObjectMeta | BadKey"]
#: The files, the directories and the bad keys directly in a directory that holds such keys.
ByName = Callable[[str], tuple[Sequence["ObjectMeta"], Sequence[str], Sequence[BadKey]]]


def pages(client: Requests, prefix: str, leave_out: Callable[[str], bool], by_name: ByName) -> Iterator[Page]:
    """Pages of the objects below ``prefix``, in no order; one may come twice.

    Args:
        prefix: a directory, without a slash at its end; empty for all.
        leave_out: whether a directory is not to be listed.
        by_name: lists one directory that the client can't list, because of a key in it.

    Raises:
        obstore's errors, those of ``by_name``: a listing failed for good.
    """
    work = _Work(client, leave_out, by_name)
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="listing") as pool:
        work.start(pool, prefix)
        try:
            yield from work.results()
        finally:
            work.stop()


class _Work:
    """Prefixes to list, shared by workers; each says how many it added before it says that it is done."""

    def __init__(self, client: Requests, leave_out: Callable[[str], bool], by_name: ByName) -> None:
        self.client, self.leave_out, self.by_name = client, leave_out, by_name
        self.found: queue.Queue[Page | BaseException | None] = queue.Queue(_WAITING)
        self.open, self.lock, self.stopped = 0, threading.Lock(), threading.Event()

    def start(self, pool: ThreadPoolExecutor, prefix: str) -> None:
        if self.stopped.is_set():
            return
        with self.lock:
            self.open += 1
        pool.submit(self._run, pool, prefix)

    def stop(self) -> None:
        """Nobody takes pages any more: workers must not wait for that."""
        self.stopped.set()
        while self.open:
            try:
                self.found.get(timeout=0.1)
            except queue.Empty:
                continue

    def results(self) -> Iterator[Page]:
        while (page := self.found.get()) is not None:
            if isinstance(page, BaseException):
                raise page
            yield page

    def _run(self, pool: ThreadPoolExecutor, prefix: str) -> None:
        try:
            self._list(pool, prefix)
        except BaseException as error:  # noqa: BLE001  # raised again where the pages are taken
            self.found.put(error)
        with self.lock:
            if self.open == 1:  # before it is counted: until then somebody takes pages, or drops them
                self.found.put(None)
            self.open -= 1

    def _list(self, pool: ThreadPoolExecutor, prefix: str) -> None:
        try:
            for number, page in enumerate(self.client.pages(prefix)):
                if self.stopped.is_set():
                    return
                if number == 0 and len(page) >= PAGE and self.open < 2 * WORKERS and _is_nested(page, prefix):
                    break
                self.found.put(page)
            else:
                return
            files, directories = self.client.children(prefix)
            bad: Sequence[BadKey] = ()
        except failures.InvalidPathError:
            files, directories, bad = self._one_directory(prefix)
        self.found.put([*files, *bad])
        for directory in directories:
            if not self.leave_out(directory):
                self.start(pool, directory)

    def _one_directory(self, prefix: str) -> tuple[Sequence[ObjectMeta], Sequence[str], Sequence[BadKey]]:
        try:
            return *self.client.children(prefix), []
        except failures.InvalidPathError:
            return self.by_name(prefix)


def _is_nested(page: Sequence[ObjectMeta], prefix: str) -> bool:
    start = len(prefix) + 1 if prefix else 0
    return any("/" in entry["path"][start:] for entry in page)
