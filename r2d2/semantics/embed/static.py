"""The default model: the mean of a fixed vector for each piece of a word, on any machine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from r2d2.errors import EnvironmentMissing
from r2d2.semantics.embed.embedder import encodable, unit
from r2d2.semantics.embed.weights import WORDLLAMA
from r2d2.semantics.tree import Floats

if TYPE_CHECKING:
    from model2vec import StaticModel

#: Word pieces of a text that count; a comment may be of any length.
_MOST_PIECES = 512


class StaticEmbedder:
    """The table of vectors that the package wordllama carries, read by model2vec.

    The package's own loader is not used: it looks to the network, and takes a second to import.
    """

    def __init__(self) -> None:
        self._table, self._tokenizer = WORDLLAMA.found()

    @property
    def name(self) -> str:
        """As of every embedder."""
        return f"wordllama-256@{WORDLLAMA.checksum}"

    @property
    def dimensions(self) -> int:
        """As of every embedder."""
        return 256

    def embed(self, texts: Sequence[str]) -> Floats:
        """As of every embedder; only a text of nothing but white space is unknown."""
        if not len(texts):
            return np.zeros((0, self.dimensions), np.float32)
        clean = [encodable(text) for text in texts]
        # threads of its own, one for each 1,024 texts, get in the way of those that cut texts into pieces
        found = _loaded(self._table, self._tokenizer).encode(clean, use_multiprocessing=False, max_length=_MOST_PIECES)
        return unit(np.asarray(found, np.float32))


@cache
def _loaded(table: Path, tokenizer: Path) -> StaticModel:
    """The model, once for all runs of a process: its tokenizer takes longer to read than most catalogs to embed."""
    try:
        from model2vec import StaticModel
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer
    except ImportError as error:
        raise EnvironmentMissing(f"the default model needs {error.name}", "pip install model2vec") from error
    (vectors,) = load_file(table).values()
    return StaticModel(vectors.astype(np.float32), Tokenizer.from_file(str(tokenizer)))
