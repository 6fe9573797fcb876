"""The columns of ORC files, from their footers."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.orc as orc

from r2d2.errors import LakeError, UnreadableData, UnsupportedData
from r2d2.lake.file_tree import shown
from r2d2.lake.storage import storage_for


def orc_columns(path: str) -> tuple[tuple[str, ...], int]:
    """Names and types of the columns of a file, each as one text, and its number of rows.

    Raises:
        UnreadableData: it is no ORC file, or damaged.
        UnsupportedData: a column holds times. ORC keeps what clocks show, and not where: Spark makes an instant of it
            by the time zone of the machine, and cuts nanoseconds.
    """
    name = shown(path.rpartition("/")[2])
    try:
        with storage_for(path).open(path) as source:
            file = orc.ORCFile(source)
            schema, rows = file.schema, file.nrows
    except (OSError, LakeError, pa.ArrowException) as error:
        raise UnreadableData(f"{name} can't be read as ORC") from error
    for field in schema:
        if "timestamp" in str(field.type):
            raise UnsupportedData(f"column {shown(field.name)} holds times, which ORC keeps without a zone")
    return tuple(f"{field.name} {field.type}" for field in schema), rows
