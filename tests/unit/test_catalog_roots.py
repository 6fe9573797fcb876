"""Names of databases, as roots give them; the tables themselves are looked at in tests/tables."""

from __future__ import annotations

import pytest

from r2d2.errors import UsageError
from r2d2.lake.catalog_names import database_parts, quoted


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("shop", ("shop",)),
        ("lake.shop", ("lake", "shop")),
        ("lake.a.b", ("lake", "a", "b")),
        ("`a.b`.c", ("a.b", "c")),
        ("lake.`x``.y`", ("lake", "x`.y")),
        ("db`x", ("db`x",)),
    ],
)
def test_a_database_is_named_by_its_parts(text: str, parts: tuple[str, ...]) -> None:
    assert database_parts(text) == parts


@pytest.mark.parametrize("text", ["", "a.", ".a", "a..b", "`a", "`a`b", "``"])
def test_a_name_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        database_parts(text)


def test_nothing_in_a_name_is_read_as_sql() -> None:
    assert quoted("d`; DROP TABLE x;--") == "`d``; DROP TABLE x;--`"
