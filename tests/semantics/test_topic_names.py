"""Topics without a language model: words that tell them apart, readable and unique names, true facts."""

from __future__ import annotations

import time

import numpy as np
import pytest

from r2d2.semantics.labels.facts import Facts, facts_of, summed
from r2d2.semantics.labels.naming import Unnamed, names_of, readable, unique
from r2d2.semantics.labels.template import summary_of
from r2d2.semantics.labels.topics import Kept
from tests.semantics.small_topics import SUBJECTS, dataset, grouped, lake


def names(*topics: tuple[str, ...], kept: dict[int, str] | None = None) -> list[str]:
    found = {n: Unnamed(terms, f"table {n}", 10 + n) for n, terms in enumerate(topics)}
    named = names_of(found, {("blood", "group"): 5, ("order", "date"): 9}, kept or {})
    return [named[number] for number in sorted(named)]


def test_each_topic_is_told_by_its_own_words_and_not_by_those_of_all() -> None:
    topics = grouped(lake()).topics()
    assert len(topics) == 4
    for node, subject in zip(sorted(topics), SUBJECTS, strict=False):
        assert subject in topics[node].terms[:3]
        assert not {"id", "created", "at"} & set(topics[node].terms[:5])
        assert subject in topics[node].name.casefold()
        assert topics[node].typical.startswith(subject)
        assert all(name.startswith(subject) for name in topics[node].members)


def test_the_typical_dataset_is_none_that_is_like_no_other() -> None:
    odd = dataset("orders/a_odd_one", ("gearbox", "torque", "clutch", "axle"))
    topics = grouped([odd, *lake()]).topics()
    assert topics[min(topics)].typical.startswith("orders/order_")
    assert odd.id in topics[min(topics)].members


def test_the_root_is_all_datasets() -> None:
    topics = grouped(lake()).topics({15: Kept("else")})
    assert topics[max(topics)].name == "All datasets"
    assert topics[max(topics)].facts.datasets == 12


def test_a_name_is_its_best_words_and_a_phrase_where_names_have_it() -> None:
    assert names(("patient", "ward", "age", "other")) == ["Patient, ward and age"]
    assert names(("group", "ward", "blood")) == ["Blood group and ward"]
    assert names(("order", "date")) == ["Order date"]
    assert names(("order",)) == ["Order"]


def test_names_of_a_level_are_unique_and_the_larger_topic_has_the_shorter() -> None:
    same = ("order", "amount", "customer", "discount")
    assert names(same, same, same) == [
        "Order, amount and customer (table 0)",
        "Order, amount, customer and discount",
        "Order, amount and customer",
    ]
    assert names(("order",), ("order",)) == ["Order (table 0)", "Order"]
    assert names((), ()) == ["table 0", "table 1"]


def test_a_name_is_kept_though_the_words_have_changed() -> None:
    found = names(("order", "amount"), ("ward",), kept={1: "Order and amount"})
    assert found == ["Order and amount (table 0)", "Order and amount"]


def test_two_topics_that_were_one_do_not_keep_one_name() -> None:
    assert names(("order",), ("ward",), kept={0: "Sales", 1: "Sales"}) == ["Order", "Sales"]


def test_what_all_names_are_taken_for_gets_a_number() -> None:
    assert unique(["a", "b"], {"a", "b", "b 2"}) == "b 3"


def test_words_that_nobody_can_read_are_no_names() -> None:
    terms = ["tlzgv", "id", "order", "orders", "xqzjkat", "amt", "kunde", "größe", "注文です"]
    assert list(readable(terms)) == ["order", "amt", "kunde", "größe", "注文です"]


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("a/orders_2024-01-31", "2024-01-31", "2024-01-31"),
        ("a/orders_20240131.csv", "2024-01-31", "2024-01-31"),
        ("2019/orders_202403", "2019", "2024-03"),
        ("a/2024/01/31/x", "2024-01-31", "2024-01-31"),
        ("2022/year=2023/month=04", "2022", "2022"),
        ("orders/dt=2024-01-31", "", ""),
        ("a/part-20231399", "", ""),
        ("a/id_120245", "", ""),
        ("a/id_112024", "", ""),
        ("a/v3010", "", ""),
    ],
)
def test_dates_in_names_are_found(name: str, first: str, last: str) -> None:
    found = facts_of(dataset(name, ["a"]), held=False, owner="")
    assert (found.first, found.last) == (first, last)


def test_facts_are_summed_over_all_datasets_below() -> None:
    datasets = [*lake(), dataset("orders/raw_2020", ("x",), rows=None)]
    contained = [("orders/order_0", "orders/order_1"), ("orders/order_2", "orders/order_1")]
    topics = grouped(datasets, contained, [("orders/order_0", "anna"), ("orders/order_3", "anna")]).topics()
    (facts,) = [topic.facts for topic in topics.values() if topic.typical.startswith("orders") and topic.level == 1]
    assert facts == Facts(5, 400, 1, 5_000, 1, {"parquet": 5}, {"anna": 2}, "2020", "2020")
    root = topics[max(topics)].facts
    assert (root.datasets, root.rows, root.held) == (13, 1_200, 1)


def test_a_summary_tells_the_facts() -> None:
    facts = Facts(
        1_200, 5_000, 2, 12_345_678, 3, {"parquet": 900, "csv": 300}, {"anna": 2, "bob": 1}, "2019", "2024-01"
    )
    assert summary_of(facts, ["order", "amount"], "sales/orders") == (
        "1,200 datasets (900 parquet, 300 csv), 5,000 rows and those of 2 datasets that are not counted, 12.3 MB. "
        "About order, amount. Typical is sales/orders. Other datasets hold all rows of 3 of them. "
        "Owned by anna, bob. Dates in names: 2019 to 2024-01."
    )
    one = Facts(1, 1, 0, 10, 1, {"csv": 1})
    assert summary_of(one, [], "a") == "1 dataset (csv), 1 row, 10 B. Another dataset holds all its rows."
    assert summed([]) == Facts()


def test_snapshots_count_as_datasets_though_they_are_one_entity() -> None:
    columns = SUBJECTS["order"]
    datasets = [*lake(), *(dataset(f"orders/orders_2024010{day}", columns) for day in range(1, 6))]
    found = grouped(datasets)
    assert len(found.entities) < len(datasets)
    topics = found.topics()
    assert topics[max(topics)].facts.datasets == len(datasets) == len(topics[max(topics)].members)


def test_thousands_of_datasets_are_named_in_seconds() -> None:
    rng = np.random.default_rng(0)
    words = [f"{a}{b}" for a in ("ba", "ke", "li", "mo", "nu", "ra", "so", "te") for b in ("dor", "lin", "mat", "ver")]
    datasets = [
        dataset(f"{chr(97 + n % 20)}{chr(97 + n // 20 % 20)}x/t{n}", [f"{w}_{n % 50}" for w in rng.choice(words, 8)])
        for n in range(3_000)
    ]
    found = grouped(datasets)
    start = time.perf_counter()
    topics = found.topics()
    assert len({topic.name for topic in topics.values() if topic.level == 1}) == len(topics) - 1 > 200
    assert time.perf_counter() - start < 5  # half a second, alone
