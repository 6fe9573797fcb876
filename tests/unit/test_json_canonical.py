from __future__ import annotations

import json
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.lake.json_canonical import BadJson, canonical, parse
from tests.sampling import examples

NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?\Z")
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=12,
)


def number(text: str) -> str:
    return canonical(parse(text))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("10e-1", "1"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0e999", "0"),
        ("1.10", "1.1"),
        ("1e2", "100"),
        ("9007199254740993", "9007199254740993"),
        ("0.30000000000000004000", "0.30000000000000004"),
        ("1e-5", "0.00001"),
        ("-12.50e1", "-125"),
        ("1e400", "1e400"),
        ("12300e400", "123e402"),
        ("1" + "0" * 99, "1" + "0" * 99),
        ("1" + "0" * 100, "1e100"),
        ("1e100", "1e100"),
        ("1e-99", "0." + "0" * 98 + "1"),
        ("1e-100", "1e-100"),
        ("9" * 120, "9" * 120),
    ],
)
def test_numbers_are_canonical_by_value(text: str, same: str) -> None:
    assert number(text) == same


@settings(max_examples=examples(150), deadline=None)
@given(a=NUMBERS, b=NUMBERS)
def test_two_numbers_have_one_text_exactly_if_they_are_equal(a: str, b: str) -> None:
    with localcontext() as context:
        context.prec = 3000
        assert Decimal(number(a)) == Decimal(a)
        assert (number(a) == number(b)) == (Decimal(a) == Decimal(b))
        padded = f"{a}0" if "." in a and "e" not in a.lower() else a
        assert number(padded) == number(a)


@settings(max_examples=examples(100), deadline=None)
@given(value=VALUES)
def test_values_come_back_whatever_their_spelling(value: object) -> None:
    texts = [json.dumps(value, ensure_ascii=flag, indent=indent) for flag in (True, False) for indent in (None, 2)]
    found = {canonical(parse(text)) for text in texts if text.isascii() or "\\ud" not in text.lower()}
    assert len(found) == 1
    assert json.loads(found.pop()) == value


def test_keys_are_sorted_and_strings_have_one_escaping() -> None:
    assert canonical(parse('{"b": 1, "a": ["\\u0041\\/\\n\\u001f", 1.50, null, true]}')) == (
        '{"a":["A/\\n\\u001f",1.5,null,true],"b":1}'
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "a": 1}', "same key twice"),
        ('{"x": [{"a": 1, "a": 2}]}', "same key twice"),
        ('"\\ud800"', "surrogate"),
        ('{"\\uDC00": 1}', "surrogate"),
        ("NaN", "NaN, which is not JSON"),
        ("[-Infinity]", "-Infinity, which is not JSON"),
        ("[1,]", "no valid JSON"),
        ("01", "no valid JSON"),
        (".5", "no valid JSON"),
        ("1.", "no valid JSON"),
        ('"a\nb"', "no valid JSON"),
        ("1 2", "no valid JSON"),
        ("'a'", "no valid JSON"),
        ("[" * 5000 + "]" * 5000, "nested too deeply"),
        ("[" * 201 + "]" * 201, "more than 200 levels"),
        ('{"a":' * 300 + "1" + "}" * 300, "more than 200 levels"),
        ("1e1111111111111111111111", "exponent"),
    ],
)
def test_what_is_no_json_or_ambiguous_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadJson, match=reason):
        parse(text)


def test_wide_values_are_not_deep_ones() -> None:
    assert canonical(parse("[" * 200 + "]" * 200)) == "[" * 200 + "]" * 200
    assert canonical(parse("[" + "[[]]," * 999 + "[]]")) == "[" + "[[]]," * 999 + "[]]"


def test_surrogate_pairs_are_characters() -> None:
    assert canonical(parse('"\\ud83d\\ude00"')) == '"😀"'
