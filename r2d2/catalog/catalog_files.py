"""Tables of a catalog whose rows are in plain files: Parquet, read by us, and ORC, read by Spark.

Which partitions there are, where they lie and of which types their values are the catalog says, not the directories.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from r2d2.catalog.file_names import hive_column, is_hidden
from r2d2.catalog.listing import Candidate, plain_candidate
from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.file_tree import shown
from r2d2.lake.spark_catalog import CatalogPartition, CatalogTable, partition_names, partitions_of
from r2d2.lake.storage import is_local, storage_for
from r2d2.model.comments import comments_property, spark_comments
from r2d2.model.dataset import HEADED_FORMATS, DataFile
from r2d2.model.source import SparkSource

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def file_candidate(spark: SparkSession, table: CatalogTable, bare: Candidate, within: Sequence[str]) -> Candidate:
    """The table with the files of all its partitions.

    Raises:
        UnsupportedData: it has files in further directories.
        UnreadableData, OSError: a directory can't be listed.
        PySparkException: Spark can't open it.
    """
    schema = spark.table(table.sql).schema.json()
    files = tuple(
        sorted(
            (file for part in _partitions(spark, table) for file in _files(table, part, within)),
            key=lambda file: file.path,
        )
    )
    listed = plain_candidate(
        replace(
            bare,
            format=table.provider,
            files=files,
            file_ids=tuple(f"{bare.id}/{file.path.rpartition('/')[2]}" for file in files),
            partition_columns=table.partition_columns,
        )
    )
    told = json.dumps([listed.version, schema, [file.partition for file in files]])
    mark = f"f{hashlib.sha256(told.encode()).hexdigest()[:32]}"
    marked = replace(listed, version=mark, fingerprint=mark, told=schema)
    by_spark = SparkSource(table=table.path) if table.provider in HEADED_FORMATS else None
    comments = comments_property(table.comment, spark_comments(json.loads(schema)))
    return replace(marked, schema=schema, fallback=by_spark, properties={**marked.properties, **comments})


def _partitions(spark: SparkSession, table: CatalogTable) -> list[CatalogPartition]:
    if not table.partition_columns:
        return [CatalogPartition((), table.location)]
    specs = [dict(filter(None, map(hive_column, name.split("/")))) for name in partition_names(spark, table)]
    if any(tuple(spec) != table.partition_columns for spec in specs):
        raise UnsupportedData("the catalog names partitions by other columns than the table's")
    return list(partitions_of(spark, table, specs))


def _files(table: CatalogTable, part: CatalogPartition, within: Sequence[str]) -> Iterator[DataFile]:
    """Every file that is not hidden, whatever its name ends with: so Spark takes it."""
    storage = storage_for(part.location)
    same_kind = [path for path in within if is_local(path) == is_local(part.location)]
    tree = storage.tree(part.location, [*same_kind, part.location])
    if tree.unlisted:
        raise UnreadableData(f"{shown(tree.unlisted[0].name)} below its location: {tree.unlisted[0].reason}")
    nested = table.location.rstrip("/") == part.location.rstrip("/") and bool(table.partition_columns)
    for found in tree.files:
        if any(map(is_hidden, found.name.split("/"))):
            continue
        if "/" in found.name or nested:
            raise UnsupportedData("its location has files in directories below, which are no partitions of it")
        yield DataFile(*found.stat, partition=tuple(zip(table.partition_columns, part.values, strict=True)))
