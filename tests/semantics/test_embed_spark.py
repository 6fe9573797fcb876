"""Embedding by Spark's workers gives what embedding on the driver gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from r2d2.config import SemanticsSettings
from r2d2.errors import EnvironmentMissing
from r2d2.lake.kernels import run_here
from r2d2.semantics.embed import on_spark
from r2d2.semantics.embed.embedder import embedder_of
from r2d2.semantics.embed.on_spark import SparkEmbedder
from tests.sampling import FULL

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TEXTS = [f"customer order {number}" for number in range(40)] + ["", "half \udc80", "customer order 1"]
SETTINGS = SemanticsSettings(embed_on="spark")


@pytest.mark.spark
def test_workers_give_what_the_driver_gives(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_spark, "_TASK", 16)
    model = embedder_of(SETTINGS, spark)
    assert isinstance(model, SparkEmbedder)
    own = embedder_of(SETTINGS)
    assert (model.name, model.dimensions) == (own.name, own.dimensions)
    assert np.array_equal(model.embed(TEXTS), own.embed(TEXTS))
    assert model.embed([]).shape == (0, own.dimensions)


@FULL
@pytest.mark.spark
def test_a_worker_with_other_weights_does_not_embed(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_spark, "_TASK", 16)
    model = replace(SparkEmbedder.of(spark, SETTINGS), name="wordllama-256@other")
    with pytest.raises(EnvironmentMissing, match="worker of Spark: the model is wordllama-256"):
        model.embed(TEXTS)


def test_a_session_is_used_only_where_the_settings_say_so() -> None:
    assert not isinstance(embedder_of(SemanticsSettings(), spark=object()), SparkEmbedder)  # type: ignore[arg-type]


def test_a_worker_loads_its_model_once() -> None:
    on_spark._loaded.cache_clear()
    kernel = on_spark.Embed(SETTINGS, embedder_of(SETTINGS).name)
    tasks = on_spark.tasks_of(TEXTS)
    first, again = run_here(tasks, kernel, on_spark._RESULTS), run_here(tasks, kernel, on_spark._RESULTS)
    assert first.equals(again)
    assert on_spark._loaded.cache_info().misses == 1


def test_a_worker_without_the_model_says_why() -> None:
    kernel = on_spark.Embed(SemanticsSettings(model="no/such model"), "any")
    (told,) = run_here(on_spark.tasks_of(TEXTS), kernel, on_spark._RESULTS).to_pylist()
    assert told["vector"] is None
    assert "not installed" in told["problem"] or "no such model" in told["problem"]
