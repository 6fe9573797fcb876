"""Requests to one bucket. Where an answer is lost they are made again, so that a write may find its own work done.

The client itself asks again after 429 and 5xx, and where nothing was sent; not where a write may have been done, nor
where an answer breaks off.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import obstore
from obstore import exceptions as failures

from r2d2.lake.object_errors import may_be_lost

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta, PutMode
    from obstore.store import AzureStore, GCSStore, S3Store

T = TypeVar("T")

_ATTEMPTS = 6
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0
#: Keys that a store lists in one answer.
PAGE = 1000


class Requests:
    """What is asked of a bucket; keys are without a slash at their ends, empty for the bucket itself.

    Every method raises what the client raises (``object_errors.store_errors`` makes OSErrors of it).
    """

    def __init__(self, store: S3Store | GCSStore | AzureStore) -> None:
        self._store = store

    def head(self, key: str, tag: str = "") -> ObjectMeta:
        """What the store says of an object; only of the version with ``tag``, if there is one."""
        return _retried(
            lambda: _as_asked(obstore.get(self._store, key, options={"head": True, **_pinned(tag)}).meta, tag)
        )

    def read(self, key: str, tag: str = "", part: tuple[int, int] | None = None) -> tuple[ObjectMeta, bytes]:
        """An object or a part of it, from its first byte to the one after its last."""

        def ask() -> tuple[ObjectMeta, bytes]:
            options: GetOptions = {**_pinned(tag), "range": part} if part else _pinned(tag)
            found = obstore.get(self._store, key, options=options)
            return _as_asked(found.meta, tag), bytes(found.bytes())

        return _retried(ask)

    def put(self, key: str, data: bytes, mode: PutMode) -> str:
        """Writes an object; its tag, empty if the store does not say it.

        Where an answer was lost, and the condition of ``mode`` does not hold any more, it may be this call's own work.
        """
        found = _retried(lambda: obstore.put(self._store, key, data, mode=mode))
        return found["e_tag"] or found["version"] or ""

    def put_parts(self, key: str, parts: Iterator[bytes]) -> None:
        """Writes an object in parts, without a condition."""
        with obstore.open_writer(self._store, key) as writer:
            for part in parts:
                writer.write(part)

    def copy_new(self, source: str, target: str) -> bool:
        """Copies an object where there is none; whether what is there is this call's work for sure.

        An object that is there after an answer was lost may be this call's work, or of somebody who was faster.
        """
        lost, sure = False, True

        def ask() -> None:
            nonlocal lost, sure
            try:
                obstore.copy(self._store, source, target, overwrite=False)
            except failures.AlreadyExistsError:
                if not lost:
                    raise
                sure = False
            except failures.BaseError as error:
                lost = lost or may_be_lost(error)
                raise

        _retried(ask)
        return sure

    def delete(self, key: str) -> None:
        """Removes an object."""
        _retried(lambda: obstore.delete(self._store, key))

    def children(self, prefix: str) -> tuple[Sequence[ObjectMeta], Sequence[str]]:
        """The objects and the directories directly below a directory."""
        found = _retried(lambda: obstore.list_with_delimiter(self._store, prefix or None))
        return found["objects"], found["common_prefixes"]

    def pages(self, prefix: str) -> Iterator[Sequence[ObjectMeta]]:
        """All objects below a directory, in order; goes on after the last one where an answer breaks off."""
        last: str | None = None
        tries = 0
        while True:
            try:
                for page in obstore.list(self._store, prefix or None, offset=last, chunk_size=PAGE):
                    last, tries = page[-1]["path"], 0
                    yield page
                return
            except failures.BaseError as error:
                tries += 1
                _wait_or_raise(error, tries)


def wait(tries: int) -> None:
    """Before something is tried again: longer each time, and not at the same moment as others."""
    time.sleep(min(_LONGEST_WAIT, _FIRST_WAIT * 2**tries) * random.random())


def _pinned(tag: str) -> GetOptions:
    """A weak tag never matches (RFC 9110); there, and where a store takes no notice of it, the answer is looked at."""
    return {"if_match": tag} if tag and not tag.startswith("W/") else {}


def _as_asked(meta: ObjectMeta, tag: str) -> ObjectMeta:
    """What a store answered for the version with ``tag``.

    Raises:
        PreconditionError: it is another version.
    """
    if tag and meta["e_tag"] and meta["e_tag"].strip('"') != tag.strip('"'):
        raise failures.PreconditionError(f"{meta['path']}: another ETag than {tag}")
    return meta


def _retried(call: Callable[[], T]) -> T:
    tries = 0
    while True:
        try:
            return call()
        except failures.BaseError as error:
            tries += 1
            _wait_or_raise(error, tries)


def _wait_or_raise(error: failures.BaseError, tries: int) -> None:
    if tries >= _ATTEMPTS or not may_be_lost(error):
        raise error
    wait(tries)
