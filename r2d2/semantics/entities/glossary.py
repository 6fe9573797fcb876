"""A user's file of words: what an abbreviation or a foreign word stands for."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from r2d2.errors import UsageError
from r2d2.semantics.entities.words import words_of

_HINT = "a CSV file of two columns: a word as names hold it, and the words it stands for (kunde,customer)"

_HEADER = ["word", "meaning"]


def read_glossary(path: str) -> Mapping[str, tuple[str, ...]]:
    """Word → the words that it stands for, both as it is written and as ``words_of`` gives it; nothing for no file.

    Left out are blank lines, those that begin with #, and a first line ``word,meaning``.

    Raises:
        UsageError: it can't be read, or a line is no pair; two lines of one word, which may be its singular and its
            plural, say different things.
    """
    if not path:
        return {}
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            lines = [(number, row) for number, row in enumerate(csv.reader(file), 1) if _says(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"semantics.glossary: {path} can't be read: {reason}", _HINT) from error
    found: dict[str, tuple[str, ...]] = {}
    read: dict[str, tuple[str, ...]] = {}
    for number, row in lines[bool(lines) and [cell.strip().lower() for cell in lines[0][1]] == _HEADER :]:
        word, meaning = (words_of(row[0]), words_of(row[1])) if len(row) == 2 else ((), ())
        if len(word) != 1 or not meaning:
            raise UsageError(f"semantics.glossary: {path}, line {number}: {','.join(row)!r} is no such pair", _HINT)
        if any(known != meaning for known in (found.get(_written(row[0]), meaning), read.get(word[0], meaning))):
            same = f"{row[0]!r}, read as {word[0]!r}, stood for another word before"
            raise UsageError(f"semantics.glossary: {path}, line {number}: {same}", "")
        found[_written(row[0])] = read[word[0]] = meaning
    return {**read, **found}


def _says(row: Sequence[str]) -> bool:
    """Whether a line is neither blank nor a comment."""
    return bool("".join(row).strip() or len(row) > 1) and row[0][:1] != "#"


def _written(word: str) -> str:
    """As it is, for parts of compounds: those may end like an English plural (``auftragsnummer``)."""
    return unicodedata.normalize("NFKC", word).strip().casefold()
