"""The one query that answers all requests for a dataset: row hashes by projection, counted and summed by box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from r2d2.containment.box import term_sql
from r2d2.containment.encoding import as_part, encoded
from r2d2.containment.hashing import row_halves
from r2d2.containment.request import Term
from r2d2.containment.row_hash import FAST, RowHash, encoded_row, leading_halves, mac
from r2d2.containment.wide import hashed_values
from r2d2.lake.layout import Column, LeafColumn, Reader, leaf_columns
from r2d2.lake.relation import leaf_value
from r2d2.model.dataset import LeafPath
from r2d2.model.edge import Projection
from r2d2.model.family import PRESENCE
from r2d2.model.names import fold


@dataclass(frozen=True)
class Source:
    """Files of one reader: a table expression, its leaves, and the columns in which partition values stand."""

    table: str
    leaves: Mapping[LeafPath, LeafColumn]
    partition: Mapping[LeafPath, str] = field(default_factory=dict)


Partition = tuple[tuple[str, str | None], ...]


def source(tables: Sequence[tuple[str, Partition]], reader: Reader, case_sensitive: bool) -> Source:
    """The files of one reader as one table, so that what is computed for each row is planned once.

    Args:
        tables: table expressions that ``lake.relation.open_relation`` gave for ``reader``, with the partition values of
            their files: all of the same names, in any order.
    """
    leaves = {_key(leaf, case_sensitive): leaf for leaf in leaf_columns(reader)}
    names = sorted(dict(tables[0][1]))
    if not names and len(tables) == 1:
        return Source(tables[0][0], leaves)
    columns = [f"c{i}" for i in range(len(reader.columns))]
    parts = []
    for table, partition in tables:
        held = dict(partition)
        values = [f"{text_sql(held[name])} AS p{i}" for i, name in enumerate(names)]
        parts.append(f"SELECT {', '.join(columns + values)} FROM {table}")
    partition_columns = {fold((name,), case_sensitive): f"p{i}" for i, name in enumerate(names)}
    return Source(f"({' UNION ALL '.join(parts)})", leaves, partition_columns)


def hashed_rows(
    sources: Sequence[Source],
    projections: Sequence[Projection],
    terms: Sequence[Term],
    by: RowHash = FAST,
    slot: str = "0",
    general: bool = True,
) -> str:
    """SQL of a relation with ``lo<i>``, ``hi<i>`` for each projection and ``in<j>`` for each term, one row a row.

    With ``by.values`` also ``row<i>``, the encoding of the row. ``slot``: SQL on the sources that comes along. Without
    ``general`` it is faster, and fails with ``duckdb.ConversionException`` where it meets a number of 10^12 or more
    (``hashing.canonical``).
    """
    leaves = list(dict.fromkeys(leaf for projection in projections for leaf in projection))
    numbers = {leaf: i for i, leaf in enumerate(leaves)}
    parts = " UNION ALL ".join(_source_sql(part, leaves, terms, by, slot, general) for part in sources)
    asked = [[numbers[leaf] for leaf in projection] for projection in projections]
    inside = ["slot", *(f"in{j}" for j in range(len(terms)))]
    return _encoded_rows(parts, asked, inside, by) if by.encodes else _mixed_rows(parts, asked, inside)


def _mixed_rows(parts: str, asked: Sequence[Sequence[int]], inside: Sequence[str]) -> str:
    columns = []
    for p, leaves in enumerate(asked):
        low, high = row_halves([(f"l{i}", f"k{i}") for i in leaves])
        columns += [f"{low} AS lo{p}", f"{high} AS hi{p}"]
    return f"SELECT {', '.join([*columns, *inside])} FROM ({parts})"


def _encoded_rows(parts: str, asked: Sequence[Sequence[int]], inside: Sequence[str], by: RowHash) -> str:
    rows = [f"{encoded_row([f'e{i}' for i in leaves])} AS row{p}" for p, leaves in enumerate(asked)]
    encoded_rows = f"SELECT {', '.join([*rows, *inside])} FROM ({parts})"
    kept = [f"row{p}" for p in range(len(asked))] if by.values else []
    digests = [f"{mac(by.key, f'row{p}') if by.key else f'md5(row{p})'} AS d{p}" for p in range(len(asked))]
    halves = []
    for p in range(len(asked)):
        low, high = leading_halves(f"d{p}")
        halves += [f"{low} AS lo{p}", f"{high} AS hi{p}"]
    hashed = f"SELECT {', '.join([*digests, *kept, *inside])} FROM ({encoded_rows})"
    return f"SELECT {', '.join([*halves, *kept, *inside])} FROM ({hashed})"


def inside_sql(part_of: Source, boxes: Sequence[Sequence[Term]]) -> str:
    """SQL BOOLEAN on the source: whether a row lies in any of the boxes."""
    return " OR ".join(f"({' AND '.join(inside_term(part_of, condition) for condition in box)})" for box in boxes)


def _key(leaf: LeafColumn, case_sensitive: bool) -> LeafPath:
    """Presence and value leaves never share a path: a struct has no value leaf of its own."""
    return fold(leaf.path, case_sensitive)


def _source_sql(
    part_of: Source,
    leaves: Sequence[tuple[LeafPath, str]],
    terms: Sequence[Term],
    by: RowHash,
    slot: str,
    general: bool,
) -> str:
    inside = {"slot": slot, **{f"in{j}": inside_term(part_of, condition) for j, condition in enumerate(terms)}}
    if not by.encodes:
        return hashed_values([(value_of(part_of, *leaf), leaf[1]) for leaf in leaves], inside, part_of.table, general)
    columns = [f"{as_part(encoded_leaf(part_of, *leaf))} AS e{i}" for i, leaf in enumerate(leaves)]
    columns += [f"{sql} AS {name}" for name, sql in inside.items()]
    return f"SELECT {', '.join(columns)} FROM {part_of.table}"


def encoded_leaf(part_of: Source, path: LeafPath, family: str) -> str:
    """SQL of a leaf's canonical text; NULL for NULL."""
    found = value_of(part_of, path, family)
    return encoded(*found, family) if found else "NULL::VARCHAR"


def value_of(part_of: Source, path: LeafPath, family: str) -> tuple[str, Column] | None:
    """SQL of a leaf's value and its column; None for a leaf that the files lack, which is NULL in all rows."""
    if path in part_of.partition:
        return part_of.partition[path], Column(path[0], "TEXT")
    leaf = part_of.leaves.get(path)
    if leaf is not None:
        return leaf_value(leaf), leaf.column
    return ("false", Column(path[-1], "BOOLEAN")) if family == PRESENCE else None


def inside_term(part: Source, condition: Term) -> str:
    """SQL BOOLEAN on the source, never NULL: whether a row lies in the term."""
    found = value_of(part, condition.path, condition.family)
    return term_sql(*found, condition) if found else str(condition.nulls).lower()


def text_sql(value: str | None) -> str:
    """A partition value as an SQL constant; as hexadecimal digits, so that nothing in it can be SQL."""
    return "NULL::VARCHAR" if value is None else f"decode(unhex('{value.encode('utf-8').hex()}'))"
