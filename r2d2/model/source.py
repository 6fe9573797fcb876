"""What Spark is asked to read where a dataset's files don't say alone which rows it has (DESIGN 5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SparkSource:
    """A dataset for Spark's own reader, pinned to one version as far as its format can be.

    Attributes:
        format: of ``spark.read.format``: ``delta``, ``iceberg``, ``orc``, ``avro``; empty for a table or view of a
            catalog.
        paths: what is loaded: absolute paths or URLs, none of them a pattern.
        table: of a catalog: catalog, databases and name, each as it is spelled.
        options: of the reader, such as ``versionAsOf``.
        schema: Spark's JSON of the schema that is asked for; empty for that of the data.
        needs: jar sets that the reader takes (``lake.jars``).
    """

    format: str = ""
    paths: tuple[str, ...] = ()
    table: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    schema: str = ""
    needs: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The source as text; equal sources give equal text."""
        fields = {
            "format": self.format,
            "paths": self.paths,
            "table": self.table,
            "options": dict(self.options),
            "schema": self.schema,
            "needs": self.needs,
        }
        return json.dumps({key: value for key, value in fields.items() if value}, sort_keys=True, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> SparkSource:
        """The reverse of ``to_json``."""
        raw = json.loads(text)
        lists = {key: tuple(raw.get(key, ())) for key in ("paths", "table", "needs")}
        return SparkSource(raw.get("format", ""), options=raw.get("options", {}), schema=raw.get("schema", ""), **lists)
