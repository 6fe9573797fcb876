"""The state directory: Delta tables, written and read without a JVM, one writer at a time."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from r2d2.catalog.tables import LAYOUT, SCHEMAS
from r2d2.errors import StateError, StateInUse, UnreadableData, UnsupportedData, UsageError
from r2d2.lake.delta_log import read_delta
from r2d2.lake.storage import storage_for
from r2d2.version import __version__

if TYPE_CHECKING:
    from deltalake.transaction import AddAction

_MARKER = "r2d2-state.json"
_LOCK = ".r2d2.lock"
_SECRET, _SECRET_BYTES = ".r2d2.secret", 32
_SCRATCH = ".r2d2.scratch"
#: Columns that rows are chosen by.
_CHOSEN_BY = ("run_id", "grade")
_LOST_SECRET = "remove it: a new one is made, and everything is hashed again"


@dataclass(frozen=True)
class State:
    """A state directory of the current layout."""

    path: Path

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
        replaced = run_id if self._files(table, run_id) else ""
        if data.num_rows or replaced:
            self._write(table, data, replaced)

    def copy_run(self, table: str, earlier: str, run_id: str) -> None:
        """Makes the rows of an earlier run all that the table holds of another one, in one commit."""
        from r2d2.catalog.commit import copied

        files = self._files(table, earlier)
        replaced = run_id if self._files(table, run_id) else ""
        if files or replaced:
            self._commit(table, lambda location: copied(location, files, run_id), replaced)

    def _write(self, table: str, data: pa.Table, replaced: str = "") -> None:
        from r2d2.catalog.commit import written  # commands that only read need not load it

        self._commit(table, lambda location: written(location, data), replaced)

    def _commit(self, table: str, added: Callable[[Path], list[AddAction]], replaced: str) -> None:
        from r2d2.catalog.commit import DELTA_ERRORS, commit

        location = self.path / table
        try:
            location.mkdir(exist_ok=True)
            commit(location, SCHEMAS[table], added(location), replaced, new=not self._committed(table))
        except (*DELTA_ERRORS, pa.ArrowException, OSError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            hint = "look for space and rights there; what was kept before is still good"
            raise StateError(f"{location} can't be written: {reason}", hint) from error

    def _committed(self, table: str) -> bool:
        """Whether the table has a commit; a run that died in the first write to it leaves a directory without one."""
        log = self.path / table / "_delta_log"
        return any(entry.suffix in (".json", ".parquet") for entry in log.iterdir()) if log.is_dir() else False

    def _files(self, table: str, run_id: str | None) -> list[str]:
        """The data files of a run (None: of all), below the table's directory."""
        location = str(self.path / table)
        if not self._committed(table):
            return []
        added = read_delta(storage_for(location), location).files
        return [add.path for add in added if run_id in (None, dict(add.partition).get("run_id"))]

    def secret(self) -> str:
        """The 256 bits that only this state knows, as hexadecimal digits; made when they are first asked for.

        Raises:
            StateError: the file that holds them is damaged, or can't be read or made.
        """
        path = self.path / _SECRET
        try:
            if not path.exists():
                temporary = path.with_name(f"{_SECRET}.{os.getpid()}")
                with open(temporary, "w", encoding="ascii", opener=_private) as file:
                    file.write(secrets.token_hex(_SECRET_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            text = path.read_text(encoding="ascii")
            if len(bytes.fromhex(text)) == _SECRET_BYTES:
                return text
        except (OSError, ValueError) as error:
            raise StateError(f"{path} can't be used: {error}", _LOST_SECRET) from error
        raise StateError(f"{path} is not the secret that was written", _LOST_SECRET)

    @property
    def has_secret(self) -> bool:
        """Whether a secret was made."""
        return (self.path / _SECRET).exists()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A directory for what a stage need not leave behind; what a run that died left there is removed first."""
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
        try:
            with (self.path / _LOCK).open("r") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the state's lock; a process that dies lets go of it.

        Raises:
            StateInUse: another process holds it.
            StateError: it can't be taken.
        """
        try:
            file = (self.path / _LOCK).open("a+")
        except OSError as error:
            hint = "give a state that may be written, or the right to write it"
            raise StateError(f"{self.path / _LOCK} can't be opened: {error.strerror}", hint) from error
        with file:
            if not _taken(file):
                file.seek(0)
                raise StateInUse(
                    f"{self.path} is in use by another r2d2 run (process {file.read().strip() or 'unknown'})",
                    "wait until it ends (--wait 2h does), or give another --state",
                )
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def _scan(
        self,
        table: str,
        run_id: str | None,
        condition: ds.Expression | None,
        schema: pa.Schema,
        columns: Sequence[str],
    ) -> pa.Table:
        """Of one run only its own files are opened: what became of those of others does not matter to it."""
        location = self.path / table
        try:
            partitioning = ds.partitioning(pa.schema([f for f in schema if f.name == "run_id"]), flavor="hive")
            files = [_local(str(location), file) for file in self._files(table, run_id)]
            data = ds.dataset(files, schema=schema, partitioning=partitioning, format="parquet").to_table(
                columns=list(columns), filter=condition
            )
        except (UnreadableData, UnsupportedData, pa.ArrowException, OSError) as error:
            raise StateError(
                f"{location} can't be read: {error}", "restore it from a backup or start a new --state"
            ) from error
        return data.cast(pa.schema([schema.field(column) for column in columns]))


def open_state(directory: str, create: bool = False) -> State:
    """Opens a state directory, or makes it.

    Raises:
        UsageError: not a local directory.
        StateError: missing, not a state, or of another layout.
    """
    path = _path(directory)
    marker = path / _MARKER
    if not marker.exists():
        if not create:
            raise StateError(f"{path} holds no r2d2 state", "run `r2d2 run LAKE --state DIR` first, or check the path")
        _create(path)
    try:
        layout = json.loads(marker.read_text(encoding="utf-8"))["layout"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StateError(f"{marker} can't be read: {error}", "restore it or start a new --state") from error
    if layout != LAYOUT:
        raise StateError(
            f"{path} has state layout {layout}, this version of r2d2 ({__version__}) uses layout {LAYOUT}",
            "start a new --state; the old one is left as it is",
        )
    return State(path)


def existing_state(directory: str) -> State | None:
    """The state that a run would go on with; None where it would make one. Nothing is made here.

    Raises:
        UsageError, StateError: a run could not use the directory either.
    """
    path = _path(directory)
    if (path / _MARKER).exists():
        return open_state(directory)
    try:
        if any(map(_is_foreign, path.iterdir())):
            raise _foreign(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{path} can't be read: {error.strerror}", "give a directory that can be written") from error
    return None


def _path(directory: str) -> Path:
    if "://" in directory and not directory.startswith("file://"):
        raise UsageError(
            f"--state {directory}: the state must be a local directory", "state on object stores comes later"
        )
    return Path(unquote(urlparse(directory).path) if directory.startswith("file://") else directory).absolute()


def _is_foreign(entry: Path) -> bool:
    """Whether it is none of the files with which a state begins, which another run may just be making."""
    return entry.name not in (_LOCK, _MARKER) and not entry.name.startswith(f".{_MARKER}.")


def _foreign(path: Path) -> StateError:
    return StateError(f"{path} is not empty and holds no r2d2 state", "give an empty or new directory as --state")


def _private(path: str, flags: int) -> int:
    """Opens a file that nobody else may read."""
    return os.open(path, flags, 0o600)


def _taken(file: TextIO) -> bool:
    """Whether the lock could be had; a moment's patience is for commands that only ask whether it is held."""
    for _ in range(10):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def as_rows(table: str, rows: pa.Table | list[dict[str, Any]]) -> pa.Table:
    """Rows with the columns of a state table; what is a dictionary of its type stays one."""
    schema = SCHEMAS[table]
    if not isinstance(rows, pa.Table):
        return pa.Table.from_pylist(rows, schema=schema)
    given = [rows.schema.field(field.name).type for field in schema]
    kinds = [kind if pa.types.is_dictionary(kind) else field.type for kind, field in zip(given, schema, strict=True)]
    return rows.cast(pa.schema([field.with_type(kind) for field, kind in zip(schema, kinds, strict=True)]))


def _create(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(map(_is_foreign, path.iterdir())):
            raise _foreign(path)
        temporary = path / f".{_MARKER}.{os.getpid()}"
        temporary.write_text(json.dumps({"layout": LAYOUT, "created_by": __version__}), encoding="utf-8")
        temporary.replace(path / _MARKER)
    except OSError as error:
        raise StateError(f"{path} can't be made: {error.strerror}", "give a directory that can be written") from error


def _folded(schema: pa.Schema) -> pa.Schema:
    """Texts as dictionaries, except those that rows are chosen by."""
    kind = pa.dictionary(pa.int32(), pa.string())
    fold = (pa.types.is_string(field.type) and field.name not in _CHOSEN_BY for field in schema)
    return pa.schema([field.with_type(kind) if folds else field for field, folds in zip(schema, fold, strict=True)])


def _local(table: str, path: str) -> str:
    return path if path.startswith("/") else f"{table}/{path}"


def latest(table: pa.Table, column: str = "at") -> pa.Table:
    """The rows sorted by a column, newest first."""
    return table.take(pc.sort_indices(table, sort_keys=[(column, "descending")]))


def as_json(value: Mapping[str, Any] | list[Any]) -> str:
    """JSON in one spelling."""
    return json.dumps(value, sort_keys=True, default=str)
