"""Names of tables in Spark catalogs, and those that tables have while they are retired. No Spark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from r2d2.errors import UsageError

#: Name of a table: catalog (if it was named), databases and its own.
TableName = tuple[str, ...]

#: What the names of retired tables begin with, and so the directories of those that their catalog manages. *Seen*:
#: Spark finds no rows in a table whose directory has a hidden name, so that it can't be one.
RETIRED = "r2d2_retired_"
#: The schema that retired tables go to, where their catalog renames them into another one.
QUARANTINE = "r2d2_quarantine"
_SESSION_CATALOG, _TWO_PARTS = "spark_catalog", 2


def database_parts(text: str) -> tuple[str, ...]:
    """The parts of ``DATABASE`` or ``CATALOG.DATABASE``; a part with a dot in it is written in backticks.

    Raises:
        UsageError: a part is empty, or a backtick has no partner.

    >>> database_parts("lake.`a.b`"), database_parts("x`y")
    (('lake', 'a.b'), ('x`y',))
    """
    parts = list(_parts(text))
    if not all(parts):
        raise UsageError(f"catalog:{text}: a part of the name is empty", "give catalog:DATABASE or CATALOG.DATABASE")
    return tuple(parts)


def _parts(text: str) -> Iterator[str]:
    rest: str | None = text
    while rest is not None:
        if rest.startswith("`"):
            end = _closing(rest)
            if end < 0 or rest[end + 1 : end + 2] not in ("", "."):
                raise UsageError(f"catalog:{text}: a backtick without a partner", "write ` in a name as ``")
            part, rest = rest[1:end].replace("``", "`"), rest[end + 2 :] if rest[end + 1 :] else None
        else:
            part, dot, after = rest.partition(".")
            rest = after if dot else None
        yield part


def _closing(text: str) -> int:
    """Where the backtick stands that closes the one at the start; -1 if none does."""
    place = 1
    while (place := text.find("`", place)) >= 0 and text[place + 1 : place + 2] == "`":
        place += 2
    return place


def quoted(name: str) -> str:
    """``name`` as an identifier in Spark SQL; nothing in it is read as SQL.

    >>> quoted("a`; DROP TABLE b;--")
    '`a``; DROP TABLE b;--`'
    """
    return f"`{name.replace('`', '``')}`"


def name_sql(path: Sequence[str]) -> str:
    """The name of a table or a database in a statement."""
    return ".".join(map(quoted, path))


def text_literal(text: str) -> str:
    """``text`` as a literal in Spark SQL; nothing in it is read as SQL.

    >>> text_literal("it's \\\\")
    "'it\\\\'s \\\\\\\\'"
    """
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def names_in_quarantine(table: TableName, receipt: str) -> tuple[TableName, ...]:
    """What a table may be called while it is retired, the first choice first: in a schema of its own, or beside itself.

    *Seen*: Spark's own catalog, Hive's too, renames within a database only.
    """
    name = f"{RETIRED}{receipt.replace('-', '_').lower()}"  # Hive takes letters, digits and _ only
    beside = (*table[:-1], name)
    return (beside,) if is_in_session(table) else ((table[0], QUARANTINE, name), beside)


def is_in_session(table: TableName) -> bool:
    """Whether a table is of the session's own catalog: of Spark, or of a Hive metastore."""
    return len(table) == _TWO_PARTS or table[0] == _SESSION_CATALOG
