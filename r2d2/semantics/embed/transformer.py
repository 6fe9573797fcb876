"""Models of sentence-transformers, on a GPU where there is one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from r2d2.errors import EnvironmentMissing, UsageError, first_line
from r2d2.semantics.embed.devices import GPU_EXTRA, device_of
from r2d2.semantics.embed.embedder import encodable, unit
from r2d2.semantics.embed.weights import MINILM, sha256
from r2d2.semantics.tree import Floats

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

#: What loads a model, and of what one is known before that.
_PACKAGES, _MODEL = ("torch", "sentence_transformers"), ("modules.json", "config.json")
_WEIGHTS = ("*.safetensors", "*.bin", "*.json", "*.txt", "*.model")
_SAVED = "it must be a directory that sentence-transformers has saved"
#: Characters of a batch, as if all its texts were as long as the longest; and what the shortest text counts at least.
_CHARACTERS, _SHORTEST = {"cpu": 1 << 12, "cuda": 1 << 17}, 8


@dataclass(frozen=True, eq=False)
class TransformerEmbedder:
    """A loaded model; texts go through it sorted by length, so that little of a batch is padding.

    Attributes:
        name: as of every embedder.
        model: in half precision on a GPU.
        dimensions: as of every embedder.
    """

    name: str
    model: SentenceTransformer
    dimensions: int

    @classmethod
    def of(cls, model: str, device: str) -> TransformerEmbedder:
        """Loads it.

        Args:
            model: ``minilm``, a directory, or a name of the Hugging Face Hub whose files are on this machine already.
            device: as in the settings.

        Raises:
            EnvironmentMissing: a package, the default weights or the device is missing.
            UsageError: there is no such model.
        """
        library = _library(model)
        found = device_of(device)
        place, name = _minilm() if model == "minilm" else _other(model)
        try:
            loaded = library(str(place), device=found, local_files_only=True, trust_remote_code=False)
            one = loaded.encode("one", convert_to_numpy=True)
        except Exception as error:  # every library below has errors of its own for files that are not a model
            raise UsageError(f"semantics.model={model} can't be loaded: {first_line(error)}", _SAVED) from error
        return cls(name, (loaded.half() if found != "cpu" else loaded).eval(), len(one))

    def embed(self, texts: Sequence[str]) -> Floats:
        """As of every embedder; only a text of nothing but white space is unknown."""
        clean = [encodable(text) for text in texts]
        found = [(rows, self.vectors_of(self.pieces_of([clean[row] for row in rows]))) for rows in self.batches(clean)]
        vectors = np.zeros((len(clean), self.dimensions), np.float32)
        for rows, batch in found:  # only now does a GPU have to be done
            vectors[rows] = batch.float().cpu().numpy()
        return unit(vectors)

    def batches(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Numbers of texts that are embedded together, the longest first; those of empty texts are in none."""
        most = _CHARACTERS[self.model.device.type]
        order = sorted((row for row, text in enumerate(texts) if text), key=lambda row: -len(texts[row]))
        start = 0
        while start < len(order):
            size = max(1, most // (len(texts[order[start]]) + _SHORTEST))
            yield order[start : start + size]
            start += size

    def pieces_of(self, texts: Sequence[str]) -> dict[str, Any]:
        """Texts cut into what the model takes; it takes no more than so many pieces of each."""
        return dict(self.model.preprocess(texts))

    def vectors_of(self, pieces: Mapping[str, Any]) -> Tensor:
        """What the model makes of pieces, on its device."""
        import torch

        on_device = {
            name: value.to(self.model.device) if torch.is_tensor(value) else value for name, value in pieces.items()
        }
        with torch.inference_mode():
            vectors: Tensor = self.model(on_device)["sentence_embedding"]
        return vectors


def check_transformer(model: str) -> None:
    """Looks for a model and what loads it, and loads nothing: torch takes seconds.

    Raises:
        EnvironmentMissing: a package or the default weights are missing.
        UsageError: there is no such model.
    """
    if lacking := next((package for package in _PACKAGES if find_spec(package) is None), ""):
        raise _lacks(model, lacking)
    place = MINILM.found()[0].parent if model == "minilm" else _place(model)
    if not any((place / name).is_file() for name in _MODEL):
        raise UsageError(f"semantics.model={model}: {place} holds no model", _SAVED)


def _minilm() -> tuple[Path, str]:
    return MINILM.found()[0].parent, f"all-MiniLM-L6-v2@{MINILM.checksum}"


def _other(model: str) -> tuple[Path, str]:
    place = _place(model)
    return place, f"{model}@{_checksum(place)}"


def _place(model: str) -> Path:
    return Path(model) if Path(model).is_dir() else _from_hub(model)


def _from_hub(model: str) -> Path:
    """Nothing is fetched: a run must not depend on, or tell, a site that nobody named."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError) as error:
        hint = f"`hf download {model}` fetches one by name; or static, hashing, minilm, or a directory"
        raise UsageError(f"semantics.model={model}: there is no such model on this machine", hint) from error


def _checksum(place: Path) -> str:
    """Of all files that the vectors depend on: other weights under the same name are another model."""
    digest = hashlib.sha256()
    for file in sorted({file for pattern in _WEIGHTS for file in place.rglob(pattern)}):
        digest.update(f"{file.relative_to(place)} {sha256(file)}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:12]


def _library(model: str) -> type[SentenceTransformer]:
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError as error:
        raise _lacks(model, error.name) from error
    logging.disable_progress_bar()
    found: type[SentenceTransformer] = SentenceTransformer
    return found


def _lacks(model: str, package: str | None) -> EnvironmentMissing:
    return EnvironmentMissing(f"semantics.model={model} needs {package}, which is not installed", GPU_EXTRA)
