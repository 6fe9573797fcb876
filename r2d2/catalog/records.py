"""Rows of the state tables from the model's objects, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from r2d2.catalog.codec import pack_leaf, unpack_leaf
from r2d2.model.dataset import Dataset, OtherFiles
from r2d2.model.edge import Edge, Grade, Projection, Witness
from r2d2.model.packing import pack_file, unpack_file
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.model.source import SparkSource

Row = dict[str, Any]


def dataset_row(run_id: str, dataset: Dataset) -> Row:
    """A row of ``datasets``; what commands filter and show stands in columns, the rest in ``detail``."""
    detail = {
        "files": [pack_file(file) for file in dataset.files],
        "readers": dataset.readers,
        "leaves": [pack_leaf(leaf) for leaf in dataset.leaves],
        "modified_ns": dataset.modified_ns,
        "partition_columns": dataset.partition_columns,
        "properties": dict(dataset.properties),
        "pins": dataset.pins,
        "shared_with": dataset.shared_with,
        "others": dataset.others,
        "source": dataset.source.to_json() if dataset.source else "",
        "retirable": dataset.retirable,
    }
    return {
        "run_id": run_id,
        "dataset": dataset.id,
        "format": dataset.format,
        "location": dataset.location,
        "version": dataset.version,
        "rows": dataset.rows,
        "bytes": dataset.bytes,
        "columns": len({leaf.path[0] for leaf in dataset.leaves}),
        "names": list(dataset.names),
        "status": dataset.status,
        "reason": dataset.reason,
        "detail": json.dumps(detail, default=str),
    }


def dataset_of(row: Mapping[str, Any]) -> Dataset:
    """The reverse of ``dataset_row``."""
    detail = json.loads(row["detail"])
    return Dataset(
        id=row["dataset"],
        format=row["format"],
        location=row["location"],
        version=row["version"],
        files=tuple(unpack_file(raw) for raw in detail["files"]),
        readers=tuple(detail["readers"]),
        leaves=tuple(unpack_leaf(raw) for raw in detail["leaves"]),
        rows=row["rows"],
        bytes=row["bytes"],
        modified_ns=detail["modified_ns"],
        partition_columns=tuple(detail["partition_columns"]),
        properties=detail["properties"],
        names=tuple(row["names"]),
        pins=tuple(detail["pins"]),
        shared_with=tuple(detail["shared_with"]),
        others=tuple(OtherFiles(*group) for group in detail.get("others", ())),  # states of older versions lack it
        source=SparkSource.from_json(detail["source"]) if detail.get("source") else None,
        retirable=detail.get("retirable", True),
        status=row["status"],
        reason=row["reason"],
    )


def edge_row(run_id: str, edge: Edge) -> Row:
    """A row of ``edges``."""
    witness = edge.witness
    return {
        "run_id": run_id,
        "parent": edge.parent,
        "child": edge.child,
        "grade": edge.grade.value,
        "rows_child": edge.rows_child,
        "rows_parent": edge.rows_parent,
        "equal": edge.equal,
        "how": edge.how,
        "reason": edge.reason,
        "projection": pack_projection(edge.projection),
        "predicate": edge.predicate,
        "row_hash": witness.row_hash if witness else None,
        "in_child": witness.in_child if witness else None,
        "in_parent": witness.in_parent if witness else None,
    }


def edge_of(row: Mapping[str, Any]) -> Edge:
    """The reverse of ``edge_row``."""
    witness = Witness(row["row_hash"], row["in_child"], row["in_parent"]) if row["row_hash"] else None
    return Edge(
        parent=row["parent"],
        child=row["child"],
        grade=Grade(row["grade"]),
        rows_child=row["rows_child"],
        rows_parent=row["rows_parent"],
        equal=row["equal"],
        how=row["how"],
        reason=row["reason"],
        projection=unpack_projection(row["projection"]),
        predicate=row["predicate"],
        witness=witness,
    )


def plan_rows(run_id: str, plan: Plan) -> list[Row]:
    """Rows of ``plan``, in the plan's order."""
    return [
        {
            "run_id": run_id,
            "plan": plan.number,
            "position": position,
            "dataset": entry.dataset,
            "version": entry.version,
            "action": entry.action.value,
            "parent": entry.parent,
            "parent_version": entry.parent_version,
            "saving_per_month": entry.saving_per_month,
            "rebuild_cost": entry.rebuild_cost,
            "rebuild_seconds": entry.rebuild_seconds,
            "reason": entry.reason,
            "once_cost": entry.once_cost,
            "tier": entry.tier,
            "changes_if": entry.changes_if,
            "conditions": list(entry.conditions),
            "owner": entry.owner,
            "could_go": entry.could_go,
        }
        for position, entry in enumerate(plan.datasets)
    ]


def plan_head(run_id: str, plan: Plan, at: datetime) -> Row:
    """The row of ``plans``."""
    return {
        "run_id": run_id,
        "plan": plan.number,
        "at": at,
        "datasets": len(plan.datasets),
        "retired": len(plan.retired),
        "total_saving_per_month": plan.total_saving_per_month,
        "bytes_retired": plan.bytes_retired,
        "solver": plan.solver,
        "optimal": plan.optimal,
        "currency": plan.currency,
        "findings": list(plan.findings),
        "run_cost": plan.run_cost,
    }


def plan_of(head: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Plan:
    """The reverse of ``plan_head`` and ``plan_rows``."""
    entries = tuple(
        PlannedDataset(
            row["dataset"],
            Action(row["action"]),
            row["parent"],
            row["saving_per_month"],
            row["rebuild_cost"],
            row["rebuild_seconds"],
            row["reason"],
            row["version"],
            row["parent_version"],
            row["once_cost"],
            row["tier"],
            row["changes_if"],
            tuple(row["conditions"]),
            row["owner"],
            row["could_go"],
        )
        for row in sorted(rows, key=lambda row: int(row["position"]))
    )
    return Plan(
        entries,
        head["total_saving_per_month"],
        head["bytes_retired"],
        head["solver"],
        head["optimal"],
        head["currency"],
        head["plan"],
        tuple(head["findings"]),
        head["run_cost"],
    )


def pack_projection(projection: Projection) -> str:
    """A projection as text; equal ones give equal text."""
    return json.dumps([[list(path), family] for path, family in projection], separators=(",", ":"))


@lru_cache(maxsize=1024)
def unpack_projection(text: str) -> Projection:
    """The reverse of ``pack_projection``; edges by the million have few different ones."""
    return tuple((tuple(path), family) for path, family in json.loads(text))
