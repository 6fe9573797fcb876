"""One run of the product on a lake of tables, and what it found of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.config import load_settings
from r2d2.model.dataset import Dataset
from r2d2.progress import Progress


@dataclass(frozen=True)
class Found:
    """Datasets by id, and (parent, child) of every proven pair."""

    datasets: dict[str, Dataset]
    pairs: set[tuple[str, str]]

    def among(self, name: str) -> set[tuple[str, str]]:
        """Pairs between a table and the files around it."""
        ours = {known for known in self.datasets if known == name or known.startswith(f"{name}.")}
        return {pair for pair in self.pairs if ours.issuperset(pair)}


class Case(Protocol):
    """A table of a lake."""

    @property
    def name(self) -> str: ...

    @property
    def shares(self) -> str: ...


_Case = TypeVar("_Case", bound=Case)


def selected(request: pytest.FixtureRequest, cases: Sequence[_Case]) -> list[_Case]:
    """The cases that this run of pytest asks for, and those that they share files with, in their order."""
    calls = [
        item.callspec
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    ]
    asked = [call.params["case"] for call in calls if "case" in call.params]
    names = {name for case in cases if case in asked for name in (case.name, case.shares)}
    return [case for case in cases if case.name in names]


def run_lake(roots: Sequence[str], state: Path, *overrides: str) -> Found:
    """A run in this process, on the session that is there."""
    settings = load_settings(None, ("semantics.topics=false", *overrides), environ={})
    job = pipeline.run(list(roots), str(state), settings, Progress(quiet=True)).job
    run = runs.find_run(job.state, job.run_id)
    datasets = runs.datasets(job.state, run)
    edges = runs.all_pairs(datasets, runs.proven(job.state, run), runs.groups(job.state, run))
    return Found({found.id: found for found in datasets}, {(edge.parent, edge.child) for edge in edges})
