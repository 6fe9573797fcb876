"""How people spell names: cases, prefixes, and abbreviations that can be read, and some that can't."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from random import Random

#: Short forms that people use for a word, besides those that leave its vowels or its end out.
USUAL = {
    "account": "acct", "address": "addr", "amount": "amt", "average": "avg", "category": "cat", "certificate": "cert",
    "company": "co", "count": "cnt", "customer": "cust", "date": "dt", "department": "dept", "description": "desc",
    "distance": "dist", "document": "doc", "employee": "emp", "identifier": "id", "invoice": "inv", "level": "lvl",
    "maximum": "max", "minimum": "min", "number": "no", "order": "ord", "patient": "pat", "payment": "pmt",
    "percent": "pct", "product": "prod", "quantity": "qty", "reference": "ref", "return": "ret", "revision": "rev",
    "sequence": "seq", "shipment": "shpmt", "supplier": "suppl", "temperature": "temp", "time": "tm", "total": "tot",
    "transaction": "txn", "vehicle": "veh", "warehouse": "whse", "weight": "wt", "nummer": "nr", "datum": "dat",
    "kunden": "kd", "betrag": "betr", "anzahl": "anz", "menge": "mng", "strasse": "str", "rechnungs": "rg",
    "lieferanten": "lief", "konto": "kto", "bezeichnung": "bez", "beschreibung": "beschr", "personal": "pers",
    "versicherungs": "vers", "gewicht": "gew", "fahrzeug": "fzg", "stueck": "stk", "geburts": "geb",
}  # fmt: skip

Case = Callable[[Sequence[str]], str]


def snake(words: Sequence[str]) -> str:
    """order_date."""
    return "_".join(words)


def shouted(words: Sequence[str]) -> str:
    """ORDER_DATE."""
    return "_".join(words).upper()


def camel(words: Sequence[str]) -> str:
    """orderDate."""
    return words[0] + "".join(map(str.capitalize, words[1:]))


def pascal(words: Sequence[str]) -> str:
    """OrderDate."""
    return "".join(map(str.capitalize, words))


def joined(words: Sequence[str]) -> str:
    """orderdate."""
    return "".join(words)


def spoken(words: Sequence[str]) -> str:
    """Order Date."""
    return " ".join(map(str.capitalize, words))


CASES: tuple[Case, ...] = (snake, shouted, camel, pascal, joined, spoken)


def without_vowels(word: str) -> str:
    """cstmr of customer; a word of fewer than five letters stays."""
    return word if len(word) < 5 else word[0] + "".join(letter for letter in word[1:] if letter not in "aeiouäöü")


def cut(word: str) -> str:
    """The usual short form, or else the first four letters."""
    return USUAL.get(word, word[:4] if len(word) > 5 else word)


def initials(words: Sequence[str]) -> str:
    """od of order date: nobody can tell what of."""
    return "".join(word[0] for word in words)


def code(words: Sequence[str], letters: int = 5) -> str:
    """A code that says nothing, the same wherever the words are: as columns of old systems are called."""
    digest = hashlib.sha256(" ".join(words).encode()).digest()
    return "".join("BCDFGHKLMNPRSTVWXZ"[byte % 18] for byte in digest[:letters])


def abbreviated(words: Sequence[str], how: str, share: float, random: Random) -> list[str]:
    """Words, some of them shortened.

    Args:
        how: ``vowels``, ``cut``, ``both`` (drawn for each word) or ``none``.
        share: of the words that are shortened.
    """
    found = []
    for word in words:
        way = random.choice(("vowels", "cut")) if how == "both" else how
        if way == "none" or random.random() >= share:
            found.append(word)
        else:
            found.append(without_vowels(word) if way == "vowels" else cut(word))
    return found
