"""What the journal's records tell of datasets, in files of their own: names may hold a person's data, which must go.

A record holds the SHA-256 of its facts, so that facts which were changed are noticed. The salt in them goes with them:
what was erased can't be guessed from the hash that stays.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from r2d2.catalog.state import State
from r2d2.errors import StateError, Tampered
from r2d2.lake.file_tree import joined

_DIRECTORY = "facts"
_SALT_BYTES = 16
#: Files of the journal that are read at once.
AT_ONCE = 16

#: Name of the file and SHA-256 of its bytes; None for a record without facts.
Pin = Mapping[str, str] | None


class JournalFacts:
    """The facts of one journal. Who writes holds the state's lock."""

    def __init__(self, state: State) -> None:
        self.state, self.storage = state, state.storage
        self.directory = joined(state.location, _DIRECTORY)

    def write(self, sequence: int, facts: Mapping[str, Any]) -> Pin:
        """Writes facts of a record; nothing for none.

        Raises:
            OSError: they can't be written.
        """
        if not facts:
            return None
        name = f"{sequence:012d}-{uuid.uuid4().hex}.json"
        salted = {"salt": secrets.token_hex(_SALT_BYTES), "facts": facts}
        data = json.dumps(salted, sort_keys=True, separators=(",", ":")).encode("utf-8")
        self.state.lock.fence()
        self.storage.put(joined(self.directory, name), data, only_if="", private=True)
        return {"file": name, "sha256": hashlib.sha256(data).hexdigest()}

    def read(self, pins: Sequence[Pin], hint: str) -> list[Mapping[str, Any]]:
        """The facts of records.

        Raises:
            Tampered: some are not what was written, or missing.
            StateError: some can't be read.
        """
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda pin: self._read(pin, hint), pins))

    def remove_others(self, kept: Sequence[Pin]) -> None:
        """Removes the files that no record names: older facts, and those of a record that was never written.

        Raises:
            OSError: one can't be removed.
        """
        names = {pin["file"] for pin in kept if pin}
        with suppress(FileNotFoundError):
            for name in self.storage.names(self.directory):
                if name not in names:
                    self.state.lock.fence()
                    self.storage.delete(joined(self.directory, name))

    def _read(self, pin: Pin, hint: str) -> Mapping[str, Any]:
        if pin is None:
            return {}
        path = joined(self.directory, pin["file"])
        try:
            data = self.storage.read_bytes(path)
        except FileNotFoundError:
            raise Tampered(f"{path} is missing", hint) from None
        except OSError as error:
            raise StateError(f"{path} can't be read: {error.strerror or error}", hint) from error
        if hashlib.sha256(data).hexdigest() != pin["sha256"]:
            raise Tampered(f"{path} is not what was written", hint)
        facts: Mapping[str, Any] = json.loads(data)["facts"]
        return facts
