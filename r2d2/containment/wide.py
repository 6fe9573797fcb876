"""Tables of many columns: columns of one kind are hashed by one expression over a list of them.

DuckDB takes its time, and memory that no limit counts, for each expression that it plans. *Seen*: 27 ms and 5 MB for a
column of numbers in text, so that 1,000 columns took a minute and 10,000 more memory than there was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from r2d2.containment.hashing import Canonical, absent, canonical, hashed_leaves, list_halves
from r2d2.lake.layout import Column

#: Fewer columns of one kind than this are hashed one by one: a list takes a tenth more for each value.
FEWEST = 64
#: The same for text that is converted, whose expressions are long.
FEWEST_OF_TEXT = 8
#: The same for values of a fixed width, whose expressions are short: a list takes twice as long for each.
FEWEST_OF_FIXED = 1000
#: More columns than this are several lists: what is computed for one batch of rows lies in memory at once.
MOST = 500
_NESTED = ("LIST", "MAP", "STRUCT")

#: SQL of a leaf's value, and its column; None for a leaf that the files lack.
Value = tuple[str, Column] | None


def hashed_values(
    leaves: Sequence[tuple[Value, str]], others: Mapping[str, str], table: str, general: bool = True
) -> str:
    """SQL of a relation with ``l<i>``, ``k<i>``, the halves of each leaf, and ``others`` (name → SQL on ``table``).

    Args:
        leaves: value and family of each.
        others: computed beside the leaves.
        table: SQL of the table expression.
        general: whether numbers of 10^12 and more are expected (``hashing.canonical``).
    """
    lists = _lists(leaves, general)
    listed = {i for _, members in lists for i in members}
    alone = [i for i in range(len(leaves)) if i not in listed]
    if not lists:
        return hashed_leaves([_canonical(*leaf, general) for leaf in leaves], others, table)
    made = dict(others)
    halves = list(others)
    for number, (leaf, members) in enumerate(lists):
        made[f"g{number}"] = list_halves(leaf, [_sql(leaves[i][0]) for i in members])
        for position, i in enumerate(members, 1):
            halves += [f"g{number}[{position}].l AS l{i}", f"g{number}[{position}].k AS k{i}"]
    for place, i in enumerate(alone):
        halves += [f"l{place} AS l{i}", f"k{place} AS k{i}"]
    inner = hashed_leaves([_canonical(*leaves[i], general) for i in alone], made, table)
    return f"SELECT {', '.join(halves)} FROM ({inner})"


def _canonical(value: Value, family: str, general: bool) -> Canonical:
    return canonical(*value, family, general) if value else absent(family)


def _sql(value: Value) -> str:
    assert value is not None
    return value[0]


def _lists(leaves: Sequence[tuple[Value, str]], general: bool) -> list[tuple[Canonical, list[int]]]:
    """Leaves of one type with one canonical form, together."""
    alike: dict[tuple[str, Canonical], list[int]] = defaultdict(list)
    for i, (value, family) in enumerate(leaves):
        if value is not None and value[1].kind not in _NESTED:
            leaf = canonical("x", value[1], family, general)
            if leaf != absent(family):
                alike[value[1].kind, leaf].append(i)
    return [
        (leaf, members[start : start + MOST])
        for (kind, leaf), members in alike.items()
        if len(members) >= _fewest(kind, leaf)
        for start in range(0, len(members), MOST)
    ]


def _fewest(kind: str, leaf: Canonical) -> int:
    if kind in ("TEXT", "JSON") and leaf.fixed:
        return FEWEST_OF_TEXT
    return FEWEST if leaf.text else FEWEST_OF_FIXED
