"""The schemas of the state tables. Each run appends; nothing is updated in place, so any run can be looked back at."""

from __future__ import annotations

import pyarrow as pa

#: Raised whenever a table changes in a way that older or newer code would misread.
LAYOUT = 4

#: Results that later runs use again, by key.
SUMMARIES = pa.schema([("key", pa.string()), ("summary", pa.string())])
MEASURES = pa.schema(
    [
        ("key", pa.string()),
        ("rows", pa.int64()),
        ("low", pa.decimal128(38, 0)),
        ("high", pa.decimal128(38, 0)),
        ("bound", pa.string()),
        ("sketch", pa.binary()),
    ]
)
VERDICTS = pa.schema(
    [
        ("key", pa.string()),
        ("lacking", pa.int64()),
        ("row_hash", pa.string()),
        ("in_child", pa.int64()),
        ("in_parent", pa.int64()),
    ]
)

#: What each run found, partitioned by run.
RUNS = pa.schema(
    [
        ("run_id", pa.string()),
        ("status", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("roots", pa.string()),
        ("settings", pa.string()),
        ("funnel", pa.string()),
        ("problems", pa.string()),
        ("inputs", pa.string()),
        ("version", pa.string()),
        ("lake", pa.string()),
    ]
)
DATASETS = pa.schema(
    [
        ("run_id", pa.string()),
        ("dataset", pa.string()),
        ("format", pa.string()),
        ("location", pa.string()),
        ("version", pa.string()),
        ("rows", pa.int64()),
        ("bytes", pa.int64()),
        ("columns", pa.int32()),
        ("names", pa.list_(pa.string())),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)
EDGES = pa.schema(
    [
        ("run_id", pa.string()),
        ("parent", pa.string()),
        ("child", pa.string()),
        ("grade", pa.string()),
        ("rows_child", pa.int64()),
        ("rows_parent", pa.int64()),
        ("equal", pa.bool_()),
        ("how", pa.string()),
        ("reason", pa.string()),
        ("projection", pa.string()),
        ("predicate", pa.string()),
        ("row_hash", pa.string()),
        ("in_child", pa.int64()),
        ("in_parent", pa.int64()),
    ]
)
#: A node is a dataset under a view; a group is the nodes that hold the same rows, the representative at position 0.
GROUPS = pa.schema(
    [
        ("run_id", pa.string()),
        ("group", pa.int32()),
        ("position", pa.int32()),
        ("dataset", pa.string()),
        ("view", pa.string()),
    ]
)
#: The transitive reduction between groups.
GROUP_EDGES = pa.schema([("run_id", pa.string()), ("parent", pa.int32()), ("child", pa.int32())])
#: Plans are numbered over all runs of the state, and never changed.
PLAN = pa.schema(
    [
        ("run_id", pa.string()),
        ("plan", pa.int32()),
        ("position", pa.int32()),
        ("dataset", pa.string()),
        ("version", pa.string()),
        ("action", pa.string()),
        ("parent", pa.string()),
        ("parent_version", pa.string()),
        ("saving_per_month", pa.float64()),
        ("rebuild_cost", pa.float64()),
        ("rebuild_seconds", pa.float64()),
        ("reason", pa.string()),
        ("once_cost", pa.float64()),
        ("tier", pa.string()),
        ("changes_if", pa.string()),
        ("conditions", pa.list_(pa.string())),
        ("owner", pa.string()),
        ("could_go", pa.bool_()),
    ]
)
#: A plan is there once the table above has all its ``datasets``.
PLANS = pa.schema(
    [
        ("run_id", pa.string()),
        ("plan", pa.int32()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("datasets", pa.int32()),
        ("retired", pa.int32()),
        ("total_saving_per_month", pa.float64()),
        ("bytes_retired", pa.int64()),
        ("solver", pa.string()),
        ("optimal", pa.bool_()),
        ("currency", pa.string()),
        ("findings", pa.list_(pa.string())),
        ("run_cost", pa.float64()),
    ]
)

#: What is known of datasets besides their bytes; what commands filter by stands in columns, the whole in ``detail``.
USAGE = pa.schema(
    [
        ("run_id", pa.string()),
        ("dataset", pa.string()),
        ("reads_per_month", pa.float64()),
        ("owner", pa.string()),
        ("hold", pa.bool_()),
        ("expires", pa.timestamp("us", tz="UTC")),
        ("detail", pa.string()),
    ]
)

#: Decisions of people on datasets of a plan; the newest row of a dataset counts. One that lapsed has a row more.
REVIEWS = pa.schema(
    [
        ("dataset", pa.string()),
        ("approved", pa.bool_()),
        ("by", pa.string()),
        ("note", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("plan", pa.int32()),
        ("version", pa.string()),
        ("parent", pa.string()),
        ("parent_version", pa.string()),
        ("accepted", pa.list_(pa.string())),
        ("action", pa.string()),
        ("rebuild_seconds", pa.float64()),
        ("rebuild_cost", pa.float64()),
        ("lapsed", pa.string()),
        ("content", pa.string()),
        ("number", pa.int64()),
        ("journal", pa.string()),
        ("location", pa.string()),
    ]
)
#: Recipes of retirements; the journal knows by its SHA-256 which one is in force.
RECIPES = pa.schema(
    [("receipt", pa.string()), ("dataset", pa.string()), ("sha256", pa.string()), ("recipe", pa.binary())]
)
#: What the journal tells of each retirement; of a receipt's rows the one that was told last counts.
RECEIPTS = pa.schema(
    [
        ("receipt", pa.string()),
        ("told_at", pa.timestamp("us", tz="UTC")),
        ("dataset", pa.string()),
        ("status", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("quarantined_at", pa.timestamp("us", tz="UTC")),
        ("root", pa.string()),
        ("location", pa.string()),
        ("kind", pa.string()),
        ("parent", pa.string()),
        ("parent_location", pa.string()),
        ("recipe", pa.string()),
        ("plan", pa.int32()),
        ("by", pa.string()),
        ("note", pa.string()),
        ("accepted", pa.list_(pa.string())),
        ("promised_seconds", pa.float64()),
        ("frozen", pa.string()),
    ]
)
#: How long restores from recipes took, and what the plan had promised, in seconds.
RESTORES = pa.schema(
    [
        ("receipt", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("plan", pa.int32()),
        ("seconds", pa.float64()),
        ("promised_seconds", pa.float64()),
    ]
)
#: How a run grouped datasets: the model, what it was told, and the merges of the tree over pieces, two numbers each.
GROUPINGS = pa.schema(
    [
        ("run_id", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("model", pa.string()),
        ("mode", pa.string()),
        ("glossary", pa.string()),
        ("merges", pa.list_(pa.int32())),
        ("layers", pa.string()),
        ("placed", pa.int32()),
        ("note", pa.string()),
    ]
)
#: Topics of a run; ids last from run to run. The root has no parent. ``told`` is how much whoever named it knew, null
#: in rows from before that was kept.
TOPICS = pa.schema(
    [
        ("run_id", pa.string()),
        ("topic", pa.string()),
        ("level", pa.int32()),
        ("parent", pa.string()),
        ("name", pa.string()),
        ("by", pa.string()),
        ("summary", pa.string()),
        ("terms", pa.list_(pa.string())),
        ("typical", pa.string()),
        ("datasets", pa.int32()),
        ("told", pa.string()),
    ]
)
#: The finest topic of each dataset, the entity that stands for it, and that one's piece and number; what tells the
#: dataset's columns; in the row of an entity's own dataset, the numbers of its neighbours and how like they are.
TOPIC_MEMBERS = pa.schema(
    [
        ("run_id", pa.string()),
        ("dataset", pa.string()),
        ("topic", pa.string()),
        ("entity", pa.string()),
        ("piece", pa.int32()),
        ("look", pa.string()),
        ("number", pa.int32()),
        ("near", pa.list_(pa.int32())),
        ("like", pa.list_(pa.float32())),
    ]
)
#: Relations between topics of one level, bridges included; exemplars are pairs of datasets, one after the other.
TOPIC_RELATIONS = pa.schema(
    [
        ("run_id", pa.string()),
        ("level", pa.int32()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("kind", pa.string()),
        ("count", pa.int32()),
        ("weight", pa.float32()),
        ("strength", pa.float32()),
        ("exemplars", pa.list_(pa.string())),
    ]
)
#: Pairs of datasets that look alike but whose columns differ in name; ``mapping`` has pairs, one after the other.
LOOK_ALIKES = pa.schema(
    [
        ("run_id", pa.string()),
        ("dataset", pa.string()),
        ("other", pa.string()),
        ("score", pa.float64()),
        ("mapping", pa.list_(pa.string())),
        ("same", pa.int32()),
        ("columns", pa.int32()),
        ("fits", pa.bool_()),
    ]
)
#: What a language model wrote of topics, by a hash of their members and of how it was asked.
TOPIC_SUMMARIES = pa.schema(
    [("key", pa.string()), ("name", pa.string()), ("summary", pa.string()), ("at", pa.timestamp("us", tz="UTC"))]
)
#: What a model makes of texts, each once: ``key`` is the hash of both, so that another model starts anew.
VECTORS = pa.schema([("key", pa.string()), ("model", pa.string()), ("vector", pa.list_(pa.float32()))])

SCHEMAS: dict[str, pa.Schema] = {
    "summaries": SUMMARIES,
    "measures": MEASURES,
    "verdicts": VERDICTS,
    "runs": RUNS,
    "datasets": DATASETS,
    "edges": EDGES,
    "groups": GROUPS,
    "group_edges": GROUP_EDGES,
    "plan": PLAN,
    "plans": PLANS,
    "usage": USAGE,
    "reviews": REVIEWS,
    "recipes": RECIPES,
    "receipts": RECEIPTS,
    "restores": RESTORES,
    "groupings": GROUPINGS,
    "topics": TOPICS,
    "topic_members": TOPIC_MEMBERS,
    "topic_relations": TOPIC_RELATIONS,
    "look_alikes": LOOK_ALIKES,
    "topic_summaries": TOPIC_SUMMARIES,
    "vectors": VECTORS,
}
