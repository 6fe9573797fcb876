"""In a store a person goes from what is retired in place, as from what was moved; the state may lie there, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from r2d2.lake.object_client import delta_options
from r2d2.lake.storage import storage_for
from r2d2.model.receipt import Status
from r2d2.recovery.erase.erase import erase
from tests.recovery.bytes_of import holders
from tests.recovery.test_erase import KEYS, MAIL, REST, ROWS
from tests.recovery_runs import at_work, give_back, receipt_of, retire
from tests.sampling import some


def put_rows(path: str, rows: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    storage_for(path).put(path, sink.getvalue().to_pybytes())


def fetched(url: str, into: Path) -> Path:
    """All objects below a URL, as files."""
    for found in storage_for(url).tree(url, []).files:
        (into / found.name).parent.mkdir(parents=True, exist_ok=True)
        (into / found.name).write_bytes(storage_for(url).read_bytes(found.stat.path))
    return into


def rows_of(url: str, into: Path) -> list[dict[str, Any]]:
    options = delta_options(url)
    if url.endswith("/t"):
        found = DeltaTable(url, storage_options=options).to_pyarrow_table()
    else:
        found = pq.read_table(fetched(url, into))
    return sorted(found.select(sorted(found.column_names)).to_pylist(), key=str)


@pytest.mark.parametrize("case", some([("d", "in-place"), ("d", "move"), ("t", "in-place")], 1))
def test_a_person_goes_from_what_is_retired_in_a_store(s3: str, tmp_path: Path, case: tuple[str, str]) -> None:
    name, objects = case
    lake, state, override = f"s3://{s3}/lake", f"s3://{s3}/state", f"recovery.objects={objects}"
    put_rows(f"{lake}/all.parquet", ROWS)
    put_rows(f"{lake}/d/part-0.parquet", ROWS.slice(0, 150))
    put_rows(f"{lake}/d/part-1.parquet", REST.slice(200, 100))
    write_deltalake(f"{lake}/t", ROWS.slice(0, 250), storage_options=delta_options(f"{lake}/t"))
    before = rows_of(f"{lake}/{name}", tmp_path / "before")
    (done,) = retire(lake, state, (name, "all.parquet"), overrides=[override])
    assert done.done, done
    put_rows(f"{lake}/all.parquet", REST)
    with at_work(lake, state, override) as recovery:
        (outcome,) = erase(recovery, KEYS)
    assert (outcome.done, receipt_of(state, name).status) == (True, Status.QUARANTINED), outcome
    kept = "d" if name == "t" else "t"
    found = [held for held in holders(fetched(f"s3://{s3}", tmp_path / "after"), MAIL) if f"lake/{kept}/" not in held]
    assert found == []
    give_back(lake, state, name)
    assert rows_of(f"{lake}/{name}", tmp_path / "again") == [row for row in before if row["mail"] != MAIL]
