"""Containment without Spark: files in, proven pairs out. The kernels run one after the other in this process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from r2d2.catalog.assembly import assemble
from r2d2.catalog.discovery import discover
from r2d2.catalog.listing import Candidate, plain_candidate
from r2d2.catalog.reading import files_of
from r2d2.catalog.runs import Groups, all_pairs
from r2d2.catalog.summaries import summarize_files
from r2d2.config import ContainmentSettings, DiscoverySettings
from r2d2.containment.budget import Budget
from r2d2.containment.funnel import Containments, find_containments
from r2d2.containment.join import JoinResult, join_pairs
from r2d2.containment.join_kept import KeptJoin
from r2d2.containment.pairs import Standing
from r2d2.containment.row_hash import FAST, RowHash
from r2d2.containment.scanner import Measure, Scanner
from r2d2.containment.worth import Worth
from r2d2.lake.kernels import run_here, run_shuffled_here
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import DataFile, Dataset
from r2d2.progress import Progress

#: So small a sketch that boxes and joins are really needed, and joins that read the files.
TINY = ContainmentSettings(sketch_size=2, kept_bytes=0)


@dataclass
class Memory:
    """A cache of measures and verdicts that lives as long as the test."""

    kept_measures: dict[str, Measure] = field(default_factory=dict)
    kept_verdicts: dict[str, JoinResult] = field(default_factory=dict)

    def measures(self, keys: Iterable[str]) -> dict[str, Measure]:
        return {key: self.kept_measures[key] for key in keys if key in self.kept_measures}

    def add_measures(self, measures: Mapping[str, Measure]) -> None:
        self.kept_measures.update(measures)

    def verdicts(self, keys: Iterable[str]) -> dict[str, JoinResult]:
        return {key: self.kept_verdicts[key] for key in keys if key in self.kept_verdicts}

    def add_verdicts(self, verdicts: Mapping[str, JoinResult]) -> None:
        self.kept_verdicts.update(verdicts)


def data_file(path: Path, partition: tuple[tuple[str, str | None], ...] = ()) -> DataFile:
    """The file as discovery would list it."""
    stat = storage_for(str(path)).stat(str(path))
    return DataFile(*stat, partition=partition)


def candidate(name: str, format_: str, files: Sequence[DataFile], location: Path) -> Candidate:
    """What discovery would make of files that are one dataset."""
    partitions = tuple(column for column, _ in files[0].partition) if files else ()
    ids = tuple(f"{name}/{Path(file.path).name}" for file in files)
    whole = Candidate(name, format_, str(location), files=tuple(files), file_ids=ids, partition_columns=partitions)
    return plain_candidate(whole)


def discovered(path: Path) -> Candidate:
    """The one dataset that discovery finds at a path, under the path's own name."""
    (found,) = discover([str(path)], DiscoverySettings(), None, None).candidates
    return replace(found, id=path.name)


def datasets_of(candidates: Sequence[Candidate], case_sensitive: bool = False) -> tuple[Dataset, ...]:
    """The datasets, their files summarised."""
    return assemble(candidates, summarize_files(files_of(candidates), run_here), case_sensitive)


def parquet_dataset(*paths: Path, name: str = "") -> Dataset:
    """One dataset of Parquet files."""
    (found,) = datasets_of([candidate(name or paths[0].stem, "parquet", [data_file(p) for p in paths], paths[0])])
    return found


#: What the state of a test keeps secret.
SECRET = "5a" * 32


def contained(
    datasets: Sequence[Dataset],
    settings: ContainmentSettings = TINY,
    memory: Memory | None = None,
    budget: Budget | None = None,
    worth: Worth | None = None,
) -> Containments:
    """All containment stages over the datasets."""
    cache = memory or Memory()
    by = RowHash(SECRET) if settings.verify == "keyed" else FAST
    join = partial(join_pairs, run_shuffled_here, datasets, settings)
    compare = partial(join, by=RowHash(values=True)) if settings.verify == "values" else None
    progress = Progress(quiet=True)
    with tempfile.TemporaryDirectory(prefix="r2d2-kept-") as keep:
        scanner = Scanner(datasets, settings, run_here, cache, by, keep, budget or Budget())
        kept = KeptJoin(run_here, datasets, settings, by, keep)
        joins = partial(join, by=by), cache, progress, compare, kept
        return find_containments(datasets, settings, scanner, *joins, worth)


def groups_of(found: Containments) -> Groups:
    """Groups and reduction as the state keeps them."""
    members = tuple(
        tuple((found.datasets[found.nodes[i].dataset].id, str(found.nodes[i].view)) for i in group)
        for group in found.reduction.groups
    )
    return Groups(members, found.reduction.edges)


def proven_pairs(found: Containments) -> set[tuple[str, str]]:
    """(parent, child) of every proven pair: the closure of the reduction."""
    return {(edge.parent, edge.child) for edge in all_pairs(found.datasets, found.edges, groups_of(found))}


def decided_proven(found: Containments) -> set[tuple[str, str]]:
    """(parent, child) of every pair that verification marked as proven, for each dataset that a side stands for."""
    pairs, members = found.verification.pairs, found.verification.members()
    ids = [dataset.id for dataset in found.datasets]
    marked = {
        (ids[parent], ids[child])
        for position in pairs.at(Standing.PROVEN).tolist()
        for parent in members[int(pairs.parent[position])]
        for child in members[int(pairs.child[position])]
    }
    return marked | {(ids[a], ids[b]) for group in members.values() for a in group for b in group if a != b}


def sharing(dataset: Dataset, *others: str) -> Dataset:
    """The dataset, as if it shared files with others."""
    return replace(dataset, shared_with=others)
