from __future__ import annotations

from dataclasses import replace

import pytest

from r2d2.model.funnel import Funnel
from r2d2.report.by_topic import MAX_TOPICS, topic_lines
from r2d2.report.data import MAX_LOOK_ALIKES, build_report
from r2d2.report.near_misses import NearMisses
from r2d2.report.render import render
from r2d2.report.topics import TopicName, Topics, topics_in
from r2d2.semantics.look_alikes.kept import LookAlike
from r2d2.semantics.topics.kept import KeptTopic, Member
from tests.report_fakes import HOSTILE, dataset, hostile_report, plan_of, run_facts, topics_report, tpch_report
from tests.unit.test_report_render import Parsed

ROOT = KeptTopic("t-0", 3, "", "All datasets", "", "", (), "a")
SALES = KeptTopic("t-1", 2, "t-0", "Sales", "", "", ("sale", "amount"), "a")
ORDERS = KeptTopic("t-2", 1, "t-1", "Orders", "", "", ("order", "customer"), "a")
RETURNS = KeptTopic("t-3", 1, "t-1", "Returns of 4711", "a model", "", ("return", "reason", "day", "item"), "b")
ALONE = KeptTopic("t-4", 1, "t-0", "Weather", "", "", ("weather",), "c")
KEPT = (ORDERS, RETURNS, ALONE, SALES, ROOT)


def member(dataset: str, topic: str) -> Member:
    return Member(dataset, topic, dataset, 0)


def test_a_dataset_is_in_its_finest_topic_which_is_called_with_the_one_above_it() -> None:
    found = topics_in(KEPT, [member("a", "t-2"), member("b", "t-3"), member("c", "t-4")], show_values=True)
    assert found.names == (TopicName("Weather"), TopicName("Orders", "Sales"), TopicName("Returns of 4711", "Sales"))
    assert found.of == {"c": 0, "a": 1, "b": 2}


def test_what_a_model_wrote_is_replaced_by_words_of_the_lake_where_it_may_hold_values() -> None:
    found = topics_in(KEPT, [member("a", "t-2"), member("b", "t-3")], show_values=False)
    assert [topic.name for topic in found.names] == ["Orders", "return, reason, day"]


def test_a_name_that_was_written_without_cell_values_is_shown() -> None:
    for told in ("names", "facts"):
        found = topics_in([replace(RETURNS, told=told), SALES, ROOT], [member("b", "t-3")], show_values=False)
        assert [topic.name for topic in found.names] == ["Returns of 4711"]
    found = topics_in([replace(RETURNS, told="values"), SALES, ROOT], [member("b", "t-3")], show_values=False)
    assert [topic.name for topic in found.names] == ["return, reason, day"]


def test_one_topic_of_all_datasets_is_no_grouping() -> None:
    assert topics_in([ROOT], [member("a", "t-0")], show_values=True) == Topics()


def test_a_topic_that_the_state_lacks_leaves_its_datasets_in_none() -> None:
    found = topics_in([SALES, ROOT], [member("a", "t-2"), member("b", "t-1")], show_values=True)
    assert found == Topics((TopicName("Sales"),), {"b": 0})


def test_the_figures_of_topics_are_those_of_their_datasets() -> None:
    data = topics_report()
    lines = {line.name: line for line in topic_lines(data)}
    assert lines.keys() == {"Lineitem", "Orders", "Part", "Partsupp"}
    rows = [row for row in data.rows if row.topic is not None and data.topics[row.topic].name == "Part"]
    gone = [row for row in rows if row.action == "retire"]
    part = lines["Part"]
    assert {row.id.split("/")[1].split("_")[0] for row in rows} == {"part"}
    assert (part.datasets, part.gone, part.above) == (len(rows), len(gone), "Parts")
    assert (part.bytes, part.bytes_gone) == (sum(row.bytes for row in rows), sum(row.bytes for row in gone))
    assert part.saving_per_month == pytest.approx(sum(row.saving_per_month for row in rows))
    savings = [line.saving_per_month for line in topic_lines(data)]
    assert savings == sorted(savings, reverse=True)


def test_the_page_lists_topics_and_the_plan_can_be_narrowed_to_one() -> None:
    data = topics_report()
    page = Parsed(render(data))
    linked = [int(attributes["data-topic"] or "") for _, attributes in page.tags if "data-topic" in attributes]
    assert linked == [line.number for line in topic_lines(data)]
    assert {"topics", "topic"} <= set(page.ids())
    assert page.data()["topics"] == [[topic.name, topic.above] for topic in data.topics]
    rows = [dict(zip(page.data()["rowFields"], row, strict=True)) for row in page.data()["rows"]]
    assert [row["topic"] for row in rows] == [row.topic for row in data.rows]


def test_without_topics_the_page_has_neither_section_nor_column_nor_filter() -> None:
    page = Parsed(render(tpch_report()))
    assert not {"topics", "topic"} & set(page.ids())
    assert not any(attributes.get("data-sort") == "topicName" for _, attributes in page.tags)
    assert "Topic" not in "".join(page.text)


def test_topics_beyond_what_the_section_lists_are_counted_and_stay_in_the_filter() -> None:
    number = MAX_TOPICS + 2
    datasets = [dataset(f"d{i}") for i in range(number)]
    topics = Topics(
        tuple(TopicName(f"Topic {i}") for i in range(number)), {each.id: i for i, each in enumerate(datasets)}
    )
    plan = plan_of(datasets, {})
    data = build_report(run_facts(), datasets, [], [], NearMisses(), plan, Funnel(), topics=topics)
    page = Parsed(render(data))
    assert sum("data-topic" in attributes for _, attributes in page.tags) == MAX_TOPICS
    assert "2 more topics" in "".join(page.text)
    assert len(page.data()["topics"]) == number


def test_look_alikes_are_listed_with_what_to_map_and_said_to_prove_nothing() -> None:
    page = Parsed(render(topics_report()))
    text = " ".join("".join(page.text).split())
    assert "alike" in page.ids()
    assert "o_total → total, o_day → date" in text
    assert "gone/orders" in text
    assert "They lead to nothing" in text
    assert "0.88" in text
    assert "differ" in text
    assert "alike" not in Parsed(render(tpch_report())).ids()


def test_look_alikes_beyond_what_the_report_lists_are_counted() -> None:
    pair = LookAlike(
        "warehouse/orders", "finance/orders_copy", 0.9, tuple((f"a{i}", f"b{i}") for i in range(70)), 0, 70, True
    )
    data = tpch_report(topics=Topics(look_alikes=(pair,) * (MAX_LOOK_ALIKES + 5)))
    assert (len(data.look_alikes), data.look_alike_count) == (MAX_LOOK_ALIKES, MAX_LOOK_ALIKES + 5)
    text = " ".join("".join(Parsed(render(data)).text).split())
    assert "Shown: 100 of 105; r2d2 topics --look-alikes --state /var/lib/r2d2/state lists all" in text
    assert "a59 → b59 and 10 more" in text


def test_hostile_names_of_topics_are_text() -> None:
    page = Parsed(render(hostile_report()))
    assert len(page.data()["topics"]) == len(HOSTILE)
    text = "".join(page.text)
    assert text.count("rtl‹U+202E›gnp.exe‹U+2066›") >= 2
    assert [tag for tag, _ in page.tags].count("script") == 4
