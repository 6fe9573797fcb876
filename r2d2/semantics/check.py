"""Settings of topics, looked at before a long run that would only fail at its end."""

from __future__ import annotations

from r2d2.config import SemanticsSettings
from r2d2.semantics.embed.embedder import check_embedder
from r2d2.semantics.entities.glossary import read_glossary
from r2d2.semantics.hierarchy.reference import require_reference
from r2d2.semantics.labels.endpoint import Endpoint


def check_topics(settings: SemanticsSettings) -> None:
    """Nothing where no topics are made.

    Raises:
        UsageError: there is no such model, the glossary can't be read, or the endpoint is not one that can be asked.
        EnvironmentMissing: the model, the device or the mode ``reference`` needs what is not here.
    """
    if settings.topics:
        if settings.mode == "reference":
            require_reference()
        check_embedder(settings)
        read_glossary(settings.glossary)
        if settings.endpoint:
            Endpoint(settings)
