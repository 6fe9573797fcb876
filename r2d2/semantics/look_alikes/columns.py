"""How alike columns are by their names: what they mean, and how they are spelled."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy.sparse import csr_array, hstack

from r2d2.model.dataset import LeafPath
from r2d2.semantics.entities.vocabulary import Vocabulary
from r2d2.semantics.similarity.counted import counted
from r2d2.semantics.similarity.dense import Embed, directions
from r2d2.semantics.similarity.lexical import pieces_of
from r2d2.semantics.similarity.tokens import Tokens
from r2d2.semantics.similarity.weights import idf, scaled, unit_rows
from r2d2.semantics.tree import Floats, Ints

#: The words that a name stands for, and those that it is written with.
Reading = tuple[tuple[str, ...], tuple[str, ...]]
_NUMBER = re.compile(r"\d+")
_LETTER = re.compile(r"(?<![A-Z])[A-Z](?![A-Za-z])|(?<![A-Za-z])[a-z](?![A-Za-z])")


def marks_of(path: LeafPath) -> tuple[str, ...]:
    """What a reading leaves out: the numbers of a name, or its single letters where it has none.

    >>> marks_of(("ADDR_LINE_02",)), marks_of(("posX",)), marks_of(("name",))
    (('2',), ('x',), ())
    """
    parts = [unicodedata.normalize("NFKC", part) for part in path]
    numbers = tuple(number.lstrip("0") for part in parts for number in _NUMBER.findall(part))
    return numbers or tuple(letter.lower() for part in parts for letter in _LETTER.findall(part))


class Readings:
    """Numbers for what names of columns are read as: ``cust_id`` and ``CUST_ID`` have one, ``customer_id`` another."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._paths: dict[LeafPath, int] = {}
        self._numbers: dict[Reading, int] = {}

    def of(self, path: LeafPath) -> int:
        """That of a column."""
        if path not in self._paths:
            written = tuple(word for part in path for word in self._vocabulary.written(part))
            reading = self._vocabulary.meant(written) or path, written
            self._paths[path] = self._numbers.setdefault(reading, len(self._numbers))
        return self._paths[path]

    @property
    def all(self) -> tuple[Reading, ...]:
        """In the order of their numbers."""
        return tuple(self._numbers)


class ColumnLikeness:
    """Similarities between readings, 0 to 1: the mean of two cosines, of meaning and of spelling.

    Args:
        tokens: of the catalog; a word that tells little of tables tells little of columns.
        embed: texts → vectors of length one.
    """

    def __init__(self, readings: Sequence[Reading], tokens: Tokens, embed: Embed) -> None:
        self._meaning = _meaning([meant for meant, _ in readings], tokens, embed)
        self._spelling = _spelling(list(dict.fromkeys((*meant, *written))) for meant, written in readings)

    def between(self, some: Ints, others: Ints) -> Floats:
        """Shape (some, others)."""
        (found,) = self.blocks(some, others, len(some) * len(others))
        return found

    def blocks(self, some: Ints, others: Ints, cells: int) -> Iterator[Floats]:
        """The same some rows at a time, so many similarities at most."""
        meant, spelled = self._meaning[others].T, self._spelling[others].T.tocsr()
        step = max(1, cells // max(1, len(others)))
        for start in range(0, len(some), step):
            mine = some[start : start + step]
            meaning = np.maximum(self._meaning[mine] @ meant, 0)
            yield np.asarray((meaning + (self._spelling[mine] @ spelled).toarray()) / 2, np.float32)


def _meaning(names: Sequence[tuple[str, ...]], tokens: Tokens, embed: Embed) -> Floats:
    """Of each name, as columns of entities have it."""
    parts, words = counted(names)
    texts = [" ".join(name) for name in names]
    place = {text: number for number, text in enumerate(dict.fromkeys((*texts, *words)))}
    vectors = embed(list(place))
    of_texts, of_words = vectors[[place[text] for text in texts]], vectors[[place[word] for word in words]]
    return directions(of_texts, scaled(parts, tokens.share(words)), of_words)


def _spelling(names: Iterable[list[str]]) -> csr_array:
    """Words and their pieces, weighted by how few names have them, each half of a row of length one."""
    words, found = counted(names)
    spelled, _ = counted(map(pieces_of, found))
    pieces = csr_array(words @ spelled).sqrt()
    halves = [unit_rows(scaled(part, idf(part))) for part in (words, pieces)]
    return csr_array(hstack(halves, format="csr") * 0.5**0.5)
