"""The state: Delta tables on disk or in an object store, written and read without a JVM, one writer at a time."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from r2d2.catalog.state_files import data_files, rows_of, unlisted_files
from r2d2.catalog.state_lock import Lock, lock_of
from r2d2.catalog.state_place import MARKER, foreign, is_new, is_there, location_of
from r2d2.catalog.state_place import create as create_state
from r2d2.catalog.tables import LAYOUT, SCHEMAS
from r2d2.errors import StateError, UnreadableData, UnsupportedData
from r2d2.lake.delta_log import DeltaFile
from r2d2.lake.file_tree import joined
from r2d2.lake.storage import Storage, is_local, storage_for
from r2d2.lake.urls import without_credentials
from r2d2.version import __version__

if TYPE_CHECKING:
    from r2d2.catalog.commit import Action

_SECRET, _SECRET_BYTES = ".r2d2.secret", 32
_SCRATCH = ".r2d2.scratch"
#: Columns that rows are chosen by.
_CHOSEN_BY = ("run_id", "grade")
_RUN_FIRST = "run `r2d2 run LAKE --state DIR` first, or check the path"
_LOST_SECRET = "remove it: a new one is made, and everything is hashed again"


@dataclass(frozen=True)
class State:
    """A state of the current layout, at an absolute path or a URL."""

    location: str

    @property
    def path(self) -> Path:
        """The directory of a state on disk."""
        return Path(self.location)

    @property
    def storage(self) -> Storage:
        """Where it lies."""
        return storage_for(self.location)

    @cached_property
    def lock(self) -> Lock:
        """The right to write it."""
        return lock_of(self.location)

    def rows(
        self,
        table: str,
        run_id: str | None = None,
        only: ds.Expression | None = None,
        folded: bool = False,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """All rows of a table, or those of one run, or only some of them.

        Args:
            only: a condition on the table's columns.
            folded: texts as dictionaries, where there may be millions of rows and few different texts.
            columns: those that are read; all of them if there are none.

        Raises:
            StateError: the table is damaged.
        """
        schema = _folded(SCHEMAS[table]) if folded else SCHEMAS[table]
        return self._scan(table, run_id, only, schema, columns or schema.names)

    def by_key(self, table: str, keys: Iterable[str]) -> pa.Table:
        """The rows of a cache table with one of the keys."""
        wanted = pa.array(sorted(set(keys)), pa.string())
        if not len(wanted):
            return SCHEMAS[table].empty_table()
        return self._scan(table, None, ds.field("key").isin(wanted), SCHEMAS[table], SCHEMAS[table].names)

    def append(self, table: str, rows: pa.Table | list[dict[str, Any]]) -> None:
        """Appends rows in one commit; nothing is written for no rows. Texts of a table may be dictionaries."""
        data = as_rows(table, rows)
        if data.num_rows:
            self._write(table, data)

    def write_run(self, table: str, run_id: str, rows: pa.Table | list[dict[str, Any]]) -> None:
        """Makes ``rows`` all that the table holds of a run, in one commit, so that a stage can run again."""
        data = as_rows(table, rows)
        if data.num_rows or self._files(table, run_id):
            self._write(table, data, run_id)

    def copy_run(self, table: str, earlier: str, run_id: str) -> None:
        """Makes the rows of an earlier run all that the table holds of another one, in one commit."""
        from r2d2.catalog.commit import copied

        files = self._files(table, earlier)
        if files or self._files(table, run_id):
            self._commit(table, lambda location: copied(location, files, run_id), run_id)

    def rewrite(self, table: str, change: Callable[[pa.Table], pa.Table]) -> None:
        """Gives rows otherwise, in one commit; what they were is gone for good, in older versions of the table, too.

        Nobody reads the table meanwhile.

        Args:
            change: rows of one data file → what becomes of them; the same object where nothing does.
        """
        from r2d2.catalog.commit import rewritten

        location = joined(self.location, table)
        with _written_to(location):
            actions = rewritten(location, self._files(table, None), SCHEMAS[table], change)
        if actions:
            self._commit(table, lambda _: actions, "")
        with _written_to(location):
            kept = {file.path for file in self._files(table, None)}
            for path in unlisted_files(location, kept):
                self.lock.fence()
                self.storage.delete(path)

    def _write(self, table: str, data: pa.Table, replaced: str = "") -> None:
        from r2d2.catalog.commit import written  # commands that only read need not load it

        self._commit(table, lambda location: written(location, data), replaced)

    def _commit(self, table: str, added: Callable[[str], Sequence[Action]], replaced: str) -> None:
        from r2d2.catalog.commit import commit

        location = joined(self.location, table)
        with _written_to(location):
            commit(location, SCHEMAS[table], added(location), replaced, self.lock.fence)

    def _files(self, table: str, run_id: str | None) -> list[DeltaFile]:
        return data_files(joined(self.location, table), run_id)

    def write_file(self, name: str, content: bytes, private: bool = False) -> str:
        """Writes a file that is not a table, such as the report; a reader sees the old one or the new one. Its place.

        Args:
            private: on disk, only its owner may read it.

        Raises:
            StateError: it can't be written, or the state is another process's by now.
        """
        place = joined(self.location, name)
        self.lock.fence()
        try:
            self.storage.put(place, content, private=private)
        except OSError as error:
            hint = "look for space and rights there"
            raise StateError(f"{place} can't be written: {error.strerror or error}", hint) from error
        return place

    def secret(self) -> str:
        """The 256 bits that only this state knows, as hexadecimal digits; made when they are first asked for.

        Raises:
            StateError: the file that holds them is damaged, or can't be read or made.
        """
        place = joined(self.location, _SECRET)
        try:
            text = self._kept_secret(place).decode("ascii")
            if len(bytes.fromhex(text)) == _SECRET_BYTES:
                return text
        except (OSError, ValueError) as error:
            raise StateError(f"{place} can't be used: {error}", _LOST_SECRET) from error
        raise StateError(f"{place} is not the secret that was written", _LOST_SECRET)

    def _kept_secret(self, place: str) -> bytes:
        try:
            return self.storage.read_bytes(place)
        except FileNotFoundError:
            new = secrets.token_hex(_SECRET_BYTES).encode("ascii")
            with suppress(FileExistsError):  # another process was faster
                self.storage.put(place, new, only_if="", private=True)
            return self.storage.read_bytes(place)

    @property
    def has_secret(self) -> bool:
        """Whether a secret was made."""
        return is_there(self.storage, joined(self.location, _SECRET))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A directory for what a stage need not leave behind; what a run that died left there is removed first.

        It is on this machine's disk: of a state in a store where the system keeps temporary files.
        """
        if not is_local(self.location):
            with tempfile.TemporaryDirectory(prefix="r2d2-scratch-") as directory:
                yield Path(directory)
            return
        path = self.path / _SCRATCH
        shutil.rmtree(path, ignore_errors=True)
        try:
            path.mkdir(mode=0o700)
        except OSError as error:
            raise StateError(f"{path} can't be made: {error.strerror}", "look for space and rights there") from error
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def in_use(self) -> bool:
        """Whether a process holds the state's lock now."""
        return self.lock.in_use()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the state's lock; that of a process that dies ends, in a store after its lease.

        Raises:
            StateInUse: another process holds it.
            StateError: it can't be taken.
        """
        with self.lock.held() as abandoned:
            if abandoned:
                self._shut_out()
            yield

    def _shut_out(self) -> None:
        """A commit of nothing to each table: who held the lock before, and is only slow, can't add one of its own.

        *Seen*: one that stood still right before it asked the store wrote its rows beside those of the next.
        """
        names = self.storage.names(self.location)
        for table in SCHEMAS:
            if table in names:
                self._commit(table, lambda _: [], "")

    def _scan(
        self,
        table: str,
        run_id: str | None,
        condition: ds.Expression | None,
        schema: pa.Schema,
        columns: Sequence[str],
    ) -> pa.Table:
        """Of one run only its own files are opened: what became of those of others does not matter to it."""
        location = joined(self.location, table)
        try:
            data = rows_of(location, self._files(table, run_id), schema, columns, condition)
        except (UnreadableData, UnsupportedData, pa.ArrowException, OSError) as error:
            raise StateError(
                f"{location} can't be read: {error}", "restore it from a backup or start a new --state"
            ) from error
        return data.cast(pa.schema([schema.field(column) for column in columns]))


def open_state(directory: str, create: bool = False) -> State:
    """Opens a state, or makes it.

    Args:
        directory: a path, or the URL of a directory in an object store.

    Raises:
        UsageError: neither of these.
        StateError: missing, not a state, or of another layout.
    """
    location = location_of(directory)
    storage, marker = storage_for(location), joined(location, MARKER)
    try:
        if not is_there(storage, marker):
            if not create:
                raise StateError(f"{location} holds no r2d2 state", _RUN_FIRST)
            create_state(storage, location)
        layout = json.loads(storage.read_bytes(marker))["layout"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StateError(f"{marker} can't be read: {error}", "restore it or start a new --state") from error
    if layout != LAYOUT:
        raise StateError(
            f"{location} has state layout {layout}, this version of r2d2 ({__version__}) uses layout {LAYOUT}",
            "start a new --state; the old one is left as it is",
        )
    return State(location)


def existing_state(directory: str) -> State | None:
    """The state that a run would go on with; None where it would make one. Nothing is made here.

    Raises:
        UsageError, StateError: a run could not use the directory either.
    """
    location = location_of(directory)
    try:
        storage = storage_for(location)
        new = is_new(storage, location)
    except OSError as error:
        reason = error.strerror or error
        raise StateError(f"{location} can't be read: {reason}", "give a directory that can be written") from error
    if is_there(storage, joined(location, MARKER)):
        return open_state(directory)
    if not new:
        raise foreign(location)
    return None


@contextmanager
def _written_to(location: str) -> Iterator[None]:
    """Says in words of the state what went wrong when a table was written."""
    from r2d2.catalog.commit import DELTA_ERRORS

    try:
        yield
    except (*DELTA_ERRORS, UnreadableData, UnsupportedData, pa.ArrowException, OSError) as error:
        reason = (without_credentials(str(error)).strip().splitlines() or [type(error).__name__])[0]
        hint = "look for space and rights there; what was kept before is still good"
        raise StateError(f"{location} can't be written: {reason}", hint) from error


def as_rows(table: str, rows: pa.Table | list[dict[str, Any]]) -> pa.Table:
    """Rows with the columns of a state table; what is a dictionary of its type stays one."""
    schema = SCHEMAS[table]
    if not isinstance(rows, pa.Table):
        return pa.Table.from_pylist(rows, schema=schema)
    given = [rows.schema.field(field.name).type for field in schema]
    kinds = [kind if pa.types.is_dictionary(kind) else field.type for kind, field in zip(given, schema, strict=True)]
    return rows.cast(pa.schema([field.with_type(kind) for field, kind in zip(schema, kinds, strict=True)]))


def _folded(schema: pa.Schema) -> pa.Schema:
    """Texts as dictionaries, except those that rows are chosen by."""
    kind = pa.dictionary(pa.int32(), pa.string())
    fold = (pa.types.is_string(field.type) and field.name not in _CHOSEN_BY for field in schema)
    return pa.schema([field.with_type(kind) if folds else field for field, folds in zip(schema, fold, strict=True)])


def latest(table: pa.Table, column: str = "at") -> pa.Table:
    """The rows sorted by a column, newest first."""
    return table.take(pc.sort_indices(table, sort_keys=[(column, "descending")]))


def as_json(value: Mapping[str, Any] | list[Any]) -> str:
    """JSON in one spelling."""
    return json.dumps(value, sort_keys=True, default=str)
