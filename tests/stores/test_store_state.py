"""A state in an object store: the same tables as on disk, one writer at a time, no row lost or doubled by faults."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from r2d2.catalog import store_lease
from r2d2.catalog.discovery import discover
from r2d2.catalog.state import State, existing_state, open_state
from r2d2.config import DiscoverySettings
from r2d2.errors import StateError, UsageError
from r2d2.lake.storage import storage_for
from tests.s3_servers import SECRET, Faults, environment, faulty


def groups(run_id: str, number: int) -> list[dict[str, Any]]:
    return [{"run_id": run_id, "group": i, "position": 0, "dataset": f"d{i}", "view": ""} for i in range(number)]


@pytest.fixture
def state(s3: str) -> State:
    return open_state(f"s3://{s3}/team/state", create=True)


def commits(state: State, table: str) -> list[str]:
    return [name for name in state.storage.names(f"{state.location}/{table}/_delta_log") if name.endswith(".json")]


def test_rows_are_appended_replaced_copied_and_found_by_run_and_key(state: State) -> None:
    with state.locked():
        state.append("groups", groups("one", 3))
        state.append("groups", groups("two", 2))
        state.write_run("groups", "one", groups("one", 5))
        state.copy_run("groups", "one", "three")
        state.append("verdicts", [{"key": key, "lacking": 1} for key in "abc"])
    again = open_state(state.location)
    assert [again.rows("groups", run).num_rows for run in ("one", "two", "three", "none")] == [5, 2, 5, 0]
    assert again.rows("groups", only=ds.field("group") == 4).num_rows == 2
    assert again.rows("groups", "two", columns=("dataset",)).to_pylist() == [{"dataset": "d0"}, {"dataset": "d1"}]
    assert pa.types.is_dictionary(again.rows("groups", folded=True)["dataset"].type)
    assert again.by_key("verdicts", ["a", "c", "z"])["key"].to_pylist() == ["a", "c"]
    assert again.rows("edges").num_rows == 0


def test_large_files_are_read_in_parts(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r2d2.catalog.state_files._WHOLE", 10)
    with state.locked():
        state.append("groups", groups("one", 3))
    assert state.rows("groups", "one", columns=("group",))["group"].to_pylist() == [0, 1, 2]


def test_a_second_process_is_refused_with_the_holders_name_until_it_lets_go(state: State) -> None:
    other = open_state(state.location)
    with state.locked():
        assert other.in_use()
        with (
            pytest.raises(StateError, match=r"in use by another r2d2 run \(.*, process \d+\)") as caught,
            other.locked(),
        ):
            pass
        assert "lease ends in" in caught.value.hint
        assert other.rows("runs").num_rows == 0, "who only reads needs no lock"
    assert not other.in_use()
    with other.locked():
        other.append("groups", groups("one", 1))


def test_of_many_that_want_the_lock_at_once_one_gets_it(s3: str) -> None:
    open_state(f"s3://{s3}/state", create=True)
    held, refused, done = [], [], threading.Event()

    def want() -> None:
        try:
            with open_state(f"s3://{s3}/state").locked():
                held.append(1)
                done.wait(20)
        except StateError:
            refused.append(1)

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    while len(held) + len(refused) < 8:
        time.sleep(0.02)
    done.set()
    for thread in threads:
        thread.join()
    assert (len(held), len(refused)) == (1, 7)


def test_the_lease_of_a_process_that_died_runs_out(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = open_state(state.location)
    monkeypatch.setattr(store_lease, "RENEWED_AFTER", 1000.0)
    holding = dead.locked()
    holding.__enter__()
    with pytest.raises(StateError, match="in use"), state.locked():
        pass
    monkeypatch.setattr(store_lease, "_CLOCKS", -1000.0)
    with state.locked():
        state.append("groups", groups("new", 2))
        with pytest.raises(StateError, match="another run has begun to write"):
            dead.append("groups", groups("dead", 1))
    holding.__exit__(None, None, None)
    assert not open_state(state.location).in_use()
    assert state.rows("groups")["run_id"].to_pylist() == ["new", "new"]


def test_who_was_held_up_past_its_lease_writes_no_more(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_lease, "LASTS", 0.2)
    monkeypatch.setattr(store_lease, "RENEWED_AFTER", 1000.0)
    with state.locked():
        time.sleep(0.3)
        with pytest.raises(StateError, match="lease on it was lost"):
            state.append("groups", groups("late", 1))
    assert state.rows("groups").num_rows == 0


def test_a_lease_is_renewed_while_it_is_held(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_lease, "LASTS", 0.5)
    monkeypatch.setattr(store_lease, "RENEWED_AFTER", 0.1)
    with state.locked():
        time.sleep(1)
        state.append("groups", groups("one", 1))
    assert state.rows("groups").num_rows == 1


def test_a_holder_whose_lock_was_replaced_writes_no_more(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_lease, "RENEWED_AFTER", 0.1)
    with state.locked():
        state.storage.put(
            f"{state.location}/.r2d2.lock", json.dumps({"fence": 9, "holder": "other", "id": "x"}).encode()
        )
        time.sleep(0.5)
        with pytest.raises(StateError, match="lease on it was lost"):
            state.append("groups", groups("late", 1))
    assert open_state(state.location).in_use(), "the other's lock is left to it"


def test_who_does_not_hold_the_lock_can_not_write(state: State) -> None:
    with pytest.raises(StateError, match="only while it is locked"):
        state.append("groups", groups("one", 1))


def test_a_damaged_lock_is_named_and_not_taken_over(state: State) -> None:
    state.storage.put(f"{state.location}/.r2d2.lock", b"\x00not json")
    with pytest.raises(StateError, match=r"\.r2d2\.lock can't be locked: .*no lock of r2d2"), state.locked():
        pass


def test_two_that_need_the_secret_at_once_get_one(state: State) -> None:
    other = open_state(state.location)
    assert not state.has_secret
    answers = []
    threads = [threading.Thread(target=lambda one=one: answers.append(one.secret())) for one in (state, other) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert set(answers) == {open_state(state.location).secret()}
    assert state.has_secret


def test_every_way_to_fail_leaves_each_row_once(endpoint: str, state: State) -> None:
    """Every 15th call fails: rows of a commit whose answer was lost are neither lost nor doubled."""
    with faulty(endpoint, faults := Faults(15)) as url, environment(url):
        failing = open_state(state.location)
        with failing.locked():
            for number in range(6):
                failing.append("groups", groups(f"run{number}", number + 1))
            failing.write_run("groups", "run0", groups("run0", 4))
            failing.copy_run("groups", "run2", "run6")
            found = failing.rows("groups")["run_id"].to_pylist()
    assert [found.count(f"run{number}") for number in range(7)] == [4, 2, 3, 4, 5, 6, 3]
    assert state.rows("groups").num_rows == len(found)
    assert set(faults.failed) == set(Faults.WAYS)
    assert not state.in_use()


def test_what_is_no_state_is_refused_and_a_new_one_is_made_in_an_empty_place(s3: str) -> None:
    storage = storage_for(f"s3://{s3}")
    storage.put(f"s3://{s3}/data/a.csv", b"a\n1\n")
    assert existing_state(f"s3://{s3}/new") is None
    for wrong in (lambda: open_state(f"s3://{s3}/data", create=True), lambda: existing_state(f"s3://{s3}/data")):
        with pytest.raises(StateError, match="holds no r2d2 state"):
            wrong()
    with pytest.raises(StateError, match="holds no r2d2 state"):
        open_state(f"s3://{s3}/new")
    open_state(f"s3a://{s3}/new/", create=True)
    assert existing_state(f"s3://{s3}/new") is not None
    storage.put(f"s3://{s3}/new/r2d2-state.json", json.dumps({"layout": 1}).encode())
    with pytest.raises(StateError, match="layout 1"):
        open_state(f"s3://{s3}/new")


@pytest.mark.parametrize(
    "where", ["memory://x/state", "hdfs://host/state", f"s3://key:{SECRET}@bucket/state", "s3://", "gs:///x"]
)
def test_a_state_lies_only_where_two_runs_can_not_spoil_it(where: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_state(where, create=True)
    assert SECRET not in str(caught.value)


def test_a_bucket_that_is_not_there_is_named(s3: str) -> None:
    for create in (True, False):
        with pytest.raises(StateError, match="s3://no-such-bucket-r2d2"):
            open_state("s3://no-such-bucket-r2d2/state", create=create)


def test_a_state_below_a_root_is_left_out_of_the_lake(state: State, s3: str) -> None:
    with state.locked():
        state.append("groups", groups("one", 1))
    state.storage.put(f"s3://{s3}/team/data.csv", b"a\n1\n")
    listing = discover([f"s3a://{s3}"], DiscoverySettings(), state.location, None)
    assert [candidate.id for candidate in listing.candidates] == ["team/data.csv"]
    assert "state directory" in listing.problems[0].what


def test_a_run_row_keeps_its_time(state: State) -> None:
    at = datetime(2026, 11, 27, 2, 0, 0, 123456, tzinfo=UTC)
    row = {
        "run_id": "r",
        "status": "running",
        "at": at,
        "roots": "[]",
        "settings": "{}",
        "funnel": "{}",
        "problems": "[]",
    }
    with state.locked():
        state.append("runs", [row])
    assert state.rows("runs")["at"].to_pylist() == [at]
    assert len(commits(state, "runs")) == 1
