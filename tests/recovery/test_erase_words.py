"""Where a person's key is found, and where it isn't one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from r2d2.catalog.codec import pack_leaf
from r2d2.errors import UsageError
from r2d2.model.dataset import Bounds, Leaf
from r2d2.recovery.erase.keys import Keys
from r2d2.recovery.erase.words import Words


def words(text: str) -> Words:
    return Words(Keys.from_csv(text.encode(), "keys.csv"))


MAIL = words("email\nalice@example.com\n")
NUMBER = words("user.Id\n7\n")
BOTH = words("first,last\nAnna,Smith\nJohn,\n")


def test_keys_come_back_as_they_were() -> None:
    keys = Keys.from_csv('﻿"a.b",c\r\n"x,\n""y""",\r\nü,1\r\n\r\nü,1\r\n'.encode(), "k")
    assert keys == Keys(("a.b", "c"), (('x,\n"y"', ""), ("ü", "1")))
    assert Keys.from_csv(keys.to_csv(), "k") == keys
    assert keys.cells == ((("a.b", 'x,\n"y"'),), (("a.b", "ü"), ("c", "1")))


@given(st.lists(st.tuples(st.text(), st.text(min_size=1)), min_size=1, unique=True))
@example([("x\ry", "\r")])
@example([("x\r\n", "\n")])
def test_people_of_any_letters_come_back_as_they_were(people: list[tuple[str, str]]) -> None:
    keys = Keys(("a", "b"), tuple(people))
    assert Keys.from_csv(keys.to_csv(), "k") == keys


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "first line"),
        (b"a,\nx,y\n", "first line"),
        (b"a,A\nx,y\n", "first line"),
        (b"a,b\n", "nobody"),
        (b"a,b\nx\n", "line 2: 1 cells, not 2"),
        (b"a,b\nx,y\n,\n", "line 3: no cell"),
        (b"a\n\xff\n", "UTF-8"),
        (b'a\n"x\n', "unexpected end"),
    ],
)
def test_keys_that_are_wrong_are_told_without_their_values(data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Keys.from_csv(data, "keys.csv")


@pytest.mark.parametrize(
    "text",
    [
        "alice@example.com",
        "by Alice@Example.com, who asked",
        "/lake/email=alice@example.com/part.parquet",
        "/lake/email=alice%40example.com/part.parquet",
        "/lake/email=alice%2540example.com/part.parquet",
    ],
)
def test_a_text_is_found_however_names_of_files_spell_it(text: str) -> None:
    assert MAIL.tells(text)
    assert not MAIL.tells(MAIL.cleared(text))
    assert "erased" in MAIL.cleared(text)


@pytest.mark.parametrize("text", ["malice@example.com", "alice@example.community", "alice", "email", ""])
def test_what_only_looks_like_a_key_is_left(text: str) -> None:
    assert MAIL.cleared(text) == text


def test_a_number_is_a_key_only_with_its_column() -> None:
    assert NUMBER.cleared("/7/part-7/user.id=7/x=7/user.id=70") == "/7/part-7/erased/x=7/user.id=70"
    assert NUMBER.cleared_in({"partition": [["user.id", "7"], ["day", "7"]], "rows": 7}) == {
        "partition": [["user.id", "erased"], ["day", "7"]],
        "rows": 7,
    }
    assert NUMBER.cleared_in({"user.id": "7", "day": "7"}) == {"user.id": "erased", "day": "7"}


def test_a_person_of_several_cells_is_found_where_all_of_them_are() -> None:
    assert BOTH.cleared("Anna Smith saw Anna and John") == "erased erased saw erased and erased"
    assert BOTH.cleared("Anna, and Smith's") == "erased, and erased's"
    assert BOTH.cleared("Anna and Anna") == "Anna and Anna"


def test_columns_of_one_row_or_partition_are_a_key_together() -> None:
    two = words("country,User.id\nDE,5\n")
    assert two.cleared_in({"country": "DE", "user": {"id": 5}}) == {"country": "DE", "user": {"id": 5}}
    assert two.cleared_in({"country": "DE", "id": 5.0, "n": 5}) == {"country": "erased", "id": "erased", "n": 5}
    assert two.cleared_in([["country", "DE"], ["id", "05"]]) == [["country", "erased"], ["id", "erased"]]
    assert two.cleared_in([["country", "DE"], ["id", "6"]]) == [["country", "DE"], ["id", "6"]]
    apart = Words(two.keys.apart)
    assert apart.cleared_in({"country": "DE", "user": {"id": 5}}) == {"country": "erased", "user": {"id": "erased"}}


def test_texts_in_json_in_texts_are_cleared_too() -> None:
    umlaut = words("name\nJürgen Groß\n")
    held = {"reader": '{"null":["J\\u00fcrgen Gro\\u00df"]}', "alike": ["Jürgen Großer"]}
    assert umlaut.tells_in(held)
    assert umlaut.cleared_in(held) == {"reader": '{"null": ["erased"]}', "alike": ["Jürgen Großer"]}
    assert not umlaut.tells_in({"alike": held["alike"]})


def leaf(path: tuple[str, ...], family: str, low: object, high: object) -> Leaf:
    return Leaf(path, (family,), bounds={family: Bounds(low, high)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (MAIL, leaf(("email",), "string", "alice@example.com", "z")),
        (MAIL, leaf(("contact",), "string", "a", "alice@example.com")),
        (MAIL, leaf(("contact",), "string", "alice@example.co", "z")),
        (MAIL, leaf(("email",), "string", "a", "alicf")),
        (NUMBER, leaf(("User", "ID"), "number", Decimal("7.0"), Decimal(9))),
        (NUMBER, leaf(("user", "id"), "floating", 1.0, 7.0)),
        (NUMBER, leaf(("user", "id"), "string", "7", "8")),
        (words("born\n1970-01-03\n"), leaf(("born",), "date", 0, 2)),
        (words("at\n1970-01-03 00:00:00\n"), leaf(("at",), "timestamp", 0, 2)),
    ],
)
def test_bounds_that_are_a_key_or_cut_from_one_go(keys: Words, found: Leaf) -> None:
    assert keys.leaf_tells(found)
    assert keys.cleared_leaf(pack_leaf(found))[4] == {}


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (MAIL, leaf(("email",), "string", "bob@example.com", "zoe@example.com")),
        (MAIL, leaf(("contact",), "string", "a", "ali")),
        (NUMBER, leaf(("other",), "number", Decimal(7), Decimal(7))),
        (NUMBER, leaf(("user", "id"), "number", Decimal(6), Decimal(8))),
    ],
)
def test_other_bounds_stay(keys: Words, found: Leaf) -> None:
    packed = pack_leaf(found)
    assert keys.cleared_leaf(packed) is packed
