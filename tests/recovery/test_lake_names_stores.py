"""Whatever objects are named, they go, come back under their own names, and touch no other key (DESIGN 4, rule 6)."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.recovery.apply import apply
from r2d2.recovery.records.receipts import of_dataset
from r2d2.recovery.restore import restore
from tests.recovery_runs import ALL, approve, at_work, plan_of, purge_all

ROWS = pa.table({"id": pa.array(range(300), pa.int64()), "text": [f"row {n}" for n in range(300)]})
NAMES = [
    'it\'s "odd"',
    "a%2Fb%20c",
    "plus + space",
    "😀?x&y#z",
    "*[a]{b}",
    "back\\slash",
    "$(x);--yes",
    "~",
    "...",
    "a..b",
]
#: Keys that look like the lake's, or would lead out of it for who takes dots for directories.
OUTSIDE = ["lake2/part-0.parquet", "lakes", "outside/x.parquet", "lake/../outside/y.parquet", "lake//z.parquet"]


@pytest.fixture
def lake(s3: str, other_client: Any) -> str:
    sink = io.BytesIO()
    pq.write_table(ROWS, sink)
    keys = ["lake/kept.parquet", *(f"lake/{name}/part-0.parquet" for name in NAMES), *OUTSIDE]
    for key in keys:
        other_client.put_object(Bucket=s3, Key=key, Body=sink.getvalue())
    return f"s3://{s3}/lake"


def objects(bucket: str, client: Any) -> dict[str, bytes]:
    """All of a bucket but what R2D2 keeps there."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    own = [key for key in keys if ".r2d2" not in key.split("/") and not key.startswith("state/")]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in own}


@pytest.mark.full
@pytest.mark.parametrize("how", ["in-place", "move"])
def test_objects_of_any_name_go_and_come_back(lake: str, s3: str, other_client: Any, how: str) -> None:
    before, state = objects(s3, other_client), f"s3://{s3}/state"
    for purged in (False, True):
        with at_work(lake, state, f"recovery.objects={how}") as recovery:
            children = [name for name in recovery.datasets() if name != "kept.parquet"]
            plan = plan_of(recovery, *((child, "kept.parquet") for child in children))
            outcomes = list(apply(recovery, plan, approve(plan, ALL), lambda _: True))
        assert [outcome for outcome in outcomes if not outcome.done] == []
        assert len(outcomes) >= len(NAMES) - 1
        if purged:
            assert [outcome for outcome in purge_all(lake, state) if not outcome.done] == []
            assert set(OUTSIDE) <= objects(s3, other_client).keys()
        with at_work(lake, state) as recovery:
            for outcome in outcomes:
                restore(recovery, of_dataset(recovery.receipts, outcome.dataset))
        after = objects(s3, other_client)
        assert after.keys() == before.keys()
        assert {key: after[key] for key in OUTSIDE} == {key: before[key] for key in OUTSIDE}
        assert purged or after == before
