"""What a run will read, before anything is read: from the listing, and from what earlier runs keep in the state.

No data file is opened, nothing is written, and Spark is started only for ``catalog:`` roots. What earlier runs read is
free. Where they know the metadata of datasets, the candidates are found as the run will find them, and what of them
was not measured yet is what it will scan. A dataset that has changed is taken to have kept the metadata of its last
version. Of new ones nothing is known but their size: at most each of them is in a pair with every other dataset.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NoReturn

from r2d2.catalog import runs
from r2d2.catalog.assembly import assemble, listed
from r2d2.catalog.cache import StateCache
from r2d2.catalog.described import left_to_spark
from r2d2.catalog.discovery import discover
from r2d2.catalog.listing import Candidate
from r2d2.catalog.reading import FileToRead, by_spark, files_of, to_read
from r2d2.catalog.state import State, existing_state
from r2d2.catalog.summaries import summary_tasks
from r2d2.config import Settings
from r2d2.containment.candidates import find_candidates
from r2d2.containment.minmax import leaves_by_path
from r2d2.containment.request import Request
from r2d2.containment.row_hash import FAST, RowHash
from r2d2.containment.scanner import PLANNING_BYTES, Measure, MeasureCache, Scanner, scan_work
from r2d2.containment.store import ResultStore
from r2d2.containment.wholes import Wholes
from r2d2.errors import NotFound
from r2d2.lake.session import build_session, planned_cores
from r2d2.model.dataset import TEXT_FORMATS, Dataset, FileSummary
from r2d2.model.funnel import Funnel
from r2d2.recovery.claims.claimed import marked
from r2d2.retention import estimate as arithmetic
from r2d2.retention.costs import PART_BYTES, check_settings
from r2d2.retention.estimate import Estimate, Rates, Read, Stage
from r2d2.retention.prices import without_archived
from r2d2.retention.worth import worth_of

KNOWN, CHANGED, NEW = "known metadata", "metadata as before the change", "at most: if each is in a pair"
SAMPLES = "at most: all of it as child and as parent"


@dataclass(frozen=True)
class Lake:
    """What is listed, and what the state knows of it.

    Attributes:
        candidates: all of them, archived ones as such.
        summaries: of files that earlier runs read, by path.
        before: the datasets of the newest run, by id.
        cache: measures of earlier runs.
        by: how rows are hashed.
    """

    candidates: Sequence[Candidate]
    summaries: Mapping[str, FileSummary]
    before: Mapping[str, Dataset]
    cache: MeasureCache
    by: RowHash
    settings: Settings

    @cached_property
    def usable(self) -> list[Candidate]:
        """What a run reads."""
        return [candidate for candidate in self.candidates if candidate.status == "ok"]

    def unknown_files(self, candidate: Candidate) -> list[FileToRead]:
        """Those whose metadata has to be read."""
        return [read for read in to_read(candidate) if read.file.path not in self.summaries]

    @cached_property
    def known(self) -> list[Dataset]:
        """Datasets whose metadata is known."""
        whole = [candidate for candidate in self.usable if not self.unknown_files(candidate)]
        found = assemble(whole, self.summaries, self.settings.containment.case_sensitive)
        return [dataset for dataset in found if dataset.status == "ok"]

    @cached_property
    def changed(self) -> list[Dataset]:
        """Datasets that have changed, with the leaves, rows and bounds of their last version."""
        found = []
        for candidate in self.usable:
            before = self.before.get(candidate.id)
            if before and self.unknown_files(candidate) and _same_place(before, candidate):
                own = listed(candidate)
                found.append(replace(own, leaves=before.leaves, rows=before.rows, readers=before.readers))
        return found

    @cached_property
    def new(self) -> list[Dataset]:
        """Datasets of which nothing is known."""
        changed = {dataset.id for dataset in self.changed}
        return [listed(c) for c in self.usable if c.id not in changed and self.unknown_files(c)]


def _same_place(before: Dataset, candidate: Candidate) -> bool:
    return before.status == "ok" and (before.location, before.format) == (candidate.location, candidate.format)


def forecast(roots: Sequence[str], state_dir: str, settings: Settings) -> Estimate:
    """What ``pipeline.run`` with the same arguments will read.

    Raises:
        R2D2Error: the run could not begin either.
    """
    check_settings(settings.retention)
    state = existing_state(state_dir)
    lake = look_at(roots, state_dir, settings)
    cores, here = planned_cores(settings.spark)
    paper = settings.containment.verify == "paper"  # it ends with the samples: nothing is read after them
    kept = paper or (here and settings.containment.kept_bytes > 0)
    rates = arithmetic.rates_of(_funnels(state), map(listed, lake.usable), cores, kept)
    rates = replace(rates, after=0.0) if paper else rates
    metadata, metadata_reads = _metadata(lake, rates)
    scans, scan_reads = _scans(lake, rates)
    after = arithmetic.after_scan(scans, rates, kept)
    again = [] if kept else arithmetic.repeated(scan_reads, arithmetic.REREAD_BYTES)
    archived = [listed(candidate) for candidate in lake.candidates if candidate.status == "archived"]
    unknown = sum(len(lake.unknown_files(candidate)) for candidate in lake.usable)
    limits = settings.containment.max_bytes, settings.containment.time_limit
    return Estimate(
        stages=(*metadata, *scans, after),
        classes=arithmetic.class_lines([*metadata_reads, *scan_reads, *again], archived, settings.retention),
        rates=rates,
        currency=settings.retention.currency,
        compute_price=settings.retention.compute_price,
        exact=not (lake.new or lake.changed),
        known_files=sum(len(candidate.files) for candidate in lake.usable) - unknown,
        unknown_files=unknown,
        shares=arithmetic.shares_of(*limits, metadata, [*scans, after]),
    )


def look_at(roots: Sequence[str], state_dir: str, settings: Settings) -> Lake:
    """Lists the roots, as a run would.

    Raises:
        R2D2Error: a run could not begin either.
    """
    state = existing_state(state_dir)
    needs_catalog = any(root.startswith("catalog:") for root in roots)
    session = build_session(settings.spark) if needs_catalog else None
    listing = discover(roots, settings.discovery, state_dir, session)
    candidates = tuple(without_archived(marked(listing, state), settings.retention))
    if state is None:
        return Lake(candidates, {}, {}, _Nothing(), FAST, settings)
    cache = StateCache(state)
    # a run would make the secret that is missing; nothing was measured with it then
    keyed = settings.containment.verify == "keyed"
    by = RowHash(state.secret() if state.has_secret else "00") if keyed else FAST
    before = {dataset.id: dataset for dataset in _newest(state)}
    candidates, kept = cache.known(candidates)
    known = {file.file.path: summary for file, summary in kept.items()}
    left = left_to_spark(candidates, known, assemble(candidates, known, settings.containment.case_sensitive))
    more = cache.known_files(files_of(list(left.values())))
    known |= {file.file.path: summary for file, summary in more.items()}
    candidates = tuple(left.get(candidate.id, candidate) for candidate in candidates)
    return Lake(candidates, known, before, ResultStore(cache), by, settings)


def _newest(state: State) -> tuple[Dataset, ...]:
    try:
        return runs.datasets(state, runs.find_run(state))
    except NotFound:
        return ()


def _funnels(state: State | None) -> list[Funnel]:
    return [run.funnel for run in runs.runs(state) if run.reached(runs.CONTAINED)] if state else []


def _metadata(lake: Lake, rates: Rates) -> tuple[list[Stage], list[Read]]:
    """Footers of Parquet files, and all of text files and of what Spark reads, that no earlier run has read."""
    stages, reads = [], []
    for name in (_PARQUET, _TEXT, _BY_SPARK):
        text = name != _PARQUET
        some = [(c, lake.unknown_files(c)) for c in lake.usable if _kind(c) == name]
        own = [_metadata_read(candidate, files) for candidate, files in some if files]
        tasks = summary_tasks([file for _, files in some for file in files], lake.settings.discovery.files_per_task)
        read_now = [replace(listed(c), files=tuple(file.file for file in files)) for c, files in some if files]
        seconds, longest = sum(read.files for read in own) * arithmetic.FOOTER_SECONDS, 0.0
        if text:
            seconds = sum(map(arithmetic.text_seconds, read_now)) / rates.pace
            longest = arithmetic.longest_text(read_now, arithmetic.text_seconds) / rates.pace
        basis = "whole files" if text else "ends of files"
        stages.append(arithmetic.stage_of(name, basis, own, tasks, seconds, rates.cores, longest))
        reads += own
    return stages, reads


_PARQUET, _TEXT, _BY_SPARK = "metadata, Parquet", "metadata, text", "metadata, by Spark"


def _kind(candidate: Candidate) -> str:
    if by_spark(candidate):
        return _BY_SPARK
    return _TEXT if candidate.format in TEXT_FORMATS else _PARQUET


def _metadata_read(candidate: Candidate, files: Sequence[FileToRead]) -> Read:
    """Text, and what Spark reads, is read as a whole, Parquet at its end."""
    most = arithmetic.FOOTER_BYTES if _kind(candidate) == _PARQUET else math.inf
    sizes = [int(min(file.file.size, most)) for file in files]
    return Read(listed(candidate), len(files), sum(sizes), sum(max(1, -(-size // PART_BYTES)) for size in sizes))


def _scans(lake: Lake, rates: Rates) -> tuple[list[Stage], list[Read]]:
    """What is scanned: of datasets whose metadata is known, or taken as known, and at most of the others."""
    together = [*lake.known, *lake.changed]
    missing = _missing(lake, together)
    changed = {dataset.id for dataset in lake.changed}
    paper = lake.settings.containment.verify == "paper"
    known = SAMPLES if paper else KNOWN
    parts = [
        ("scan", known, [i for i in missing if together[i].id not in changed]),
        ("scan, changed", CHANGED, [i for i in missing if together[i].id in changed]),
    ]
    stages, reads = [], []
    for name, basis, indexes in parts:
        tasks, work = scan_work(together, {i: missing[i] for i in indexes}, lake.settings.containment, lake.by)
        own = arithmetic.repeated([arithmetic.whole(together[i]) for i in indexes], 2 if paper else 1)
        stages.append(_scan(name, basis, own, tasks, work, lake, rates))
        reads += own
    others = [dataset for i, dataset in enumerate(together) if i not in missing] if lake.new else []
    for name, some in (("scan, new", lake.new), ("scan, for new ones", others)):
        own = [arithmetic.whole(dataset) for dataset in some]
        work = sum(dataset.bytes + PLANNING_BYTES for dataset in some)
        tasks = -(-work // max(1, lake.settings.containment.task_bytes))
        stages.append(_scan(name, NEW, own, tasks, work, lake, rates))
        reads += own
    return [stage for stage in stages if stage.name == "scan" or stage.datasets], reads


def _scan(name: str, basis: str, reads: Sequence[Read], tasks: int, work: int, lake: Lake, rates: Rates) -> Stage:
    """A scan; ``work`` is what it reads and plans, as bytes of Parquet."""
    planning = (work - sum(read.bytes for read in reads)) / arithmetic.SCAN_RATES["parquet"]
    seconds = (sum(arithmetic.scan_seconds(read.dataset) for read in reads) + planning) / rates.pace
    longest = arithmetic.longest_text((read.dataset for read in reads), arithmetic.scan_seconds) / rates.pace
    times = arithmetic.HASHING.get(lake.settings.containment.verify, 1.0)
    return arithmetic.stage_of(name, basis, reads, tasks, times * seconds, rates.cores, times * longest)


def _missing(lake: Lake, datasets: Sequence[Dataset]) -> dict[int, list[Request]]:
    """What a run's first scan will ask of datasets in candidate pairs, as far as no earlier run has measured it."""
    settings = lake.settings.containment
    candidates = find_candidates(datasets, settings, worth_of(datasets, lake.settings.retention))
    leaves = [leaves_by_path(dataset, settings.case_sensitive) for dataset in datasets]
    scanner = Scanner(datasets, settings, _reads_nothing, lake.cache, lake.by)
    wholes = Wholes(leaves, candidates, scanner, by_values=False)
    wanted: dict[int, list[Request]] = {}
    paper = settings.verify == "paper"
    for index, number in sorted(candidates.children | candidates.parents) if paper else wholes.first_sides():
        wanted.setdefault(index, []).append(wholes.request(index, number))
    known = scanner.known(wanted)
    left = {i: [request for request in requests if (i, request) not in known] for i, requests in wanted.items()}
    return {i: requests for i, requests in left.items() if requests}


def _reads_nothing(*_: object) -> NoReturn:
    raise AssertionError("an estimate runs no kernel")


class _Nothing:
    """The measures of a state that does not exist yet."""

    def measures(self, keys: Iterable[str]) -> dict[str, Measure]:
        """None are known."""
        return {}

    def add_measures(self, measures: Mapping[str, Measure]) -> None:
        """Nothing is measured by an estimate."""
        raise AssertionError("an estimate measures nothing")
