"""What turns texts into vectors, and which one the settings ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from r2d2.config import SemanticsSettings
from r2d2.semantics.tree import Floats

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Embedder(Protocol):
    """A model that gives each text a direction: the nearer in meaning, the nearer in cosine."""

    @property
    def name(self) -> str:
        """The model and the checksum of its weights; vectors of different names have nothing to do with each other."""

    @property
    def dimensions(self) -> int:
        """Of each vector."""

    def embed(self, texts: Sequence[str]) -> Floats:
        """Vectors of the texts, shape (len(texts), dimensions).

        Each is of length 1, or all zeros where the model knows nothing in the text. Equal texts get equal vectors.
        """


def embedder_of(settings: SemanticsSettings, spark: SparkSession | None = None) -> Embedder:
    """The model that the settings name; the static one where they name none.

    Args:
        spark: whose workers embed, if the settings say so; without a session this process does.

    Raises:
        EnvironmentMissing: a package, its weights or the device is missing.
        UsageError: there is no such model.
    """
    if spark is not None and settings.embed_on == "spark":
        from r2d2.semantics.embed.on_spark import SparkEmbedder

        return SparkEmbedder.of(spark, settings)
    if settings.model == "hashing":
        from r2d2.semantics.embed.hashing import HashingEmbedder

        return HashingEmbedder(settings.seed)
    if settings.model in ("", "static"):
        from r2d2.semantics.embed.static import StaticEmbedder

        return StaticEmbedder()
    from r2d2.semantics.embed.transformer import TransformerEmbedder

    return TransformerEmbedder.of(settings.model, settings.device)


def check_embedder(settings: SemanticsSettings) -> None:
    """Looks for the model and the device, and loads neither; nothing where no model is named.

    Raises:
        EnvironmentMissing, UsageError: as ``embedder_of``; only what comes of reading the weights it can't foresee.
    """
    if settings.device == "cuda":
        from r2d2.semantics.embed.devices import device_of

        device_of(settings.device)
    if settings.model == "static":
        from r2d2.semantics.embed.static import StaticEmbedder

        StaticEmbedder()
    elif settings.model not in ("", "hashing"):
        from r2d2.semantics.embed.transformer import check_transformer

        check_transformer(settings.model)


def unit(vectors: Floats) -> Floats:
    """The rows at length 1; those of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Floats = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return found


def encodable(text: str) -> str:
    """A text as tokenizers take it: halves of surrogates, which names of files may hold, become question marks."""
    return text.strip().encode("utf-8", "replace").decode("utf-8")
