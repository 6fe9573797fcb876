"""The command line from review to purge: what it asks, what it says, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.recovery_runs import opened, receipt_of, snapshot
from tests.recovery_states import PROMISED, Line, planned, whole_and_part

BY = ("--by", "ann", "--note", "the owner agreed")
UNPROTECTED = ("--accept", "unprotected-parent")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    whole_and_part(tmp_path / "lake")
    planned(tmp_path / "lake", tmp_path / "state", "copy.parquet", "range.parquet")
    return tmp_path / "lake"


@pytest.fixture
def r2d2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(tmp_path / "state", capsys)


def everything(lake: Path) -> set[str]:
    return {str(path.relative_to(lake)) for path in lake.rglob("*")}


def decisions(r2d2: Line) -> dict[str, str]:
    return {row["dataset"]: row["decision"] for row in r2d2.rows("review", "list")}


def test_a_review_is_about_a_version_and_the_newest_one_counts(lake: Path, r2d2: Line, tmp_path: Path) -> None:
    assert decisions(r2d2) == {"copy.parquet": "undecided", "range.parquet": "undecided"}
    made = r2d2.rows("review", "approve", "--all", *BY, *UNPROTECTED, "--accept", "history-lost")
    assert [row["accepted"] for row in made] == [["history-lost", "unprotected-parent"]] * 2
    assert r2d2("review", "reject", "range.parquet", *BY) == 0
    assert decisions(r2d2) == {"copy.parquet": "approved", "range.parquet": "rejected"}
    (lake / "copy.parquet").write_bytes((lake / "range.parquet").read_bytes())
    planned(lake, tmp_path / "state", "copy.parquet")
    assert decisions(r2d2) == {"copy.parquet": "lapsed"}


@pytest.mark.parametrize("wrong", [(), ("--all", "copy.parquet"), ("base.parquet",), ("nothing",)])
def test_a_review_says_what_it_is_about(lake: Path, r2d2: Line, wrong: tuple[str, ...]) -> None:
    assert r2d2("review", "approve", *wrong, *BY) == 2
    assert set(decisions(r2d2).values()) == {"undecided"}


def test_only_what_was_approved_is_retired_and_it_comes_back_as_it_was(lake: Path, r2d2: Line) -> None:
    before = snapshot(lake)
    r2d2("review", "approve", "copy.parquet", *BY)
    assert r2d2("apply", "--yes") == 0
    assert "1 dataset of plan 1 undecided" in r2d2.err
    assert set(snapshot(lake)) == {"base.parquet", "range.parquet"}
    assert r2d2.rows("apply", "--yes") == []
    assert "retired already" in r2d2.err
    done = r2d2.rows("restore", "copy.parquet")
    assert (done["source"], done["promised_seconds"]) == ("quarantine", PROMISED)
    assert snapshot(lake) == before


def test_a_dry_run_writes_nothing_to_the_lake(lake: Path, r2d2: Line) -> None:
    r2d2("review", "approve", "copy.parquet", *BY)
    before = everything(lake)
    (row,) = r2d2.rows("apply", "--dry-run")
    assert row["what"].startswith("would be retired (renamed)")
    assert everything(lake) == before
    r2d2("apply", "--yes")
    before = everything(lake)
    assert r2d2("purge", "--older-than", "0s", "--dry-run") == 0
    assert everything(lake) == before


def test_a_dry_run_of_a_purge_says_what_stands_against_it(lake: Path, r2d2: Line) -> None:
    r2d2("review", "approve", "copy.parquet", *BY, "--accept", "unprotected-parent")
    r2d2("apply", "--yes")
    (row,) = r2d2.rows("purge", "--older-than", "0s", "--dry-run")
    assert row["what"].startswith("would be proven anew, and then purged")
    (moved,) = lake.glob(".r2d2/quarantine/*/data*")
    moved.write_bytes(b"written to")
    (row,) = r2d2.rows("purge", "--older-than", "0s", "--dry-run")
    assert row["what"] == "it was written to while it was in quarantine"


def test_without_a_terminal_nothing_is_done_unless_it_is_said_beforehand(lake: Path, r2d2: Line) -> None:
    r2d2("review", "approve", "--all", *BY)
    before = everything(lake)
    assert r2d2("apply") == 2
    assert "--yes" in r2d2.err
    assert everything(lake) == before


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("", 1), ("y\n", 0)])
def test_on_a_terminal_it_asks(lake: Path, r2d2: Line, monkeypatch: pytest.MonkeyPatch, answer: str, code: int) -> None:
    r2d2("review", "approve", "copy.parquet", *BY)
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert r2d2("apply") == code
    assert "Retire 1 dataset (" in r2d2.err
    assert (lake / "copy.parquet").exists() is (code != 0)


def test_what_changed_is_left_alone_while_others_go_on(lake: Path, r2d2: Line) -> None:
    r2d2("review", "approve", "--all", *BY)
    (lake / "range.parquet").write_bytes((lake / "copy.parquet").read_bytes())
    assert r2d2("apply", "--yes", "--format", "json") == 9
    done = {row["dataset"]: row["done"] for row in json.loads(r2d2.out)}
    assert done == {"copy.parquet": True, "range.parquet": False}


def test_only_takes_ids_and_patterns(lake: Path, r2d2: Line) -> None:
    r2d2("review", "approve", "--all", *BY)
    assert [row["dataset"] for row in r2d2.rows("apply", "--yes", "--only", "ra*")] == ["range.parquet"]
    assert [row["dataset"] for row in r2d2.rows("apply", "--yes", "--only", "copy.parquet")] == ["copy.parquet"]


def test_purge_waits_for_the_grace_period_and_for_what_must_be_accepted(lake: Path, r2d2: Line) -> None:
    r2d2("review", "approve", "copy.parquet", *BY, *UNPROTECTED)
    r2d2("review", "approve", "range.parquet", *BY)
    r2d2("apply", "--yes")
    assert r2d2("purge", "--yes") == 0
    assert "2 datasets in quarantine not long enough yet" in r2d2.err
    assert r2d2("purge", "--yes", "--older-than", "0s", "--format", "json") == 9
    assert {row["dataset"]: row["done"] for row in json.loads(r2d2.out)} == {
        "copy.parquet": True,
        "range.parquet": False,
    }
    before = everything(lake)
    assert r2d2("restore", "copy.parquet") == 0
    assert "from its recipe" in r2d2.out
    assert "copy.parquet" in everything(lake) - before
    (row,) = opened(r2d2.state).rows("restores").to_pylist()
    assert (row["plan"], row["promised_seconds"]) == (1, PROMISED)


def test_who_asked_for_it_since_then_stops_the_purge(lake: Path, r2d2: Line, tmp_path: Path) -> None:
    r2d2("review", "approve", "copy.parquet", *BY, *UNPROTECTED)
    r2d2("apply", "--yes")
    at = receipt_of(r2d2.state, "copy.parquet").quarantined_at
    assert at is not None
    reads = tmp_path / "reads.csv"
    reads.write_text(f"dataset,reader,at\n{lake}/copy.parquet,ben,{at.isoformat()}\n")
    usage = f"usage.reads_csv={reads}"
    assert r2d2("purge", "--yes", "--older-than", "0s", "--set", usage, "--format", "json") == 9
    (row,) = json.loads(r2d2.out)
    assert "by ben, says csv reads.csv" in row["what"]


def test_the_story_of_a_dataset(lake: Path, r2d2: Line, tmp_path: Path) -> None:
    r2d2("review", "approve", "copy.parquet", *BY)
    r2d2("apply", "--yes")
    r2d2("restore", "copy.parquet")
    rows = r2d2.rows("history", "copy.parquet")
    said = [row["what"].partition(":")[0] for row in rows]
    assert said[:3] == ["plan 1", "approved, plan 1", "plan 1 is carried out"]
    assert "it is in quarantine" in said
    assert "it was given back" in said
    assert [row["by"] for row in rows][:3] == ["", "ann", "ann"]
    export = tmp_path / "audit.json"
    assert r2d2("history", "copy.parquet", "--export", str(export)) == 0
    document = json.loads(export.read_text())
    assert len(document["events"]) == len(rows)
    assert document["journal"]["newest_sha256"] == document["events"][-1]["record"]["sha256"]
    assert r2d2("history", "copy.parquet", "--export", str(export)) == 2
    assert r2d2("history", "base.parquet") == 6


def test_explain_names_what_was_retired_and_how_it_comes_back(lake: Path, r2d2: Line, tmp_path: Path) -> None:
    r2d2("review", "approve", "copy.parquet", *BY)
    r2d2("apply", "--yes")
    planned(lake, tmp_path / "state")
    assert r2d2("explain", "copy.parquet") == 0
    assert "approved by ann: the owner agreed" in r2d2.out
    assert "r2d2 restore copy.parquet" in r2d2.out
    assert r2d2("explain", "nothing") == 6


def test_a_journal_that_was_changed_ends_every_command(lake: Path, r2d2: Line) -> None:
    r2d2("review", "approve", "copy.parquet", *BY)
    r2d2("apply", "--yes")
    record = min((r2d2.state / "journal").glob("*.json"))
    record.write_bytes(record.read_bytes().replace(b"apply-begun", b"apply-ended"))
    for command in (("restore", "copy.parquet"), ("history", "copy.parquet"), ("recover", "--yes")):
        assert r2d2(*command) == 10


def test_recover_goes_on_without_a_jvm_and_without_pyspark(lake: Path, r2d2: Line, tmp_path: Path) -> None:
    assert r2d2.rows("recover") == []
    r2d2("review", "approve", "copy.parquet", *BY)
    r2d2("apply", "--yes")
    newest = max((r2d2.state / "journal").glob("*.json"))
    newest.unlink()  # as if the process had died right before it
    script = (
        "import sys; from r2d2.cli import main; code = main(sys.argv[1:]); "
        "assert not [name for name in sys.modules if name.partition('.')[0] in ('pyspark', 'py4j')]; sys.exit(code)"
    )
    given = [sys.executable, "-c", script, "recover", "--state", str(r2d2.state), "--format", "json"]
    assert r2d2("recover") == 2, "it asks"
    done = subprocess.run([*given, "--yes"], check=True, capture_output=True, text=True)
    assert [row["what"] for row in json.loads(done.stdout)] == ["its retirement was finished"]
    assert r2d2("restore", "copy.parquet") == 0


def test_receipts_are_a_table_that_follows_the_journal(lake: Path, r2d2: Line) -> None:
    r2d2("review", "approve", "copy.parquet", *BY)
    r2d2("apply", "--yes")
    r2d2("restore", "copy.parquet")
    r2d2("recover")
    rows = opened(r2d2.state).rows("receipts").sort_by("told_at").to_pylist()
    assert [row["status"] for row in rows] == ["quarantined", "restored"]


def test_what_it_takes_is_named_before_anybody_approves(lake: Path, r2d2: Line) -> None:
    row = r2d2.rows("review", "list")[0]
    assert (row["quarantine"], row["accept"]) == ("renamed", ["unprotected-parent"])
    assert "the order of its rows, where its recipe keeps none" in row["lost"]


def test_guard_tells_what_is_not_good_and_ends_with_9_where_somebody_should_look(lake: Path, r2d2: Line) -> None:
    assert r2d2.rows("guard") == []
    r2d2("review", "approve", "copy.parquet", *BY, *UNPROTECTED)
    r2d2("apply", "--yes")
    assert [row["verdict"] for row in r2d2.rows("guard")] == ["good"]
    assert r2d2("guard", "--decide", "honour", "copy.parquet", "--by", "ann") == 2
    assert r2d2("guard", "--decide", "honour") == 2
    r2d2("purge", "--older-than", "0s", "--yes")
    (lake / "base.parquet").unlink()
    assert r2d2("guard", "--format", "json") == 9
    assert [row["verdict"] for row in json.loads(r2d2.out)] == ["lost"]


def test_erase_takes_a_person_out_of_what_is_retired(lake: Path, r2d2: Line, tmp_path: Path) -> None:
    r2d2("review", "approve", "copy.parquet", *BY)
    r2d2("apply", "--yes")
    table = pq.read_table(lake / "base.parquet")
    person = table["name"][120].as_py()
    pq.write_table(table.filter(pc.not_equal(table["name"], person)), lake / "base.parquet")
    keys = tmp_path / "people.csv"
    keys.write_text(f"name\n{person}\n")
    assert r2d2("erase", "--keys", str(keys)) == 2
    assert [(row["dataset"], row["done"]) for row in r2d2.rows("erase", "--keys", str(keys), "--yes")] == [
        ("copy.parquet", True)
    ]
    assert r2d2("restore", "copy.parquet") == 0
    names = pq.read_table(lake / "copy.parquet")["name"].to_pylist()
    assert (len(names), person in names) == (399, False)
