"""Parquet files that an Iceberg table took over from another writer (``add_files``, ``snapshot``, ``migrate``).

Iceberg's reader trusts such a file to be what Iceberg would have written. *Seen*: it takes times in milliseconds and
nanoseconds for microseconds, cuts those of INT96, and passes over columns that the table has not; none with a word.
Their footers are looked at first, and what it would not give as it is is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.parquet import TIMES_IN_MILLISECONDS
from r2d2.lake.parquet_types import shown
from r2d2.model.dataset import FileSummary

#: The property of tables that hold such files: the columns' names by which Iceberg finds them there.
NAME_MAPPING = "schema.name-mapping.default"
#: Why such a table is not read by us, if nothing else is wrong with it.
FOREIGN = "its files are read by Iceberg's own reader"


def refuse_foreign(properties: Mapping[str, Any], parts: Sequence[FileSummary]) -> None:
    """Refuses files that Iceberg's reader would not give as they are.

    Raises:
        UnsupportedData: naming what is wrong.
        UnreadableData: the table's property is damaged.
    """
    try:
        named = {name for field in json.loads(properties[NAME_MAPPING]) for name in field["names"]}
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableData(f"its property {NAME_MAPPING} is damaged") from error
    for part in parts:
        if part.properties.get(TIMES_IN_MILLISECONDS):
            raise UnsupportedData("its files hold times in milliseconds, which Iceberg takes for microseconds")
        if '"kind":"TIMESTAMP_NS"' in part.reader:
            raise UnsupportedData("its files hold times in nanoseconds, which Iceberg takes for microseconds")
        more = next((leaf.path[:1] for leaf in part.leaves if leaf.path[0] not in named), None)
        if more is not None:
            raise UnsupportedData(f"its files have a column {shown(more)} that the table has not")
