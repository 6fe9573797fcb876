"""Kernels on Spark's workers: over task rows whose files they open themselves, or over what Spark hands them.

Three ways for a task row to get at its data, chosen for each: the worker opens the files (the fast one); Spark reads
the rows (``lake.spark_rows``), where files alone don't say which rows a dataset has; Spark reads the bytes
(``lake.spark_files``), where workers are sandboxed and may open no files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from r2d2.errors import R2D2Error, ScanError, UnreadableData, first_line
from r2d2.lake.file_tree import shown
from r2d2.lake.kernels import Kernel, Totals, for_spark, run_here, split_sources
from r2d2.lake.session import shares_disk
from r2d2.lake.spark_files import Access, OverFiles, are_children, probe, with_contents
from r2d2.lake.spark_rows import frame, over_rows, refusal, run_refused, run_without_rows
from r2d2.lake.staging import changed
from r2d2.model.dataset import HANDED_BY_SPARK
from r2d2.model.packing import unpack_files
from r2d2.model.source import SparkSource

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

#: Sources that one Spark job reads: what it plans grows with them, and where one fails each is tried alone.
_TOGETHER = 32
_OPENED_AT_ONCE = 8


@dataclass
class Workers:
    """The workers of one session.

    Attributes:
        spark: the session.
        access: how workers get at files; ``AUTO`` asks them once.
        say: gets what is worth a line for the user.
    """

    spark: SparkSession
    access: Access = Access.AUTO
    say: Callable[[str], None] = field(default=lambda _: None)

    def map_tasks(self, tasks: pa.Table, kernel: Kernel, schema: pa.Schema) -> pa.Table:
        """Runs ``kernel`` over ``tasks``, a Spark partition for each value of their INT column ``task``.

        The rows of one ``task`` reach the kernel together, in order. A row of which Spark reads the dataset (its only
        file is a ``source_file``) may give several results, each for a part of the rows. Results are collected, so they
        must be small. A single task on this machine needs no job, which would take longer than a small task.

        Raises:
            ScanError: a job failed as a whole.
        """
        direct, sources = split_sources(tasks)
        with _spark_lives():
            parts = [self._direct(direct, kernel, schema)] if direct.num_rows else []
            parts += [self.map_sources(sources, kernel, schema)] if sources.num_rows else []
        return pa.concat_tables(parts) if parts else schema.empty_table()

    def map_sources(self, tasks: pa.Table, kernel: Kernel, schema: pa.Schema) -> pa.Table:
        """The same for rows of which Spark reads the datasets."""
        results = []
        wanted = _by_source(tasks)
        for start in range(0, len(wanted), _TOGETHER):
            opened = self._all_opened(wanted[start : start + _TOGETHER], kernel)
            results += self._results([each for each in opened if isinstance(each, _Rows)], schema)
            results += [
                run_refused(kernel, e.tasks, {e.name: e.why}, schema) for e in opened if isinstance(e, _Refused)
            ]
        return pa.concat_tables(results)

    def map_shuffled(
        self,
        tasks: pa.Table,
        kernel: Kernel,
        schema: pa.Schema,
        ranges: int,
        second: Kernel,
        result: pa.Schema,
        totals: Totals,
    ) -> pa.Table:
        """Runs ``kernel`` over tasks, brings rows of equal ``range`` (0 .. ranges-1) together, runs ``second`` there.

        Only what ``second`` returns is collected, that of several ranges brought together. All run in one Spark job.

        Raises:
            ScanError: it failed as a whole.
        """
        from pyspark.sql import functions as F

        direct, sources = split_sources(tasks)

        def shuffled(opened: Sequence[_Rows | _Refused]) -> pa.Table:
            mapped = [self._mapped(direct, kernel, schema)] if direct.num_rows else []
            mapped += [each.mapped(self.spark, kernel, schema) for each in opened]
            together = _union(mapped).repartitionById(ranges, F.col("range"))
            counted = together.mapInArrow(for_spark(second), spark_schema(result))
            found = collected(_brought_together(counted, totals) if ranges > 1 else counted, result)
            if self.access is Access.HANDED and (moved := _changed(direct)):
                raise ScanError(f"changed while Spark read it: {shown(min(moved))}", "run the same command again")
            return found

        with _spark_lives():
            opened = self._all_opened(_by_source(sources), kernel)
            try:
                return shuffled(opened)
            except ScanError:
                tried = [self._tried(each, schema) for each in opened]
                if tried == opened:
                    raise
                return shuffled(tried)

    def _direct(self, tasks: pa.Table, kernel: Kernel, schema: pa.Schema) -> pa.Table:
        if len(pc.unique(tasks["task"])) == 1 and self._reads_here:
            return _run_alone(tasks, kernel, schema)
        found = collected(self._mapped(tasks, kernel, schema), schema)
        return _without_changed(found, tasks, kernel) if self.access is Access.HANDED else found

    def _mapped(self, tasks: pa.Table, kernel: Kernel, schema: pa.Schema) -> DataFrame:
        if self._may_open(tasks):
            return _planned(self.spark, tasks).mapInArrow(for_spark(kernel), spark_schema(schema))
        return with_contents(self.spark, tasks).mapInArrow(for_spark(OverFiles(kernel)), spark_schema(schema))

    @cached_property
    def _reads_here(self) -> bool:
        """Whether this process can do what its workers can."""
        if self.access is Access.AUTO:
            return are_children(self.spark)
        return self.access is Access.OPENED and shares_disk(self.spark)

    def _may_open(self, tasks: pa.Table) -> bool:
        """Whether workers open the files themselves; asked of them with the first files there are."""
        if self.access is Access.AUTO:
            self.access = probe(self.spark, tasks)
            if self.access is Access.HANDED:
                self.say("Spark's workers may not open the lake's files: Spark reads them, which takes longer")
        return self.access is not Access.HANDED

    def _all_opened(self, sources: Sequence[_Source], kernel: Kernel) -> list[_Rows | _Refused]:
        """Several at a time: Spark opens a table by a small job or by requests, for which it mostly waits."""
        with ThreadPoolExecutor(_OPENED_AT_ONCE) as pool:
            return list(pool.map(lambda source: self._opened(source, kernel), sources))

    def _opened(self, source: _Source, kernel: Kernel) -> _Rows | _Refused:
        try:
            return _Rows(source.name, source.tasks, frame(self.spark, source.source), kernel)
        except R2D2Error as why:
            return _Refused(source.name, source.tasks, why)

    def _results(self, opened: Sequence[_Rows], schema: pa.Schema) -> list[pa.Table]:
        """Of each source by one job; where that fails, of each alone, so that one spoils no other."""
        if not opened:
            return []
        try:
            found = collected(_union([each.mapped(self.spark, each.kernel, schema) for each in opened]), schema)
        except ScanError as error:
            if len(opened) > 1:
                return [table for each in opened for table in self._results([each], schema)]
            (alone,) = opened
            why = refusal(error.__cause__ if isinstance(error.__cause__, Exception) else error)
            return [run_refused(alone.kernel, alone.tasks, {alone.name: why}, schema)]
        return [found, *(each.without_rows(schema) for each in opened if each.gave_nothing(found))]

    def _tried(self, each: _Rows | _Refused, schema: pa.Schema) -> _Rows | _Refused:
        """A source, refused if it can't be read to its end."""
        if isinstance(each, _Refused):
            return each
        try:
            collected(each.mapped(self.spark, each.kernel, schema).groupBy().count(), _COUNT)
        except ScanError as error:
            why = refusal(error.__cause__ if isinstance(error.__cause__, Exception) else error)
            return _Refused(each.name, each.tasks, why)
        return each


_COUNT = pa.schema([("count", pa.int64())])


@dataclass(frozen=True)
class _Source:
    """The task rows of one source, by the path that they name it by."""

    name: str
    tasks: pa.Table

    @property
    def source(self) -> SparkSource:
        return SparkSource.from_json(self.name.removeprefix(HANDED_BY_SPARK))


@dataclass(frozen=True)
class _Rows:
    """A source that Spark has opened."""

    name: str
    tasks: pa.Table
    frame: DataFrame
    kernel: Kernel

    def mapped(self, spark: SparkSession, kernel: Kernel, schema: pa.Schema) -> DataFrame:
        own = over_rows(kernel, self.tasks, self.name)
        return self.frame.mapInArrow(for_spark(own), spark_schema(schema))

    def gave_nothing(self, results: pa.Table) -> bool:
        """Whether no result is of this source: Spark runs nothing where there are no rows."""
        own = _owner(results)
        return not set(self.tasks[own].to_pylist()) & set(pc.unique(results[own]).to_pylist())

    def without_rows(self, schema: pa.Schema) -> pa.Table:
        from pyspark.sql.pandas.types import to_arrow_schema

        return run_without_rows(self.kernel, self.tasks, self.name, to_arrow_schema(self.frame.schema), schema)


@dataclass(frozen=True)
class _Refused:
    """A source that can't be read."""

    name: str
    tasks: pa.Table
    why: R2D2Error

    def mapped(self, spark: SparkSession, kernel: Kernel, schema: pa.Schema) -> DataFrame:
        return spark.createDataFrame(run_refused(kernel, self.tasks, {self.name: self.why}, schema))


def _by_source(tasks: pa.Table) -> list[_Source]:
    names = [unpack_files(text)[0].path for text in tasks["files"].to_pylist()] if tasks.num_rows else []
    column = pa.array(names, pa.string())
    return [_Source(name, tasks.filter(pc.equal(column, name))) for name in dict.fromkeys(names)]


def _without_changed(results: pa.Table, tasks: pa.Table, kernel: Kernel) -> pa.Table:
    """Results, those of task rows with a file that changed while Spark read it replaced by that failure."""
    moved = _changed(tasks)
    if not moved:
        return results
    touched = [any(file.path in moved for file in unpack_files(text)) for text in tasks["files"].to_pylist()]
    bad, own = tasks.filter(pa.array(touched)), _owner(results)
    kept = results.filter(pc.invert(pc.is_in(results[own], pc.unique(bad[own]))))
    why = {file.path: _moved(file.path) for text in bad["files"].to_pylist() for file in unpack_files(text)}
    return pa.concat_tables([kept, run_refused(kernel, bad, why, results.schema)])


def _moved(path: str) -> UnreadableData:
    return UnreadableData(f"changed while it was read: {shown(path)}")


def _changed(tasks: pa.Table) -> set[str]:
    """Paths of files of the tasks that are no longer what they were when they were listed."""
    if "files" not in tasks.schema.names:
        return set()
    return set(changed(list({file for text in tasks["files"].to_pylist() for file in unpack_files(text)})))


def _owner(results: pa.Table) -> str:
    """The column by which tasks and their results are known."""
    return next(name for name in ("key", "dataset") if name in results.schema.names)


def _brought_together(rows: DataFrame, totals: Totals) -> DataFrame:
    from pyspark.sql import functions as F

    sums = [F.sum(name).alias(name) for name in totals.summed]
    least = [F.min(F.struct(*names) if len(names) > 1 else names[0]).alias(names[0]) for names in totals.least]
    found = rows.groupBy(*totals.keys).agg(*sums, *least)
    taken = {name: F.col(f"{names[0]}.{name}") for names in totals.least if len(names) > 1 for name in names}
    return found.select(*[taken.get(name, F.col(name)).alias(name) for name in rows.columns])


def _union(frames: Sequence[DataFrame]) -> DataFrame:
    return reduce(lambda one, other: one.unionAll(other), frames)


_GO_ON = "run the same command again: what is finished is kept; if memory ran out, raise spark.driver_memory"


@contextmanager
def _spark_lives() -> Iterator[None]:
    """Outside of jobs, too, a JVM may be gone: where memory ran out, say.

    Raises:
        ScanError: it is.
    """
    from py4j.protocol import Py4JError

    try:
        yield
    except (Py4JError, ConnectionError) as error:
        raise ScanError(f"Spark does not answer any more: {first_line(error)}", _GO_ON) from error


def _run_alone(tasks: pa.Table, kernel: Kernel, schema: pa.Schema) -> pa.Table:
    try:
        return run_here(tasks, kernel, schema).cast(schema)
    except Exception as error:
        raise ScanError(f"a task failed: {first_line(error)}", "run the same command again") from error


def collected(rows: DataFrame, schema: pa.Schema) -> pa.Table:
    """All rows of a frame.

    Raises:
        ScanError: the job failed as a whole.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        found: pa.Table = rows.toArrow()
    except (PySparkException, Py4JError) as error:
        raise ScanError(f"a Spark job failed: {first_line(error)}", _GO_ON) from error
    return found.cast(schema)


def _planned(spark: SparkSession, tasks: pa.Table) -> DataFrame:
    from pyspark.sql import functions as F

    return spark.createDataFrame(tasks).repartitionById(1 + max(tasks["task"].to_pylist()), F.col("task"))


def spark_schema(schema: pa.Schema) -> StructType:
    """An Arrow schema as Spark's."""
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema)
