"""Where a state may lie, and its first file."""

from __future__ import annotations

import json
from contextlib import suppress

from r2d2.catalog.state_lock import LOCK
from r2d2.catalog.tables import LAYOUT
from r2d2.errors import LakeError, StateError, UsageError
from r2d2.lake.file_tree import joined
from r2d2.lake.local_writes import BEING_WRITTEN
from r2d2.lake.object_client import OBJECT_STORES
from r2d2.lake.storage import Storage, absolute, is_local, storage_for
from r2d2.lake.urls import SAME_STORE, is_spelled, split_url, url_key, without_credentials
from r2d2.version import __version__

MARKER = "r2d2-state.json"
#: The report of the newest run, made again from the tables when it is asked for.
REPORT = "report.html"


def location_of(directory: str) -> str:
    """One spelling of where the state is.

    Raises:
        UsageError: a store that has no conditional writes, or a URL with credentials in it.
    """
    location = absolute(directory)
    scheme = SAME_STORE.get(split_url(location)[0], split_url(location)[0])
    named = without_credentials(directory)
    if not is_local(location) and scheme not in OBJECT_STORES:
        hint = "give a local directory, or a URL of S3 (s3://), GCS (gs://) or ADLS (abfss://)"
        raise UsageError(f"--state {named}: two runs at once could spoil a state on {scheme}://", hint)
    try:
        storage_for(location)
    except LakeError as error:
        raise UsageError(f"--state {error}", error.hint) from None
    return location if is_local(location) else _prefix(location, named)


def _prefix(location: str, named: str) -> str:
    """*Seen*: delta-rs reads ``%20`` as a space even where it is spelled ``%2520``, and so writes beside the state."""
    scheme, authority, _ = split_url(location)
    key = url_key(location)
    if "%" in key or (key and not is_spelled(key)):
        hint = "give a prefix without %, control characters, and parts that are empty or dots"
        raise UsageError(f"--state {named}: a state can't have that name", hint)
    return joined(f"{scheme}://{authority}", key)


def foreign(location: str) -> StateError:
    """What is said of a directory that is somebody else's."""
    return StateError(f"{location} is not empty and holds no r2d2 state", "give an empty or new directory as --state")


def is_there(storage: Storage, path: str) -> bool:
    """Whether there is a file."""
    try:
        storage.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def is_new(storage: Storage, location: str) -> bool:
    """Whether there is nothing, or at most the files with which a state begins: another run may just be making it.

    Raises:
        OSError: it can't be listed.
    """
    try:
        return all(name in (LOCK, MARKER) or name.startswith(BEING_WRITTEN) for name in storage.names(location))
    except FileNotFoundError:
        return True


def create(storage: Storage, location: str) -> None:
    """Makes a state without tables.

    Raises:
        StateError: something else is there, or it can't be made.
    """
    try:
        if not is_new(storage, location):
            raise foreign(location)
        content = json.dumps({"layout": LAYOUT, "created_by": __version__})
        with suppress(FileExistsError):
            storage.put(joined(location, MARKER), content.encode("utf-8"), only_if="")
    except OSError as error:
        reason = error.strerror or error
        raise StateError(f"{location} can't be made: {reason}", "give a directory that can be written") from error
