"""Words of names in any script: where letters of another script or case begin."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby, pairwise
from operator import itemgetter

#: Letters, not numbers: those stand for versions, dates and parts.
_LETTER = re.compile(r"[^\W\d_]")
#: Where a word begins among capitals (U), small letters (l) and marks on capitals (m): ``HTTPStatus`` is two.
_HUMP = re.compile(r"(?<=l)(?=U)|(?<=[Um])(?=Um*l)")
_MARK, _CAPITAL, _SMALL, _OTHER = "m", "U", "l", "."
#: What Japanese writes one word with, and Chinese. So Unicode's names of such letters begin.
_EAST_ASIAN = frozenset(["CJK", "HENTAIGANA", "HIRAGANA", "IDEOGRAPHIC", "KATAKANA", "KATAKANA-HIRAGANA"])
#: They tell how letters are joined, and are written or left out at will.
_JOINERS = {0x200C: None, 0x200D: None}


def split_words(text: str) -> Iterator[str]:
    """Words as they are written, without what is no letter and no mark on one.

    A word ends where another script or, in scripts that have cases, a capital begins. A single letter that has a case
    is no word beside another script: ``Tシャツ`` and ``μg`` are one.

    >>> list(split_words("顧客ID_КлиентЗаказ"))
    ['顧客', 'ID', 'Клиент', 'Заказ']
    """
    word = ""
    last, alone = "", False
    for script, run in _runs(text.translate(_JOINERS)):
        for piece in _humps(run):
            single = len(piece) == 1 and _case(piece) != _OTHER
            if last not in ("", script) and script and (alone or single):
                word += piece
            else:
                yield from [word] if word else []
                word = piece if script else ""
            last, alone = script, single
    yield from [word] if word else []


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Scripts and what is written in them without a break; of what is no word, no script."""
    scripts: list[str] = []
    for letter in text:
        script = _script(letter)
        scripts.append((scripts[-1] if scripts else "") if script == _MARK else script)
    for script, letters in groupby(zip(scripts, text, strict=True), key=itemgetter(0)):
        yield script, "".join(letter for _, letter in letters)


@cache
def _script(letter: str) -> str:
    """As Unicode's name of the letter begins; empty for what is none. A mark has that of its letter."""
    category, name = unicodedata.category(letter), unicodedata.name(letter, "")
    if category in ("Mn", "Mc") or (category == "Lm" and name.startswith("MODIFIER")):
        return _MARK
    if not _LETTER.fullmatch(letter):
        return ""
    script = name.partition(" ")[0] or category
    return "CJK" if script in _EAST_ASIAN else script


def _humps(run: str) -> list[str]:
    """A run of one script, apart where case says that a word begins."""
    cases = ""
    for letter in run:
        case = _case(letter)
        cases += _SMALL if case == _MARK and cases[-1:] == _SMALL else case
    starts = [0, *(hump.start() for hump in _HUMP.finditer(cases)), len(run)]
    return [run[start:end] for start, end in pairwise(starts)]


@cache
def _case(letter: str) -> str:
    if _script(letter) == _MARK:
        return _MARK
    return _CAPITAL if letter.isupper() or letter.istitle() else _SMALL if letter.islower() else _OTHER
