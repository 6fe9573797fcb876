"""Policies: who may not be retired, and who may not stand for whom, whatever that would save."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from functools import cached_property

import numpy as np

from r2d2.config import RetentionSettings
from r2d2.model import Dataset
from r2d2.model.dataset import CLAIMED
from r2d2.model.usage import Usage
from r2d2.retention.context import Context
from r2d2.retention.latency import first_match
from r2d2.retention.profiles import Flags, Ints

_DAY_NS = 86_400 * 10**9
EVERYONE = "*"
#: Who says so: what is only proposed (by the last writer of a table) makes nobody its owner.
_PROPOSED = "delta commit"


class Refusal(IntEnum):
    """Why a parent may not stand for a child."""

    ALLOWED = 0
    READERS = 1
    DIFFERENT_RIGHTS = 2
    REGION = 3
    ROOT = 4
    EXPIRY = 5
    PRECEDENCE = 6


#: In words, for the owner of the child.
REFUSALS: Mapping[int, str] = {
    Refusal.READERS: "what holds all its rows may not be read by everyone who may read it",
    Refusal.DIFFERENT_RIGHTS: "what holds the same rows has other readers or another sensitivity: a person must decide",
    Refusal.REGION: "what holds all its rows lies in another region",
    Refusal.ROOT: "what holds all its rows lies in another root (retention.across_roots)",
    Refusal.EXPIRY: "what holds all its rows loses them before it does",
    Refusal.PRECEDENCE: "it is the source, owned, produced or in use; what holds the same rows is a copy",
}


@dataclass(frozen=True)
class _Standing:
    """What the rules for pairs see of a dataset.

    Attributes:
        rank: among those that hold the same rows, the higher is kept: governed or a source, produced, consumed.
    """

    rights: frozenset[str] | None
    sensitivity: str
    region: str
    root: str
    expires: datetime | None
    rank: tuple[bool, bool, bool]


@dataclass(frozen=True)
class Policies:
    """Rules of one plan, of datasets by number.

    Attributes:
        retirable: may be retired, or advised to be.
        undecided: a person must decide which of those that hold the same rows may go: until then none may.
        advised: are kept in the plan, which may advise to stop what produces them.
        group: equal for datasets that hold the same rows. A text dataset may hold those of others under one view each
            (``Containment``); then it is equal for all of them.
        groups: who hold the same rows, ascending.
        across_roots: roots don't matter.
    """

    retirable: Flags
    undecided: frozenset[int]
    advised: Flags
    group: Ints
    groups: Sequence[tuple[int, ...]]
    across_roots: bool
    standings: Sequence[_Standing] = field(repr=False)

    @staticmethod
    def of(
        datasets: Sequence[Dataset],
        pinned: Mapping[str, str],
        groups: Iterable[Sequence[str]],
        settings: RetentionSettings,
        context: Context,
    ) -> Policies:
        """The rules, ``pinned`` being the ids of those that may not be retired."""
        number = {dataset.id: position for position, dataset in enumerate(datasets)}
        same: list[tuple[int, ...]] = []
        sources: set[str] = set()
        for members in groups:
            same.append(tuple(sorted(number[member] for member in members if member in number)))
            sources |= _sources(members, context)
        standings = [_standing(dataset, context, dataset.id in sources) for dataset in datasets]
        retirable = np.asarray([dataset.id not in pinned for dataset in datasets], np.bool_)
        live = np.asarray([bool(live_jobs(context.usage_of(dataset))) for dataset in datasets], np.bool_)
        undecided = frozenset(member for members in _differing(same, standings) for member in members)
        retirable[list(undecided)] = False
        return Policies(
            retirable=retirable,
            undecided=undecided,
            advised=retirable & live,
            group=_joined(same, len(datasets)),
            groups=same,
            across_roots=settings.across_roots,
            standings=standings,
        )

    def refusal(self, child: Ints, parent: Ints) -> Ints:
        """Why a parent may not stand for a child; ``ALLOWED`` where it may."""
        kinds = len(self._kinds[0])
        if kinds <= 1:
            return np.zeros(len(child), np.int64)
        same = self.group[child] == self.group[parent]
        kind = self._kinds[1]
        met, which = np.unique((kind[child] * kinds + kind[parent]) * 2 + same, return_inverse=True)
        found = [self._refusal(*divmod(int(code) // 2, kinds), same=bool(code % 2)) for code in met.tolist()]
        return np.asarray(found, np.int64)[which]

    def kind(self, number: int) -> tuple[int, bool]:
        """Equal for datasets that the rules for pairs tell apart nowhere."""
        return int(self._kinds[1][number]), bool(self.advised[number])

    @property
    def differing(self) -> Iterator[tuple[int, ...]]:
        """Datasets that hold the same rows, where their rights or sensitivities are known and differ."""
        return _differing(self.groups, self.standings)

    @cached_property
    def _kinds(self) -> tuple[list[_Standing], Ints]:
        """The different standings, and which of them each dataset has."""
        kinds = {standing: number for number, standing in enumerate(dict.fromkeys(self.standings))}
        return list(kinds), np.asarray([kinds[standing] for standing in self.standings], np.int64)

    def _refusal(self, child: int, parent: int, same: bool) -> Refusal:
        mine, held = self._kinds[0][child], self._kinds[0][parent]
        if same and _differ(mine.sensitivity, held.sensitivity):
            return Refusal.DIFFERENT_RIGHTS
        if mine.rights is not None and held.rights is not None:
            if same and mine.rights != held.rights:
                return Refusal.DIFFERENT_RIGHTS
            if EVERYONE not in held.rights and not mine.rights <= held.rights:
                return Refusal.READERS
        if _differ(mine.region, held.region):
            return Refusal.REGION
        if mine.root != held.root and not self.across_roots:
            return Refusal.ROOT
        if held.expires is not None and (mine.expires is None or held.expires < mine.expires):
            return Refusal.EXPIRY
        return Refusal.PRECEDENCE if same and mine.rank > held.rank else Refusal.ALLOWED


def _differing(groups: Sequence[tuple[int, ...]], standings: Sequence[_Standing]) -> Iterator[tuple[int, ...]]:
    for members in sorted(groups):
        known = [standings[member] for member in members]
        sensitivities = {standing.sensitivity for standing in known if standing.sensitivity}
        rights = {standing.rights for standing in known if standing.rights is not None}
        if len(sensitivities) > 1 or len(rights) > 1:
            yield members


def live_jobs(usage: Usage) -> list[str]:
    """The jobs that will write the dataset again."""
    return [job.name for job in usage.producers if job.live]


def pinned_datasets(
    datasets: Sequence[Dataset], settings: RetentionSettings, context: Context | None = None
) -> dict[str, str]:
    """Why a dataset may not be retired, whatever it costs; by id."""
    pinned: dict[str, str] = {}
    for dataset in datasets:
        if dataset.status != "ok":
            pinned[dataset.id] = f"kept: {dataset.error}"
        elif not dataset.retirable:
            pinned[dataset.id] = "kept: a view has no bytes of its own"
    for child, other in _sharing(datasets):
        pinned.setdefault(child, f"kept: shares files with {other}")
    context = context or Context()
    for dataset in datasets:
        if not _lies_together(dataset):
            pinned.setdefault(dataset.id, "kept: some of its files lie outside of its directory")
        reason = _pin(dataset, context.usage_of(dataset), settings, context)
        if reason:
            pinned.setdefault(dataset.id, f"kept: {reason}")
    return pinned


def _lies_together(dataset: Dataset) -> bool:
    """Whether all its files are its location, or below it: a partition elsewhere may be anybody's."""
    directory = f"{dataset.location.rstrip('/')}/"
    return all(file.path == dataset.location or file.path.startswith(directory) for file in dataset.files)


def _pin(dataset: Dataset, usage: Usage, settings: RetentionSettings, context: Context) -> str:
    """What the settings and the facts say against retiring a dataset; empty if nothing does."""
    pattern = first_match(settings.keep, dataset)
    if pattern is not None:
        return f"matches retention.keep {pattern!r}"
    if CLAIMED in dataset.properties:
        return f"claimed by another state of r2d2: {dataset.properties[CLAIMED]}"
    if usage.hold:
        return "it is under a legal hold"
    tags = sorted(usage.tags.intersection(settings.keep_tags))
    if tags:
        return f"it is tagged {tags[0]!r} (retention.keep_tags)"
    age = (context.now_ns - dataset.modified_ns) / _DAY_NS
    if age < settings.min_age_days:
        return f"it changed {max(0.0, age):.1f} days ago, less than retention.min_age_days of {settings.min_age_days:g}"
    if settings.consumers == "keep" and usage.consumers:
        return f"{usage.consumers[0].kind} {usage.consumers[0].name} reads it (retention.consumers)"
    if settings.unknown_reads == "keep" and dataset.reads is None and first_match(settings.accesses, dataset) is None:
        return "no log tells for long enough how often it is read (retention.unknown_reads)"
    return ""


def _standing(dataset: Dataset, context: Context, source: bool) -> _Standing:
    usage = context.usage_of(dataset)
    governed = bool(usage.owner and usage.owner_source != _PROPOSED) or source
    expires = usage.expires.astimezone(UTC) if usage.expires else None
    rank = governed, bool(live_jobs(usage)), bool(usage.consumers)
    return _Standing(usage.rights, usage.sensitivity, usage.region, context.root_of(dataset), expires, rank)


def _joined(groups: Iterable[Sequence[int]], size: int) -> Ints:
    """A number for each dataset, equal within each group and so for groups that share a member."""
    first = list(range(size))

    def find(number: int) -> int:
        while first[number] != number:
            first[number] = first[first[number]]
            number = first[number]
        return number

    for group in groups:
        for member in group[1:]:
            one, other = sorted((find(group[0]), find(member)))
            first[other] = one
    return np.asarray([find(number) for number in range(size)], np.int64)


def _sources(members: Sequence[str], context: Context) -> set[str]:
    """Members that others of the group are made from."""
    known = [(name, context.usage[name].upstream) for name in members if name in context.usage]
    return {up for name, upstream in known for up in upstream if up != name}.intersection(members)


def _differ(one: str, other: str) -> bool:
    """Whether both are known and differ."""
    return bool(one and other and one != other)


def _sharing(datasets: Sequence[Dataset]) -> Iterable[tuple[str, str]]:
    """(dataset, other) that refer to common files, both ways round: by discovery, by a table's log."""
    for dataset in datasets:
        for other in dataset.shared_with:
            yield dataset.id, other
            yield other, dataset.id
    pins: dict[str, list[str]] = defaultdict(list)
    for dataset in datasets:
        for identity in dataset.pins:
            pins[identity].append(dataset.id)
    if pins:
        for dataset in datasets:
            referring = (o for f in dataset.files for o in pins.get(f.identity, ()) if o != dataset.id)
            yield from ((dataset.id, other) for other in referring)
