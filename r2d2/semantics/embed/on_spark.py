"""Embedding by Spark's workers, each of which loads the model once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from r2d2.config import SemanticsSettings
from r2d2.errors import EnvironmentMissing, R2D2Error
from r2d2.lake.kernels import in_jobs
from r2d2.lake.spark_files import Access
from r2d2.lake.workers import Workers
from r2d2.semantics.embed.embedder import Embedder, embedder_of, encodable
from r2d2.semantics.embed.vectors import as_lists, from_lists
from r2d2.semantics.tree import Floats

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Texts of a task: enough that a batch of a model is full, few enough that there is work for all.
_TASK = 4096
#: A worker that can't embed says so in a row without a vector: Spark's own words tell nothing of why.
_RESULTS = pa.schema([("row", pa.int32()), ("vector", pa.list_(pa.float32())), ("problem", pa.string())])


@dataclass(frozen=True)
class SparkEmbedder:
    """A model on Spark's workers.

    Attributes:
        settings: what each worker makes its model of.
        name, dimensions: of the model on the driver, which theirs has to be.
    """

    spark: SparkSession
    settings: SemanticsSettings
    name: str
    dimensions: int

    @classmethod
    def of(cls, spark: SparkSession, settings: SemanticsSettings) -> SparkEmbedder:
        """As ``embedder_of``."""
        model = embedder_of(settings)
        return cls(spark, settings, model.name, model.dimensions)

    def embed(self, texts: Sequence[str]) -> Floats:
        """As of every embedder.

        Raises:
            EnvironmentMissing: a worker lacks the model.
            ScanError: a job failed as a whole.
        """
        found = np.zeros((len(texts), self.dimensions), np.float32)
        workers, kernel = Workers(self.spark, Access.OPENED), Embed(self.settings, self.name)
        for job in in_jobs(tasks_of(texts), [4 * self.dimensions] * len(texts)):
            results = workers.map_tasks(job, kernel, _RESULTS)
            if problems := pc.unique(results["problem"].drop_null()).to_pylist():
                raise EnvironmentMissing(f"on a worker of Spark: {problems[0]}", "install there what is installed here")
            found[results["row"].to_numpy()] = from_lists(results["vector"], self.dimensions)
        return found


def tasks_of(texts: Sequence[str]) -> pa.Table:
    """The kernel's input."""
    rows = np.arange(len(texts), dtype=np.int32)
    clean = pa.array([encodable(text) for text in texts], pa.string())
    return pa.table({"task": rows // _TASK, "row": rows, "text": clean})


@dataclass(frozen=True)
class Embed:
    """The kernel: rows of texts → rows of vectors.

    Attributes:
        name: the model's; a worker on which other weights have its place must not embed.
    """

    settings: SemanticsSettings
    name: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Vectors of the texts of each batch; none of any, and why, where the model can't be had."""
        try:
            model = self._model()
        except R2D2Error as error:
            yield pa.RecordBatch.from_pylist([{"problem": str(error)}], _RESULTS)
            return
        for batch in batches:
            vectors = model.embed(batch["text"].to_pylist())
            yield pa.record_batch(
                [batch["row"], as_lists(vectors), pa.nulls(len(vectors), pa.string())], schema=_RESULTS
            )

    def _model(self) -> Embedder:
        model = _loaded(self.settings)
        if model.name != self.name:
            raise EnvironmentMissing(f"the model is {model.name}, not {self.name}")
        return model


@cache
def _loaded(settings: SemanticsSettings) -> Embedder:
    """The model of this process, which lives on for the next task."""
    return embedder_of(settings)
