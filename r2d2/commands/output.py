"""Payloads on standard output as a table, JSON or CSV. Only the payload goes there; all else goes to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from r2d2.delimited import csv_line
from r2d2.units import some_of
from r2d2.visible import visible

FORMATS = ("table", "json", "csv")
Row = Mapping[str, Any]
#: What a spreadsheet takes a cell for a formula by.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", *"＝＋－＠")  # wide ones too: some spreadsheets take them for the others


def print_rows(rows: Iterable[Row], columns: Sequence[str], output: str) -> None:
    """Rows in the columns' order; JSON and CSV are streamed, a table is laid out as a whole."""
    if output == "json":
        _print_json_list(rows, columns)
    elif output == "csv":
        sys.stdout.write(csv_line(columns))
        for row in rows:
            sys.stdout.write(csv_line(_spreadsheet_cell(row[column]) for column in columns))
    else:
        _print_table(rows, columns)


def print_object(value: Mapping[str, Any]) -> None:
    """One JSON object."""
    json.dump(value, sys.stdout, indent=1, ensure_ascii=True)
    sys.stdout.write("\n")


def _print_json_list(rows: Iterable[Row], columns: Sequence[str]) -> None:
    separator = "["
    for row in rows:
        sys.stdout.write(separator + json.dumps({column: row[column] for column in columns}, ensure_ascii=True))
        separator = ",\n "
    sys.stdout.write("[]\n" if separator == "[" else "]\n")


def _print_table(rows: Iterable[Row], columns: Sequence[str]) -> None:
    """Control and bidirectional characters in names are made visible: a name must not drive the terminal."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(_brief(row[column]))) for column in columns))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    with console.capture() as laid_out:  # printed by rich itself, a pipe that breaks would end the process with code 1
        console.print(table)
    sys.stdout.write(laid_out.get())


def _brief(value: Any) -> str:
    """A cell for people: of a long list, such as all the snapshots that share files, the first few."""
    return some_of([str(item) for item in value]) if isinstance(value, list | tuple) else _cell(value)


def _spreadsheet_cell(value: Any) -> str:
    """A name from the lake must not be a formula where a spreadsheet opens the file; numbers are what they are."""
    text = _cell(value)
    return f"'{text}" if not isinstance(value, int | float) and text.startswith(_FORMULA) else text


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
