"""A small catalog that can be asked, for tests of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from r2d2.config import SemanticsSettings
from r2d2.model.dataset import Dataset
from r2d2.semantics.embed.hashing import HashingEmbedder
from r2d2.semantics.entities.entities import Catalog
from r2d2.semantics.retrieval.index import Index
from r2d2.semantics.retrieval.sources import Verdict, sources_of
from r2d2.semantics.topics.grouping import group

SETTINGS = SemanticsSettings(model="hashing")


def index_of(
    datasets: Sequence[Dataset],
    contained: Sequence[tuple[str, str]] = (),
    duplicates: Sequence[tuple[str, ...]] = (),
    verdicts: Mapping[str, Verdict] | None = None,
    glossary: Mapping[str, tuple[str, ...]] | None = None,
) -> Index:
    """Grouped as the product would, by a model without weights."""
    embed = HashingEmbedder().embed
    grouped = group(Catalog(datasets, contained, duplicates), glossary or {}, embed, SETTINGS)
    return Index.of(grouped, sources_of(datasets, contained, duplicates, verdicts or {}), embed)
