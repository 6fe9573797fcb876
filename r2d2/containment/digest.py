"""The stored digest of a dataset's rows: what it was, in a form that outlives DuckDB and r2d2 (EXACTNESS 6).

SHA-256 over the canonical encoding of each row, summed modulo 2^256, with the number of rows and a hash of the columns;
``docs/encoding.md`` specifies it byte by byte. It does not depend on the order of rows, on files, formats or widths.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from r2d2.config import ContainmentSettings
from r2d2.containment.request import Request
from r2d2.containment.row_hash import FAST, RowHash, limb
from r2d2.containment.scan import Connect, open_sources, read_failure, task_connection
from r2d2.containment.scan_sql import hashed_rows
from r2d2.containment.scanner import Runner, scan_tasks
from r2d2.containment.schema_graph import schema_of
from r2d2.lake.json_nested import part
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Projection
from r2d2.model.family import STRING

_VERSION = "r2d2-1"
#: A digest of 256 bits is summed as four numbers of 64.
_LIMBS = 4
_RESULTS = pa.schema(
    [
        ("dataset", pa.int32()),
        ("rows", pa.int64()),
        *((f"limb{i}", pa.decimal128(38, 0)) for i in range(_LIMBS)),
        ("error", pa.string()),
    ]
)


@dataclass(frozen=True)
class StoredDigest:
    """Rows, SHA-256 of the columns, and the sum of the rows' SHA-256 modulo 2^256. Equal ones mean equal data."""

    rows: int
    columns: str
    total: int

    def __str__(self) -> str:
        return f"{_VERSION}:{self.rows}:{self.columns}:{self.total:064x}"


def columns_digest(projection: Projection) -> str:
    """SHA-256 of the leaves and their families, as hexadecimal digits."""
    leaves = "".join(
        f"{len(path)}[" + "".join(part(text, STRING) for text in (*path, family)) for path, family in projection
    )
    return hashlib.sha256(leaves.encode("utf-8")).hexdigest()


def stored_digests(
    datasets: Sequence[Dataset], settings: ContainmentSettings, run: Runner
) -> tuple[dict[int, StoredDigest], dict[int, str]]:
    """Digests of the usable datasets (by index) under their narrowest families, and why there is none of the others.

    Reads all their files once. A dataset whose files are not what the metadata says has no digest.
    """
    projections = {
        index: narrowest(dataset, settings.case_sensitive)
        for index, dataset in enumerate(datasets)
        if dataset.status == "ok" and dataset.leaves
    }
    return digests_under(datasets, projections, settings, run)


def narrowest(dataset: Dataset, case_sensitive: bool) -> Projection:
    """All leaves of a dataset, each under its narrowest family."""
    return tuple((path, families[0]) for path, families in schema_of(dataset, case_sensitive))


def digests_under(
    datasets: Sequence[Dataset], projections: Mapping[int, Projection], settings: ContainmentSettings, run: Runner
) -> tuple[dict[int, StoredDigest], dict[int, str]]:
    """The same for some datasets (by index) under given projections; of the datasets only files and rows are used."""
    wanted = {index: [Request(projection)] for index, projection in projections.items()}
    rows: dict[int, int] = defaultdict(int)
    totals: dict[int, int] = defaultdict(int)
    failed: dict[int, str] = {}
    for answer in run(scan_tasks(datasets, wanted, settings, FAST), digest_kernel, _RESULTS).to_pylist():
        index = answer["dataset"]
        if answer["error"] is not None:
            failed[index] = answer["error"]
        rows[index] += answer["rows"]
        totals[index] += sum(int(answer[f"limb{i}"]) << 64 * (_LIMBS - 1 - i) for i in range(_LIMBS))
    for index in projections:
        if index not in failed and rows[index] != datasets[index].rows:
            failed[index] = f"its metadata says {datasets[index].rows} rows, a scan found {rows[index]}"
    found = {
        index: StoredDigest(rows[index], columns_digest(projection), totals[index] % 2**256)
        for index, projection in projections.items()
        if index not in failed
    }
    return found, failed


def digest_kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps scan tasks to the sums of their rows' digests, or to the error that ends the dataset's part."""
    with task_connection() as connect:
        for batch in batches:
            for task in batch.to_pylist():
                try:
                    answer = {"error": None, **_summed(task, connect)}
                except Exception as error:  # noqa: BLE001  # recorded as the dataset's reason; the others go on
                    empty = {f"limb{i}": Decimal(0) for i in range(_LIMBS)}
                    answer = {"rows": 0, "error": read_failure(error), **empty}
                yield pa.RecordBatch.from_pylist([{"dataset": task["dataset"], **answer}], schema=_RESULTS)


def _summed(task: Mapping[str, Any], connect: Connect) -> dict[str, Any]:
    (request,) = [Request.from_json(text) for text in json.loads(task["requests"])]
    limbs = [f"sum({limb('d', i)})::DECIMAL(38,0)" for i in range(_LIMBS)]
    with open_sources(task, connect) as (con, sources):
        rows = hashed_rows(sources, [request.projection], [], RowHash(values=True))
        query = f"SELECT count(*), {', '.join(limbs)} FROM (SELECT sha256(row0) AS d FROM ({rows}))"
        (found,) = con.execute(query).fetchall()
    return {"rows": found[0], **{f"limb{i}": Decimal(found[i + 1] or 0) for i in range(_LIMBS)}}
