"""After an erasure no byte of a person is in quarantine or state, no restore brings the person back, and others are."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from r2d2.catalog.state import State
from r2d2.errors import NotRetirable, StateError
from r2d2.model.receipt import Acceptance, Status
from r2d2.recovery.apply import Outcome
from r2d2.recovery.erase.erase import erase
from r2d2.recovery.erase.keys import Keys
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.records.journal import Journal
from r2d2.recovery.records.receipts import unfinished_erasure
from tests.recovery.bytes_of import holders
from tests.recovery_runs import ALL, at_work, give_back, opened, purge_all, receipt_of, recover_all, retire
from tests.sampling import FULL, some
from tests.unit.test_delta_vectors import written

N = 400
#: The person has ten rows; the first ones of the table, so that bounds are theirs.
MAIL, NUMBER = "aaa.müller@example.com", 1_000_037
ROWS = pa.table(
    {
        "user": [{"id": NUMBER if i < 10 else 2_000_000 + i, "vip": i % 3 == 0} for i in range(N)],
        "mail": [MAIL if i < 10 else f"u{i}@example.com" for i in range(N)],
        "amount": pa.array([i * 0.25 - 3 for i in range(N)], pa.float64()),
        "day": [["2024-01-01", "2024-01-02"][i % 2] for i in range(N)],
        "text": [hashlib.sha256(str(i).encode()).hexdigest() for i in range(N)],
    }
)
REST = ROWS.slice(10)
KEYS = Keys(("mail",), ((MAIL,),))


def write_parent(lake: Path, rows: pa.Table = ROWS) -> None:
    lake.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, lake / "all.parquet")


def copied(lake: Path) -> str:
    (lake / "copy.parquet").write_bytes((lake / "all.parquet").read_bytes())
    return "copy.parquet"


def sliced(lake: Path) -> str:
    pq.write_table(ROWS.slice(0, 200), lake / "slice.parquet")
    return "slice.parquet"


def sampled(lake: Path) -> str:
    rows = ROWS.take([i for i in range(N) if i * i % 11 == 3 or i == 0]).select(["mail", "amount", "text"])
    pq.write_table(rows, lake / "sample.parquet", compression="zstd")
    return "sample.parquet"


def by_day(lake: Path) -> str:
    for day in ("2024-01-01", "2024-01-02"):
        (lake / f"days/day={day}").mkdir(parents=True)
        own = ROWS.filter(pc.equal(ROWS["day"], day)).drop_columns(["day"])
        pq.write_table(own.slice(0, 100), lake / f"days/day={day}/part-0.parquet")
        pq.write_table(own.slice(100), lake / f"days/day={day}/part-1.parquet")
    return "days"


def by_person(lake: Path) -> str:
    for mail in (MAIL, "u11@example.com", "u12@example.com"):
        (lake / f"people/mail={mail}").mkdir(parents=True)
        own = ROWS.filter(pc.equal(ROWS["mail"], mail)).select(["user", "amount", "day", "text"])
        pq.write_table(own, lake / f"people/mail={mail}/part-0.parquet")
    return "people"


def export(lake: Path) -> str:
    rows = ROWS.slice(0, 300).drop_columns(["user"])
    with gzip.open(lake / "export.csv.gz", "wb") as file:
        pacsv.write_csv(rows, file)
    return "export.csv.gz"


def table(lake: Path) -> str:
    write_deltalake(str(lake / "table"), ROWS.slice(0, 200), partition_by=["day"])
    write_deltalake(str(lake / "table"), ROWS.slice(200), mode="append")
    return "table"


def crafted(lake: Path) -> str:
    """What writers and Hadoop leave beside data, and rights."""
    name = sliced(lake)
    (lake / "crafted").mkdir()
    (lake / name).rename(lake / "crafted/part-0.parquet")
    pq.write_table(REST.slice(250, 50), lake / "crafted/part-1.parquet")
    (lake / "crafted/.part-0.parquet.crc").write_bytes(b"crc0")
    (lake / "crafted/.part-1.parquet.crc").write_bytes(b"crc1")
    (lake / "crafted/_SUCCESS").write_bytes(b"")
    pq.write_metadata(ROWS.schema, lake / "crafted/_metadata")
    (lake / "crafted/part-0.parquet").chmod(0o640)
    return "crafted"


CHILDREN: list[Callable[[Path], str]] = [copied, sliced, sampled, by_day, export, table]


def erased(lake: Path, keys: Keys = KEYS) -> list[Outcome]:
    with at_work(lake, lake.parent / "state") as recovery:
        return list(erase(recovery, keys))


def rows_at(path: Path) -> list[dict[str, Any]]:
    if (path / "_delta_log").is_dir():
        found = DeltaTable(str(path)).to_pyarrow_table()
    elif path.suffix == ".gz":
        found = pacsv.read_csv(path)
    else:
        found = pq.read_table(path)
    return sorted(found.select(sorted(found.column_names)).to_pylist(), key=str)


def without_person(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["mail"] != MAIL]


def nothing_is_left(lake: Path) -> None:
    for place in (lake / ".r2d2", lake.parent / "state"):
        assert holders(place, MAIL, MAIL[:14]) == []


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    write_parent(tmp_path / "lake")
    return tmp_path / "lake"


def retired(lake: Path, *names: str, accepted: frozenset[Acceptance] = frozenset()) -> None:
    done = retire(lake, lake.parent / "state", *((name, "all.parquet") for name in names), accepted=accepted)
    assert all(outcome.done for outcome in done), done


def status(lake: Path, name: str) -> Status:
    return receipt_of(lake.parent / "state", name).status


@pytest.mark.parametrize("make", some(CHILDREN, 2))
def test_a_person_goes_from_quarantine_and_stays_away(lake: Path, make: Callable[[Path], str]) -> None:
    name = make(lake)
    before = rows_at(lake / name)
    retired(lake, name)
    assert holders(lake / ".r2d2", MAIL) != []
    write_parent(lake, REST)
    (outcome,) = erased(lake)
    assert (outcome.done, outcome.dataset) == (True, name), outcome
    nothing_is_left(lake)
    assert status(lake, name) is Status.QUARANTINED
    give_back(lake, lake.parent / "state", name)
    assert rows_at(lake / name) == without_person(before)
    nothing_is_left(lake)


@pytest.mark.parametrize("make", some([sliced, sampled, table], 1))
def test_a_person_goes_from_the_recipe_of_what_was_purged(lake: Path, make: Callable[[Path], str]) -> None:
    (lake / "all.parquet").unlink()
    write_deltalake(str(lake / "all.parquet"), ROWS)
    name = make(lake)
    before = rows_at(lake / name)
    retired(lake, name, accepted=ALL)
    assert [outcome.done for outcome in purge_all(lake, lake.parent / "state")] == [True]
    DeltaTable(str(lake / "all.parquet")).delete(f"mail = '{MAIL}'")
    keys = Keys(("amount", "mail"), (("", MAIL), ("1", "nobody")))
    (outcome,) = erased(lake, keys)
    assert (outcome.done, status(lake, name)) == (True, Status.PURGED), outcome
    nothing_is_left(lake)
    give_back(lake, lake.parent / "state", name)
    assert rows_at(lake / name) == without_person(before)
    nothing_is_left(lake)


def test_directories_that_name_a_person_go_with_the_rows_and_from_the_journal(lake: Path) -> None:
    name = by_person(lake)
    retired(lake, name)
    write_parent(lake, REST)
    (outcome,) = erased(lake)
    assert outcome.done, outcome
    nothing_is_left(lake)
    give_back(lake, lake.parent / "state", name)
    assert sorted(path.name for path in (lake / name).iterdir()) == ["mail=u11@example.com", "mail=u12@example.com"]
    assert len(rows_at(lake / name)) == 2


@FULL
def test_of_a_dataset_that_is_all_a_person_nothing_is_kept(lake: Path) -> None:
    pq.write_table(ROWS.slice(0, 10), lake / "own.parquet")
    retired(lake, "own.parquet")
    write_parent(lake, REST)
    (outcome,) = erased(lake)
    assert (outcome.done, status(lake, "own.parquet")) == (True, Status.ERASED)
    nothing_is_left(lake)
    assert not list((lake / ".r2d2").rglob("*.parquet"))
    assert sorted(path.name for path in lake.iterdir()) == [".r2d2", "all.parquet"]
    with pytest.raises(NotRetirable, match="erased"):
        give_back(lake, lake.parent / "state", "own.parquet")


@FULL
def test_what_is_left_and_the_parent_lacks_comes_back_at_once(lake: Path) -> None:
    name = sliced(lake)
    retired(lake, name)
    write_parent(lake, REST.slice(5))
    (outcome,) = erased(lake)
    assert (outcome.done, status(lake, name)) == (True, Status.RESTORED), outcome
    assert rows_at(lake / name) == without_person(rows_at_table(ROWS.slice(0, 200)))
    nothing_is_left(lake)


def rows_at_table(rows: pa.Table) -> list[dict[str, Any]]:
    return sorted(rows.select(sorted(rows.column_names)).to_pylist(), key=str)


@FULL
def test_files_beside_the_data_that_would_lie_go_and_rights_stay(lake: Path) -> None:
    name = crafted(lake)
    rest = (lake / "crafted/part-1.parquet").read_bytes()
    retired(lake, name)
    write_parent(lake, REST)
    assert [outcome.done for outcome in erased(lake)] == [True]
    give_back(lake, lake.parent / "state", name)
    names = sorted(path.name for path in (lake / name).iterdir())
    assert names == [".part-1.parquet.crc", "_SUCCESS", "part-0.parquet", "part-1.parquet"]
    assert (lake / "crafted/part-0.parquet").stat().st_mode & 0o777 == 0o640
    assert (lake / "crafted/part-1.parquet").read_bytes() == rest


@FULL
def test_a_table_loses_its_history_where_only_that_knows_the_person(lake: Path) -> None:
    name = table(lake)
    DeltaTable(str(lake / name)).delete(f"mail = '{MAIL}'")
    before = rows_at(lake / name)
    retired(lake, name)
    assert holders(lake / ".r2d2", MAIL) != []
    assert [outcome.done for outcome in erased(lake)] == [True]
    nothing_is_left(lake)
    give_back(lake, lake.parent / "state", name)
    found = DeltaTable(str(lake / name))
    assert (found.version(), rows_at(lake / name)) == (0, before)
    assert holders(lake / name, MAIL) == []


@FULL
def test_rows_that_a_deletion_vector_takes_out_go_too(lake: Path) -> None:
    path = lake / "vectors"
    write_deltalake(str(path), ROWS.slice(0, 200))
    (data,) = path.glob("*.parquet")
    vector = written(path, list(range(12)))
    add = {"path": data.name, "partitionValues": {}, "size": data.stat().st_size, "modificationTime": 1}
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, **{key: ["deletionVectors"] for key in _FEATURES}}
    actions = [
        {"protocol": protocol},
        {"remove": {"path": data.name, "dataChange": True, "deletionTimestamp": 1}},
        {"add": {**add, "dataChange": True, "stats": '{"numRecords": 200}', "deletionVector": vector}},
    ]
    log = "".join(json.dumps(action) + "\n" for action in actions)
    (path / "_delta_log/00000000000000000001.json").write_text(log)
    retired(lake, "vectors")
    (outcome,) = erased(lake)
    assert (outcome.done, status(lake, "vectors")) == (True, Status.QUARANTINED), outcome
    nothing_is_left(lake)
    give_back(lake, lake.parent / "state", "vectors")
    (data,) = path.glob("*.parquet")
    assert rows_at(data) == rows_at_table(ROWS.slice(12, 188))
    assert [file.name for file in path.iterdir() if file.name.startswith("deletion_vector")] == []


_FEATURES = ("readerFeatures", "writerFeatures")


def test_datasets_without_the_person_are_not_touched(lake: Path) -> None:
    pq.write_table(REST.slice(50, 200), lake / "others.parquet")
    pq.write_table(ROWS.select(["amount", "text"]).slice(0, 200), lake / "nameless.parquet")
    retired(lake, "others.parquet", "nameless.parquet")
    before = {path: path.read_bytes() for path in (lake / ".r2d2").rglob("*") if path.is_file()}
    write_parent(lake, REST)
    assert erased(lake) == []
    assert before == {path: path.read_bytes() for path in (lake / ".r2d2").rglob("*") if path.is_file()}


def test_a_file_that_nobody_knows_is_told_and_the_dataset_left_alone(lake: Path) -> None:
    name = crafted(lake)
    (lake / "crafted/_notes.txt").write_text(f"ask {MAIL}")
    retired(lake, name)
    before = {path: path.read_bytes() for path in (lake / ".r2d2/quarantine").rglob("*") if path.is_file()}
    (outcome,) = erased(lake)
    assert (outcome.done, "_notes.txt" in outcome.what) == (False, True)
    assert before == {path: path.read_bytes() for path in (lake / ".r2d2/quarantine").rglob("*") if path.is_file()}


@FULL
def test_a_number_in_a_struct_goes_as_a_text_does(lake: Path) -> None:
    name = sliced(lake)
    retired(lake, name)
    write_parent(lake, REST)
    assert [outcome.done for outcome in erased(lake, Keys(("user.ID",), ((str(NUMBER),),)))] == [True]
    for place in (lake / ".r2d2", lake.parent / "state"):
        assert holders(place, str(NUMBER)) == []
    give_back(lake, lake.parent / "state", name)
    assert len(rows_at(lake / name)) == 190


@FULL
def test_a_dataset_that_can_not_tell_people_is_named(lake: Path) -> None:
    name = sampled(lake)
    retired(lake, name)
    keys = Keys(("user.ID", "mail"), ((str(NUMBER), MAIL), ("1", "nobody")))
    (outcome,) = erased(lake, keys)
    assert (outcome.done, "lacks columns" in outcome.what) == (False, True)
    assert erased(lake, Keys(("user.ID", "mail"), (("1", "nobody"),))) == []
    assert [outcome.done for outcome in erased(lake)] == [True]
    nothing_is_left(lake)


class Killed(BaseException):
    """The process is gone."""


def steps_of(monkeypatch: pytest.MonkeyPatch, last: int) -> list[str]:
    """The changes of lake and state, by name; the process is killed before the one after ``last``."""
    seen: list[str] = []
    for kind, names in (
        (LakeWriter, ("put", "rename", "delete", "set_mode")),
        (Journal, ("append",)),
        (State, ("rewrite",)),
    ):
        for name in names:
            monkeypatch.setattr(kind, name, counted(getattr(kind, name), name, seen, last))
    return seen


def counted(real: Callable[..., Any], name: str, seen: list[str], last: int) -> Callable[..., Any]:
    def step(*args: Any, **kwargs: Any) -> Any:
        if len(seen) >= last:
            raise Killed
        seen.append(name)
        return real(*args, **kwargs)

    return step


@FULL
def test_files_that_were_being_written_when_a_process_was_killed_go_with_the_rows(lake: Path) -> None:
    name = sliced(lake)
    retired(lake, name)
    write_parent(lake, REST)
    state, (quarantine,) = lake.parent / "state", (lake / ".r2d2/quarantine").iterdir()
    left = [state / ".r2d2-1", state / "journal/.r2d2-2", quarantine / ".r2d2-3"]
    for path in left:
        path.write_bytes(KEYS.to_csv())
    assert [outcome.done for outcome in erased(lake)] == [True]
    nothing_is_left(lake)
    left[0].write_bytes(KEYS.to_csv())
    recover_all(lake, state)
    nothing_is_left(lake)


@pytest.mark.parametrize("after", some(list(range(1, 31)), 1))
def test_an_erasure_that_is_killed_is_gone_on_with(lake: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    name = crafted(lake)
    before = rows_at(lake / name)
    retired(lake, name)
    write_parent(lake, REST)
    with monkeypatch.context() as patch:
        seen = steps_of(patch, after)
        with suppress(Killed):
            erased(lake)
    assert len(seen) == after
    if unfinished_erasure(Journal(opened(lake.parent / "state")).records):
        with pytest.raises(StateError, match="erasure"):
            erased(lake)
        recover_all(lake, lake.parent / "state")
    else:
        recover_all(lake, lake.parent / "state")
        assert not (lake.parent / "state/erasing.csv").exists()
        erased(lake)
    nothing_is_left(lake)
    give_back(lake, lake.parent / "state", name)
    assert rows_at(lake / name) == without_person(before)
