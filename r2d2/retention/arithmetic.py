"""The arithmetic of one dataset, line by line, as ``r2d2 explain`` shows it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from r2d2.config import RetentionSettings
from r2d2.model import Action, Dataset, PlannedDataset
from r2d2.retention import costs
from r2d2.retention.costs import seconds_text
from r2d2.retention.holdings import held_bytes, held_objects, padding_bytes
from r2d2.retention.latency import read_seconds, write_seconds
from r2d2.retention.price_sheets import StorageClass
from r2d2.retention.prices import hottest_class, price_book, price_sheet, storage_class
from r2d2.retention.transfers import class_read_cost, compute_cost, read_requests, requests_cost, write_requests

Lines = list[tuple[str, float]]

#: What no listing tells, said wherever a saving is explained.
UNKNOWN = "versions that a bucket's own rules keep of deleted objects are not known here: they are billed until they go"


def explain_planned(
    entry: PlannedDataset, dataset: Dataset, parent: Dataset | None, tier: str, settings: RetentionSettings
) -> Lines:
    """The arithmetic of one line of a plan as (label, money a month); the last line is the sum of those before it.

    Kept: what it costs. Else what is saved, the plan's ``saving_per_month``.

    Args:
        tier: the class that the plan moves the parent to; empty if it stays where it is.
    """
    if entry.action is Action.COLDER:
        moved = [(f"there, {label}", 0.0 - amount) for label, amount in _kept_lines(dataset, settings, entry.tier)]
        return _summed([*_kept_lines(dataset, settings), *moved], "saving a month")
    if entry.action is Action.REDIRECT and parent is not None:
        return _summed([*_kept_lines(dataset, settings), *_view_lines(dataset, parent, settings)], "saving a month")
    return explain_costs(dataset, parent if entry.action is Action.RETIRE else None, settings, tier)


def explain_costs(dataset: Dataset, parent: Dataset | None, settings: RetentionSettings, tier: str = "") -> Lines:
    """The arithmetic of one dataset that is kept (``parent`` is None) or retired, as ``explain_planned`` gives it.

    Retired: what leaves the bill, less guard, expected rebuilds and restored copies.
    """
    lines = list(_kept_lines(dataset, settings))
    total = "cost a month"
    if parent is not None:
        lines += _retired_lines(dataset, parent, settings, tier)
        total = "saving a month"
    return _summed(lines, total)


def _summed(lines: Lines, total: str) -> Lines:
    return [*lines, (total, math.fsum(amount for _, amount in lines))]


def explain_once(dataset: Dataset, parent: Dataset, settings: RetentionSettings, now_ns: int | None = None) -> Lines:
    """What retiring it takes once as (label, money); the last line is the sum of those before it."""
    parts = costs.once_parts(dataset, settings, now_ns)
    prices = storage_class(dataset, settings)
    lines = [
        (f"{costs.PROOFS} proofs: reading it", parts["proof"]),
        (f"{costs.PROOFS} proofs: reading the parent", costs.PROOFS * costs.read_cost(parent, settings)),
        (f"recipe, {costs.RECIPE_REQUESTS} requests", parts["recipe"]),
        (f"quarantine of {settings.grace_days:g} days", parts["quarantine"]),
    ]
    if prices.min_days:
        lines.append((f"deleted before {prices.min_days:g} days in {prices.name}", parts["early deletion"]))
    return [*lines, ("cost once", math.fsum(amount for _, amount in lines))]


def _kept_lines(dataset: Dataset, settings: RetentionSettings, tier: str = "") -> Iterator[tuple[str, float]]:
    prices, gb = _class(dataset, settings, tier), price_sheet(settings).gb
    factor = f" x {settings.storage_price_factor:g}" if settings.storage_price_factor != 1 else ""
    price = f"{prices.storage:g} {settings.currency} a GB{factor}"
    parts = {
        "storage": float(dataset.bytes),
        "log and old versions": float(held_bytes(dataset) - dataset.bytes),
        "small objects and metadata": padding_bytes(dataset, prices),
    }
    for label, size in parts.items():
        if size or label == "storage":
            amount = size / gb * prices.storage * settings.storage_price_factor
            yield f"{label}: {size / gb:,.6g} GB at {price}", amount
    if prices.overhead_hot:
        hot, size = hottest_class(settings), held_objects(dataset) * prices.overhead_hot
        amount = size / gb * hot.storage * settings.storage_price_factor
        yield f"metadata: {size / gb:,.6g} GB at {hot.storage:g} {settings.currency} a GB{factor}", amount
    scans = settings.maintenance_scans * class_read_cost(dataset, prices, settings)
    yield f"maintenance: {settings.maintenance_scans:g} full scans", scans
    dearer = costs.access_cost(dataset, prices, settings)
    if dearer:
        times = costs.accesses_per_month(dataset, settings)
        yield f"{times:g} accesses: {prices.name} bills more than {hottest_class(settings).name}", dearer


def _class(dataset: Dataset, settings: RetentionSettings, tier: str) -> StorageClass:
    return price_book(settings).classes[tier] if tier else storage_class(dataset, settings)


def _guard_line(settings: RetentionSettings) -> tuple[str, float]:
    checks = f"{settings.guard_checks:g} checks, {settings.parent_commits:g} changes of the parent"
    return f"guard: {checks}", 0.0 - costs.guard_cost(settings)


def _view_lines(dataset: Dataset, parent: Dataset, settings: RetentionSettings) -> Iterator[tuple[str, float]]:
    yield _guard_line(settings)
    times = costs.accesses_per_month(dataset, settings)
    dearer = max(0.0, costs.read_cost(parent, settings) - costs.read_cost(dataset, settings))
    yield f"{times:g} accesses: reading the parent costs more than reading it", 0.0 - times * dearer


def _retired_lines(
    dataset: Dataset, parent: Dataset, settings: RetentionSettings, tier: str
) -> Iterator[tuple[str, float]]:
    yield _guard_line(settings)
    times = costs.restores_per_month(dataset, settings)
    for label, amount in _restore_lines(dataset, parent, settings, tier):
        yield f"{times:.3g} restores: {label}", 0.0 - times * amount


def _restore_lines(
    dataset: Dataset, parent: Dataset, settings: RetentionSettings, tier: str
) -> Iterator[tuple[str, float]]:
    reading, writing = read_seconds(parent.bytes, settings), write_seconds(dataset.bytes, settings)
    reads, writes = read_requests(parent, settings), write_requests(dataset, settings)
    source, objects = _class(parent, settings, tier), max(1, len(parent.files))
    slower = f" (all speeds / {settings.rebuild_factor:.3g}: restores)" if settings.rebuild_factor != 1 else ""
    yield f"start-up, {seconds_text(settings.startup_seconds)} of a core{slower}", costs.startup_cost(settings)
    yield f"reading the parent, {reads:,} requests", requests_cost(reads, source.read)
    if source.restore:
        yield f"bringing {objects:,} objects of the parent online", requests_cost(objects, source.restore)
    if source.retrieval:
        retrieved = parent.bytes / price_sheet(settings).gb * source.retrieval
        yield "reading the parent, retrieval", retrieved
    yield f"reading the parent, {seconds_text(reading)} of a core", compute_cost(reading, settings)
    yield f"writing, {writes:,} requests", requests_cost(writes, hottest_class(settings).write)
    yield f"writing, {seconds_text(writing)} of a core", compute_cost(writing, settings)
    yield f"keeping the copy for {settings.residency_days:g} days", costs.residency_cost(dataset, settings)
