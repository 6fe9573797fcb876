"""A set containment join in arrays: which lists of tokens lie in which others, found without comparing all pairs.

A *child* asks for tokens, a *parent* admits tokens; the child fits if the parent admits all that it asks for. Each
child looks only at the parents that admit its rarest token and are at least as wide. Those are filtered by a signature
of 64 bits; the rest are compared bit by bit over the most frequent tokens, and token by token over the others. The
signature only refutes: every pair that comes out was compared in full. Pairs are looked at and handed on in blocks, so
that memory grows with the lists, not with the pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Rows = NDArray[np.int32]
Bits = NDArray[np.uint64]
Mask = NDArray[np.bool_]

#: Bits of the signature, which tokens share; 64 at most.
SIGNATURE = 64
#: The most frequent tokens, for which every list has a bit of its own.
FREQUENT = 512
#: Pairs that are looked at in one go, and tokens that are looked up in one go.
BLOCK = 2**18
#: Children of one rarest token are compared with its holders as a matrix, from so many pairs on.
MATRIX = 2**14


@dataclass(frozen=True)
class TokenLists:
    """Lists of tokens in one array: list ``i`` is ``tokens[starts[i]:starts[i + 1]]``, without repeats."""

    starts: Ints
    tokens: Ints

    def __len__(self) -> int:
        return len(self.starts) - 1


@dataclass(frozen=True)
class PairBlock:
    """Pairs that fit: ``children[i]`` fits ``parents[i]`` (indexes)."""

    parents: Ints
    children: Ints


def spans(starts: Ints, counts: Ints) -> Ints:
    """The indexes ``start, start + 1, ...``, so many for each start, one after the other.

    >>> spans(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(int(counts.sum()))


def containments(asked: TokenLists, admitted: TokenLists, tokens: int) -> Iterator[PairBlock]:
    """Every pair in which all tokens that the child asks for are admitted by the parent, itself included.

    Args:
        asked: by list; one that asks for nothing is no child of any.
        admitted: by list, as many lists; whoever admits all that a child asks for asks for at least as many tokens.
        tokens: how many there are; they are numbers below.
    """
    if len(asked):
        index = _Index(asked, admitted, tokens)
        for children, parents in index.pairs():
            yield PairBlock(index.order[parents], index.order[children])


class _Index:
    """Lists as rows, widest first; tokens as ranks, most frequent first; who admits each token, by row."""

    def __init__(self, asked: TokenLists, admitted: TokenLists, tokens: int) -> None:
        widths = np.diff(asked.starts)
        self.order = np.argsort(-widths, kind="stable")
        self._rows, self._ranks = len(asked), max(tokens, 1)
        row, rank = _inverse(self.order), _inverse(np.argsort(-np.bincount(admitted.tokens, minlength=tokens)))
        self._held = self._keys(admitted, row, rank)
        self._asked = self._keys(asked, row, rank) % self._ranks
        self._counts = widths[self.order]
        self._starts = np.cumsum(self._counts) - self._counts
        self._set_holders()
        self._set_bits()

    def _keys(self, lists: TokenLists, row: Ints, rank: Ints) -> Ints:
        """(row, rank) in one number, sorted."""
        keys = np.repeat(row * self._ranks, np.diff(lists.starts))
        keys += rank[lists.tokens]
        keys.sort()
        return keys

    def _set_holders(self) -> None:
        """Rows that admit each token; for each child its rarest token and how many of its holders are wide enough."""
        rows, ranks = np.divmod(self._held, self._ranks)
        keys = ranks * self._rows + rows
        keys.sort()
        children = int(np.count_nonzero(self._counts))
        self._rarest = self._asked[self._starts[:children] + self._counts[:children] - 1]
        wide_enough = np.searchsorted(-self._counts, -self._counts[:children], side="right")
        self._first = np.searchsorted(keys, self._rarest * self._rows)
        self._candidates = np.searchsorted(keys, self._rarest * self._rows + wide_enough) - self._first
        self._holders = (keys % self._rows).astype(np.int32)

    def _set_bits(self) -> None:
        rows = np.repeat(np.arange(self._rows), self._counts)
        held_rows, held = np.divmod(self._held, self._ranks)
        self._signature = _packed(rows, self._asked % SIGNATURE, self._rows, 1)[:, 0]
        self._absent_signature = ~_packed(held_rows, held % SIGNATURE, self._rows, 1)[:, 0]
        words = -(-min(FREQUENT, self._ranks) // 64)
        frequent = self._asked < FREQUENT
        self._bits = _packed(rows[frequent], self._asked[frequent], self._rows, words).T.copy()
        frequent_held = held < FREQUENT
        self._absent = ~_packed(held_rows[frequent_held], held[frequent_held], self._rows, words).T.copy()
        self._frequent_asked = np.bincount(rows[frequent], minlength=self._rows)

    def pairs(self) -> Iterator[tuple[Ints, Rows]]:
        """Blocks of (children, parents), as rows."""
        children = np.flatnonzero(self._candidates)
        children = children[np.argsort(self._rarest[children], kind="stable")]
        candidates = np.bincount(self._rarest, self._candidates, self._ranks)[self._rarest[children]]
        yield from self._listed(children[candidates < MATRIX])
        crossed = children[candidates >= MATRIX]
        for group in np.split(crossed, np.flatnonzero(np.diff(self._rarest[crossed])) + 1):
            yield from self._crossed(group)

    def _crossed(self, children: Ints) -> Iterator[tuple[Ints, Rows]]:
        """Children of one rarest token against its holders, as a matrix."""
        counts = self._candidates[children]
        start = 0
        while start < len(children):
            ahead = counts[start : start + BLOCK // int(counts[start]) + 1]
            sizes = ahead * np.arange(1, len(ahead) + 1)
            end = start + max(1, int(np.searchsorted(sizes, BLOCK, side="right")))
            block, first = children[start:end], int(self._first[children[start]])
            parents = self._holders[first : first + int(counts[end - 1])]
            missing = self._signature[block, None] & self._absent_signature[parents]
            at, holder = np.divmod(np.flatnonzero(missing == 0), len(parents))
            yield from self._compared(block[at], parents[holder])
            start = end

    def _listed(self, children: Ints) -> Iterator[tuple[Ints, Rows]]:
        """Children of any rarest tokens, each with its own candidates."""
        for block in _slices(self._candidates[children], BLOCK):
            some = children[block]
            counts = self._candidates[some]
            parents = self._holders[spans(self._first[some], counts)]
            repeated = np.repeat(some, counts)
            fits = (self._signature[repeated] & self._absent_signature[parents]) == 0
            yield from self._compared(repeated[fits], parents[fits])

    def _compared(self, children: Ints, parents: Rows) -> Iterator[tuple[Ints, Rows]]:
        """The pairs in which the parent admits every token, of those whose rarest token it does admit."""
        for asked, absent in zip(self._bits, self._absent, strict=True):
            fits = (asked[children] & absent[parents]) == 0
            children, parents = children[fits], parents[fits]
        lookups = np.maximum(self._counts[children] - self._frequent_asked[children] - 1, 0)
        for block in _slices(lookups, BLOCK):
            fits = self._all_held(children[block], parents[block], lookups[block])
            yield children[block][fits], parents[block][fits]

    def _all_held(self, children: Ints, parents: Rows, lookups: Ints) -> Mask:
        """Whether the parent admits the child's infrequent tokens, the rarest excepted, which it is known to admit.

        That one comes after all that are looked up, so that each is found at some place, be it of another token.
        """
        tokens = self._asked[spans((self._starts + self._frequent_asked)[children], lookups)]
        wanted = np.repeat(parents.astype(np.int64) * self._ranks, lookups) + tokens
        at = np.searchsorted(self._held, wanted)
        pair = np.repeat(np.arange(len(children)), lookups)
        fits = np.ones(len(children), np.bool_)
        fits[pair[self._held[at] != wanted]] = False
        return fits


def _inverse(order: Ints) -> Ints:
    found = np.empty(len(order), np.int64)
    found[order] = np.arange(len(order))
    return found


def _packed(rows: Ints, bits: Ints, count: int, words: int) -> Bits:
    """A row of bits for each of so many rows; ``rows`` are sorted, and within a row the words of the bits."""
    packed = np.zeros(count * words, np.uint64)
    places = rows * words + (bits >> 6)
    if len(places):
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        packed[places[starts]] = np.bitwise_or.reduceat(np.uint64(1) << (bits & 63).astype(np.uint64), starts)
    return packed.reshape(count, words)


def _slices(sizes: Ints, limit: int) -> Iterator[slice]:
    """Runs of elements of at most so many in size together, or of one element."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + limit, side="right")))
        yield slice(start, end)
        start = end
