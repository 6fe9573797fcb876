"""What runs the kernels of commands that need no Spark where there is little to do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from r2d2.catalog.listing import Candidate
from r2d2.catalog.reading import needs_of
from r2d2.config import Settings
from r2d2.containment.scanner import Runner
from r2d2.lake.kernels import Kernel, run_here, split_sources
from r2d2.lake.session import build_session
from r2d2.model.packing import unpack_files

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from r2d2.lake.workers import Workers


@dataclass
class Engine:
    """Runs kernels in this process; Spark is started only for what Spark has to read, or for much work.

    Attributes:
        most_here: bytes of the files of one call up to which this process does the work.
        needs: jar sets that a session is started with.
    """

    settings: Settings
    most_here: float = math.inf
    needs: frozenset[str] = frozenset()

    def over(self, candidates: Sequence[Candidate]) -> Runner:
        """Runs kernels over these, too: a session that is not there yet is started with what they need."""
        self.needs |= needs_of(candidates)
        return self.run

    def run(self, tasks: pa.Table, kernel: Kernel, schema: pa.Schema) -> pa.Table:
        """See ``Runner``."""
        if _bytes(tasks) > self.most_here:
            return self._workers.map_tasks(tasks, kernel, schema)
        direct, by_spark = split_sources(tasks)
        found = [run_here(direct, kernel, schema)]
        if by_spark.num_rows:
            found.append(self._workers.map_sources(by_spark, kernel, schema))
        return pa.concat_tables(found)

    @cached_property
    def spark(self) -> SparkSession:
        """The session, started when it is first asked for."""
        return build_session(self.settings.spark, needs=self.needs)

    @cached_property
    def _workers(self) -> Workers:
        from r2d2.lake.spark_files import Access
        from r2d2.lake.workers import Workers  # and with it pyspark, which ``r2d2 recover`` does without

        return Workers(self.spark, Access(self.settings.spark.workers))


def _bytes(tasks: pa.Table) -> int:
    """Of the files of tasks, each once."""
    if "files" not in tasks.schema.names:
        return 0
    texts = set(tasks["files"].to_pylist())
    return sum({file.path: file.size for text in texts for file in unpack_files(text)}.values())
