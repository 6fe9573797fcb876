"""Receipts that are kept while the journal grows are those that the whole journal tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.catalog.state import State, open_state
from r2d2.errors import Tampered
from r2d2.model.receipt import Receipt
from r2d2.recovery.records import receipts as told
from r2d2.recovery.records.journal import Journal, Record
from r2d2.recovery.records.receipts import STATUS_OF, Receipts, receipts
from tests.recovery.test_journal import BEGUN

Step = tuple[str, str, Mapping[str, Any]]

FACTS = st.fixed_dictionaries(
    {"status": st.sampled_from(["quarantined", "purged"])},
    optional={
        "recipe": st.sampled_from(["ab", "cd"]),
        "frozen": st.sampled_from(["", "rows were deleted"]),
        "placing": st.just({"files": []}),
        "parent_location": st.sampled_from(["/lake/b", "/lake/c"]),
    },
)
EVENTS = st.sampled_from([*sorted(STATUS_OF.keys() - {"apply-begun"}), "recipe-written", "frozen", "restore-took"])
RECEIPTS = st.sampled_from(["", "r1", "r2", "r3"])
STEPS = st.one_of(
    st.tuples(st.just("apply-begun"), RECEIPTS, st.just(BEGUN)),
    st.tuples(EVENTS, RECEIPTS, FACTS),
    st.tuples(st.just("facts-replaced"), st.just(""), st.just({})),
)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEPS, max_size=12), looks=st.sets(st.integers(0, 11)))
def test_receipts_kept_while_the_journal_grows_are_those_that_it_tells_from_the_start(
    steps: list[Step], looks: set[int]
) -> None:
    with TemporaryDirectory() as directory:
        state = open_state(directory + "/state", create=True)
        journal = Journal(state)
        kept = Receipts(journal)
        for number, step in enumerate(steps):
            do(journal, step)
            if number in looks:
                assert list(kept.now.items()) == list(receipts(journal.records).items())
        assert list(kept.now.items()) == list(receipts(Journal(state).records).items())


def do(journal: Journal, step: Step) -> None:
    """Appends a record, or clears the note of the first retirement, as an erasure does."""
    event, receipt, facts = step
    if event != "facts-replaced":
        journal.append(event, receipt, **facts)
        return
    first = next((record for record in journal.records if record.event == "apply-begun"), None)
    journal.replace_facts({first.sequence: {**first.facts, "note": "gone"}} if first else {})


@pytest.fixture
def state(tmp_path: Path) -> State:
    return open_state(str(tmp_path / "state"), create=True)


def test_each_record_is_told_once_however_often_receipts_are_asked_for(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    tell: Callable[[Receipt, Record], Receipt] = told._told

    def counting(receipt: Receipt, record: Record) -> Receipt:
        counted.append(record.sequence)
        return tell(receipt, record)

    monkeypatch.setattr(told, "_told", counting)
    journal = Journal(state)
    kept = Receipts(journal)
    journal.append("apply-begun", "r1", **BEGUN)
    for _ in range(5):
        journal.append("recipe-written", "r1", recipe="ab")
        assert kept.now["r1"].recipe == kept.now["r1"].recipe == "ab"
    assert counted == [2, 3, 4, 5, 6]


def test_a_record_that_was_changed_since_is_noticed_by_the_next_command(state: State) -> None:
    journal = Journal(state)
    kept = Receipts(journal)
    journal.append("apply-begun", "r1", **BEGUN)
    assert list(kept.now) == ["r1"]
    path = state.path / "journal" / "000000000001.json"
    path.write_bytes(path.read_bytes().replace(b"r1", b"r2"))
    with pytest.raises(Tampered, match="MAC"):
        Receipts(Journal(state)).now  # noqa: B018  # reading them is what is tested
