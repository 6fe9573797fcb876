"""An independent ledger: twelve months are replayed event by event, and the mean bill is what the plan promised.

The ledger shares no code with the cost model: its prices are typed in anew, it bills hours of objects by calendar
month, and draws accesses, scans and commits. Only the promise is taken from the product.
"""

from __future__ import annotations

import calendar
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from r2d2.config import RetentionSettings
from r2d2.model import Action, DataFile, Dataset, Edge, Grade, OtherFiles, Plan
from r2d2.retention.arithmetic import explain_costs, explain_once
from r2d2.retention.costs import (
    access_cost,
    guard_cost,
    keep_cost,
    maintenance_cost,
    once_cost,
    once_parts,
    profile,
    read_cost,
    rebuild_cost,
    residency_cost,
    restores_per_month,
    storage_cost,
)
from r2d2.retention.planner import make_plan
from r2d2.retention.prices import storage_class

# --- the lake


NOW_NS = 1_800_000_000 * 10**9
YEAR = 2027
KIB, MIB, GIB = 1024, 1024**2, 1024**3
CLASSES = {
    "s3": ("STANDARD", "STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"),
    "adls": ("HOT", "COOL", "COLD"),
    "gcs": ("STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"),
}


def draw_dataset(rng: random.Random, name: str) -> Dataset:
    """Some files of one size class, in a third of the cases a log and old versions, young or old."""
    number = rng.choice([1, 3, 20, 200])
    largest = rng.choice([20 * KIB, 2 * MIB, 700 * MIB, 3 * GIB])
    age = [int(rng.uniform(0, 400) * 86400) * 10**9 for _ in range(number)]
    files = tuple(
        DataFile(f"/{name}/{i}", rng.randint(largest // 2, largest), NOW_NS - age[i], f"{name}/{i}")
        for i in range(number)
    )
    others = tuple(
        OtherFiles(
            count, count * rng.choice([3 * KIB, 100 * KIB, 40 * MIB]), NOW_NS - rng.randint(0, 300) * 86400 * 10**9
        )
        for count in rng.choice([(), (), (5, 60)])
    )
    size = sum(file.size for file in files)
    return Dataset(name, "parquet", f"/{name}", "v1", files=files, rows=size // 50, bytes=size, others=others)


def draw_lake(seed: int) -> tuple[list[Dataset], list[Edge], RetentionSettings]:
    """Six parents with five children each, all in classes of one sheet."""
    rng = random.Random(seed)
    sheet = rng.choice(sorted(CLASSES))
    datasets, edges = [], []
    for p in range(6):
        parent = draw_dataset(rng, f"p{p}")
        children = [draw_dataset(rng, f"p{p}c{c}") for c in range(5)]
        datasets += [parent, *children]
        edges += [Edge(parent.id, c.id, Grade.PROVEN, 1, 2, False, "join", "") for c in children]
    names = [d.id for d in datasets]
    settings = RetentionSettings(
        prices=sheet,  # type: ignore[arg-type]
        storage_classes={name: rng.choice(CLASSES[sheet]) for name in names if rng.random() < 0.5},
        storage_price_factor=rng.choice([1.0, 3.0]),
        compute_price=rng.choice([0.0, 0.05]),
        maintenance_scans=rng.choice([0.0, 0.5]),
        accesses={name: rng.choice([0.0, 0.2, 1.0, 3.0, 20.0]) for name in names},
        residency_days=rng.choice([0.0, 2.0, 7.0, 30.0]),
        guard_checks=rng.choice([4.0, 30.0]),
        parent_commits=rng.choice([0.0, 30.0, 200.0]),
        grace_days=rng.choice([0.0, 14.0, 30.0]),
        latency_limit=math.inf,
        payback_months=math.inf,
        read_archived=True,
        keep=tuple(f"p{p}" for p in range(6)),
    )
    return datasets, edges, settings


# --- the ledger: prices as the providers' pages have them, in dollars for a GB or for one request


@dataclass(frozen=True)
class Tariff:
    gb_month: float
    get: float
    put: float
    gb_read: float = 0.0
    bring_online: float = 0.0
    days: int = 0
    smallest: int = 0
    metadata: int = 0
    metadata_hot: int = 0


TARIFFS = {
    ("s3", "STANDARD"): Tariff(0.023, 0.4e-6, 5e-6),
    ("s3", "STANDARD_IA"): Tariff(0.0125, 1e-6, 10e-6, 0.01, days=30, smallest=131072),
    ("s3", "ONEZONE_IA"): Tariff(0.01, 1e-6, 10e-6, 0.01, days=30, smallest=131072),
    ("s3", "GLACIER_IR"): Tariff(0.004, 10e-6, 20e-6, 0.03, days=90, smallest=131072),
    ("s3", "GLACIER"): Tariff(0.0036, 0.4e-6, 30e-6, 0.01, 50e-6, days=90, metadata=32768, metadata_hot=8192),
    ("s3", "DEEP_ARCHIVE"): Tariff(0.00099, 0.4e-6, 50e-6, 0.02, 100e-6, days=180, metadata=32768, metadata_hot=8192),
    ("adls", "HOT"): Tariff(0.021, 0.57e-6, 7.15e-6),
    ("adls", "COOL"): Tariff(0.012, 1.3e-6, 13e-6, 0.01, days=30),
    ("adls", "COLD"): Tariff(0.0045, 13e-6, 23.4e-6, 0.03, days=90),
    ("gcs", "STANDARD"): Tariff(0.02, 0.4e-6, 5e-6),
    ("gcs", "NEARLINE"): Tariff(0.01, 1e-6, 10e-6, 0.01, days=30),
    ("gcs", "COLDLINE"): Tariff(0.004, 5e-6, 10e-6, 0.02, days=90),
    ("gcs", "ARCHIVE"): Tariff(0.0012, 50e-6, 50e-6, 0.05, days=365),
}
HOTTEST = {"s3": "STANDARD", "adls": "HOT", "gcs": "STANDARD"}
CHUNK = {"s3": 8388608, "adls": 4194304, "gcs": 8388608}
MONTH_STARTS = [0]
for _month in range(1, 13):
    MONTH_STARTS.append(MONTH_STARTS[-1] + calendar.monthrange(YEAR, _month)[1] * 24)
HOURS = MONTH_STARTS[-1]
MEAN_MONTH = 365.25 * 24 / 12


@dataclass
class Ledger:
    """The bill of a year, item by item; times are hours since its start."""

    sheet: str
    settings: RetentionSettings
    rng: random.Random
    items: dict[str, float] = field(default_factory=dict)

    def pay(self, what: str, amount: float) -> None:
        self.items[what] = self.items.get(what, 0.0) + amount

    def store(self, what: str, size: float, gb_month: float, since: float, until: float) -> None:
        """Byte-hours of each calendar month by that month's hours."""
        for start, end in pairwise(MONTH_STARTS):
            hours = min(until, end) - max(since, start)
            if hours > 0:
                price = gb_month * self.settings.storage_price_factor
                self.pay(what, size / 1073741824 * hours / (end - start) * price)

    def core(self, what: str, seconds: float) -> None:
        self.pay(what, seconds * self.settings.compute_price / 3600)

    def times(self, a_month: float) -> Iterator[float]:
        """When events of a Poisson process happen."""
        at = 0.0
        while a_month > 0:
            at += self.rng.expovariate(a_month / MEAN_MONTH)
            if at >= HOURS:
                return
            yield at

    def tariff(self, dataset: Dataset) -> Tariff:
        return TARIFFS[self.sheet, self.settings.storage_classes.get(dataset.id, HOTTEST[self.sheet])]

    @property
    def hot(self) -> Tariff:
        return TARIFFS[self.sheet, HOTTEST[self.sheet]]

    def read(self, what: str, dataset: Dataset) -> None:
        tariff, chunk = self.tariff(dataset), CHUNK[self.sheet]
        gets = max(len(dataset.files), -(-dataset.bytes // chunk))
        self.pay(what, gets * tariff.get + len(dataset.files) * tariff.bring_online)
        self.pay(what, dataset.bytes / 1073741824 * tariff.gb_read)
        self.core(what, dataset.bytes / 1e6 / self.settings.read_mb_per_second)

    def objects(self, dataset: Dataset) -> Iterator[tuple[int, float]]:
        """(bytes, hours that it was there before the year) of each object in the dataset's directory."""
        for file in dataset.files:
            yield file.size, (NOW_NS - file.mtime_ns) / 3.6e12
        for group in dataset.others:
            for _ in range(group.number):
                yield group.bytes // group.number, (NOW_NS - group.mtime_ns) / 3.6e12

    def hold(self, dataset: Dataset, until: float) -> None:
        """All objects until then; what goes before the class's shortest time is billed for the rest of it."""
        tariff = self.tariff(dataset)
        for size, before in self.objects(dataset):
            billed = max(size, tariff.smallest) + tariff.metadata
            self.store("storage", billed, tariff.gb_month, 0, until)
            self.store("storage", tariff.metadata_hot, self.hot.gb_month, 0, until)
            missing = tariff.days * 24 - before - until
            if until < HOURS and missing > 0:
                price = tariff.gb_month * self.settings.storage_price_factor
                self.pay("early", billed / 1073741824 * missing / MEAN_MONTH * price)

    def kept(self, dataset: Dataset) -> None:
        self.hold(dataset, HOURS)
        for _ in self.times(self.settings.maintenance_scans):
            self.read("maintenance", dataset)
        for _ in self.times(self.settings.accesses[dataset.id]):
            self.access(dataset)

    def access(self, dataset: Dataset) -> None:
        """What a reader's requests cost beyond what they would in the hottest class: those he pays wherever it lies."""
        tariff, gets = self.tariff(dataset), max(len(dataset.files), -(-dataset.bytes // CHUNK[self.sheet]))
        more = gets * (tariff.get - self.hot.get) + len(dataset.files) * tariff.bring_online
        self.pay("access", more + dataset.bytes / 1073741824 * tariff.gb_read)

    def retired(self, child: Dataset, parent: Dataset) -> None:
        gone = self.settings.grace_days * 24
        self.hold(child, gone)
        for _when in (0, gone):
            self.read("proof", child)
            self.read("proof", parent)
        self.pay("recipe", 3 * self.hot.put)
        check = MEAN_MONTH / self.settings.guard_checks
        self.pay("guard", int(HOURS / check) * 2 * self.hot.get)
        self.pay("guard", sum(1 for _ in self.times(self.settings.parent_commits)) * self.hot.get)
        copy_until = 0.0
        for at in self.times(self.settings.accesses[child.id]):
            if at >= copy_until:
                copy_until = at + self.settings.residency_days * 24
                self.restore(child, parent, at, copy_until)

    def restore(self, child: Dataset, parent: Dataset, at: float, until: float) -> None:
        self.core("restore", self.settings.startup_seconds)
        self.read("restore", parent)
        self.pay("restore", -(-child.bytes // CHUNK[self.sheet]) * self.hot.put)
        self.core("restore", child.bytes / 1e6 / self.settings.write_mb_per_second)
        self.store("copies", child.bytes, self.hot.gb_month, at, min(until, HOURS))


# --- the promise


def promises(datasets: Sequence[Dataset], plan: Plan, settings: RetentionSettings) -> dict[str, float]:
    """Money of a year by action, as the plan says it."""
    named = {dataset.id: dataset for dataset in datasets}
    total = {"keep": 0.0, "retire": 0.0}
    for line in plan.datasets:
        dataset = named[line.dataset]
        total[line.action.value] += 12 * (keep_cost(dataset, settings) - line.saving_per_month)
        if line.parent is not None:
            child, parent = profile(dataset, settings, NOW_NS), profile(named[line.parent], settings, NOW_NS)
            total["retire"] += once_cost(child, parent)
    return total


def bills(datasets: Sequence[Dataset], plan: Plan, settings: RetentionSettings, seed: int) -> dict[str, float]:
    """Money of a year by action, as it came to be."""
    named = {dataset.id: dataset for dataset in datasets}
    ledgers = {action: Ledger(settings.prices, settings, random.Random(seed)) for action in ("keep", "retire")}
    for line in plan.datasets:
        if line.parent is None:
            ledgers["keep"].kept(named[line.dataset])
        else:
            ledgers["retire"].retired(named[line.dataset], named[line.parent])
    return {action: math.fsum(ledger.items.values()) for action, ledger in ledgers.items()}


@pytest.mark.parametrize("lake", range(6))
def test_the_mean_bill_of_a_year_is_what_the_plan_promised(lake: int) -> None:
    datasets, edges, settings = draw_lake(lake)
    plan = make_plan(datasets, edges, [], settings)
    promised = promises(datasets, plan, settings)
    runs = [bills(datasets, plan, settings, seed) for seed in range(12)]
    for action, amount in promised.items():
        mean = math.fsum(run[action] for run in runs) / len(runs)
        assert mean == pytest.approx(amount, rel=0.05), action


@pytest.mark.parametrize("lake", range(6))
def test_what_no_chance_is_in_is_promised_exactly_for_each_dataset(lake: int) -> None:
    datasets, _, settings = draw_lake(lake)
    for dataset in datasets:
        ledger = Ledger(settings.prices, settings, random.Random(0))
        ledger.hold(dataset, HOURS)
        assert ledger.items["storage"] == pytest.approx(12 * storage_cost(dataset, settings))
        ledger.read("read", dataset)
        assert ledger.items["read"] == pytest.approx(read_cost(dataset, settings))
        gone = Ledger(settings.prices, settings, random.Random(0))
        gone.hold(dataset, settings.grace_days * 24)
        parts = once_parts(dataset, settings, NOW_NS)
        assert gone.items.get("early", 0.0) == pytest.approx(parts["early deletion"])
        assert gone.items.get("storage", 0.0) == pytest.approx(parts["quarantine"], rel=0.02), (
            "a month is not 30.4 days"
        )


def test_each_item_that_chance_is_in_is_promised_on_average() -> None:
    """Restores, copies, guard and scans over all lakes, each by itself: none is drowned by another."""
    promised, paid = defaultdict[str, float](float), defaultdict[str, float](float)
    for lake in range(12):
        datasets, _, settings = draw_lake(lake)
        parent = datasets[0]
        for child in datasets[1:]:
            ledger = Ledger(settings.prices, settings, random.Random(f"{lake} {child.id}"))
            ledger.kept(child)
            ledger.retired(child, parent)
            restores = 12 * restores_per_month(child, settings)
            # as numbers, not as money: one dear dataset would be all of the sum
            once = Ledger(settings.prices, settings, random.Random(0))
            once.restore(child, parent, 0, 0)
            paid["restores"] += ledger.items.get("restore", 0.0) / once.items["restore"]
            promised["restores"] += restores
            assert once.items["restore"] == pytest.approx(rebuild_cost(parent, child, settings))
            paid["guard"] += ledger.items["guard"] / guard_cost(settings)
            promised["guard"] += 12
            if settings.residency_days:
                paid["copies"] += ledger.items.get("copies", 0.0) / residency_cost(child, settings)
                promised["copies"] += restores
            dearer = access_cost(child, storage_class(child, settings), settings)
            if dearer:
                paid["accesses"] += ledger.items.get("access", 0.0) / dearer
                promised["accesses"] += 12
            if settings.maintenance_scans:
                paid["scans"] += ledger.items.get("maintenance", 0.0) / maintenance_cost(child, settings)
                promised["scans"] += 12
    for item, number in promised.items():
        assert paid[item] == pytest.approx(number, rel=0.05), item
    assert set(promised) == {"restores", "guard", "copies", "accesses", "scans"}


def test_the_ledger_saw_all_that_it_is_there_for() -> None:
    seen: set[str] = set()
    used: set[tuple[str, str]] = set()
    for lake in range(6):
        datasets, edges, settings = draw_lake(lake)
        plan = make_plan(datasets, edges, [], settings)
        assert len(plan.retired) >= 3, "a lake in which nothing goes tests nothing"
        used |= {(settings.prices, settings.storage_classes.get(line.dataset, "")) for line in plan.retired}
        ledger = Ledger(settings.prices, settings, random.Random(0))
        for line in plan.retired:
            pair = (next(d for d in datasets if d.id == name) for name in (line.dataset, line.parent))
            ledger.retired(*pair)
        seen |= set(ledger.items)
    assert seen == {"storage", "early", "proof", "recipe", "guard", "restore", "copies"}
    assert {sheet for sheet, _ in used} == set(CLASSES)


# --- what holds for every plan


def cost_of(datasets: Sequence[Dataset], plan: Plan, settings: RetentionSettings) -> float:
    return math.fsum(keep_cost(dataset, settings) for dataset in datasets) - plan.total_saving_per_month


def stored(datasets: Sequence[Dataset], plan: Plan, settings: RetentionSettings) -> float:
    """What the plan stores on average, as money at a price factor of 1: kept datasets, and copies of retired ones."""
    plain = replace(settings, storage_price_factor=1.0, read_price_factor=0.0, write_price_factor=0.0)
    plain = replace(plain, compute_price=0.0, maintenance_scans=0.0, price_overrides=without_retrieval(settings))
    named = {dataset.id: dataset for dataset in datasets}
    total = 0.0
    for line in plan.datasets:
        p = profile(named[line.dataset], plain)
        total += p.keep if line.parent is None else p.accesses * p.residency
    return total


def without_retrieval(settings: RetentionSettings) -> dict[str, float]:
    return {f"{name}.{figure}": 0.0 for name in CLASSES[settings.prices] for figure in ("retrieval", "restore")}


@pytest.mark.parametrize("seed", range(12))
def test_what_is_stored_never_rises_with_the_storage_price(seed: int) -> None:
    datasets, edges, settings = draw_lake(100 + seed)
    amounts = []
    for factor in (0.01, 0.3, 1.0, 3.0, 10.0, 1000.0):
        priced = replace(settings, storage_price_factor=factor)
        amounts.append(stored(datasets, make_plan(datasets, edges, [], priced), priced))
    assert all(more <= less * (1 + 1e-9) for less, more in pairwise(amounts)), amounts


@pytest.mark.parametrize("seed", range(6))
def test_where_nothing_costs_anything_nothing_is_retired(seed: int) -> None:
    datasets, edges, settings = draw_lake(200 + seed)
    free = replace(settings, storage_price_factor=0.0, read_price_factor=0.0, write_price_factor=0.0, compute_price=0.0)
    plan = make_plan(datasets, edges, [], replace(free, price_overrides=without_retrieval(settings)))
    assert not plan.retired


@pytest.mark.parametrize("seed", range(12))
def test_another_dataset_costs_at_most_what_keeping_it_does(seed: int) -> None:
    datasets, edges, settings = draw_lake(300 + seed)
    rng = random.Random(seed)
    new = draw_dataset(rng, "new")
    wider = replace(settings, accesses={**settings.accesses, "new": 1.0})
    above = [Edge("p0", "new", Grade.PROVEN, 1, 2, False, "join", "")] if rng.random() < 0.5 else []
    below = [Edge("new", f"p1c{c}", Grade.PROVEN, 1, 2, False, "join", "") for c in range(3)]
    before = cost_of(datasets, make_plan(datasets, edges, [], wider), wider)
    after = cost_of([*datasets, new], make_plan([*datasets, new], [*edges, *above, *below], [], wider), wider)
    assert after <= before + keep_cost(new, wider) + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_names_and_order_change_nothing(seed: int) -> None:
    datasets, edges, settings = draw_lake(400 + seed)
    rng = random.Random(seed)
    new = {d.id: f"{rng.random()}'\"\n\N{SNOWMAN}{d.id}".replace("[", "") for d in datasets}
    renamed = [replace(d, id=new[d.id]) for d in datasets]
    rng.shuffle(renamed)
    other = [replace(edge, parent=new[edge.parent], child=new[edge.child]) for edge in edges]
    rng.shuffle(other)
    again = replace(
        settings,
        storage_classes={f"*{name}": value for name, value in settings.storage_classes.items()},
        accesses={f"*{name}": value for name, value in settings.accesses.items()},
        keep=tuple(f"*{name}" for name in settings.keep),
    )
    plan, same = make_plan(datasets, edges, [], settings), make_plan(renamed, other, [], again)
    back = {name: id_ for id_, name in new.items()}
    expected = {line.dataset: (line.action, line.parent, line.saving_per_month) for line in plan.datasets}
    found = {
        back[line.dataset]: (line.action, line.parent and back[line.parent], line.saving_per_month)
        for line in same.datasets
    }
    assert found == expected
    assert same.total_saving_per_month == pytest.approx(plan.total_saving_per_month)


# --- the arithmetic that explains it


@pytest.mark.parametrize("seed", range(20))
def test_the_lines_of_each_dataset_add_up_and_all_datasets_to_the_plan(seed: int) -> None:
    datasets, edges, settings = draw_lake(500 + seed)
    named = {dataset.id: dataset for dataset in datasets}
    plan = make_plan(datasets, edges, [], settings)
    savings = []
    for line in plan.datasets:
        parent = named[line.parent] if line.parent is not None else None
        *lines, (label, total) = explain_costs(named[line.dataset], parent, settings)
        assert math.fsum(amount for _, amount in lines) == total
        assert round(total, 2) == pytest.approx(
            sum(round(amount, 2) for _, amount in lines), abs=0.005 * (len(lines) + 1)
        )
        if line.action is Action.RETIRE:
            assert label == "saving a month"
            assert total == pytest.approx(line.saving_per_month, rel=1e-9, abs=1e-12)
            savings.append(total)
        else:
            assert (label, total) == ("cost a month", pytest.approx(keep_cost(named[line.dataset], settings)))
    assert math.fsum(savings) == pytest.approx(plan.total_saving_per_month, rel=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_the_lines_of_what_is_paid_once_add_up_to_what_the_model_takes(seed: int) -> None:
    datasets, edges, settings = draw_lake(600 + seed)
    named = {dataset.id: dataset for dataset in datasets}
    for edge in edges:
        child, parent = named[edge.child], named[edge.parent]
        *lines, (_, total) = explain_once(child, parent, settings, NOW_NS)
        assert math.fsum(amount for _, amount in lines) == total
        once = once_cost(profile(child, settings, NOW_NS), profile(parent, settings, NOW_NS))
        assert total == pytest.approx(once, rel=1e-9)
