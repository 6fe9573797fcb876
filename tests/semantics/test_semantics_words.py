"""Names are read as the words that people meant: split, taken apart, and expanded from what the lake itself says."""

from __future__ import annotations

import re
import tracemalloc
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise, product
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.planted.catalogs import glossary_c
from r2d2.errors import UsageError
from r2d2.semantics.entities import company as companies
from r2d2.semantics.entities.abbreviations import Expansion, skeleton
from r2d2.semantics.entities.company import Company
from r2d2.semantics.entities.compounds import Compounds
from r2d2.semantics.entities.glossary import read_glossary
from r2d2.semantics.entities.scripts import split_words
from r2d2.semantics.entities.vocabulary import Vocabulary
from r2d2.semantics.entities.words import prefix_of, singular, table_name, words_of
from tests.sampling import examples

_WORDS = st.text("abcdefgh", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stg_CustomerOrders_v2_20240131", ("stg", "customer", "order")),
        ("HTTPStatusCode", ("http", "status", "code")),
        ("orderID", ("order", "id")),
        ("ORDER_AMOUNT", ("order", "amount")),
        ("order-amount.eur", ("order", "amount", "eur")),
        ("x", ()),
        ("2024-01-31", ()),
        ("", ()),
        ("Straße", ("strasse",)),
        ("ÜberWeisung", ("über", "weisung")),
        ("顧客", ("顧客",)),
        ("客", ("客",)),
        ("ｏｒｄｅｒ＿ｉｄ", ("order", "id")),
        ("КлиентЗаказ", ("клиент", "заказ")),
        ("НДСПлатежа", ("ндс", "платежа")),
        ("ΠελάτηςΠαραγγελία", ("πελάτησ", "παραγγελία")),
        ("ŽižekŁódź", ("žižek", "łódź")),
        ("a̐bA̐bb", ("a̐b", "a̐bb")),
        ("ग्राहक_आदेश", ("ग्राहक", "आदेश")),
        ("ลูกค้า", ("ลูกค้า",)),
        ("क्\u200dष_کتاب\u200cها", ("क्ष", "کتابها")),
        ("๑\u0301ลูกค้า", ("ลูกค้า",)),
        ("order客户", ("order", "客户")),
        ("order客", ("order", "客")),
        ("客户Order客户", ("客户", "order", "客户")),
        ("IDклиента", ("id", "клиента")),
        ("주문ID", ("주문", "id")),
        ("ग्राहकID", ("ग्राहक", "id")),
        ("طلبID", ("طلب", "id")),
        ("注文する日", ("注文する日",)),
        ("顧客データリスト", ("顧客データリスト",)),
        ("第1回", ("第", "回")),
        ("Tシャツ", ("tシャツ",)),
        ("dose_μg", ("dose", "μg")),
        ("пʼять", ("пʼять",)),
        ("a'; DROP TABLE\n🙂orders", ("drop", "table", "order")),
    ],
)
def test_a_name_is_split_where_case_script_or_a_mark_says_that_a_word_begins(name: str, words: tuple[str, ...]) -> None:
    assert words_of(name) == words


#: How names were split before other scripts were.
_RUN = re.compile(r"[^\W\d_]+")
_HUMP = re.compile(r"(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])|(?<=[A-ZÀ-ÖØ-Þ])(?=[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ])")
#: Latin letters that stay what they are.
_LATIN = "".join(letter for letter in map(chr, range(256)) if unicodedata.normalize("NFKC", letter) == letter)


@settings(max_examples=examples(1000), deadline=None)
@given(st.text(st.characters(max_codepoint=127)) | st.text("aBcD1_ ") | st.text(_LATIN))
def test_ascii_and_latin_names_are_split_at_marks_digits_and_case(name: str) -> None:
    found = [hump.casefold() for run in _RUN.findall(name) for hump in _HUMP.split(run)]
    assert words_of(name) == tuple(singular(word) for word in found if len(word) > 1 or not word.isascii())


@settings(max_examples=examples(400), deadline=None)
@given(st.text("aBcD1_ ") | st.text(st.characters(max_codepoint=127)))
def test_ascii_names_are_split_as_those_of_other_scripts(name: str) -> None:
    assert words_of(name) == tuple(singular(word.casefold()) for word in split_words(name) if len(word) > 1)


@settings(max_examples=examples(400), deadline=None)
@given(st.text("เกี่้คกि्य客データΔдДaAB1_ \u0301\u200d"))
def test_marks_stay_with_their_letters_and_no_letter_is_lost(name: str) -> None:
    words = list(split_words(name))
    assert "".join(words) == _without_what_is_no_word(name)
    assert not any(unicodedata.category(word[0]).startswith("M") for word in words)


def _without_what_is_no_word(name: str) -> str:
    kept = ""
    for letter in name.replace("\u200d", ""):
        mark = unicodedata.category(letter).startswith("M") and kept[-1:] not in ("", " ")
        kept += letter if letter.isalpha() or mark else " "
    return kept.replace(" ", "")


def test_a_word_of_other_scripts_of_twenty_thousand_letters_is_read_in_no_time() -> None:
    began = process_time()
    assert len(words_of("客" * 20_000 + "Дд" * 20_000)) == 20_001
    assert process_time() - began < 2


@settings(max_examples=examples(400), deadline=None)
@given(st.text(max_size=40))
def test_words_of_any_text_are_words_in_lower_case_without_digits(name: str) -> None:
    for word in words_of(name):
        assert word
        assert not any(letter.isdigit() or letter.isspace() or letter == "_" for letter in word)
        assert word.casefold() == word


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("orders", "order"),
        ("countries", "country"),
        ("addresses", "address"),
        ("boxes", "box"),
        ("branches", "branch"),
        ("cases", "case"),
        ("warehouses", "warehouse"),
        ("statuses", "status"),
        ("bonuses", "bonus"),
        ("viruses", "virus"),
        ("aliases", "alias"),
        ("movies", "movie"),
        ("cookies", "cookie"),
    ],
)
def test_a_plural_and_its_singular_are_one_word(plural: str, one: str) -> None:
    assert singular(plural) == singular(one) == one


@pytest.mark.parametrize("word", ["status", "address", "analysis", "gas", "series", "news", "bonus", "lens", "bias"])
def test_a_word_that_only_looks_like_a_plural_stays(word: str) -> None:
    assert singular(word) == word


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("sales/orders.csv.gz", "orders"),
        ("sales/orders/2024/part-0001.parquet", "orders"),
        ("sales/orders/dt=2024-01-31/data.csv", "orders"),
        ("sales/orders/v2", "orders"),
        ("catalog:db.orders", "orders"),
        ("orders", "orders"),
        ("sales/orders_v2_final.parquet", "orders_v2_final"),
        ("2024/01/31", "31"),
        ("data", "data"),
        ("data/city=New York", "city=•••"),
        ("sales/orders/at=12:30 Berlin", "orders"),
        ("", ""),
    ],
)
def test_the_name_of_a_table_is_the_last_part_that_says_more_than_how_it_is_stored(dataset: str, name: str) -> None:
    assert table_name(dataset) == name


def test_a_prefix_is_the_directory() -> None:
    assert [prefix_of(name) for name in ("a/b/c.csv", "c.csv")] == ["a/b", ""]


@settings(max_examples=examples(400), deadline=None)
@given(st.dictionaries(_WORDS, st.integers(1, 30), max_size=30), _WORDS)
def test_parts_make_up_the_word_and_each_stands_alone_more_often_than_it(counts: dict[str, int], word: str) -> None:
    parts = Compounds(counts).parts(word)
    assert "".join(parts) == word
    assert len(parts) == 1 or all(counts[part] > counts.get(word, 0) for part in parts)
    assert len(parts) <= 5


def test_a_compound_that_is_more_usual_than_its_parts_stays() -> None:
    compounds = Compounds({"order": 9, "date": 9, "ware": 1, "house": 2, "warehouse": 5, "orderdate": 1})
    assert compounds.parts("orderdate") == ("order", "date")
    assert compounds.parts("warehouse") == ("warehouse",)


def test_two_letters_are_a_part_only_where_they_are_usual() -> None:
    assert Compounds({"order": 5, "id": 3}).parts("orderid") == ("orderid",)
    assert Compounds({"order": 5, "id": 30}).parts("orderid") == ("order", "id")


def test_words_of_a_glossary_are_parts() -> None:
    assert Compounds({}, frozenset({"kunden", "nummer"})).parts("kundennummer") == ("kunden", "nummer")


@settings(max_examples=examples(400), deadline=None)
@given(st.dictionaries(st.text("ab", min_size=1, max_size=4), st.integers(1, 30), max_size=12), st.text("ab"))
def test_the_split_is_the_best_of_all_that_there_are(counts: dict[str, int], word: str) -> None:
    """Fewest parts, then the most frequent rarest part; all ways are tried."""
    known = {one: count for one, count in counts.items() if count > counts.get(word, 0) and one != word}
    known = {one: count for one, count in known.items() if len(one) > 2 or (len(one) == 2 and count >= 12)}
    ways = [way for number in range(1, 6) for way in _ways(word, number, known)]
    found = Compounds(counts).parts(word)
    if len(word) < 5 or not ways:
        assert found == (word,)
    else:
        assert found in ways
        assert _worth(found, known) == min(_worth(way, known) for way in ways)


def _worth(way: Sequence[str], known: Mapping[str, int]) -> tuple[int, int]:
    return len(way), -min(known[part] for part in way)


def _ways(word: str, number: int, known: Collection[str]) -> Iterator[tuple[str, ...]]:
    if number == 1 and word in known:
        yield (word,)
    for part in known if number > 1 else ():
        if word.startswith(part):
            yield from ((part, *rest) for rest in _ways(word[len(part) :], number - 1, known))


@pytest.mark.parametrize("letters", ["a", "order", "x"])
def test_a_word_of_twenty_thousand_letters_is_read_in_no_time(letters: str) -> None:
    word, began = letters * (20_000 // len(letters)), process_time()
    assert Compounds({"aa": 30, "aaa": 30, "order": 9, "date": 9, word + "y": 99}).parts(word) == (word,)
    assert process_time() - began < 0.5


def test_a_word_is_taken_apart_up_to_64_letters() -> None:
    half = "a" * 31 + "b"
    assert Compounds({half: 9}).parts(half * 2) == (half, half)
    assert Compounds({half: 9, half + "c": 9}).parts(half * 2 + "c") == (half * 2 + "c",)


#: Two subjects; ``cstmr`` and ``pt`` are among the words of one each.
_TABLES = [
    *([["order"], ["customer", "name"], ["order", "amount"], ["discount"], ["cart", "total"]],) * 4,
    [["order"], ["cstmr", "name"], ["order", "amnt"], ["discount"], ["cart", "total"]],
    *([["admission"], ["patient", "name"], ["ward"], ["diagnosis"], ["blood", "group"]],) * 4,
    [["admission"], ["pat", "name"], ["ward"], ["diagnosis"], ["blood", "group"]],
    *([["shipment"], ["path", "name"], ["truck"], ["depot"], ["route", "leg"]],) * 4,
]


def test_consonants_stand_for_the_word_that_has_them() -> None:
    expansion = Expansion(_TABLES, {})
    assert expansion.of("cstmr") == ("customer",)
    assert expansion.of("amnt") == ("amount",)


def test_a_prefix_of_several_words_stands_for_that_of_its_company() -> None:
    assert Expansion(_TABLES, {}).of("pat") == ("patient",)


def test_a_word_that_nothing_explains_stays() -> None:
    expansion = Expansion(_TABLES, {})
    assert [expansion.of(word) for word in ("order", "no", "zzz", "wrd")] == [("order",), ("no",), ("zzz",), ("ward",)]


@pytest.mark.parametrize(("word", "longer"), [("клиент", "клиентский"), ("ลูกค้า", "ลูกค้าใหม่"), ("供应商", "供应商名称")])
def test_a_word_of_letters_whose_vowels_are_not_known_is_not_taken_for_a_longer_one(word: str, longer: str) -> None:
    tables = [*([["a"], [word], ["order"]],) * 3, [["b"], [longer], ["depot"], ["route"]]]
    assert Expansion(tables, {}).of(word) == (word,)


def test_a_glossary_comes_before_what_the_lake_says_and_its_words_are_expanded_to_what_they_mean() -> None:
    expansion = Expansion(_TABLES, {"cstmr": ("customs", "record"), "amount": ("sum",)})
    assert expansion.of("cstmr") == ("customs", "record")
    assert expansion.of("amnt") == ("sum",)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.lists(st.lists(_WORDS, min_size=1, max_size=3), min_size=1, max_size=4), max_size=8), _WORDS)
def test_any_word_has_one_expansion_which_begins_like_it(tables: list[list[list[str]]], word: str) -> None:
    expansion = Expansion(tables, {})
    (found,) = expansion.of(word)
    assert found == word or (found[0] == word[0] and len(found) > len(word))
    assert expansion.of(word) == (found,)


def test_the_skeleton_keeps_the_first_letter() -> None:
    assert [skeleton(word) for word in ("amount", "quantity", "")] == ["amnt", "qntt", ""]


def test_words_among_the_same_words_are_alike_and_others_are_not() -> None:
    company = Company(_TABLES)
    assert company.likeness("cstmr", "customer") > 0.5 > company.likeness("pat", "path")
    assert company.likeness("cstmr", "customer") == pytest.approx(company.likeness("customer", "cstmr"))
    assert company.likeness("cstmr", "nowhere") == 0


_TABLE = st.lists(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=3), max_size=4)


@settings(max_examples=examples(400), deadline=None)
@given(st.lists(_TABLE, min_size=1, max_size=8), st.sampled_from([0, 5, 10**6]))
def test_company_is_what_words_occur_among_without_each_other(tables: list[list[list[str]]], kept: int) -> None:
    held = np.asarray([[float(word in set().union(*table)) for word in "abcdefg"] for table in _distinct(tables)])
    rows = held * np.log((1 + len(held)) / (1 + held.sum(axis=0)))
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    among = rows.T @ rows
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(companies, "_KEPT", kept)
        company = Company(tables)
        for (a, first), (b, second) in product(enumerate("abcdefg"), repeat=2):
            left, right = (np.delete(among[row], [a, b]) for row in (a, b))
            lengths = float(np.linalg.norm(left) * np.linalg.norm(right))
            wanted = left @ right / lengths if lengths else 0.0
            assert company.likeness(first, second) == pytest.approx(wanted, abs=1e-5)


def _distinct(tables: list[list[list[str]]]) -> set[frozenset[str]]:
    return {frozenset(word for name in table for word in name) for table in tables}


def _peak_of_comparing(tables: list[list[list[str]]]) -> int:
    """The bytes that it takes at most to compare each word of some tables with another."""
    company = Company(tables)
    words = list(dict.fromkeys(word for table in tables for name in table for word in name))
    tracemalloc.start()
    for first, second in pairwise(words):
        assert company.likeness(first, second) <= 1 + 1e-6
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_words_are_compared_without_the_square_of_their_number() -> None:
    """A row over all 6,000 words for each of them takes 144 MB."""
    many = [
        [[f"w{10 * table + number}", f"w{(table * table + number) % 6000}"] for number in range(10)]
        for table in range(600)
    ]
    assert _peak_of_comparing(many) < 20e6


def test_words_of_a_wide_table_are_compared_without_the_square_of_their_number() -> None:
    wide = [[f"w{number}"] for number in range(6000)]
    assert _peak_of_comparing([wide, wide[:2000], wide[1000:]]) < 20e6


def test_a_name_is_read_with_all_names_of_the_lake_in_view() -> None:
    tables = [("customer_orders", ["order_date", "ship_date", "order_id", "customer_name", "amount"])] * 3
    tables.append(("orders", ["orderdate", "cstmr_name", "amnt"]))
    vocabulary = Vocabulary(tables, {})
    assert vocabulary.written("orderdate") == ("order", "date")
    assert vocabulary.written("cstmr_name") == ("cstmr", "name")
    assert vocabulary.meant(vocabulary.written("cstmr_name")) == ("customer", "name")


def test_words_that_no_name_holds_can_be_read_too() -> None:
    vocabulary = Vocabulary([("orders", ["amount"])], {})
    assert vocabulary.meant(vocabulary.written("which amnt_zzz")) == ("which", "amount", "zzz")


def test_an_empty_lake_has_a_vocabulary() -> None:
    assert Vocabulary([], {}).meant(("order",)) == ("order",)


def _glossary(directory: Path, text: str | bytes) -> str:
    path = directory / "glossary.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_glossary_is_pairs_of_words(tmp_path: Path) -> None:
    text = '\ufeff# ours\nkunde,customer\n\n  \t\n"Bestellungen","purchase order"\nkunde,customers\n'
    assert read_glossary(_glossary(tmp_path, text)) == {"kunde": ("customer",), "bestellungen": ("purchase", "order")}


def test_a_word_of_a_glossary_that_ends_like_a_plural_is_found_alone_and_in_a_compound(tmp_path: Path) -> None:
    glossary = read_glossary(_glossary(tmp_path, "auftrags,order\nkurs,course\nnummer,number\n"))
    vocabulary = Vocabulary([("kurs", ["auftragsnummer"])], glossary)
    assert vocabulary.meant(vocabulary.written("kurs")) == ("course",)
    assert vocabulary.meant(vocabulary.written("auftragsnummer")) == ("order", "number")


def test_no_glossary_is_an_empty_one() -> None:
    assert read_glossary("") == {}


@pytest.mark.parametrize("header", ["word,meaning", "Word,Meaning", "# word,meaning"])
def test_a_glossary_may_begin_with_a_header(tmp_path: Path, header: str) -> None:
    assert read_glossary(_glossary(tmp_path, f"{header}\nkunde,customer\n")) == {"kunde": ("customer",)}


def test_the_glossary_of_the_planted_catalog_can_be_read() -> None:
    found = read_glossary(str(Path(__file__).parents[2] / "benchmarks/planted/glossary.csv"))
    assert set(glossary_c()) <= set(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kunde\n", "line 1"),
        ("kunde,customer,person\n", "line 1"),
        ("# a\nkunde,\n", "line 2"),
        ("kunde nummer,customer number\n", "line 1"),
        (",customer\n", "line 1"),
        (" , \n", "line 1"),
        ("kunde,customer\nkunde,client\n", "line 2"),
        ("order,purchase\norders,sale\n", "line 2: 'orders', read as 'order', stood"),
        ("# ours\n\norders,sale\norder,purchase\n", "line 4"),
        ("iPhone,mobile\nIPHONE,device\n", "line 2"),
        (b"k\xff,customer\n", "can't be read"),
    ],
)
def test_a_line_of_a_glossary_that_is_no_pair_is_named(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_glossary(_glossary(tmp_path, text))


def test_a_glossary_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"semantics\.glossary: .*nowhere\.csv can't be read"):
        read_glossary(str(tmp_path / "nowhere.csv"))
