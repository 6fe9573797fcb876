"""Pairs that look alike but whose columns differ in name: found with the right mapping, told, and never used."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from benchmarks.planted.catalogs import catalog_a
from r2d2.catalog.state import open_state
from r2d2.config import SemanticsSettings
from r2d2.model.dataset import Bounds, Dataset, Leaf
from r2d2.semantics.embed.hashing import HashingEmbedder
from r2d2.semantics.embed.static import StaticEmbedder
from r2d2.semantics.entities.entities import Catalog, entities_of
from r2d2.semantics.hierarchy.aggregate import aggregate
from r2d2.semantics.look_alikes import find as finding
from r2d2.semantics.look_alikes.columns import marks_of
from r2d2.semantics.look_alikes.find import look_alikes
from r2d2.semantics.look_alikes.kept import LookAlike, keep_look_alikes, look_alikes_kept
from tests.sampling import FULL
from tests.semantics.renamed_copies import renamed_copies

CUSTOMERS = {
    "customer_id": "number",
    "first_name": "string",
    "last_name": "string",
    "birth_date": "date",
    "email_address": "string",
    "phone_number": "string",
}
#: The same, as someone else spells them.
OTHERWISE = ("CustID", "FIRST_NM", "lastName", "birth_dt", "email_addr", "phoneNo")
LAKE = {
    "crm/customers": CUSTOMERS,
    "shop/orders": dict.fromkeys(("order_number", "order_date", "order_amount", "currency", "shipping"), "string"),
    "iot/readings": dict.fromkeys(("sensor", "voltage", "temperature", "humidity", "measured_at"), "string"),
    "hr/absences": dict.fromkeys(("employee", "absence_reason", "first_day", "last_day", "approved"), "string"),
    "fleet/trips": dict.fromkeys(("vehicle", "driver", "odometer", "fuel_used", "route"), "string"),
}


@cache
def embedder() -> StaticEmbedder:
    return StaticEmbedder()


def dataset(name: str, columns: dict[str, str], rows: int = 100, bounds: dict[str, Bounds] | None = None) -> Dataset:
    leaves = tuple(
        Leaf((column,), (family,), bounds={family: bounds[column]} if bounds and column in bounds else {})
        for column, family in columns.items()
    )
    return Dataset(name, "parquet", f"/lake/{name}", "v1", leaves=leaves, rows=rows, bytes=1000)


def found_in(datasets: Sequence[Dataset], **known: object) -> list[LookAlike]:
    catalog = Catalog(tuple(datasets), **known)  # type: ignore[arg-type]
    embed = embedder().embed
    return look_alikes(aggregate(entities_of(catalog, {}), embed, SemanticsSettings()), catalog, embed)


def lake(*more: Dataset) -> list[Dataset]:
    return [*(dataset(name, columns) for name, columns in LAKE.items()), *more]


def renamed(columns: dict[str, str] = CUSTOMERS, rows: int = 100) -> Dataset:
    return dataset("exports/kunden", dict(zip(OTHERWISE, columns.values(), strict=True)), rows)


def test_a_renamed_copy_is_found_with_what_to_map() -> None:
    (pair,) = found_in(lake(renamed(rows=90)))
    assert (pair.dataset, pair.other) == ("exports/kunden", "crm/customers")
    assert dict(pair.mapping) == dict(zip(OTHERWISE, CUSTOMERS, strict=True))
    assert (pair.same, pair.columns, pair.fits) == (0, 6, True)
    assert 0.5 < pair.score <= 1


def test_columns_that_can_not_be_compared_are_not_mapped() -> None:
    other = dict(CUSTOMERS, birth_date="number")
    (pair,) = found_in(lake(renamed(other, rows=90)))
    assert "birth_dt" not in dict(pair.mapping)
    assert len(pair.mapping) == 5


def test_columns_of_one_name_are_one_column() -> None:
    columns = dict(zip((*OTHERWISE[:4], "email_addr", "email_address"), ["string"] * 6, strict=True))
    original = dict.fromkeys(CUSTOMERS, "string")
    (pair,) = found_in([*lake()[1:], dataset("crm/customers", original), dataset("exports/kunden", columns, 90)])
    assert not {"email_addr", "email_address"} & dict(pair.mapping).keys()
    assert pair.same == 1


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("address_line_1", ("1",)),
        ("ADDR_LINE_01", ("1",)),
        ("v2_phone_10", ("2", "10")),
        ("line１", ("1",)),
        ("n_phone_1", ("1",)),
        ("pos_x", ("x",)),
        ("posX", ("x",)),
        ("X_POS", ("x",)),
        ("HTTPStatus", ()),
        ("zip_code", ()),
        ("0", ("",)),
        ("", ()),
    ],
)
def test_marks_of_a_name_are_its_numbers_or_else_its_single_letters(name: str, marks: tuple[str, ...]) -> None:
    assert marks_of((name,)) == marks


def test_of_columns_that_are_read_alike_those_with_equal_numbers_are_mapped() -> None:
    names = ("customer_number", "address_line_1", "address_line_2", "address_line_3", "phone_1", "phone_2", "city_name")
    turned = ("CUST_NUMBER", "ADDR_LINE_3", "ADDR_LINE_2", "ADDR_LINE_1", "PHONE_NR_2", "PHONE_NR_1", "CITY_NAME_X")
    here, there = dataset("crm/customers", dict.fromkeys(names, "string")), dict.fromkeys(turned, "string")
    (pair,) = found_in([here, *lake()[1:], dataset("old/customers", there, 90)])
    mapping = {two: one for one, two in pair.mapping}
    assert [mapping[name] for name in names[1:6]] == [
        "ADDR_LINE_1",
        "ADDR_LINE_2",
        "ADDR_LINE_3",
        "PHONE_NR_1",
        "PHONE_NR_2",
    ]


def test_of_columns_that_are_read_alike_those_with_equal_letters_are_mapped() -> None:
    names = ("robot_arm_x", "robot_arm_y", "robot_arm_z", "robot_arm", "gripper_force")
    turned = ("armRobot", "armRobotZ", "armRobotY", "armRobotX", "gripperForce")
    here, there = dataset("lab/arms", dict.fromkeys(names, "number")), dict.fromkeys(turned, "number")
    (pair,) = found_in(lake(here, dataset("old/arms", there, 90)))
    mapping = {two: one for one, two in pair.mapping}
    assert [mapping[name] for name in names] == ["armRobotX", "armRobotY", "armRobotZ", "armRobot", "gripperForce"]


def _peak_of_finding(*wide: Dataset) -> tuple[list[LookAlike], float]:
    """What is found in a lake with wide tables, and the megabytes that it takes at most."""
    catalog, embed = Catalog(tuple(lake(*wide))), HashingEmbedder().embed
    aggregation = aggregate(entities_of(catalog, {}), embed, SemanticsSettings())
    tracemalloc.start()
    found = look_alikes(aggregation, catalog, embed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return found, peak / 1e6


def test_thousands_of_numbered_columns_are_mapped_by_number_without_the_square_of_them() -> None:
    numbers = range(6000)
    first = dataset("ml/training", {f"embedding_value_{number}": "number" for number in numbers})
    other = dataset("ml/serving", {f"EMBED_VALUE_{number:05}": "number" for number in reversed(numbers)}, 90)
    (pair,), megabytes = _peak_of_finding(first, other)
    assert {int(one.split("_")[-1]) - int(two.split("_")[-1]) for one, two in pair.mapping} == {0}
    assert len(pair.mapping) == 6000
    assert megabytes < 60


def test_thousands_of_columns_of_distinct_words_are_mapped_without_the_square_of_them() -> None:
    draw = random.Random(0)
    words = ["".join(draw.choice("bdfgklmnprst") + draw.choice("aeiou") for _ in range(4)) for _ in range(6000)]
    names = [f"{one}_{two}" for one, two in dict.fromkeys(zip(words[:3000], words[3000:], strict=True))]
    first = dataset("ml/training", dict.fromkeys(names, "number"))
    other = dataset("ml/serving", {f"x{name.title()}": "number" for name in names}, 90)
    (pair,), megabytes = _peak_of_finding(first, other)
    assert sum(one.lower() == f"x{two}" for one, two in pair.mapping) >= 0.95 * len(names)
    assert megabytes < 120


def test_of_columns_that_are_as_alike_as_many_others_the_best_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "_CELLS", 8)  # one for each of six kinds
    (pair,) = found_in(lake(renamed(rows=90)))
    assert dict(pair.mapping) == dict(zip(OTHERWISE, CUSTOMERS, strict=True))


def test_columns_that_all_tables_have_tell_nothing() -> None:
    first, second = dataset("a/x", CUSTOMERS), dataset("b/y", {name.upper(): "string" for name in CUSTOMERS})
    assert found_in([first, second], case_sensitive=True) == []


@pytest.mark.parametrize("name", ["_CELLS", "_TOGETHER", "WHOLE"])
def test_how_many_are_compared_at_once_does_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = lake(renamed(rows=90), dataset("hr/more", dict.fromkeys(("emp", "absence_rsn", "firstDay"), "string")))
    found = found_in(datasets)
    monkeypatch.setattr(finding, name, 1)
    assert [pair._replace(score=0) for pair in found_in(datasets)] == [pair._replace(score=0) for pair in found]


def test_datasets_whose_names_fit_are_left_to_the_comparison_of_rows() -> None:
    narrow = dataset("exports/kunden", dict(list(CUSTOMERS.items())[:4]))
    upper = dataset("exports/KUNDEN", {name.upper(): family for name, family in CUSTOMERS.items()})
    assert found_in(lake(narrow, upper)) == []


def test_names_that_differ_in_case_differ_where_the_run_says_so() -> None:
    upper = dataset("exports/kunden", {name.upper(): family for name, family in CUSTOMERS.items()})
    (pair,) = found_in(lake(upper), case_sensitive=True)
    assert {(a.lower(), b.lower()) for a, b in pair.mapping} == {(name, name) for name in CUSTOMERS}


def test_proven_pairs_are_not_worth_a_look() -> None:
    assert found_in(lake(renamed()), contained=[("crm/customers", "exports/kunden")]) == []


def test_tables_about_other_things_do_not_look_alike() -> None:
    assert found_in(lake()) == []


def test_two_columns_are_too_few_to_tell() -> None:
    first, second = (
        dataset("a/x", dict(list(CUSTOMERS.items())[:2])),
        dataset("b/x", {"CustID": "number", "FIRST_NM": "string"}),
    )
    assert found_in([*lake()[1:], first, second]) == []


def test_what_could_hold_the_other_comes_first() -> None:
    def within(low: int, high: int) -> Bounds:
        return Bounds(low, high, True, True, True, True)

    original = dataset("crm/customers", CUSTOMERS, bounds={"customer_id": within(1, 100)})
    beyond = replace(renamed(rows=90), id="exports/beyond")
    leaves = [
        replace(leaf, bounds={"number": within(50, 101)}) if leaf.path == ("CustID",) else leaf
        for leaf in beyond.leaves
    ]
    more = replace(renamed(rows=110), id="exports/more", leaves=(*beyond.leaves, Leaf(("loyalty",), ("string",))))
    found = found_in([*lake()[1:], original, replace(beyond, leaves=tuple(leaves)), renamed(rows=90), more])
    fits = {frozenset((pair.dataset, pair.other)): pair.fits for pair in found}
    assert fits[frozenset(("exports/kunden", "crm/customers"))]
    assert not fits[frozenset(("exports/beyond", "crm/customers"))]
    assert [pair.fits for pair in found] == sorted((pair.fits for pair in found), reverse=True)


def test_what_can_not_be_read_and_structs_themselves_are_no_columns() -> None:
    broken = replace(renamed(), id="exports/broken", status="error")
    struct = replace(renamed(), leaves=(Leaf(("customer",), ("presence",)), *renamed().leaves))
    (pair,) = found_in(lake(broken, struct))
    assert pair.columns == 6
    assert "exports/broken" not in (pair.dataset, pair.other)


def test_the_order_of_datasets_does_not_matter() -> None:
    datasets = lake(
        renamed(), dataset("hr/more", dict.fromkeys(("emp", "absence_rsn", "firstDay", "lastDay"), "string"))
    )
    assert found_in(datasets) == found_in(datasets[::-1])


def test_catalogs_of_nothing_and_of_one_dataset_have_no_pairs() -> None:
    assert found_in([renamed()]) == []
    assert found_in([replace(renamed(), status="error", leaves=())]) == []


def test_pairs_come_back_from_the_state_in_order_and_a_new_run_of_the_stage_replaces_them(tmp_path: Path) -> None:
    state = open_state(str(tmp_path / "state"), create=True)
    low = LookAlike("c", "d", 0.5, (("a.b", "ab"), ("x", "y")), 1, 4, True)
    high = LookAlike("a\n'\"", "b", 0.9, (("x", "🐘"),), 2, 3, False)
    keep_look_alikes(state, "run", [high, low])
    assert look_alikes_kept(state, "run") == (low, high)
    keep_look_alikes(state, "run", [high])
    assert look_alikes_kept(state, "run") == (high,)
    assert look_alikes_kept(state, "other") == ()


@pytest.mark.parametrize("seed", [pytest.param(1, marks=FULL), pytest.param(2, marks=FULL)])
def test_renamed_copies_in_a_messy_catalog_are_found_with_the_right_mapping(seed: int) -> None:
    planted = catalog_a(seed)
    copies = renamed_copies(planted, 80, seed)
    datasets = [*planted.datasets, *(copy.copy for copy in copies)]
    catalog = Catalog(datasets, planted.pairs, planted.duplicates, tuple(planted.usages.values()))
    entities = entities_of(catalog, {})
    embed = embedder().embed
    found = look_alikes(aggregate(entities, embed, SemanticsSettings()), catalog, embed)
    at = entities.entity_of
    ends = {frozenset((at[pair.dataset], at[pair.other])) for pair in found}
    hits = sum(frozenset((at[copy.original], at[copy.copy.id])) in ends for copy in copies)
    assert hits >= 0.8 * len(copies)
    pairs = {frozenset((pair.dataset, pair.other)): pair for pair in found}
    right = wrong = 0
    for copy in copies:
        pair = pairs.get(frozenset((copy.original, copy.copy.id)))
        if pair is not None:
            names = dict(pair.mapping) if pair.dataset == copy.original else {b: a for a, b in pair.mapping}
            right += sum(copy.mapping.get(name) == other for name, other in names.items())
            wrong += sum(copy.mapping.get(name) != other for name, other in names.items())
    assert right >= 0.97 * (right + wrong)
    family = dict(zip((one.id for one in planted.datasets), planted.family, strict=True))
    natural = [pair for pair in found if pair.dataset in family and pair.other in family]
    assert sum(family[pair.dataset] == family[pair.other] for pair in natural) >= 0.97 * len(natural)
