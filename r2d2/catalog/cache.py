"""Results of earlier runs, kept by the version of what they were taken from: nothing is read twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from r2d2.catalog import codec
from r2d2.catalog.listing import Candidate
from r2d2.catalog.reading import FileToRead, files_of
from r2d2.catalog.spark_file_sets import opened, with_sources
from r2d2.catalog.state import State
from r2d2.catalog.summaries import Run, summary_texts
from r2d2.lake.fingerprint import code_fingerprint
from r2d2.model.dataset import FileSummary


@dataclass(frozen=True)
class StateCache:
    """The cache tables of a state."""

    state: State

    def read(self, missing: Sequence[FileToRead], run: Run, files_per_task: int) -> dict[str, FileSummary]:
        """What files say of themselves, by path, read now; kept for later runs unless a file could not be read."""
        texts = summary_texts(missing, run, files_per_task)
        fresh = {path: codec.from_json(text) for path, text in texts.items()}
        new = [
            {"key": _summary_key(file), "summary": texts[file.file.path]}
            for file in missing
            if fresh[file.file.path].status != "error"
        ]
        self.state.append("summaries", new)
        return fresh

    def known_or_read(self, files: Sequence[FileToRead], run: Run, files_per_task: int) -> dict[str, FileSummary]:
        """What files say of themselves, by path: what was read before, the rest read now."""
        known = self.known_files(files)
        new = self.read([file for file in files if file not in known], run, files_per_task)
        return {file.file.path: summary for file, summary in known.items()} | new

    def known(self, candidates: Sequence[Candidate]) -> tuple[tuple[Candidate, ...], dict[FileToRead, FileSummary]]:
        """What files of usable candidates say of themselves, as far as that was read before.

        Returns:
            The candidates, those that Spark is to read as these summaries show them; and the summaries.
        """
        found = self.known_files(files_of(candidates))
        shown = with_sources(candidates, {file.file.path: summary for file, summary in found.items()})
        by_spark = files_of(opened(shown))
        return shown, (found | self.known_files(by_spark) if by_spark else found)

    def known_files(self, files: Sequence[FileToRead]) -> dict[FileToRead, FileSummary]:
        """What files say of themselves, as far as that was read before."""
        keys = {file: _summary_key(file) for file in files}
        rows = self.state.by_key("summaries", keys.values()).to_pylist()
        found = {row["key"]: codec.from_json(row["summary"]) for row in rows}
        return {file: found[key] for file, key in keys.items() if key in found}

    def rows(self, table: str, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Rows of a cache table by key."""
        return {row["key"]: row for row in self.state.by_key(table, keys).to_pylist()}

    def add(self, table: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Adds rows to a cache table."""
        self.state.append(table, [{"key": key, **row} for key, row in rows.items()])


def _summary_key(file: FileToRead) -> str:
    f = file.file
    parts = [
        code_fingerprint("r2d2.lake", "r2d2.model"),
        file.format,
        f.path,
        f.size,
        f.mtime_ns,
        f.identity,
        f.ctime_ns,
        f.tag,
    ]
    return hashlib.sha256("\n".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()
