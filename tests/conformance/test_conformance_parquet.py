"""The Parquet files of apache/parquet-testing and delta-io/delta: rows and values are those that pyarrow reads."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conformance.copies import differences
from tests.conformance.inputs import Finding, read_by_pyarrow
from tests.containment_runs import candidate, contained, data_file, datasets_of, proven_pairs

SEED = int(os.environ.get("R2D2_SEED", "0"))


@pytest.fixture(scope="module")
def readable(findings: list[Finding]) -> list[Finding]:
    """Parquet files and directories of them that R2D2 reads."""
    return [f for f in findings if f.dataset.format == "parquet" and f.status in ("ok", "empty")]


def test_every_parquet_file_that_is_read_has_the_rows_that_pyarrow_reads(readable: list[Finding]) -> None:
    found = {f.name: f.dataset.rows for f in readable}
    assert found == {f.name: read_by_pyarrow(f.path).num_rows for f in readable}
    assert len(found) >= 45


def test_every_parquet_file_that_is_read_has_the_values_that_pyarrow_reads(
    readable: list[Finding], tmp_path: Path
) -> None:
    """One cell of one column is changed in the third dataset, and it is proven equal to neither."""
    chooser = random.Random(SEED)
    wrong: dict[str, set[tuple[str, str]]] = {}
    for finding in (f for f in readable if f.status == "ok"):
        table = read_by_pyarrow(finding.path)
        cells = [(chooser.randrange(table.num_columns), chooser.randrange(table.num_rows))]
        wrong |= differences(finding, table, cells, tmp_path)
    assert wrong == {}


@pytest.mark.parametrize(
    "name",
    ["delta_binary_packed", "delta_byte_array", "delta_encoding_optional_column", "delta_encoding_required_column"],
)
def test_files_with_delta_encodings_hold_what_the_csv_files_beside_them_say(
    inputs: Path, tmp_path: Path, name: str
) -> None:
    """Two of the CSV files spell the names of columns otherwise, so each gets the names of the Parquet file."""
    parquet = inputs / f"parquet-testing/data/{name}.parquet"
    names = pq.read_schema(parquet).names
    body = parquet.with_name(f"{name}_expect.csv").read_text(encoding="utf-8").partition("\n")[2]
    text = tmp_path / "expected.csv"
    text.write_text(",".join(f'"{column}"' for column in names) + f"\n{body}", encoding="utf-8")
    files = [
        candidate("read", "parquet", [data_file(parquet)], parquet),
        candidate("csv", "csv", [data_file(text)], text),
    ]
    proven = proven_pairs(contained(datasets_of(files)))
    assert proven == {("read", "csv"), ("csv", "read")}


@pytest.mark.full
def test_a_change_in_any_column_of_any_parquet_file_is_seen(readable: list[Finding], tmp_path: Path) -> None:
    wrong: dict[str, set[tuple[str, str]]] = {}
    for finding in (f for f in readable if f.status == "ok"):
        table = read_by_pyarrow(finding.path)
        chooser = random.Random(finding.name)
        cells = [(column, chooser.randrange(table.num_rows)) for column in range(table.num_columns)]
        wrong |= differences(finding, table, cells, tmp_path)
    assert wrong == {}
