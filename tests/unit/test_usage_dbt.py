"""dbt manifests: what models write, what depends on it, who owns it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from r2d2.model.usage import Consumer, Job, Usage
from tests.usage_fakes import collected, dataset, usages

RAW, STAGED = dataset("catalog:raw/orders", "s3://wh/raw.db/orders"), dataset("staged/orders")
MART = dataset("catalog:main.mart/orders", "s3://wh/mart.db/orders")
LAKE = [RAW, STAGED, MART]


def model(name: str, *depends_on: str, **more: Any) -> dict[str, Any]:
    """A model as dbt-core 1.10 writes it, without what is of no use here."""
    config = {"enabled": True, "materialized": "table", "meta": {}, **more.pop("config", {})}
    return {
        "database": "main",
        "schema": "mart",
        "name": name,
        "resource_type": "model",
        "unique_id": f"model.shop.{name}",
        "alias": name,
        "tags": [],
        "meta": {},
        "group": None,
        "config": config,
        "relation_name": f'"main"."mart"."{name}"',
        "depends_on": {"macros": [], "nodes": list(depends_on)},
        **more,
    }


def manifest(directory: Path, *models: dict[str, Any], **more: Any) -> str:
    source = {
        "database": "main",
        "schema": "raw",
        "name": "orders",
        "identifier": "orders",
        "resource_type": "source",
        "relation_name": '"main"."raw"."orders"',
        "meta": {"owner": "@ingest"},
        "config": {"enabled": True},
    }
    exposure = {"name": "board", "type": "dashboard", "depends_on": {"nodes": ["model.shop.orders"]}}
    content = {
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"},
        "nodes": {node["unique_id"]: node for node in models},
        "sources": {"source.shop.raw.orders": source},
        "exposures": {"exposure.shop.board": exposure},
        "groups": {"group.shop.fin": {"name": "fin", "owner": {"email": "fin@corp", "name": None}}},
        "disabled": {},
        **more,
    }
    (directory / "manifest.json").write_text(json.dumps(content))
    return str(directory / "manifest.json")


STAGE = model("stg", "source.shop.raw.orders", config={"location": "s3a://lake/staged/orders"}, relation_name="x.y.stg")
ORDERS = model("orders", "model.shop.inner", group="fin", tags=["gold", "daily"])
INNER = model("inner", "model.shop.stg", config={"materialized": "ephemeral"}, relation_name=None)


def test_models_write_and_read_tables_also_through_ephemeral_ones(tmp_path: Path) -> None:
    found = usages(LAKE, dbt_manifest=manifest(tmp_path, STAGE, ORDERS, INNER))
    assert found["catalog:raw/orders"] == Usage(
        "catalog:raw/orders",
        consumers=(Consumer("model.shop.stg", "model", "dbt"),),
        owner="@ingest",
        owner_source="dbt",
    )
    assert found["staged/orders"] == Usage(
        "staged/orders",
        producers=(Job("model.shop.stg", "dbt", None, live=True),),
        consumers=(
            Consumer("model.shop.inner", "model", "dbt"),
            Consumer("model.shop.orders", "model", "dbt"),
        ),
        upstream=("catalog:raw/orders",),
    )
    assert found["catalog:main.mart/orders"] == Usage(
        "catalog:main.mart/orders",
        producers=(Job("model.shop.orders", "dbt", None, live=True),),
        consumers=(Consumer("board", "exposure", "dbt"),),
        upstream=("staged/orders",),
        owner="fin@corp",
        owner_source="dbt",
        tags=frozenset({"gold", "daily"}),
    )


def test_a_disabled_model_is_a_producer_that_is_not_live(tmp_path: Path) -> None:
    disabled = {"model.shop.stg": [STAGE | {"config": {**STAGE["config"], "enabled": False}}]}
    found = usages(LAKE, dbt_manifest=manifest(tmp_path, disabled=disabled))
    assert found["staged/orders"].producers == (Job("model.shop.stg", "dbt", None, live=False),)


def test_tests_and_analyses_are_no_consumers(tmp_path: Path) -> None:
    test = model("unique", "model.shop.orders", resource_type="test")
    found = usages(LAKE, dbt_manifest=manifest(tmp_path, ORDERS, test))
    assert [each.kind for each in found["catalog:main.mart/orders"].consumers] == ["exposure"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "it is not JSON"),
        ("[1]", "it is not a JSON object"),
        ('{"results": []}', "it is no manifest.json of dbt"),
        ("[" * 100_000, "it is not JSON"),
    ],
)
def test_what_is_no_manifest_is_a_problem(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    assert what in collected(LAKE, dbt_manifest=str(tmp_path / "manifest.json")).problems[0].what


@pytest.mark.parametrize("odd", [None, 7, [], "x", {"nodes": 3}, {"nodes": [None, {"a": 1}, 5]}])
def test_parts_of_another_shape_are_passed_over(tmp_path: Path, odd: Any) -> None:
    node = model("orders", depends_on=odd, tags=odd, meta=odd, config=odd if isinstance(odd, dict) else {}, group=odd)
    text = manifest(
        tmp_path, node, exposures={"e": {"depends_on": odd}, "f": odd}, groups={"g": odd}, disabled={"d": odd}
    )
    assert usages(LAKE, dbt_manifest=text)["catalog:main.mart/orders"].producers
