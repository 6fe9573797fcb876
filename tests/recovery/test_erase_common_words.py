"""A person may be named like a word of R2D2's own: what it keeps can be read after an erasure as before."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from r2d2.catalog.state import open_state
from r2d2.model.receipt import Acceptance
from r2d2.recovery.erase.erase import erase
from r2d2.recovery.erase.keys import Keys
from r2d2.recovery.erase.state import erase_from_state
from r2d2.recovery.erase.words import Words
from r2d2.recovery.records.reviews import reviews
from tests.recovery.bytes_of import holders
from tests.recovery.guarded import ROWS, retired
from tests.recovery.test_erase_state import blank
from tests.recovery.test_rehome import chain
from tests.recovery_runs import ALL, at_work, give_back, receipt_of, retire
from tests.sampling import some

MAIL = "aaa.person@example.com"


@pytest.mark.parametrize("name", some(["Parent", "Lost", "Location", "Lake", "Status"], 2))
def test_a_state_works_on_after_somebody_was_erased_who_is_named_like_a_word_of_it(tmp_path: Path, name: str) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    lake.mkdir()
    rows = ROWS.append_column("last_name", pa.array([name if i == 700 else f"n{i}x" for i in range(len(ROWS))]))
    pq.write_table(rows, lake / "all.parquet")
    for child in ("back.parquet", "away.parquet"):
        pq.write_table(rows.slice(300, 1500), lake / child)
        retired(lake, state, child, "all.parquet")
    give_back(lake, state, "back.parquet")
    pq.write_table(pa.concat_tables([rows.slice(0, 700), rows.slice(701)]), lake / "all.parquet")
    with at_work(lake, state) as recovery:
        assert [each.done for each in erase(recovery, Keys(("last_name",), ((name,),)))][:1] == [True]
    assert receipt_of(state, "back.parquet").accepted == ALL
    if not (lake / "away.parquet").exists():
        give_back(lake, state, "away.parquet")
    assert pq.read_table(lake / "away.parquet").num_rows == 1499


@pytest.mark.parametrize("name", ["Lake", "Lost", "Containment", "Planned", "Place"])
def test_what_code_reads_of_the_state_stays(tmp_path: Path, name: str) -> None:
    state = open_state(str(tmp_path / "state"), create=True)
    settings = {"containment": {"case_sensitive": False}, "recovery": {"objects": "in-place", "note": f"ask {name}"}}
    roots, now = json.dumps(["/data/lake"]), datetime(2026, 11, 27, tzinfo=UTC)
    run = blank("runs", "r1", at=now, roots=roots, status="planned", settings=json.dumps(settings))
    with state.locked():
        state.write_run("runs", "r1", [run])
        accepted = [each.value for each in Acceptance]
        state.append("reviews", [blank("reviews", dataset="a", note=f"{name} asked", at=now, accepted=accepted)])
        erase_from_state(state, Words(Keys(("last_name",), ((name,),))), ())
    (kept,), (review,) = state.rows("runs", "r1").to_pylist(), reviews(state)
    assert (kept["roots"], kept["status"], review.accepted) == (roots, "planned", frozenset(Acceptance))
    settings["recovery"]["note"] = "ask erased"
    assert (json.loads(kept["settings"]), review.note) == (settings, "erased asked")


def test_a_table_loses_older_versions_that_had_the_column_by_which_a_person_is_named(tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    lake.mkdir()
    mails = ROWS.append_column("mail", pa.array([MAIL if i == 0 else f"u{i}" for i in range(len(ROWS))]))
    write_deltalake(str(lake / "table"), mails)
    write_deltalake(str(lake / "table"), ROWS, mode="overwrite", schema_mode="overwrite")
    pq.write_table(ROWS, lake / "all.parquet")
    retired(lake, state, "table", "all.parquet")
    assert holders(lake / ".r2d2", MAIL) != []
    with at_work(lake, state) as recovery:
        assert [outcome.done for outcome in erase(recovery, Keys(("mail",), ((MAIL,),)))] == [True]
    assert holders(lake / ".r2d2", MAIL) == []


def test_a_parent_of_before_whose_name_is_a_persons_is_cleared_and_its_record_still_read(tmp_path: Path) -> None:
    lake, state = chain(tmp_path, purged=False)
    (outcome,) = retire(lake, state, ("middle.parquet", "all.parquet"), accepted=ALL)
    assert outcome.done, outcome
    with at_work(lake, state) as recovery:
        list(erase(recovery, Keys(("last_name",), (("Middle",),))))
    with at_work(lake, state) as recovery:
        assert sorted(each.parent for each in recovery.receipts.values()) == ["all.parquet", "all.parquet"]
    give_back(lake, state, "slice.parquet")
