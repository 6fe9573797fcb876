"""A view of a catalog as a candidate: it has no bytes of its own, is never retired, and may contain other datasets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from r2d2.catalog.listing import Candidate, fingerprint
from r2d2.catalog.named_files import look
from r2d2.errors import UnreadableData, UnsupportedData, first_line
from r2d2.lake.file_tree import shown
from r2d2.lake.hadoop_paths import local_path
from r2d2.lake.spark_catalog import CatalogTable, comment_on, spark_errors
from r2d2.lake.view_plans import view_plan
from r2d2.model.comments import comments_property, spark_comments
from r2d2.model.dataset import DataFile
from r2d2.model.source import SparkSource

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def view_candidate(spark: SparkSession, table: CatalogTable, bare: Candidate) -> Candidate:
    """The view, with the files that its rows come from: whoever else has them shares them with it.

    It is refused where two looks at the same files could give different rows, or where its files can't be known.
    """
    view = replace(bare, retirable=False)
    try:
        plan = view_plan(spark, table.sql)
        files = tuple(sorted(map(_file, _unquoted(plan.files)), key=lambda file: file.path))
        if not files:
            raise UnsupportedData("a view that reads no files")
        comments = comments_property(comment_on(spark, table.path), spark_comments(json.loads(plan.schema)))
    except spark_errors() as error:
        return replace(view, status="error", reason=f"Spark can't open it: {shown(first_line(error))}")
    except UnreadableData as error:
        return replace(view, status="error", reason=str(error))
    except UnsupportedData as error:
        return replace(view, status="unsupported", reason=str(error))
    told = json.dumps([fingerprint("", files), plan.text])
    mark = f"f{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    return replace(
        view,
        files=files,
        file_ids=tuple(file.path for file in files),
        version=mark,
        fingerprint=mark,
        told=mark,
        bytes=sum(file.size for file in files),
        modified_ns=max(file.mtime_ns for file in files),
        properties=comments,
        source=SparkSource(table=table.path),
    )


def _unquoted(urls: Iterable[str]) -> list[str]:
    """Spark gives its input files as URLs, percent-encoded."""
    return [local_path(unquote(url)) for url in urls]


def _file(path: str) -> DataFile:
    found = look(path)
    if found is None:
        raise UnreadableData(f"it reads {shown(path)}, which is missing or can't be looked at")
    return DataFile(*found)
