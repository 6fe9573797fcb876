"""Finding the rows of people in the files of a dataset.

A cell of a key equals a value as the leaf's family says (EXACTNESS 3); a text is compared as text, and as each family
that both it and the cell convert to. Rows are told by their places in their files.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from r2d2.config import ContainmentSettings
from r2d2.containment.encoding import encoded
from r2d2.containment.scan import Connect, open_sources, read_failure, task_connection
from r2d2.containment.scan_sql import Source, value_of
from r2d2.containment.scanner import Runner, chunks, planned
from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake import text_views
from r2d2.lake.layout import Column
from r2d2.lake.parquet_types import family_of
from r2d2.lake.relation import batches
from r2d2.model.dataset import Dataset, LeafPath
from r2d2.model.family import DATE, INSTANT, NUMBER, STRING, TIMESTAMP, is_nested
from r2d2.model.names import fold_name
from r2d2.model.packing import pack_files
from r2d2.recovery.erase.keys import Keys
from r2d2.recovery.recipes.row_places import PLACE, numbered_sources

TASKS = pa.schema(
    [
        ("task", pa.int32()),
        ("dataset", pa.int32()),
        ("files", pa.string()),
        ("places", pa.string()),
        ("part", pa.string()),
        ("readers", pa.string()),
        ("case_sensitive", pa.bool_()),
        ("memory", pa.string()),
    ]
)
RESULTS = pa.schema([("file", pa.int64()), ("rows", pa.list_(pa.int64())), ("error", pa.string())])

Places = npt.NDArray[np.int64]
#: By index of a dataset's file the places of rows in it, sorted; files without any are left out.
Gone = Mapping[int, Places]

#: What a text is compared as, and what cells that convert to that look like: each takes its time to plan.
_TEXT_FAMILIES = {
    STRING: re.compile(".*", re.DOTALL),
    NUMBER: re.compile(r"-?\.?\d.*"),
    DATE: re.compile(text_views.DATE_PATTERN),
    TIMESTAMP: re.compile(text_views.TIMESTAMP_PATTERN),
    INSTANT: re.compile(text_views.INSTANT_PATTERN),
}
_PLANNING_BYTES = 500_000
_ROWS = 1 << 16


def matching(dataset: Dataset, keys: Keys, settings: ContainmentSettings, run: Runner) -> Gone:
    """The rows of people in a dataset whose files hold its rows.

    Raises:
        UnreadableData: a file can't be read as its metadata says.
        UnsupportedData: a column of the keys is a list or a map, which can't be compared with a cell.
    """
    numbers = {file.path: number for number, file in enumerate(dataset.files)}
    rows = [
        {
            "task": 0,
            "dataset": 0,
            "files": pack_files(chunk.files),
            "places": json.dumps([numbers[file.path] for file in chunk.files]),
            "part": chunk.part,
            "readers": json.dumps(dataset.readers),
            "case_sensitive": settings.case_sensitive,
            "memory": settings.task_memory,
            "bytes": chunk.bytes + _PLANNING_BYTES,
        }
        for chunk in chunks(dataset, settings.task_bytes)
    ]
    found: dict[int, list[int]] = defaultdict(list)
    for answer in run(planned(rows, TASKS, settings.task_bytes), FindRows(keys), RESULTS).to_pylist():
        if answer["error"] is not None:
            raise UnreadableData(f"{dataset.id}: {answer['error']}")
        found[answer["file"]] += answer["rows"]
    return {number: np.sort(np.asarray(places, np.int64)) for number, places in found.items() if places}


@dataclass(frozen=True)
class FindRows:
    """The kernel that finds rows of people."""

    keys: Keys

    def __call__(self, tasks: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Maps task rows to the places of rows in each file."""
        with task_connection() as connect:
            for batch in tasks:
                for task in batch.to_pylist():
                    try:
                        found = list(self._found(task, connect))
                    except Exception as error:  # noqa: BLE001  # the reason why the dataset is left alone
                        found = [{"file": -1, "rows": [], "error": read_failure(error)}]
                    yield pa.RecordBatch.from_pylist(found, schema=RESULTS)

    def _found(self, task: Mapping[str, Any], connect: Connect) -> Iterator[dict[str, Any]]:
        for file, number in zip(json.loads(task["files"]), json.loads(task["places"]), strict=True):
            one = {**task, "files": json.dumps([file])}
            by_number = json.loads(json.loads(task["readers"])[file[5]])["format"] == "parquet"
            rows = self._numbered(one, connect) if by_number else self._in_order(one, connect)
            yield {"file": number, "rows": rows, "error": None}

    def _numbered(self, task: Mapping[str, Any], connect: Connect) -> list[int]:
        with numbered_sources(task, connect) as (con, (part,), _), condition(con, part, self.keys) as found:
            within = "true"
            if task["part"]:
                start, stop = json.loads(task["part"])
                within = f"{PLACE} >= {int(start)} AND {PLACE} < {int(stop)}"
            query = f"SELECT {PLACE} FROM {part.table} WHERE {within} AND {found}"
            return [place for (place,) in con.execute(query).fetchall()]

    def _in_order(self, task: Mapping[str, Any], connect: Connect) -> list[int]:
        """Texts have no row numbers: one thread reads them in their order, which who rewrites them checks."""
        with open_sources(task, connect) as (con, (part,)), condition(con, part, self.keys) as found:
            flags = [batch.column(0) for batch in batches(con, f"SELECT {found} FROM {part.table}", _ROWS)]
            told = pa.chunked_array(flags, pa.bool_()).to_numpy()
            places: list[int] = np.flatnonzero(told).tolist()
            return places


@contextmanager
def condition(con: duckdb.DuckDBPyConnection, part: Source, keys: Keys) -> Iterator[str]:
    """SQL BOOLEAN on the source, never NULL: whether a row is of one of the people."""
    terms = []
    by_columns: dict[tuple[str, ...], list[tuple[str, ...]]] = defaultdict(list)
    for person in keys.cells:
        names, texts = zip(*person, strict=True)
        by_columns[names].append(texts)
    with ExitStack() as stack:
        for names, people in by_columns.items():
            held = [_held(part, name) for name in names]
            if None not in held:
                forms = [
                    _forms(*each, texts) for each, texts in zip(held, zip(*people, strict=True), strict=True) if each
                ]
                terms += [stack.enter_context(_listed(con, people, one)) for one in product(*forms)]
        yield f"({' OR '.join(terms) or 'false'})"


@dataclass(frozen=True)
class _Form:
    """A column as one family: SQL of its canonical text, NULL where a value has none; the same of a cell's text."""

    value: str
    cell: Callable[[str], str]


def _held(part: Source, name: str) -> tuple[str, Column] | None:
    paths: list[LeafPath] = [path for path in (*part.leaves, *part.partition) if fold_name(".".join(path)) == name]
    return value_of(part, paths[0], STRING) if paths else None


def _forms(value: str, column: Column, cells: Sequence[str]) -> list[_Form]:
    if column.kind in ("TEXT", "JSON"):
        families = (family for family, may_be in _TEXT_FAMILIES.items() if any(map(may_be.fullmatch, cells)))
        return [_text_form(value, column, family) for family in families]
    family = family_of(column)
    if is_nested(family) or column.kind == "STRUCT":
        raise UnsupportedData("a column of the keys is a list, a map or a struct here: give one of its fields")
    if column.kind == "BLOB":
        return [_Form(encoded(value, column, family), lambda cell: f"hex(encode({cell}))")]
    return [_Form(encoded(value, column, family), lambda cell: _converted(cell, Column("", "TEXT"), family))]


def _text_form(value: str, column: Column, family: str) -> _Form:
    return _Form(_converted(value, column, family), lambda cell: _converted(cell, Column("", "TEXT"), family))


def _converted(text: str, column: Column, family: str) -> str:
    """SQL of the canonical text of a text under a family; NULL where it does not convert."""
    given = text_views.present(text, column, family)
    can = f"({given}) IS NOT NULL AND {text_views.convertible(f'({given})', column.kind, family)}"
    return f"CASE WHEN {can} THEN {encoded(f'({text})', column, family)} END"


@contextmanager
def _listed(con: duckdb.DuckDBPyConnection, people: Sequence[Sequence[str]], forms: Sequence[_Form]) -> Iterator[str]:
    """SQL BOOLEAN, never NULL: whether the columns, as these families, are those of a person.

    No canonical text holds a bare ``;``, so that no two people have one spelling.
    """
    name = f"people_{uuid.uuid4().hex}"
    columns = {f"t{i}": pa.array([person[i] for person in people], pa.string()) for i in range(len(forms))}
    con.register(name, pa.table(columns))
    value = " || ';' || ".join(f"({form.value})" for form in forms)
    cells = " || ';' || ".join(f"({form.cell(f't{i}')})" for i, form in enumerate(forms))
    try:
        held = f"SELECT k FROM (SELECT {cells} AS k FROM {name}) WHERE k IS NOT NULL"
        yield f"coalesce(({value}) IN ({held}), false)"
    finally:
        con.unregister(name)
