"""Facts that people know override what other sources say; lineage from a CSV gives producers, consumers, upstreams."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from r2d2.model.usage import Consumer, Job, Usage
from tests.usage_fakes import NOW, collected, dataset, usages, written

RAW, SALES = dataset("raw/x"), dataset("sales/2024", names=("links/2024",))
LAKE = [RAW, SALES]


def known(directory: Path, *rows: str, **more: str) -> dict[str, Usage]:
    return usages(LAKE, facts_csv=written(directory, "facts.csv", "dataset,key,value", *rows), **more)


def test_each_key_fills_its_field(tmp_path: Path) -> None:
    found = known(
        tmp_path,
        "sales/**,owner,team sales",
        "sales/**,tag,gold",
        "sales/**,tag,audit",
        "sales/2024,hold,true",
        "sales/2024,sensitivity,pii",
        "sales/2024,reader,group:etl",
        "sales/2024,reader,user:ann",
        "sales/2024,region,eu-west-1",
        "sales/2024,expires,2027-01-01",
        "sales/2024,producer,nightly",
        "sales/2024,consumer,board report",
    )
    assert found["raw/x"] == Usage("raw/x")
    assert found["sales/2024"] == Usage(
        "sales/2024",
        producers=(Job("nightly", "facts", None, live=True),),
        consumers=(Consumer("board report", "fact", "facts"),),
        owner="team sales",
        owner_source="facts",
        tags=frozenset({"gold", "audit"}),
        hold=True,
        sensitivity="pii",
        rights=frozenset({"group:etl", "user:ann"}),
        region="eu-west-1",
        expires=datetime(2027, 1, 1, tzinfo=UTC),
        expires_why="facts",
    )


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("sales/2024", True),
        ("sales", True),
        ("sales/", True),
        ("2024", True),
        ("links/2024", True),
        ("sales/*", True),
        ("./sales/2024", True),
        ("**", True),
        ("ales", False),
        ("sales/20", False),
        ("2024/sales", False),
    ],
)
def test_patterns_match_ids_names_and_directories_above(tmp_path: Path, pattern: str, matches: bool) -> None:
    assert (known(tmp_path, f"{pattern},owner,me")["sales/2024"].owner == "me") is matches


def test_the_last_row_decides_and_an_empty_value_takes_away(tmp_path: Path) -> None:
    found = known(tmp_path, "**,hold,true", "raw,hold,false", "**,owner,a", "sales,owner,", "**,tag,x", "raw,tag,")
    assert [(u.hold, u.owner, u.owner_source, set(u.tags)) for u in found.values()] == [
        (False, "a", "facts", set()),
        (True, "", "", {"x"}),
    ]


def test_facts_override_lineage(tmp_path: Path) -> None:
    lineage = written(tmp_path, "l.csv", "job,input,output,last_run", "copy,raw/x,sales/2024,2026-10-30")
    found = known(tmp_path, "sales/2024,producer,", "raw/x,consumer,", "raw/x,consumer,board", lineage_csv=lineage)
    assert found["sales/2024"].producers == ()
    assert found["raw/x"].consumers == (Consumer("board", "fact", "facts"),)


def test_a_name_from_the_facts_is_one_in_other_sources(tmp_path: Path) -> None:
    lineage = written(tmp_path, "l.csv", "job,input,output,last_run", "copy,,main.sales.orders,2026-10-30")
    found = known(tmp_path, "sales/2024,name,main.sales.orders", lineage_csv=lineage)
    assert [job.name for job in found["sales/2024"].producers] == ["copy"]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("x,colour,red", "line 2: there is no key 'colour'"),
        (",owner,me", "line 2: it names no dataset"),
        ("x,hold,perhaps", "line 2: hold must be true or false"),
        ("x,expires,soon", "line 2: 'soon' is not a time"),
    ],
)
def test_a_bad_fact_is_a_problem_with_its_line(tmp_path: Path, row: str, what: str) -> None:
    text = written(tmp_path, "facts.csv", "dataset,key,value", row, "raw/x,owner,me")
    found = collected(LAKE, facts_csv=text)
    assert what in found.problems[0].what
    assert found.usages[0].owner == "me"


def test_a_file_without_the_columns_is_a_problem(tmp_path: Path) -> None:
    found = collected(LAKE, facts_csv=written(tmp_path, "facts.csv", "dataset,what", "raw/x,me"))
    assert "its header lacks key, value" in found.problems[0].what


def test_lineage_gives_producers_consumers_and_upstreams(tmp_path: Path) -> None:
    rows = ["copy,raw/x,s3://lake/sales/2024,2026-10-30T04:00:00Z", "copy,raw/x,links/2024,2026-10-01", "scan,raw/x,,"]
    found = usages(LAKE, lineage_csv=written(tmp_path, "l.csv", "job,input,output,last_run", *rows))
    at = datetime(2026, 10, 30, 4, tzinfo=UTC)
    assert found["sales/2024"].producers == (Job("copy", "lineage csv", at, live=True),)
    assert found["sales/2024"].upstream == ("raw/x",)
    assert [consumer.name for consumer in found["raw/x"].consumers] == ["copy", "scan"]


@pytest.mark.parametrize(
    ("last_run", "live"), [("2026-10-30", True), ("2026-09-28", True), ("2026-09-25", False), ("", True)]
)
def test_a_producer_is_live_if_it_ran_lately_or_nobody_knows_when(tmp_path: Path, last_run: str, live: bool) -> None:
    assert NOW.isoformat() == "2026-11-01T00:00:00+00:00"
    rows = f"copy,,sales/2024,{last_run}"
    found = usages(LAKE, lineage_csv=written(tmp_path, "l.csv", "job,input,output,last_run", rows))
    assert found["sales/2024"].producers[0].live is live


def test_live_days_can_be_set(tmp_path: Path) -> None:
    text = written(tmp_path, "l.csv", "job,input,output,last_run", "copy,,sales/2024,2026-10-30")
    found = collected(LAKE, lineage_csv=text, live_days=1.0)
    assert not found.usages[1].producers[0].live


def test_lineage_without_a_job_or_with_a_bad_time_is_a_problem(tmp_path: Path) -> None:
    text = written(
        tmp_path, "l.csv", "job,input,output,last_run", ",raw/x,,", "copy,raw/x,nowhere,never", "c,raw/x,no,"
    )
    found = collected(LAKE, lineage_csv=text)
    assert "line 2: it names no job (and 1 more such lines)" in found.problems[0].what
    assert found.notes == ("lineage csv: names that are of no dataset of this run: 1",)
