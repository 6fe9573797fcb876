"""Apply, purge, restore: what was retired comes back the same, from quarantine and from its recipe (DELETION 3)."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from r2d2.config import RecoverySettings
from r2d2.errors import NotRetirable, R2D2Error, Tampered
from r2d2.lake.kernels import run_here
from r2d2.model.receipt import Status
from r2d2.recovery.apply import apply
from r2d2.recovery.formats.headers_parquet import parquet_header
from r2d2.recovery.identity import parquet
from r2d2.recovery.identity.identity import Looked, look_at
from r2d2.recovery.rebuild import kernels
from r2d2.recovery.recipes.selection import selected
from r2d2.recovery.records.decisions import Decisions
from r2d2.recovery.records.receipts import of_dataset
from r2d2.recovery.restore import restore
from tests.recovery_runs import (
    ALL,
    approve,
    at_work,
    give_back,
    plan_of,
    purge_all,
    receipt_of,
    recover_all,
    retire,
    reviews_of,
    settings_of,
    snapshot,
)

N = 600
#: Large enough that recipes are smaller than data.
ROWS = pa.table(
    {
        "id": pa.array(range(N), pa.int64()),
        "name": [f"n{i % 7}" for i in range(N)],
        "amount": pa.array([i * 0.25 - 3 for i in range(N)], pa.float64()),
        "day": [["2024-01-01", "2024-01-02", "2024-01-03"][i % 3] for i in range(N)],
        "text": [hashlib.sha256(str(i).encode()).hexdigest() for i in range(N)],
    }
)


def parent(lake: Path) -> None:
    lake.mkdir(parents=True, exist_ok=True)
    pq.write_table(ROWS, lake / "all.parquet")


def same_file(lake: Path) -> str:
    (lake / "copy.parquet").write_bytes((lake / "all.parquet").read_bytes())
    return "copy.parquet"


def other_file(lake: Path) -> str:
    """The same rows, in other files and another order."""
    (lake / "again").mkdir()
    mixed = ROWS.take(list(reversed(range(N))))
    pq.write_table(mixed.slice(0, 200), lake / "again/part-0.parquet", compression="zstd")
    pq.write_table(mixed.slice(200), lake / "again/part-1.parquet", compression="zstd")
    return "again"


def a_slice(lake: Path) -> str:
    pq.write_table(ROWS.slice(100, 300), lake / "slice.parquet")
    return "slice.parquet"


def a_category(lake: Path) -> str:
    pq.write_table(ROWS.filter(pc.is_in(ROWS["name"], pa.array(["n1", "n5"]))), lake / "names.parquet")
    return "names.parquet"


def a_sample(lake: Path) -> str:
    pq.write_table(
        ROWS.take([i for i in range(N) if i * i % 11 == 3]).select(["id", "amount", "text"]), lake / "sample.parquet"
    )
    return "sample.parquet"


def partitioned(lake: Path) -> str:
    for day in pc.unique(ROWS["day"]).to_pylist():
        (lake / f"days/day={day}").mkdir(parents=True)
        own = ROWS.filter(pc.equal(ROWS["day"], day)).select(["id", "text"])
        pq.write_table(own, lake / f"days/day={day}/part-0.parquet")
    return "days"


def export(lake: Path) -> str:
    pacsv.write_csv(ROWS.slice(0, 400), lake / "export.csv")
    return "export.csv"


def table(lake: Path) -> str:
    write_deltalake(str(lake / "table"), ROWS.slice(0, 300), partition_by=["day"])
    write_deltalake(str(lake / "table"), ROWS.slice(300), mode="append")
    return "table"


CHILDREN = [same_file, other_file, a_slice, a_category, a_sample, partitioned, export, table]


def seen(lake: Path, name: str) -> Looked:
    with at_work(lake, lake.parent / "looking") as recovery:
        found = look_at([recovery.look()[name]], settings_of().containment, run_here)[0]
    assert isinstance(found, Looked)
    return found


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    parent(tmp_path / "lake")
    return tmp_path / "lake"


@pytest.mark.parametrize("make", CHILDREN)
def test_from_quarantine_come_the_same_bytes(lake: Path, tmp_path: Path, make: Callable[[Path], str]) -> None:
    name = make(lake)
    before = snapshot(lake)
    (outcome,) = retire(lake, tmp_path / "state", (name, "all.parquet"), accepted=ALL)
    assert outcome.done, outcome
    with at_work(lake, tmp_path / "state") as recovery:
        assert name not in recovery.look()
    assert receipt_of(tmp_path / "state", name).status is Status.QUARANTINED
    restored = give_back(lake, tmp_path / "state", name)
    assert (restored.source, restored.path) == ("quarantine", str(lake / name))
    assert snapshot(lake) == before
    assert receipt_of(tmp_path / "state", name).status is Status.RESTORED
    assert [path for path in lake.rglob(".r2d2/**/*") if path.is_file() and path.suffix == ".json"] == []


@pytest.mark.parametrize("make", CHILDREN)
def test_after_a_purge_the_same_data_comes_from_the_recipe(
    lake: Path, tmp_path: Path, make: Callable[[Path], str]
) -> None:
    name = make(lake)
    before = seen(lake, name)
    modes = {file: mode for file, (_, mode) in snapshot(lake).items()}
    (outcome,) = retire(lake, tmp_path / "state", (name, "all.parquet"), accepted=ALL)
    assert outcome.done, outcome
    (purged,) = purge_all(lake, tmp_path / "state")
    assert purged.done, purged
    assert not [p for p in lake.rglob("*") if p.is_file() and name in str(p) and "retired-by" not in p.name]
    restored = give_back(lake, tmp_path / "state", name)
    assert restored.source == "recipe"
    after = seen(lake, name)
    assert after.identity == before.identity
    assert {f.name: (f.rows, f.mode) for f in after.files} == {f.name: (f.rows, f.mode) for f in before.files}
    assert {file: mode for file, (_, mode) in snapshot(lake).items() if "_delta_log" not in file} == {
        file: mode for file, mode in modes.items() if "_delta_log" not in file
    }


def test_a_restored_table_has_its_id_schema_and_rows(lake: Path, tmp_path: Path) -> None:
    name = table(lake)
    before = DeltaTable(str(lake / name))
    retire(lake, tmp_path / "state", (name, "all.parquet"), accepted=ALL)
    purge_all(lake, tmp_path / "state")
    give_back(lake, tmp_path / "state", name)
    after = DeltaTable(str(lake / name))
    assert after.metadata().id == before.metadata().id
    assert after.schema().to_json() == before.schema().to_json()
    assert after.metadata().partition_columns == ["day"]
    assert after.to_pyarrow_table().sort_by("id").equals(ROWS.select(after.to_pyarrow_table().column_names))
    write_deltalake(str(lake / name), ROWS, mode="append")


def test_recover_takes_no_file_of_a_dataset_in_quarantine_for_its_own(lake: Path, tmp_path: Path) -> None:
    name = partitioned(lake)
    (lake / name / ".r2d2-somebodys").write_bytes(b"whatever")
    before = snapshot(lake)
    (outcome,) = retire(lake, tmp_path / "state", (name, "all.parquet"), accepted=ALL)
    assert outcome.done, outcome
    recover_all(lake, tmp_path / "state")
    give_back(lake, tmp_path / "state", name)
    assert snapshot(lake) == before


def test_only_what_was_approved_is_retired(lake: Path, tmp_path: Path) -> None:
    a_slice(lake), same_file(lake)
    before = snapshot(lake)
    with at_work(lake, tmp_path / "state") as recovery:
        plan = plan_of(recovery, ("slice.parquet", "all.parquet"), ("copy.parquet", "all.parquet"))
        reviews = Decisions.of(reviews_of(plan)[:1], (), RecoverySettings())
        outcomes = list(apply(recovery, plan, reviews, lambda _: True))
    assert [outcome.done for outcome in outcomes] == [True, False]
    assert "approved" in outcomes[1].what
    assert set(before) - set(snapshot(lake)) == {"slice.parquet"}


def test_a_dataset_that_changed_since_the_plan_is_not_touched(lake: Path, tmp_path: Path) -> None:
    a_slice(lake)
    with at_work(lake, tmp_path / "state") as recovery:
        plan = plan_of(recovery, ("slice.parquet", "all.parquet"))
    pq.write_table(ROWS.slice(0, 5), lake / "slice.parquet")
    before = snapshot(lake)
    with at_work(lake, tmp_path / "state") as recovery:
        (outcome,) = apply(recovery, plan, approve(plan), lambda _: True)
    assert (outcome.done, outcome.what) == (False, "it changed since the plan was made")
    assert snapshot(lake) == before
    assert not list(lake.glob(".r2d2/claims"))


def test_a_dataset_whose_rows_the_parent_has_lost_is_not_touched(lake: Path, tmp_path: Path) -> None:
    a_slice(lake)
    with at_work(lake, tmp_path / "state") as recovery:
        plan = plan_of(recovery, ("slice.parquet", "all.parquet"))
    pq.write_table(ROWS.slice(0, 200), lake / "all.parquet")
    before = snapshot(lake)
    with at_work(lake, tmp_path / "state") as recovery:
        (outcome,) = apply(recovery, plan, approve(plan), lambda _: True)
    assert not outcome.done
    assert snapshot(lake) == before
    assert receipt_of_undone(tmp_path / "state") == [Status.UNDONE]


def receipt_of_undone(state: Path) -> list[Status]:
    with at_work(state.parent / "lake", state) as recovery:
        return [receipt.status for receipt in recovery.receipts.values()]


def test_what_would_come_back_merely_equal_needs_a_word_of_the_reviewer(lake: Path, tmp_path: Path) -> None:
    amounts = pa.array([-0.0 if i == 12 else i * 0.25 - 3 for i in range(N)], pa.float64())
    pq.write_table(ROWS.set_column(2, "amount", amounts), lake / "zero.parquet")
    (outcome,) = retire(lake, tmp_path / "state", ("zero.parquet", "all.parquet"))
    assert not outcome.done
    assert "equal, and not the same" in outcome.what
    (outcome,) = retire(lake, tmp_path / "state", ("zero.parquet", "all.parquet"), accepted=ALL)
    assert outcome.done, outcome


def tampered(recipe: bytes) -> bytes:
    return gzip.compress(gzip.decompress(recipe).replace(b'"rows":300', b'"rows":299'))


def test_a_tampered_recipe_is_noticed_and_the_other_copy_is_used(lake: Path, tmp_path: Path) -> None:
    name = a_slice(lake)
    before = seen(lake, name).identity
    retire(lake, tmp_path / "state", (name, "all.parquet"), accepted=ALL)
    purge_all(lake, tmp_path / "state")
    (beside,) = lake.glob(".r2d2/quarantine/*/recipe.json.gz")
    beside.write_bytes(tampered(beside.read_bytes()))
    give_back(lake, tmp_path / "state", name)
    assert seen(lake, name).identity == before


def test_with_both_copies_tampered_nothing_is_put_in_place(lake: Path, tmp_path: Path) -> None:
    name = a_slice(lake)
    retire(lake, tmp_path / "state", (name, "all.parquet"), accepted=ALL)
    purge_all(lake, tmp_path / "state")
    (beside,) = lake.glob(".r2d2/quarantine/*/recipe.json.gz")
    beside.write_bytes(b"{}")
    for path in (tmp_path / "state/recipes").glob("*.parquet"):
        rows = pq.read_table(path)
        changed = pa.array(map(tampered, rows["recipe"].to_pylist()), pa.binary())
        pq.write_table(rows.set_column(rows.column_names.index("recipe"), "recipe", changed), path)
    with pytest.raises(Tampered):
        give_back(lake, tmp_path / "state", name)
    assert not (lake / name).exists()


def test_a_parent_whose_rows_changed_gives_back_nothing_wrong(lake: Path, tmp_path: Path) -> None:
    name = a_slice(lake)
    retire(lake, tmp_path / "state", (name, "all.parquet"), accepted=ALL)
    purge_all(lake, tmp_path / "state")
    changed = ROWS.set_column(1, "name", pa.array(["x"] * N))
    pq.write_table(changed, lake / "all.parquet")
    with pytest.raises(R2D2Error):
        give_back(lake, tmp_path / "state", name)
    assert not (lake / name).exists()
    assert receipt_of(tmp_path / "state", name).status is Status.PURGED


def test_files_that_a_newer_library_writes_otherwise_come_back_when_somebody_accepts_it(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, state = a_slice(lake), tmp_path / "state"
    rows = pq.read_table(lake / name)
    retire(lake, state, (name, "all.parquet"), accepted=ALL)
    purge_all(lake, state)

    def header_of_a_newer_one(path: Path) -> str:
        header = json.loads(parquet_header(path))
        return json.dumps(header | {"identity": {**header["identity"], "arrow": "types by other names"}})

    monkeypatch.setattr(parquet, "parquet_header", header_of_a_newer_one)
    with pytest.raises(Tampered, match="has the same rows, but its files") as refused:
        give_back(lake, state, name)
    assert "--accept merely-equal" in refused.value.hint
    assert not (lake / name).exists()
    with at_work(lake, state) as recovery:
        done = restore(recovery, of_dataset(recovery.receipts, name), equal=True)
    assert "its files are not" in done.notes[-1]
    assert pq.read_table(lake / name).sort_by("id").equals(rows.sort_by("id"))


def test_other_rows_are_never_put_in_place_whatever_is_accepted(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, state = a_slice(lake), tmp_path / "state"
    retire(lake, state, (name, "all.parquet"), accepted=ALL)
    purge_all(lake, state)
    first_again = lambda *args: (batch.take([0] * batch.num_rows) for batch in selected(*args))  # noqa: E731
    monkeypatch.setattr(kernels, "selected", first_again)
    with at_work(lake, state) as recovery, pytest.raises(Tampered, match="is not what was retired"):
        restore(recovery, of_dataset(recovery.receipts, name), equal=True)
    assert not (lake / name).exists()
    assert receipt_of(state, name).status is Status.PURGED


@pytest.mark.parametrize("purged", [False, True])
def test_a_path_that_is_in_use_again_is_not_written_over(lake: Path, tmp_path: Path, purged: bool) -> None:
    name = a_slice(lake)
    identity = seen(lake, name).identity
    retire(lake, tmp_path / "state", (name, "all.parquet"), accepted=ALL)
    if purged:
        purge_all(lake, tmp_path / "state")
    (lake / name).write_bytes(b"new")
    with pytest.raises(NotRetirable, match="in use"):
        give_back(lake, tmp_path / "state", name)
    assert recover_all(lake, tmp_path / "state") == []
    assert (lake / name).read_bytes() == b"new"
    give_back(lake, tmp_path / "state", name, to=str(lake / "elsewhere.parquet"))
    assert seen(lake, "elsewhere.parquet").identity == identity
    assert (lake / name).read_bytes() == b"new"
    (lake / name).unlink()
    give_back(lake, tmp_path / "state", name)
    assert seen(lake, name).identity == identity


@pytest.mark.parametrize("make", [a_slice, partitioned, table])
def test_a_copy_in_another_place_leaves_the_dataset_retired(
    lake: Path, tmp_path: Path, make: Callable[[Path], str]
) -> None:
    name = make(lake)
    identity = seen(lake, name).identity
    for file in [*(lake / name).rglob("*"), lake / name]:
        file.chmod(0o700 if file.is_dir() else 0o600)
    retire(lake, tmp_path / "state", (name, "all.parquet"), accepted=ALL)
    to = "elsewhere.parquet" if make is a_slice else "elsewhere"
    restored = give_back(lake, tmp_path / "state", name, to=str(lake / to))
    assert restored.path == str(lake / to)
    assert seen(lake, to).identity == identity
    assert {mode for file, (_, mode) in snapshot(lake).items() if file.startswith(to)} == {0o600}
    assert receipt_of(tmp_path / "state", name).status is Status.QUARANTINED


def test_a_copy_is_never_put_outside_of_the_roots(lake: Path, tmp_path: Path) -> None:
    name = a_slice(lake)
    retire(lake, tmp_path / "state", (name, "all.parquet"), accepted=ALL)
    with pytest.raises(NotRetirable):
        give_back(lake, tmp_path / "state", name, to=str(tmp_path / "outside.parquet"))
    assert not (tmp_path / "outside.parquet").exists()


def test_two_states_never_retire_each_others_parents(lake: Path, tmp_path: Path) -> None:
    same_file(lake)
    (one,) = retire(lake, tmp_path / "one", ("copy.parquet", "all.parquet"))
    assert one.done
    give_back(lake, tmp_path / "one", "copy.parquet")
    with at_work(lake, tmp_path / "one") as recovery:
        plan = plan_of(recovery, ("copy.parquet", "all.parquet"))
    with at_work(lake, tmp_path / "other") as recovery:
        opposite = plan_of(recovery, ("all.parquet", "copy.parquet"))
    with at_work(lake, tmp_path / "one") as recovery:
        (one,) = apply(recovery, plan, approve(plan), lambda _: True)
    with at_work(lake, tmp_path / "other") as recovery:
        (other,) = apply(recovery, opposite, approve(opposite), lambda _: True)
    assert (one.done, other.done) == (True, False)
    assert (lake / "all.parquet").exists()


def test_a_parent_of_another_states_retired_dataset_is_not_retired(lake: Path, tmp_path: Path) -> None:
    same_file(lake), a_slice(lake)
    (one,) = retire(lake, tmp_path / "one", ("slice.parquet", "copy.parquet"))
    assert one.done, one
    (other,) = retire(lake, tmp_path / "other", ("copy.parquet", "all.parquet"))
    assert not other.done
    assert "claimed" in other.what
    assert (lake / "copy.parquet").exists()


def test_a_journal_whose_end_was_cut_off_is_noticed(lake: Path, tmp_path: Path) -> None:
    name = a_slice(lake)
    retire(lake, tmp_path / "state", (name, "all.parquet"))
    for path in (tmp_path / "state/journal").iterdir():
        path.unlink()
    with pytest.raises(Tampered, match="does not tell"):
        recover_all(lake, tmp_path / "state")


def test_the_journal_tells_what_was_done_without_values(lake: Path, tmp_path: Path) -> None:
    name = a_slice(lake)
    retire(lake, tmp_path / "state", (name, "all.parquet"))
    events = [
        json.loads(json.loads(p.read_text())["record"])["event"] for p in sorted((tmp_path / "state/journal").iterdir())
    ]
    assert events == ["apply-begun", "recipe-written", "quarantine-begun", "quarantined"]
