"""What the name of a file or directory says: its format, whether it is hidden, and partition values."""

from __future__ import annotations

import re

from r2d2.lake.catalog_names import RETIRED

_FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".parq": "parquet",
    ".orc": "orc",
    ".avro": "avro",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
}
_TEXT = frozenset({"csv", "tsv", "jsonl", "json"})
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_ESCAPED = re.compile("%([0-9A-Fa-f]{2})")
_ODD = re.compile(r"[^a-z0-9._+-]")


def data_format(name: str) -> str | None:
    """The format that a file's suffix stands for, or None if it is no data file.

    >>> data_format("a.CSV.gz"), data_format("a.parquet.gz"), data_format("a.pdf")
    ('csv', None, None)
    """
    lower = name.lower()
    plain = lower.removesuffix(".gz")
    found = _FORMATS.get(plain[plain.rfind(".") :]) if "." in plain else None
    return None if plain != lower and found not in _TEXT else found


def is_part(name: str) -> bool:
    """Whether a file is named as one of several parts of a dataset."""
    return name.startswith("part-")


def is_hidden(component: str) -> bool:
    """Whether one part of a path is hidden or temporary, or a table that R2D2 retired.

    Like for Spark, ``_col=value`` is not.
    """
    if component.startswith("_"):
        return "=" not in component
    return component.startswith((".", RETIRED)) or component.endswith((".crc", ".tmp", "._COPYING_"))


def hive_column(component: str) -> tuple[str, str | None] | None:
    """Column and value of a ``k=v`` directory, escapes undone as Spark does; None for any other directory.

    >>> hive_column("day=2024%2F01"), hive_column("k=__HIVE_DEFAULT_PARTITION__"), hive_column("=x")
    (('day', '2024/01'), ('k', None), None)
    """
    column, separator, value = component.partition("=")
    if not separator or not column:
        return None
    return _unescaped(column), None if value == _HIVE_NULL else _unescaped(value)


def suffix_for_people(name: str) -> str:
    """The suffix of a file that is no data, fit to be shown: short, and of harmless characters."""
    base = name.rpartition("/")[2].lower()
    suffix = base[base.rfind(".") :] if "." in base[1:] else ""
    return "no suffix" if len(suffix) < 2 or len(suffix) > 16 or _ODD.search(suffix) else suffix


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
