"""After an erasure no byte of a person is in quarantine or state, no restore brings the person back, and others are."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from r2d2.model.receipt import Status
from r2d2.recovery.apply import Outcome
from r2d2.recovery.erase import erase
from r2d2.recovery.erase_keys import Keys
from tests.recovery.bytes_of import holders
from tests.recovery_runs import at_work, give_back, receipt_of, retire

N, WHO = 400, 37
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
        (lake / f"people/mail={mail}/x=1").mkdir(parents=True)
        own = ROWS.filter(pc.equal(ROWS["mail"], mail)).select(["amount", "text"])
        pq.write_table(pa.concat_tables([own] * 1), lake / f"people/mail={mail}/x=1/part-0.parquet")
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


@pytest.mark.parametrize("make", CHILDREN)
def test_a_person_goes_from_quarantine_and_stays_away(lake: Path, make: Callable[[Path], str]) -> None:
    name = make(lake)
    before = rows_at(lake / name)
    (done,) = retire(lake, lake.parent / "state", (name, "all.parquet"))
    assert done.done, done.what
    assert holders(lake / ".r2d2", MAIL) != []
    write_parent(lake, REST)
    (outcome,) = erased(lake)
    assert (outcome.done, outcome.dataset) == (True, name), outcome
    nothing_is_left(lake)
    assert receipt_of(lake.parent / "state", name).status is Status.QUARANTINED
    give_back(lake, lake.parent / "state", name)
    assert rows_at(lake / name) == without_person(before)
    nothing_is_left(lake)
