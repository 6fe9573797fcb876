"""What the page about the conformance inputs says in words."""

from __future__ import annotations

INTRODUCTION = """\
# Conformance inputs

What R2D2 makes of the public test files of apache/parquet-testing, delta-io/delta and delta-io/delta-rs. Made by
`python -m tests.conformance.table > docs/conformance.md`; a test fails when this page and the code differ.

**Read** means: discovery found the dataset, every row was scanned and counted against the metadata, and

* Parquet: pyarrow {pyarrow} reads as many rows. A copy that pyarrow wrote (no dictionaries, ZSTD, pages of version 2,
  other row groups) is proven to be contained in the original, and the original in the copy; a copy with one other
  value in one cell is contained in neither, nor contains one (`tests/conformance/test_conformance_parquet.py`: a cell
  of each file in CI, a cell of every column of each in `make test-full`).
* Delta: as many rows as DuckDB's delta extension 1.5.5 counted (`delta_tables.json`), and what Spark {pyspark} with
  Delta {delta-spark} reads is proven equal, both ways, with the same control (`test_conformance_delta.py`: six tables
  in CI, all in `make test-full`). Tables with the status `error` or without rows are so for Spark, too.
* Text: the values of `parquet-testing/data/delta_*_expect.csv` are proven equal to the Parquet files that they belong
  to.

The scans are DuckDB {duckdb}'s. **Refused** means: the dataset is listed with the status and the reason given here,
nothing in it takes part in a comparison, and the rest of the lake is compared as ever. All of it lies in one lake,
and one run over that lake ends well. {by_spark} Delta tables that files alone don't make up are noted as read by
Spark in a run, which finds the rows that DuckDB counted.

Where readers differ:

* Spark and DuckDB read `http_requests` and `issue_1374`, where a column is `timestamp` in the log and a time without
  a zone in the files. The Delta protocol says that the files of a `timestamp` must have `isAdjustedToUTC` set to
  `true`: log and files contradict each other, and R2D2 does not choose.
* A partition value `1969-01-01 00:00:00` of a `timestamp` column (`kernel-timestamp-*`) has no zone. The protocol
  allows it beside the form in UTC; Spark takes it for a time of the session's zone, so it is another instant on
  another machine. R2D2 reads the form that names UTC (`kernel-timestamp-partition-col-ISO8601`).
* A partition value of a `float` column is a decimal number that is not the float itself; each reader rounds it in its
  own way.
* A log without a schema (`canonicalized-paths-*` and others) is refused by Spark ("you are trying to read a Delta
  table without columns"), by DuckDB and by R2D2.
* Spark refuses `cdc_ict_table`, because the log was edited and the checksum files that Hadoop keeps beside it were
  not. Without those files, which the Delta protocol does not know, it reads what R2D2 reads.
* Checksums of Parquet pages are not looked at, as pyarrow and Spark don't look at them unless asked to. A damaged
  page that can still be read is compared by the values that these readers give, so it is not contained where the
  undamaged one is.
* A footer with the key `org.apache.spark.legacyDateTime` (`delta-stats-optional` and others) has its dates in the
  calendar that lost ten days in 1582; DuckDB reads them as if they were in ours, so R2D2 refuses the file.
"""

_GOLDEN = "delta/connectors/golden-tables/src/main/resources/golden"
#: Delta tables that the files alone don't make up. They are looked at without Spark here; a run reads them by Spark.
BY_SPARK = (
    f"{_GOLDEN}/data-reader-timestamp_ntz-id-mode",
    f"{_GOLDEN}/data-skipping-basic-stats-all-types-columnmapping-id",
    f"{_GOLDEN}/type-widening",
    "delta/kernel/kernel-defaults/src/test/resources/column-mapping-id",
)
#: Input → what is to be said about it beside its rows or the reason.
NOTES = {
    **dict.fromkeys(BY_SPARK, "a run reads it by Spark"),
    "parquet-testing/data/large_string_map.brotli.parquet": "4 kB on disk, 2 GB of text in two rows",
    "parquet-testing/data/datapage_v1-corrupt-checksum.parquet": "one bit of each column is damaged, see above",
    "parquet-testing/data/rle-dict-uncompressed-corrupt-checksum.parquet": "its checksums are wrong, see above",
    "parquet-testing/data/repeated_no_annotation.parquet": "the footer gives 0 rows, its row group 6",
    "parquet-testing/bad_data/ARROW-GH-45185.parquet": "its repetition levels begin inside of a list",
    "parquet-testing/bad_data/ARROW-GH-47662.parquet": "a required column lacks values",
}
