"""A model without weights, for tests: texts are near each other as far as they share words and spellings."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from r2d2.semantics.embed.embedder import unit
from r2d2.semantics.tree import Floats

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class HashingEmbedder:
    """Feature hashing of words and of their character 3-grams.

    Attributes:
        seed: which dimension and sign each of them gets follows from it.
    """

    seed: int = 0
    dimensions: int = 256

    @property
    def name(self) -> str:
        """As of every embedder."""
        return f"hashing-{self.dimensions}@{self.seed}"

    def embed(self, texts: Sequence[str]) -> Floats:
        """As of every embedder; only a text without letters or digits is unknown."""
        found = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            for feature in _features(text):
                number = self._hash(feature)
                found[row, number % self.dimensions] += 1 if number >> 63 else -1
        return unit(found)

    def _hash(self, feature: str) -> int:
        key = self.seed.to_bytes(8, "little", signed=True)
        return int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8, key=key).digest(), "little")


def _features(text: str) -> Iterator[str]:
    for word in _WORD.findall(text.lower()):
        yield word
        padded = f" {word} "
        yield from (padded[start : start + 3] for start in range(len(padded) - 2))
