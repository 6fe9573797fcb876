"""The logs of the Delta tables of delta-rs: each gives its files, also those that are missing, or names the feature."""

from __future__ import annotations

from pathlib import Path

from r2d2.errors import UnsupportedData
from r2d2.lake.delta_log import read_delta
from r2d2.lake.local_storage import LocalStorage

#: Active files of each table (a plain count of adds less removes gives the same), or what it is refused for.
FILES: dict[str, int | str] = {
    "COVID-19_NYT": 8,
    "cdc_ict_table": 2,
    "cdf-table": 9,
    "cdf-table-non-partitioned": 11,
    "cdf-table-with-cdc-and-dvs": "deletionVectors",
    "checkpoint-cdf-table": 13,
    "checkpoint-v2-table": 8,
    "checkpoint_with_partitions": 2,
    "checkpoints": 12,
    "checkpoints_vacuumed": 12,
    "concurrent_workers": 0,
    "delta-0.2.0": 3,
    "delta-0.8-empty": 0,
    "delta-0.8.0": 2,
    "delta-0.8.0-date": 1,
    "delta-0.8.0-null-partition": 2,
    "delta-0.8.0-numeric-partition": 2,
    "delta-0.8.0-partitioned": 6,
    "delta-0.8.0-special-partition": 2,
    "delta-1.2.1-only-struct-stats": 12,
    "delta-2.2.0-partitioned-types": 3,
    "delta-checkpoint-stats-optional": 2,
    "delta-live-table": 0,
    "delta-stats-optional": 2,
    "golden/data-reader-array-primitives": 2,
    "http_requests": 2,
    "issue-2152": 0,
    "issue_1374": 2,
    "latest_not_checkpointed": 1,
    "partition-type-primitives": 16,
    "python-0.25.5-checkpoint": 2,
    "simple_commit": 0,
    "simple_table": 5,
    "simple_table_features": "blahabl",
    "simple_table_with_cdc": 1,
    "simple_table_with_checkpoint": 11,
    "spark-shredded-variant-preview-delta": "variantShredding-preview, variantType",
    "spark-variant-checkpoint": "variantType-preview",
    "spark-variant-stable-feature-checkpoint": "variantType",
    "table-with-domain-metadata": 109,
    "table-with-dv-small": "deletionVectors",
    "table-without-dv-small": 1,
    "table_failed_last_checkpoint_update": 4,
    "table_with_column_mapping": "columnMapping",
    "table_with_deletion_logs": "deletionVectors",
    "table_with_edge_timestamps": 2,
    "table_with_liquid_clustering": 10,
    "table_with_null_stats_in_notnull_struct": 2,
    "table_with_partitioning_mapping": "columnMapping",
    "with_checkpoint_no_last_checkpoint": 1,
}


def test_every_log_of_delta_rs_gives_its_files_or_a_clear_refusal(inputs: Path) -> None:
    tables = inputs / "delta-rs/crates/test/tests/data"
    found: dict[str, int | str] = {}
    for log in sorted(tables.rglob("_delta_log")):
        name = str(log.parent.relative_to(tables))
        try:
            found[name] = len(read_delta(LocalStorage(), str(log.parent)).files)
        except UnsupportedData as error:
            expected = str(FILES.get(name))
            found[name] = expected if expected in str(error) else str(error)
    assert found == FILES
