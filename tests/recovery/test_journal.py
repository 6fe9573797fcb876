"""The journal: whoever changes, drops or adds a record is noticed, and of two writers one stops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from r2d2.catalog.state import State, open_state
from r2d2.errors import StateError, Tampered
from r2d2.recovery.records.journal import Journal
from r2d2.recovery.records.receipts import receipts, unfinished

BEGUN = {
    "dataset": "a.parquet",
    "root": "/lake",
    "location": "/lake/a.parquet",
    "parent": "b.parquet",
    "parent_location": "/lake/b.parquet",
    "plan": 1,
    "by": "ann",
    "note": "",
    "accepted": ["history-lost"],
    "promised_seconds": 3.5,
}


@pytest.fixture
def state(tmp_path: Path) -> State:
    return open_state(str(tmp_path / "state"), create=True)


def written(state: State) -> list[Path]:
    journal = Journal(state)
    journal.append("apply-begun", "r1", **BEGUN)
    journal.append("recipe-written", "r1", recipe="ab", kind="renamed")
    journal.append("quarantine-begun", "r1", away={})
    journal.append("quarantined", "r1")
    return sorted((state.path / "journal").iterdir())


def test_records_are_read_as_they_were_written(state: State) -> None:
    written(state)
    records = Journal(state).records
    assert [record.event for record in records] == ["apply-begun", "recipe-written", "quarantine-begun", "quarantined"]
    assert [record.sequence for record in records] == [1, 2, 3, 4]
    (receipt,) = receipts(records).values()
    assert (receipt.status, receipt.recipe, receipt.kind, receipt.promised_seconds) == (
        "quarantined",
        "ab",
        "renamed",
        3.5,
    )
    assert receipt.quarantined_at == records[-1].at
    assert unfinished(receipts(records[:3])) != []


@pytest.mark.parametrize("number", range(4))
def test_a_record_that_was_changed_is_noticed(state: State, number: int) -> None:
    path = written(state)[number]
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "record": raw["record"].replace('"r1"', '"r2"')}))
    with pytest.raises(Tampered, match="MAC"):
        Journal(state).records  # noqa: B018  # reading them is what is tested


@pytest.mark.parametrize("number", range(3))
def test_a_record_that_is_gone_is_noticed(state: State, number: int) -> None:
    written(state)[number].unlink()
    with pytest.raises(Tampered, match="missing"):
        Journal(state).records  # noqa: B018


def test_records_in_another_order_are_noticed(state: State) -> None:
    paths = written(state)
    one, other = paths[1].read_bytes(), paths[2].read_bytes()
    paths[1].write_bytes(other)
    paths[2].write_bytes(one)
    with pytest.raises(Tampered, match="does not follow"):
        Journal(state).records  # noqa: B018


def test_a_record_of_another_state_is_noticed(state: State, tmp_path: Path) -> None:
    paths = written(state)
    other = written(open_state(str(tmp_path / "other"), create=True))
    paths[3].write_bytes(other[3].read_bytes())
    with pytest.raises(Tampered, match="MAC"):
        Journal(state).records  # noqa: B018


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"record": 1, "mac": "x"}', b"\xff\xfe", b"null"])
def test_a_damaged_record_is_noticed(state: State, content: bytes) -> None:
    written(state)[1].write_bytes(content)
    with pytest.raises(Tampered):
        Journal(state).records  # noqa: B018


def test_a_journal_whose_key_is_gone_is_noticed(state: State) -> None:
    written(state)
    (state.path / ".r2d2.secret").unlink()
    with pytest.raises(Tampered, match="key"):
        Journal(state).records  # noqa: B018


def test_of_two_writers_one_stops(state: State) -> None:
    one, other = Journal(state), Journal(state)
    assert one.records == other.records == []
    one.append("guarded")
    with pytest.raises(StateError, match="another process"):
        other.append("guarded")
    assert len(Journal(state).records) == 1


def test_records_are_private(state: State) -> None:
    assert {path.stat().st_mode & 0o777 for path in [*written(state), *facts_of(state)]} == {0o600}


def facts_of(state: State) -> list[Path]:
    return sorted((state.path / "facts").iterdir())


def test_what_records_tell_of_datasets_stands_apart_from_them(state: State) -> None:
    assert not any(b"a.parquet" in path.read_bytes() for path in written(state))
    assert [path.name[:12] for path in facts_of(state)] == [f"{number:012d}" for number in (1, 2, 3)]


@pytest.mark.parametrize("number", range(3))
def test_facts_that_were_changed_or_are_gone_are_noticed(state: State, number: int) -> None:
    written(state)
    path = facts_of(state)[number]
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(Tampered, match="not what was written"):
        Journal(state).records  # noqa: B018
    path.unlink()
    with pytest.raises(Tampered, match="missing"):
        Journal(state).records  # noqa: B018


def test_facts_that_were_replaced_are_gone_and_the_old_ones_are_not_taken_again(state: State) -> None:
    written(state)
    before = {path.name: path.read_bytes() for path in facts_of(state)}
    journal = Journal(state)
    journal.replace_facts({1: {**BEGUN, "note": "seen"}})
    assert Journal(state).records == journal.records
    assert [record.facts.get("note") for record in journal.records] == ["seen", None, None, None, None]
    assert [record.event for record in journal.records][-1] == "facts-replaced"
    gone = before.keys() - {path.name for path in facts_of(state)}
    assert [name[:12] for name in gone] == ["000000000001"]
    (state.path / "facts" / min(gone)).write_bytes(before[min(gone)])
    assert Journal(state).records[0].facts["note"] == "seen"
    journal.replace_facts({2: {"recipe": "cd"}, 1: BEGUN})
    assert [record.facts.get("recipe") for record in Journal(state).records][:3] == [None, "cd", None]
    assert len(facts_of(state)) == 5  # of three records, and of both replacements


def test_facts_of_a_record_that_was_never_written_go(state: State) -> None:
    written(state)
    (state.path / "facts" / "000000000005-0.json").write_text("{}")
    Journal(state).remove_unnamed_facts()
    assert len(facts_of(state)) == 3
