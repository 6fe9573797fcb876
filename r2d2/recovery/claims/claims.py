"""Claims in the lake: which dataset stands for which retired one, honoured by any r2d2 with any state (DELETION 1).

A claim is a small file beside the dataset that it is about, created only if absent. Who retires A for B writes both
claims, ``retired`` on A and ``parent`` on B, and then reads all claims on both: of two that retire each other's parents
at the same moment at least one sees the other's, and gives up.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from r2d2.catalog.state import State
from r2d2.errors import LakeError, NotRetirable, Tampered
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.storage import storage_for
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.moves.places import claims_beside, claims_within

_LEVELS = 3  # of directories that claims lie in
_HINT = "look what it is; remove it by hand only if no r2d2 rebuilds anything from this dataset"


class ClaimKind(StrEnum):
    """``PARENT``: a retired dataset is rebuilt from it. ``RETIRED``: it is retired, or about to be."""

    PARENT = "parent"
    RETIRED = "retired"


@dataclass(frozen=True)
class Claim:
    """One claim on a dataset.

    Attributes:
        kind: see there.
        location: of the dataset that it is about.
        child: location of the dataset that is retired.
        receipt: id of the retirement.
        state: id of the state that made it (``state_id``).
        said: where that state is, for people.
        path: of the file.
        version: of the file.
    """

    kind: ClaimKind
    location: str
    child: str
    receipt: str
    state: str
    said: str
    path: str = ""
    version: str = ""


class Claims:
    """Claims as one state makes and reads them. One that was read is read again only where its version changed."""

    def __init__(self, state: State, lake: LakeWriter) -> None:
        self.state, self.lake = state, lake
        self.id = state_id(state)
        self._seen: dict[str, Claim] = {}

    def make(self, kind: ClaimKind, location: str, child: str, receipt: str) -> None:
        """Writes a claim; one of the same retirement that is there already is left.

        Raises:
            LakeError: it can't be written.
        """
        path = self._path(kind, location, receipt)
        try:
            self.lake.put(path, self._content(kind, location, child, receipt))
        except FileExistsError:
            if not any(claim.path == path and claim.state == self.id for claim in self.on(location)):
                raise Tampered(f"{shown(path)} is not the claim that it should be", _HINT) from None
        except OSError as error:
            hint = "give the right to write there: without claims nothing is retired"
            raise LakeError(f"{shown(path)} can't be written: {error.strerror or error}", hint) from error

    def mend(self, kind: ClaimKind, location: str, child: str, receipt: str) -> str:
        """Writes a claim anew that is not there as it should be; what was wrong, empty for nothing.

        Raises:
            LakeError: it can't be read or written.
        """
        path = self._path(kind, location, receipt)
        try:
            version = storage_for(path).stat(path).version
            claim = self._read(path)
        except (FileNotFoundError, NotADirectoryError):
            self.make(kind, location, child, receipt)
            return "was gone"
        except Tampered:
            claim = None
        said = claim and (claim.kind, claim.location, claim.child, claim.receipt, claim.state)
        if said == (kind, location, child, receipt, self.id):
            return ""
        self.lake.put(path, self._content(kind, location, child, receipt), only_if=version)
        return "was changed"

    def on(self, location: str) -> list[Claim]:
        """All claims on a dataset, of any state.

        Raises:
            Tampered: one is damaged, or was made by this state and changed since.
            LakeError: they can't be read.
        """
        return [claim for directory in _directories(location) for claim in self._in(directory)]

    def release(self, location: str, receipt: str) -> None:
        """Removes this state's claims of a retirement on a dataset."""
        named = [claim for directory in _directories(location) for claim in self._in(directory, f"{receipt}-")]
        for claim in named:
            if claim.state == self.id and claim.receipt == receipt:
                self.lake.delete(claim.path, claim.version)
                directory = claim.path
                for _ in range(_LEVELS):
                    directory = directory.rpartition("/")[0]
                    self.lake.remove_directory(directory)

    def refuse_taken(self, child: str, parent: str, receipt: str) -> None:
        """Looks, after both claims of a retirement were made, that no other stands against it.

        Raises:
            NotRetirable: something retired is rebuilt from the child; the parent is retired itself, or about to be; or
                another r2d2 retires the child.
        """
        for claim in self.on(child):
            if claim.receipt == receipt:
                continue
            what = "is rebuilt from it" if claim.kind is ClaimKind.PARENT else "is retired, or about to be"
            whose = f"{shown(claim.child)} {what} (state {shown(claim.said)})"
            raise NotRetirable(f"{shown(child)} is claimed: {whose}", "restore that one first, or keep this one")
        for claim in self.on(parent):
            if claim.kind is ClaimKind.RETIRED:
                where = f"state {shown(claim.said)}"
                raise NotRetirable(f"{shown(parent)} is retired itself, by {where}", "plan again with another parent")

    def _content(self, kind: ClaimKind, location: str, child: str, receipt: str) -> bytes:
        said = {"kind": kind.value, "location": location, "child": child, "receipt": receipt}
        said |= {"state": self.id, "said": self.state.location, "at": datetime.now(UTC).isoformat()}
        text = json.dumps(said, sort_keys=True)
        return json.dumps({"claim": text, "mac": self._mac(text)}).encode("utf-8")

    def _path(self, kind: ClaimKind, location: str, receipt: str) -> str:
        return joined(self._directory(location), f"{receipt}-{kind.value}.json")

    def _directory(self, location: str) -> str:
        beside = claims_beside(location)
        return beside if self.lake.is_inside(location.rstrip("/").rpartition("/")[0]) else claims_within(location)

    def _in(self, directory: str, begin: str = "") -> Iterator[Claim]:
        """The claims whose names begin so."""
        storage = storage_for(directory)
        try:
            names = sorted(storage.names(directory))
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            hint = "give the right to read it: without knowing the claims on a dataset it is left alone"
            raise LakeError(f"{shown(directory)} can't be listed: {error.strerror or error}", hint) from error
        wanted = [name for name in names if name.endswith(".json") and not name.startswith(".")]
        paths = [joined(directory, name) for name in wanted if name.startswith(begin)]
        now = _versions(directory) if any(path in self._seen for path in paths) else {}
        for path in paths:
            if path not in self._seen or self._seen[path].version != now.get(path):
                self._seen[path] = self._read(path)
            yield self._seen[path]

    def _read(self, path: str) -> Claim:
        storage = storage_for(path)
        try:
            version = storage.stat(path).version
            raw: Any = json.loads(storage.read_bytes(path))
            said = json.loads(raw["claim"])
            names = ("location", "child", "receipt", "state", "said")
            texts = {name: str(said[name]) for name in names}
            claim = Claim(ClaimKind(said["kind"]), **texts, path=path, version=version)
        except OSError as error:
            raise LakeError(f"{shown(path)} can't be read: {error.strerror or error}", _HINT) from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Tampered(f"{shown(path)} is a claim on a dataset, and damaged", _HINT) from error
        if claim.state == self.id and not hmac.compare_digest(self._mac(raw["claim"]), str(raw["mac"])):
            raise Tampered(f"{shown(path)} is not the claim that this state wrote", _HINT)
        return claim

    @cached_property
    def _key(self) -> bytes:
        return hmac.digest(bytes.fromhex(self.state.secret()), b"r2d2 claims", "sha256")

    def _mac(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8"), "sha256").hexdigest()


def state_id(state: State) -> str:
    """Tells one state from another wherever they lie, and gives nothing of its secret away."""
    return hmac.digest(bytes.fromhex(state.secret()), b"r2d2 state id", "sha256").hex()[:16]


def _directories(location: str) -> tuple[str, str]:
    """Both are read: to another state the dataset may be a root."""
    return claims_beside(location), claims_within(location)


def _versions(directory: str) -> dict[str, str]:
    """Of the files in a directory, by path, in one listing; those that are not told are to be asked for one by one."""
    try:
        files = storage_for(directory).tree(directory, []).files
    except OSError:
        return {}
    return {joined(directory, file.name): file.stat.version for file in files}
