"""Earlier runs of a state, for what shows only over time; of each only what is asked for is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.dataset as ds

from r2d2.catalog import records, runs
from r2d2.catalog.state import State
from r2d2.model.dataset import Dataset


@dataclass(frozen=True)
class EarlierRun:
    """An earlier run."""

    state: State
    run_id: str

    def versions(self) -> Mapping[str, str]:
        """The version of each of its datasets, by id."""
        rows = self.state.rows("datasets", self.run_id, columns=("dataset", "version")).to_pylist()
        return {row["dataset"]: row["version"] for row in rows}

    def datasets(self, ids: Iterable[str]) -> Iterator[Dataset]:
        """Some of its datasets."""
        wanted = pa.array(sorted(set(ids)), pa.string())
        if len(wanted):
            rows = self.state.rows("datasets", self.run_id, ds.field("dataset").isin(wanted))
            yield from map(records.dataset_of, rows.to_pylist())


def earlier_runs(state: State, run_id: str, most: int) -> list[EarlierRun]:
    """The runs that started before a run and know their datasets, the newest first."""
    found = sorted(runs.runs(state), key=lambda run: run.started, reverse=True)
    place = next((place for place, run in enumerate(found) if run.run_id == run_id), -1)
    before = (run.run_id for run in found[place + 1 :] if run.reached(runs.DISCOVERED))
    return [EarlierRun(state, run_id) for run_id in list(before)[:most]]
