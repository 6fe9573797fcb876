"""What the docs say about the inputs is so, every refusal is fit to be shown, and a run over all ends well."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conformance.inputs import Finding, counted_rows
from tests.conformance.notes import BY_SPARK
from tests.conformance.table import markdown
from tests.containment_runs import contained, proven_pairs
from tests.states import results, run_job

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PAGE = Path(__file__).resolve().parents[2] / "docs/conformance.md"
GOLDEN = "delta/connectors/golden-tables/src/main/resources/golden"
DATA = "parquet-testing/data"
#: Pairs of the archive that hold, both ways: one table in two places, one data set in two encodings, as text and typed.
EQUAL = {
    (f"{GOLDEN}/data-reader-array-primitives", "delta-rs/crates/test/tests/data/golden/data-reader-array-primitives"),
    ("delta/spark/src/test/resources/delta/history/delta-0.2.0", "delta-rs/crates/test/tests/data/delta-0.2.0"),
    (f"{DATA}/alltypes_tiny_pages.parquet", f"{DATA}/alltypes_tiny_pages_plain.parquet"),
    (f"{DATA}/byte_array_decimal.parquet", f"{DATA}/int32_decimal.parquet"),
    (f"{DATA}/int64_decimal.parquet", f"{DATA}/fixed_length_decimal_legacy.parquet"),
    (f"{DATA}/datapage_v1-uncompressed-checksum.parquet", f"{DATA}/datapage_v1-snappy-compressed-checksum.parquet"),
    (f"{DATA}/delta_byte_array.parquet", f"{DATA}/delta_byte_array_expect.csv"),
}
DAMAGED = f"{DATA}/datapage_v1-corrupt-checksum.parquet"


def test_the_page_in_the_docs_says_what_the_code_does_now(inputs: Path, findings: list[Finding]) -> None:
    """If this fails: ``python -m tests.conformance.table > docs/conformance.md``, and look at the difference."""
    assert markdown(inputs, findings).splitlines() == PAGE.read_text(encoding="utf-8").splitlines()


def test_every_refusal_is_one_line_for_a_data_owner(inputs: Path, findings: list[Finding]) -> None:
    """No text of an exception, no place on this machine, no control characters."""
    refused = [finding for finding in findings if finding.status not in ("ok", "empty")]
    assert len(refused) > 200
    for finding in refused:
        assert finding.status in ("unsupported", "unprovable", "error")
        assert 10 <= len(finding.reason) <= 300, finding
        assert finding.reason.isprintable(), finding
        assert str(inputs) not in finding.reason, finding
        assert not re.search(r"\w(Error|Exception)\b|Traceback|None\b", finding.reason), finding


def test_all_inputs_as_one_lake_are_compared_and_copies_are_found(findings: list[Finding]) -> None:
    found = contained([finding.dataset for finding in findings])
    single = {finding.name: finding.status for finding in findings}
    # a dataset that nothing is compared with is not scanned, so that what only a scan finds is not found
    odd = {d.id: d.status for d in found.datasets if d.status not in (single[d.id], "ok")}
    assert odd == {}
    assert {dataset.id for dataset in found.datasets} == set(single)
    assert proven_pairs(found) >= EQUAL | {(child, parent) for parent, child in EQUAL}


def test_a_page_with_a_wrong_checksum_is_not_contained_where_the_undamaged_page_is(findings: list[Finding]) -> None:
    found = proven_pairs(contained([finding.dataset for finding in findings if DATA in finding.name]))
    assert not [pair for pair in found if DAMAGED in pair]


@pytest.mark.spark
@pytest.mark.full
def test_the_main_job_over_all_inputs_ends_with_every_one_of_them_in_its_state(
    inputs: Path, findings: list[Finding], spark: SparkSession, tmp_path: Path
) -> None:
    run_job(inputs, tmp_path / "state")
    found = results(tmp_path / "state")
    listed = {f.name: f for f in findings if not f.name.endswith(".encrypted")}
    assert {dataset["dataset"] for dataset in found["datasets"]} == set(listed)
    for dataset in found["datasets"]:
        single = listed[dataset["dataset"]]
        if single.name in BY_SPARK:
            assert (dataset["error"], dataset["rows"]) == ("", counted_rows(inputs)[single.name])
            continue
        unread = "" if single.status in ("ok", "unprovable") else f"{single.status}: {single.reason}"
        assert dataset["error"] in (unread, f"{single.status}: {single.reason}")
    assert found["pairs"] >= EQUAL | {(child, parent) for parent, child in EQUAL}
