"""Faults of the lock of a state in a store: what is lost, held up, removed or replaced by something else."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest

from r2d2.catalog import store_lease
from r2d2.catalog.state import State, open_state
from r2d2.errors import StateError, UsageError
from r2d2.lake import object_requests
from tests.s3_servers import Faults, environment, faulty
from tests.stores.test_store_state import groups

WRITER = """
import sys
from r2d2.catalog.state import open_state
from r2d2.errors import StateError
state = open_state(sys.argv[1])
rows = [{"run_id": "slow", "group": i, "position": 0, "dataset": f"d{i}", "view": ""} for i in range(3)]
with state.locked():
    try:
        state.write_run("groups", "slow", rows)
    except StateError as error:
        print(error)
"""


class Some(Faults):
    """Only the calls that ``chosen`` takes fail."""

    def __init__(self, way: str, method: str, part: str) -> None:
        super().__init__(1, (way,))
        self.method, self.part, self.left = method, part, 10**9

    def next(self, method: str, path: str) -> str:
        if method != self.method or self.part not in path or not self.left:
            return ""
        self.left -= 1
        return super().next(method, path)


class Held(Faults):
    """The first commit waits until it may go on."""

    def __init__(self) -> None:
        super().__init__(10**9)
        self.there, self.go_on = threading.Event(), threading.Event()

    def next(self, method: str, path: str) -> str:
        if method == "PUT" and "_delta_log" in path and not self.there.is_set():
            self.there.set()
            self.go_on.wait(60)
        return ""


@pytest.fixture
def state(s3: str) -> State:
    return open_state(f"s3://{s3}/team/state", create=True)


@pytest.mark.parametrize("rows", [0, 2])
def test_a_commit_that_was_held_up_on_its_way_adds_nothing_to_what_the_next_holder_wrote(
    endpoint: str, state: State, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """A process that stands still after it asked for its number; the next holder goes on with the same run."""
    with state.locked():
        state.append("groups", groups("old", 1))
    with faulty(endpoint, held := Held()) as url:
        with environment(url):
            slow = subprocess.Popen([sys.executable, "-c", WRITER, state.location], stdout=subprocess.PIPE, text=True)
        assert held.there.wait(60)
        monkeypatch.setattr(store_lease, "_CLOCKS", -1000.0)
        with slow, state.locked():
            held.go_on.set()
            assert "another run has begun to write" in slow.communicate(timeout=60)[0]
            if rows:
                state.write_run("groups", "slow", groups("slow", rows))
    assert state.rows("groups")["run_id"].to_pylist().count("slow") == rows


def test_a_run_whose_rows_can_not_be_taken_away_is_not_said_to_have_none(endpoint: str, state: State) -> None:
    with state.locked():
        state.append("groups", groups("one", 2))
    with faulty(endpoint, Some("403", "PUT", "_delta_log")) as url, environment(url):
        again = open_state(state.location)
        with again.locked(), pytest.raises(StateError, match="can't be written"):
            again.write_run("groups", "one", [])
    assert state.rows("groups").num_rows == 2


@pytest.mark.parametrize("table", ["groups", "edges"])
def test_a_commit_whose_answers_are_all_lost_counts_once(endpoint: str, state: State, table: str) -> None:
    """The first of a table, and a later one."""
    with state.locked():
        state.append("groups", groups("old", 1))
    with faulty(endpoint, Some("lost answer", "PUT", "_delta_log")) as url, environment(url):
        again = open_state(state.location)
        with again.locked():
            for _ in range(2):
                again.append(table, [dict.fromkeys(state.rows(table).schema.names) | {"run_id": "new"}])
    assert state.rows(table)["run_id"].to_pylist().count("new") == 2


def test_a_renewal_whose_answers_are_all_lost_is_no_loss_of_the_lock(
    endpoint: str, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_requests, "_ATTEMPTS", 1)
    monkeypatch.setattr(store_lease, "RENEWED_AFTER", 0.1)
    with faulty(endpoint, faults := Some("lost answer", "PUT", ".r2d2.lock")) as url, environment(url):
        faults.left = 0
        again = open_state(state.location)
        with again.locked():
            faults.left = 2
            while faults.left:
                threading.Event().wait(0.05)
            threading.Event().wait(0.5)
            again.append("groups", groups("one", 1))
    assert not state.in_use(), "it is given back"


def test_a_lock_that_was_removed_by_hand_is_made_again_and_who_held_it_writes_no_more(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_lease, "RENEWED_AFTER", 1000.0)
    for _ in range(3):
        with state.locked():
            state.append("groups", groups("one", 1))
    other = open_state(state.location)
    with state.locked():
        state.append("groups", groups("one", 1))
        state.storage.delete(f"{state.location}/.r2d2.lock")
        with other.locked():
            other.append("groups", groups("two", 1))
            with pytest.raises(StateError, match="another run has begun to write"):
                state.append("groups", groups("late", 1))
    assert state.rows("groups")["run_id"].to_pylist().count("late") == 0


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b'{"fence": Infinity, "holder": "a"}', b"[" * 100_000, b'{"fence": 1}', b"\xff\xfe\0"]
)
def test_what_is_no_lock_is_said_and_left_alone(state: State, content: bytes) -> None:
    state.storage.put(f"{state.location}/.r2d2.lock", content)
    for ask in (state.in_use, state.locked().__enter__):
        with pytest.raises(StateError, match=r"\.r2d2\.lock.*no lock of r2d2") as caught:
            ask()
        assert "remove it" in caught.value.hint
    assert state.storage.read_bytes(f"{state.location}/.r2d2.lock") == content


def test_a_report_is_not_written_over_that_of_the_next_holder(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_lease, "LASTS", 0.0)
    with state.locked(), pytest.raises(StateError, match="lease on it was lost"):
        state.write_file("report.html", b"late")


@pytest.mark.parametrize("name", ["x#y", "q?x=1", "[a]*", "a b+c", "é😀", "'\"", "{r}"])
def test_a_state_keeps_all_it_has_below_its_own_name(s3: str, other_client: Any, name: str) -> None:
    made = open_state(f"s3://{s3}//{name}", create=True)
    with made.locked():
        made.append("groups", groups("one", 2))
        made.write_run("groups", "one", groups("one", 3))
    assert open_state(f"s3a://{s3}/{name}/").rows("groups").num_rows == 3
    keys = [entry["Key"] for entry in other_client.list_objects_v2(Bucket=s3)["Contents"]]
    assert all(key.startswith(f"{name}/") for key in keys)


@pytest.mark.parametrize("name", ["a%20b", "in//ner", "x/../y", "n\nl"])
def test_a_name_that_not_all_writers_spell_alike_is_no_place_for_a_state(s3: str, name: str) -> None:
    with pytest.raises(UsageError, match="can't have that name"):
        open_state(f"s3://{s3}/{name}", create=True)
