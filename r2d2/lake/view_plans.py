"""What a view reads and does, from the plan that Spark's analyser makes of it.

Only what is on the lists below is let through: it gives the same rows from the same files whenever, wherever and in
whatever order they are read. The order of rows must not matter: no limits, windows, sums of floats, first values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from r2d2.errors import UnsupportedData
from r2d2.lake.file_tree import shown

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NODES = frozenset(("Project", "Filter", "Union", "Join", "Aggregate", "Distinct", "SubqueryAlias", "View"))
#: Nodes that give one row for several, whichever comes first: of equal texts of another collation any of them.
_ONE_OF_SEVERAL = frozenset(("Aggregate", "Distinct"))
_COLLATED = ("string collate ", "__COLLATIONS")
_RELATION = "LogicalRelation"
#: Node -> why it is not read.
_UNKNOWN_FILES = {
    "DataSourceV2Relation": "a table of which Spark does not say which files it reads",
    "HiveTableRelation": "a table of Hive's own readers, of which Spark does not say which files it reads",
}
_EXPRESSIONS = frozenset(
    (
        *("Alias", "AttributeReference", "Literal", "Cast", "And", "Or", "Not", "IsNull", "IsNotNull", "IsNaN"),
        *("EqualTo", "EqualNullSafe", "LessThan", "LessThanOrEqual", "GreaterThan", "GreaterThanOrEqual", "In"),
        *("Add", "Subtract", "Multiply", "Divide", "Remainder", "UnaryMinus", "Abs", "Coalesce", "CaseWhen", "If"),
        *("Concat", "Substring", "Upper", "Lower", "StringTrim", "StringTrimLeft", "StringTrimRight", "Length"),
        *("Like", "StartsWith", "EndsWith", "Contains", "DateAdd", "DateSub", "Year", "Month", "DayOfMonth"),
        *("GetStructField", "GetArrayItem", "GetMapValue", "CreateNamedStruct", "CreateArray"),
        *("AggregateExpression", "Count", "Min", "Max"),
    )
)
#: What differs between two analyses of one view.
_FLEETING = frozenset(("jvmId", "createTime", "lastAccessTime", "stats"))


@dataclass(frozen=True)
class ViewPlan:
    """What a view reads and does.

    Attributes:
        files: of the tables that it reads, as URLs.
        text: of the plan: equal for equal plans over the same tables.
        schema: as Spark writes it, JSON.
    """

    files: tuple[str, ...]
    text: str
    schema: str


def view_plan(spark: SparkSession, name: str) -> ViewPlan:
    """What the view called ``name`` in SQL does.

    Raises:
        UnsupportedData: its rows can differ from one look to the next, or its files can't be known.
        PySparkException, Py4JError: it can't be analysed.
    """
    frame = spark.table(name)
    execution = getattr(frame, "_jdf", None)  # the plan itself is not to be had over Spark Connect
    if execution is None:
        raise UnsupportedData("a view: over Spark Connect its plan can't be looked at")
    analyzed = execution.queryExecution().analyzed()
    plan = json.loads(analyzed.toJSON())
    if not analyzed.deterministic():
        raise UnsupportedData("a view whose rows differ from one look to the next")
    nodes = list(_nodes(plan))
    versions = [_require_known(spark, node) for node in nodes]
    text = json.dumps(plan)
    grouped = any(str(node["class"]).rpartition(".")[2] in _ONE_OF_SEVERAL for node in nodes)
    if grouped and any(mark in text for mark in _COLLATED):
        raise UnsupportedData("a view that gives one of several texts which its collation takes for the same")
    told = json.dumps([_stable(plan, {}), versions], sort_keys=True)
    return ViewPlan(tuple(frame.inputFiles()), told, frame.schema.json())


def _require_known(spark: SparkSession, node: Mapping[str, Any]) -> str:
    """Refuses what is on no list; of a table with a log its version, which can change without a change of a file."""
    package, _, kind = str(node["class"]).rpartition(".")
    if kind == _RELATION:
        return _version(spark, node)
    if kind in _UNKNOWN_FILES:
        raise UnsupportedData(f"a view that reads {_UNKNOWN_FILES[kind]}")
    if kind not in (_EXPRESSIONS if ".expressions" in package else _NODES):
        raise UnsupportedData(f"a view that uses {shown(kind)}, which is not known to give the same rows each time")
    return ""


def _version(spark: SparkSession, node: Mapping[str, Any]) -> str:
    table = node.get("catalogTable")
    if not table:
        raise UnsupportedData("a view that reads a path, not a table")
    if str(table.get("provider") or "").lower() != "delta":
        return ""
    identifier = table["identifier"]
    names = [identifier[part] for part in ("catalog", "database", "table") if identifier.get(part)]
    quoted = ".".join(f"`{name.replace('`', '``')}`" for name in names)
    (newest,) = spark.sql(f"DESCRIBE HISTORY {quoted} LIMIT 1").collect()
    return f"{newest['version']} {newest['timestamp']}"


def _nodes(part: Any) -> Iterator[Mapping[str, Any]]:
    """All nodes of the plan and of the expressions in it."""
    if isinstance(part, list):
        for inner in part:
            yield from _nodes(inner)
    elif isinstance(part, dict):
        if "class" in part:
            yield part
        for inner in part.values():
            yield from _nodes(inner)


def _stable(part: Any, numbers: dict[int, int]) -> Any:
    """The plan with columns numbered in the order in which they come."""
    if isinstance(part, list):
        return [_stable(inner, numbers) for inner in part]
    if not isinstance(part, dict):
        return part
    kept = {key: _stable(inner, numbers) for key, inner in part.items() if key not in _FLEETING}
    if str(part.get("product-class", "")).endswith(".ExprId"):
        kept["id"] = numbers.setdefault(part["id"], len(numbers))
    return kept
