"""The journal: what is about to be done, one small file a record, each written before its step (DELETION 5).

A record names the hash of the one before and carries a MAC with the state's key, so that one that was changed, left out
or put in between is noticed. Records are created only if there is none of their number: of two writers one stops.
What is cut off at the end is noticed by what the lake holds of it (``recovery.recover``). What records tell of datasets
stands in files of its own (``journal_facts``), which can be replaced when a person's data must go. Needs no JVM.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from r2d2.catalog.state import State
from r2d2.errors import StateError, Tampered
from r2d2.lake.file_tree import joined
from r2d2.recovery.records.facts import AT_ONCE, JournalFacts, Pin

DIRECTORY = "journal"
_FIRST = "0" * 64
_REPLACED = "facts-replaced"
_HINT = "restore the journal from a backup; until then nothing is retired, restored or purged with this state"


@dataclass(frozen=True)
class Record:
    """One step.

    Attributes:
        sequence: number, from 1.
        event: what is about to be done, or was: ``apply-begun``, ``quarantined`` ...
        receipt: id of the retirement; empty for what concerns none.
        at: when it was written, UTC.
        facts: what the step needs to be finished or undone.
        sha256: of the record as it was written.
        pin: where its facts are now.
    """

    sequence: int
    event: str
    receipt: str
    at: datetime
    facts: Mapping[str, Any]
    sha256: str
    pin: Pin = None


class Journal:
    """The journal of one state. Who appends holds the state's lock."""

    def __init__(self, state: State) -> None:
        self.state, self.storage = state, state.storage
        self.directory = joined(state.location, DIRECTORY)
        self._facts = JournalFacts(state)
        self._records: list[Record] | None = None

    @property
    def records(self) -> list[Record]:
        """All records in their order, checked when they are first asked for.

        Raises:
            Tampered: one was changed, is missing, or was written with another key.
            StateError: one can't be read.
        """
        if self._records is None:
            self._records = self._read()
        return self._records

    def append(self, event: str, receipt: str = "", **facts: Any) -> Record:
        """Writes a record; it is on disk, or in the store, when this returns.

        Raises:
            StateError: it can't be written, or another process wrote one meanwhile.
        """
        records = self.records
        number, before = len(records) + 1, records[-1].sha256 if records else _FIRST
        path = self._path(number)
        try:
            pin = self._facts.write(number, facts)
            content = {
                "sequence": number,
                "before": before,
                "event": event,
                "receipt": receipt,
                "at": datetime.now(UTC).isoformat(),
                "facts": pin,
                "id": uuid.uuid4().hex,
            }
            text = json.dumps(content, sort_keys=True, separators=(",", ":"))
            data = json.dumps({"record": text, "mac": self._mac(text)}).encode("utf-8")
            self.state.lock.fence()
            self.storage.put(path, data, only_if="", private=True)
        except FileExistsError:
            raise StateError(f"{path} is there already: another process writes to this state", "run it again") from None
        except OSError as error:
            raise StateError(f"{path} can't be written: {error.strerror or error}", "nothing was done yet") from error
        # as they will be read: tuples are lists then
        record = _record(content, text, json.loads(json.dumps(facts)), pin)
        records.append(record)
        return record

    def replace_facts(self, changed: Mapping[int, Mapping[str, Any]]) -> None:
        """Gives records other facts, by number; the old ones are gone for good. Nothing is written for none.

        Raises:
            StateError: it can't be written.
        """
        try:
            pins = {number: self._facts.write(number, facts) for number, facts in changed.items()}
        except OSError as error:
            raise StateError(f"{self.directory}: {error.strerror or error}", "look for space and rights") from error
        if pins:
            self.append(_REPLACED, replaced={str(number): pin for number, pin in pins.items()})
            self._records = None
        self.remove_unnamed_facts()

    def remove_unnamed_facts(self) -> None:
        """Removes facts that were replaced, or whose record was never written.

        Raises:
            StateError: it can't be done.
        """
        try:
            self._facts.remove_others([record.pin for record in self.records])
        except OSError as error:
            raise StateError(f"{self.directory}: {error.strerror or error}", "look for rights there") from error

    def _read(self) -> list[Record]:
        try:
            names = sorted(name for name in self.storage.names(self.directory) if name.endswith(".json"))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StateError(f"{self.directory} can't be listed: {error.strerror or error}", _HINT) from error
        if names and not self.state.has_secret:
            raise Tampered(f"{self.state.location}: the key that its journal was written with is gone", _HINT)
        paths = [self._path(number) for number in range(1, len(names) + 1)]
        for path, name in zip(paths, names, strict=True):
            if joined(self.directory, name) != path:
                raise Tampered(f"{path} is missing", _HINT)
        found: list[tuple[dict[str, Any], str]] = []
        before = _FIRST
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for path, data in zip(paths, pool.map(self._bytes, paths), strict=True):
                found.append(self._checked(path, data, len(found) + 1, before))
                before = _sha256(found[-1][1])
        return self._with_facts(found)

    def _bytes(self, path: str) -> bytes:
        try:
            return self.storage.read_bytes(path)
        except OSError as error:
            raise StateError(f"{path} can't be read: {error.strerror or error}", _HINT) from error

    def _checked(self, path: str, data: bytes, number: int, before: str) -> tuple[dict[str, Any], str]:
        """A record's content, and its text."""
        try:
            raw: Any = json.loads(data)
            text, mac = str(raw["record"]), str(raw["mac"])
            if not hmac.compare_digest(self._mac(text), mac):
                raise Tampered(f"{path} is not what was written: its MAC does not match", _HINT)
            content: dict[str, Any] = json.loads(text)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Tampered(f"{path} is damaged", _HINT) from error
        if content["sequence"] != number or content["before"] != before:
            raise Tampered(f"{path} does not follow the record before it", _HINT)
        return content, text

    def _with_facts(self, found: list[tuple[dict[str, Any], str]]) -> list[Record]:
        """Records with the facts that they have now."""
        pins: list[Pin] = [content["facts"] for content, _ in found]
        replacing = [pin for (content, _), pin in zip(found, pins, strict=True) if content["event"] == _REPLACED]
        for facts in self._facts.read(replacing, _HINT):
            for number, pin in facts["replaced"].items():
                pins[int(number) - 1] = pin
        told = self._facts.read(pins, _HINT)
        return [_record(*each, facts, pin) for each, facts, pin in zip(found, told, pins, strict=True)]

    def _path(self, number: int) -> str:
        return joined(self.directory, f"{number:012d}.json")

    @cached_property
    def _key(self) -> bytes:
        """Made from the state's secret, and used for nothing else."""
        return hmac.digest(bytes.fromhex(self.state.secret()), b"r2d2 journal", "sha256")

    def _mac(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8"), hashlib.sha256).hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _record(content: Mapping[str, Any], text: str, facts: Mapping[str, Any], pin: Pin) -> Record:
    return Record(
        sequence=content["sequence"],
        event=content["event"],
        receipt=content["receipt"],
        at=datetime.fromisoformat(content["at"]),
        facts=facts,
        sha256=_sha256(text),
        pin=pin,
    )
