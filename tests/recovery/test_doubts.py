"""Before anybody approves it is said what may come back merely equal, or be left alone; apply's trial then tells."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from r2d2.recovery.parents.doubts import doubts
from r2d2.recovery.parents.takes import takes
from tests.recovery_runs import at_work, retire, settings_of

N = 300
ROWS = pa.table({"id": range(N), "text": [f"text {i}" for i in range(N)]})


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "lake").mkdir()
    pq.write_table(ROWS, tmp_path / "lake/all.parquet")
    return tmp_path / "lake"


def doubted(lake: Path, child: str, parent: str = "all.parquet") -> str:
    with at_work(lake, lake.parent / "looking") as recovery:
        found = recovery.datasets()
    return "\n".join(doubts(found[child], found[parent]))


def left_alone(lake: Path, child: str) -> str:
    (outcome,) = retire(lake, lake.parent / "state", (child, "all.parquet"))
    assert not outcome.done
    return outcome.what


def test_of_a_table_of_integers_and_texts_nothing_is_doubted(lake: Path) -> None:
    pq.write_table(ROWS.slice(1), lake / "x.parquet")
    assert doubted(lake, "x.parquet") == ""


def test_floats_and_maps_are_named(lake: Path) -> None:
    columns = {f"f{i}": pa.array([0.0] * N) for i in range(5)} | {"text": ROWS["text"]}
    maps = pa.array([[("a", 1)]] * N, pa.map_(pa.string(), pa.int8()))
    for name in ("all.parquet", "x.parquet"):
        pq.write_table(pa.table({**columns, "o": pa.StructArray.from_arrays([maps], ["m"])}), lake / name)
    assert doubted(lake, "x.parquet") == (
        "it may only come back equal: zeros and NaNs of other bits in f0, f1, f2, 2 more; "
        "entries of maps that stand in no one order in o.m"
    )


def test_a_text_that_spells_in_two_ways_was_doubted(lake: Path) -> None:
    (lake / "x.csv").write_text("id,text\n" + "".join(f"{i},{'' if i % 2 else ' '}text {i}\n" for i in range(N)))
    (lake / "y.csv").write_text("id,text\n" + "".join(f"{i},text {i}\n" + "\n" * (i == 5) for i in range(N)))
    assert "may only come back equal: values that one column spells in more than one way" in doubted(lake, "x.csv")
    assert "blank lines" in doubted(lake, "y.csv")
    assert "y.csv: its blank lines" in left_alone(lake, "y.csv")


def test_a_document_that_is_spaced_unevenly_was_doubted(lake: Path) -> None:
    (lake / "x.json").write_text(json.dumps(ROWS.to_pylist()).replace("}, {", "},{", 1))
    assert "a document with unlike spaces between its records is not written anew" in doubted(lake, "x.json")
    assert "unlike spaces between their records" in left_alone(lake, "x.json")


def test_data_that_is_smaller_than_its_recipe_was_doubted(lake: Path) -> None:
    pq.write_table(ROWS.slice(0, 5), lake / "x.parquet")
    assert "may take more room than its" in doubted(lake, "x.parquet")
    assert "a recipe would take" in left_alone(lake, "x.parquet")


def test_formats_that_are_not_written_anew_were_doubted(lake: Path) -> None:
    orc.write_table(ROWS, str(lake / "x.orc"))
    assert "its files must be copies of its parent's" in doubted(lake, "x.orc")


def test_rows_that_can_t_be_listed_in_a_document_were_doubted(lake: Path) -> None:
    (lake / "all.json").write_text(json.dumps(ROWS.to_pylist()))
    pq.write_table(ROWS.take([i * i for i in range(17)]), lake / "x.parquet")
    assert "where they can't be listed" in doubted(lake, "x.parquet", "all.json")


def test_json_of_which_csv_is_the_parent_was_doubted(lake: Path) -> None:
    (lake / "all.csv").write_text("id,text\n" + "".join(f"{i},text {i}\n" for i in range(N)))
    (lake / "x.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in ROWS.to_pylist()))
    assert "come back from JSON only" in doubted(lake, "x.jsonl", "all.csv")


def test_the_list_for_reviewers_tells_of_doubts(lake: Path) -> None:
    pq.write_table(ROWS.slice(0, 5), lake / "x.parquet")
    with at_work(lake, lake.parent / "looking") as recovery:
        found = recovery.datasets()
    assert takes(found["x.parquet"], found["all.parquet"], 1.0, settings_of()).doubts == doubts(
        found["x.parquet"], found["all.parquet"]
    )
