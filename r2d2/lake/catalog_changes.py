"""Changes of a Spark catalog: tables get other names, and come back; what else is in it is not touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from r2d2.errors import LakeError, NotRetirable, first_line
from r2d2.lake.catalog_names import QUARANTINE, TableName, is_in_session, name_sql, quoted, text_literal
from r2d2.lake.file_tree import shown
from r2d2.lake.spark_catalog import location_of, spark_errors

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: The property that tells a view of R2D2's: the name of the table in whose place it stands.
_MARK = "r2d2.retired"
_FOREVER = 36_500  # days; without a number the table's own rule for old references would hold


@dataclass(frozen=True)
class Catalogs:
    """The catalogs of a session, which starts when one is asked.

    Attributes:
        session: gives the session.
    """

    session: Callable[[], SparkSession]

    def location(self, table: TableName) -> str | None:
        """Where a table lies, empty where its catalog does not tell; None if there is none of that name.

        Raises:
            LakeError: its catalog can't be asked.
        """
        spark = self.session()
        with _asked(table):
            return location_of(spark, table) if spark.catalog.tableExists(name_sql(table)) else None

    def rename(self, table: TableName, names: Sequence[TableName]) -> TableName:
        """Gives a table the first of the names that its catalog accepts; that name.

        Raises:
            NotRetirable: it accepts none.
        """
        reasons = []
        for name in names:
            try:
                self._rename(table, name)
            except spark_errors() as error:
                reasons.append(shown(first_line(error)))
            else:
                return name
        what = f"its catalog does not rename {shown(name_sql(table))}: {reasons[-1]}"
        raise NotRetirable(what, "give the right to do so; tables of a Hadoop catalog can't be renamed")

    def columns(self, table: TableName) -> list[tuple[str, str]]:
        """Name and type of each column of a table, as Spark spells them.

        Raises:
            LakeError: its catalog can't be asked.
        """
        with _asked(table):
            fields = self.session().table(name_sql(table)).schema.fields
        return [(field.name, field.dataType.simpleString()) for field in fields]

    def make_view(self, name: TableName, query: str, retired: TableName) -> None:
        """Puts a view in the place of a table that has another name now.

        Raises:
            NotRetirable: it can't be made.
        """
        mark = f"TBLPROPERTIES ({text_literal(_MARK)} = {text_literal(name_sql(retired))})"
        try:
            self.session().sql(f"CREATE VIEW {name_sql(name)} {mark} AS {query}")
        except spark_errors() as error:
            what = f"no view can be put in the place of {shown(name_sql(name))}: {shown(first_line(error))}"
            raise NotRetirable(what, "leave none, or give the right to make it") from error

    def drop_view(self, name: TableName, retired: TableName) -> None:
        """Removes the view that ``make_view`` left; a table or another view of that name stays.

        Raises:
            LakeError: its catalog can't be asked.
        """
        spark, sql = self.session(), name_sql(name)
        with _asked(name):
            if not spark.catalog.tableExists(sql):
                return
            rows = spark.sql(f"SHOW TBLPROPERTIES {sql}").collect()
            if (_MARK, name_sql(retired)) in {(row["key"], row["value"]) for row in rows}:
                spark.sql(f"DROP VIEW IF EXISTS {sql}")

    def tag(self, table: TableName, tag: str, snapshot: int) -> None:
        """Keeps a snapshot of an Iceberg table from expiring, by a tag; one of that name that is there is left.

        Raises:
            LakeError: it can't be set.
        """
        kept = f"AS OF VERSION {snapshot:d} RETAIN {_FOREVER} DAYS"
        with _asked(table):
            self.session().sql(f"ALTER TABLE {name_sql(table)} CREATE TAG IF NOT EXISTS {quoted(tag)} {kept}")

    def tagged(self, table: TableName, tag: str) -> int | None:
        """The snapshot that a tag of an Iceberg table keeps; None if there is no such tag.

        Raises:
            LakeError: its catalog can't be asked.
        """
        with _asked(table):
            refs = self.session().table(f"{name_sql(table)}.refs").where("type = 'TAG'").collect()
        return next((int(row["snapshot_id"]) for row in refs if row["name"] == tag), None)

    def untag(self, table: TableName, tag: str) -> None:
        """Removes a tag of an Iceberg table, if it is there.

        Raises:
            LakeError: it can't be removed.
        """
        with _asked(table):
            self.session().sql(f"ALTER TABLE {name_sql(table)} DROP TAG IF EXISTS {quoted(tag)}")

    def _rename(self, table: TableName, name: TableName) -> None:
        spark = self.session()
        if name[:-1] != table[:-1] and QUARANTINE in name:
            spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {name_sql(name[:-1])}")
        target = name if is_in_session(table) else name[1:]  # within its catalog, which is not named again
        spark.sql(f"ALTER TABLE {name_sql(table)} RENAME TO {name_sql(target)}")


@contextmanager
def _asked(table: TableName) -> Iterator[None]:
    try:
        yield
    except spark_errors() as error:
        what = f"{shown(name_sql(table))} can't be looked up in its catalog: {shown(first_line(error))}"
        raise LakeError(what, "give the catalog's properties by spark.conf, and the right to use it") from error
