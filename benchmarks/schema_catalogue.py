"""A catalogue of random realistic schemas, the same ones for the same number and seed.

A quarter of the schemas are drawn: 5 to 300 columns, skewed to few (log-normal, median 12), their names from a Zipf
distribution over 100,000 names; each name has a family of its own, from which 3% of its columns stray. The others
derive from earlier ones, popular ones more often, so that families of any size and depth arise: projections, schemas
with columns added, later versions (columns added and dropped, types changed), CSV exports (each leaf admits several
families), and copies. Nothing here is tuned to how pairs are found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from r2d2.containment.schema_graph import Schema, SchemaClass
from r2d2.model.dataset import Dataset, Leaf, LeafPath
from r2d2.model.family import BOOLEAN, DATE, FLOATING, NUMBER, STRING, TIMESTAMP

SEED = 20231213
NAMES = 100_000
FEWEST, MOST = 5, 300
STRAYING = 0.03
DRAWN = 0.25
#: Some 20% come out equal to another.
DRAWN_FOR_A_CLASS = 1.4
#: Families of a typed leaf, with how often a name has them.
TYPED = (NUMBER, STRING, TIMESTAMP, DATE, BOOLEAN, FLOATING)
SHARES = (0.38, 0.38, 0.08, 0.05, 0.05, 0.06)
#: What the leaf of a CSV export admits, by the family that it had; narrowest first.
EXPORTED = {
    NUMBER: (NUMBER, FLOATING, STRING),
    STRING: (STRING,),
    TIMESTAMP: (TIMESTAMP, STRING),
    DATE: (DATE, STRING),
    BOOLEAN: (BOOLEAN, STRING),
    FLOATING: (FLOATING, STRING),
}
#: What a leaf admits, by its code: the typed ones, then their exports.
KINDS = tuple((family,) for family in TYPED) + tuple(EXPORTED[family] for family in TYPED)
#: How schemas derive from one another, and how often.
WAYS = ("projection", "extension", "version", "export", "copy")
WAY_SHARES = (0.35, 0.2, 0.3, 0.1, 0.05)

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Columns:
    """Columns of many schemas, one row each, sorted by schema and name; ``kinds`` are indexes into ``KINDS``."""

    schemas: Ints
    names: Ints
    kinds: Ints


def catalogue(classes: int, seed: int = SEED) -> list[SchemaClass]:
    """So many different schemas, as classes; schemas that come out equal are members of one class."""
    schemas = round(classes * DRAWN_FOR_A_CLASS)
    members: dict[Schema, list[int]] = defaultdict(list)
    for index, schema in enumerate(_as_schemas(random_columns(schemas, seed), schemas)):
        members[schema].append(index)
    if len(members) < classes:
        raise ValueError(f"{schemas:,} schemas are only {len(members):,} different ones: raise DRAWN_FOR_A_CLASS")
    return [SchemaClass(schema, tuple(indexes)) for schema, indexes in islice(members.items(), classes)]


def datasets_of(classes: Sequence[SchemaClass]) -> list[Dataset]:
    """A dataset for each member, as discovery hands them on, but that equal leaves are one object."""
    shared: dict[tuple[LeafPath, tuple[str, ...]], Leaf] = {}
    schemas = {member: entry.schema for entry in classes for member in entry.members}
    found = []
    for member in sorted(schemas):
        leaves = tuple(shared.get(leaf) or shared.setdefault(leaf, Leaf(*leaf)) for leaf in schemas[member])
        found.append(Dataset(f"table_{member}", "parquet", "/", "v", leaves=leaves))
    return found


def random_columns(schemas: int, seed: int) -> Columns:
    """Draws the first schemas, then derives as many as there are, or as are wanted, until there are enough."""
    rng = np.random.default_rng(seed)
    home = rng.choice(len(TYPED), NAMES, p=SHARES)
    done = max(1, round(schemas * DRAWN))
    columns = _drawn(rng, home, done)
    while done < schemas:
        more = min(done, schemas - done)
        found = _derived(rng, home, columns, done, more)
        columns = _joined(columns, Columns(found.schemas + done, found.names, found.kinds))
        done += more
    return columns


def _drawn(rng: np.random.Generator, home: Ints, schemas: int) -> Columns:
    """Names are drawn until a schema has its size in different ones; four times its size suffices but for a few."""
    sizes = np.clip(np.exp(rng.normal(np.log(12), 1.0, schemas)), FEWEST, MOST).astype(np.int64)
    owners = np.repeat(np.arange(schemas), sizes * 4)
    names = _zipf(rng, len(owners))
    _, first = np.unique(owners * NAMES + names, return_index=True)
    first.sort()
    owners, names = owners[first], names[first]
    kept = _places(owners) < sizes[owners]
    return _sorted(Columns(owners[kept], names[kept], _typed(rng, home, names[kept])))


def _zipf(rng: np.random.Generator, count: int) -> Ints:
    """Ranks of names: the r-th (from 0) is drawn with a chance proportional to 1 / (r + 1)."""
    cumulated = np.cumsum(1.0 / np.arange(1, NAMES + 1))
    return np.searchsorted(cumulated, rng.random(count) * cumulated[-1])


def _typed(rng: np.random.Generator, home: Ints, names: Ints) -> Ints:
    strays = rng.random(len(names)) < STRAYING
    return np.where(strays, rng.integers(0, len(TYPED), len(names)), home[names])


def _derived(rng: np.random.Generator, home: Ints, columns: Columns, done: int, more: int) -> Columns:
    """So many schemas, numbered from 0, each derived from one of those that are there, early ones more often."""
    sources = (done * rng.random(more) ** 4).astype(np.int64)
    way = np.array(WAYS)[rng.choice(len(WAYS), more, p=WAY_SHARES)]
    starts = np.searchsorted(columns.schemas, np.arange(done + 1))
    counts = np.diff(starts)[sources]
    owners = np.repeat(np.arange(more), counts)
    taken = np.repeat(starts[sources], counts) + _places(owners)
    names, kinds = columns.names[taken], columns.kinds[taken]
    exported = (way == "export") | (columns.kinds[starts[sources]] >= len(TYPED))
    retyped = (way == "version")[owners] & (rng.random(len(owners)) < 0.02)
    kinds = np.where(retyped, rng.integers(0, len(TYPED), len(owners)), kinds % len(TYPED))
    kept = _kept(rng, owners, way)
    added = np.repeat(np.arange(more), _additions(rng, way, counts))
    fresh = _zipf(rng, len(added))
    found = _joined(Columns(owners[kept], names[kept], kinds[kept]), Columns(added, fresh, _typed(rng, home, fresh)))
    return _sorted(Columns(found.schemas, found.names, found.kinds + len(TYPED) * exported[found.schemas]))


def _kept(rng: np.random.Generator, owners: Ints, way: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Which columns stay: 20 to 90% of them in a projection, 95% in a version, ``FEWEST`` at least."""
    share = np.where(way == "projection", rng.uniform(0.2, 0.9, len(way)), np.where(way == "version", 0.95, 1.0))
    shuffled = np.lexsort((rng.random(len(owners)), owners))
    places = np.empty(len(owners), np.int64)
    places[shuffled] = _places(owners)
    return (rng.random(len(owners)) < share[owners]) | (places < FEWEST)


def _additions(rng: np.random.Generator, way: NDArray[np.str_], counts: Ints) -> Ints:
    """How many columns are added: 1 and more, 6 on average, in an extension, 0 to 3 in a version."""
    extension = rng.geometric(1 / 6, len(way))
    version = rng.integers(0, 4, len(way))
    wanted = np.where(way == "extension", extension, np.where(way == "version", version, 0))
    return np.minimum(wanted, MOST - counts)


def _places(groups: Ints) -> Ints:
    """The place of each element within its group (groups are sorted)."""
    return np.arange(len(groups)) - np.searchsorted(groups, groups)


def _joined(one: Columns, other: Columns) -> Columns:
    return Columns(
        np.concatenate([one.schemas, other.schemas]),
        np.concatenate([one.names, other.names]),
        np.concatenate([one.kinds, other.kinds]),
    )


def _sorted(columns: Columns) -> Columns:
    """By schema and name; of a name that a schema has twice, the first column stays."""
    _, first = np.unique(columns.schemas * NAMES + columns.names, return_index=True)
    return Columns(columns.schemas[first], columns.names[first], columns.kinds[first])


def _as_schemas(columns: Columns, schemas: int) -> Iterator[Schema]:
    """As the product sees them; equal leaves are one object."""
    codes, at = np.unique(columns.names * len(KINDS) + columns.kinds, return_inverse=True)
    names, kinds = np.divmod(codes, len(KINDS))
    leaves = [((f"column_{name:06}",), KINDS[kind]) for name, kind in zip(names.tolist(), kinds.tolist(), strict=True)]
    table = np.fromiter(leaves, object, len(leaves))
    ends = np.searchsorted(columns.schemas, np.arange(schemas), side="right").tolist()
    start = 0
    for end in ends:
        yield tuple(table[at[start:end]])
        start = end
