"""Datasets and settings for tests of usage."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from r2d2.config import UsageSettings
from r2d2.model.dataset import DataFile, Dataset
from r2d2.model.usage import Usage
from r2d2.usage.collect import Collected, collect

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def dataset(own_id: str, location: str = "", files: tuple[str, ...] = (), **more: Any) -> Dataset:
    """A dataset below s3://lake, its files named relative to it or absolute."""
    place = location or f"s3://lake/{own_id}"
    paths = [path if "://" in path or path.startswith("/") else f"{place}/{path}" for path in files]
    listed = tuple(DataFile(path, 10, 1_000, path) for path in paths)
    return Dataset(own_id, more.pop("format", "parquet"), place, more.pop("version", "f1"), files=listed, **more)


def written(directory: Path, name: str, *lines: str) -> str:
    """A file of these lines; gives its path."""
    path = directory / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def collected(datasets: list[Dataset], **settings: Any) -> Collected:
    """What the sources in the settings say."""
    given = {name: (value,) if isinstance(value, str) else value for name, value in settings.items()}
    return collect(datasets, UsageSettings(**given), (), NOW)


def usages(datasets: list[Dataset], **settings: Any) -> dict[str, Usage]:
    """Usage by dataset, from sources with nothing wrong in them."""
    found = collected(datasets, **settings)
    assert found.problems == ()
    return {usage.dataset: usage for usage in found.usages}
