"""Some records of a text file as a file of their own, which is read as the whole one is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from r2d2.errors import UnreadableData
from r2d2.lake.layout import Reader
from r2d2.lake.text_encoding import UTF_8
from r2d2.recovery.formats.headers_text import Sample
from r2d2.recovery.identity.text import records


def has_numbers(reader: Reader) -> bool:
    """Whether the rows of a reader's files can be listed: those of a JSON document can't."""
    return reader.format != "json" or reader.options["shape"] == "lines"


def only_records(path: Path, reader: Reader, places: npt.NDArray[np.int64]) -> tuple[Reader, Path]:
    """The records at some places, and how they are read.

    Args:
        path: a generated name in a scratch directory, beside which the records are put.
        places: from 0, sorted.

    Raises:
        UnreadableData: it has fewer records.
    """
    target = path.with_name(f"{path.name}.rows")
    end = reader.options.get("newline", "\n").encode()
    first = taken = 0
    with target.open("xb") as copy:
        copy.write(_first_line(reader, end))
        for held in records(path, Sample(reader)):
            start, stop = np.searchsorted(places, (first, first + len(held)))
            copy.writelines(held[place - first] + end for place in places[start:stop].tolist())
            first, taken = first + len(held), taken + int(stop - start)
    if taken != len(places):
        raise UnreadableData(f"a text file has {first} rows, fewer than a recipe asks of it")
    plain = {"encoding": UTF_8, "compression": "none", "header": "true"}
    return replace(reader, options={**reader.options, **plain}), target


def _first_line(reader: Reader, end: bytes) -> bytes:
    """A header: *seen*: DuckDB takes the first line end for the file's, also one between quotes."""
    return (
        b"" if reader.format == "json" else reader.options["delimiter"].join("x" for _ in reader.columns).encode() + end
    )
