"""What a state knows of people is taken out of it: caches, earlier runs, decisions, the report (DELETION 4).

Results that can be found again are dropped; in what tells of the past, texts are replaced. Nothing of the rows that
were rewritten is left, in older versions of the state's tables neither.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from r2d2.catalog import codec
from r2d2.catalog.records import dataset_of
from r2d2.catalog.state import State
from r2d2.catalog.state_place import REPORT
from r2d2.catalog.tables import SCHEMAS
from r2d2.lake.file_tree import joined
from r2d2.recovery.erase.words import Words, json_or_none, spelled

Change = Callable[[pa.Table], pa.Table]
#: Columns that only code writes, and reads, and where the lake is: a person may be named like a word of them.
_CODE = frozenset({"run_id", "roots", "status", "format", "grade", "how", "action", "tier", "solver", "currency"})
_CODE |= {"receipt", "kind", "recipe", "accepted", "key", "lake", "journal"}
#: JSON whose names are code's, on so many levels.
_SECTIONS, _LEVELS = frozenset({"settings", "funnel"}), 2
_CHOICE = re.compile("[a-z-]*")


def erase_from_state(state: State, words: Words, recipes: Collection[str]) -> None:
    """Takes keys out of all tables; can be done again from wherever it ended. The caller holds the state's lock.

    Args:
        recipes: SHA-256 of those that are in force. All others go.

    Raises:
        StateError: a table can't be rewritten.
    """
    holders = _holders(state, words)
    special: Mapping[str, Change] = {
        "summaries": lambda rows: _kept(rows, [not _tells(text, words) for text in rows["summary"].to_pylist()]),
        "measures": lambda rows: _kept(rows, pc.is_null(rows["sketch"]).to_pylist()) if holders else rows,
        "verdicts": lambda rows: _kept(rows, pc.is_null(rows["row_hash"]).to_pylist()) if holders else rows,
        "recipes": lambda rows: _kept(rows, [digest in recipes for digest in rows["sha256"].to_pylist()]),
        "edges": lambda rows: _texts(_edges(rows, words, holders), words),
        "reviews": lambda rows: _reviews(rows, words),
        "vectors": lambda rows: rows.slice(0, 0),  # any may tell what its text was near to; they are soon made again
    }
    for table in SCHEMAS:
        state.rewrite(table, special.get(table, lambda rows: _texts(rows, words)))
    state.lock.fence()
    with suppress(FileNotFoundError):
        state.storage.delete(joined(state.location, REPORT))


def _holders(state: State, words: Words) -> set[str]:
    """Ids of datasets of any run in which a person's row may have been."""
    rows = state.rows("datasets", columns=["dataset", *_DATASET]).to_pylist()
    return {row["dataset"] for row in rows if words.keys.may_hold(leaf.path for leaf in dataset_of(row).leaves)}


_DATASET = ["format", "location", "version", "rows", "bytes", "names", "status", "reason", "detail"]


def _tells(text: str, words: Words) -> bool:
    summary = codec.from_json(text)
    return any(map(words.leaf_tells, summary.leaves)) or words.tells_in(json.loads(text))


def _kept(rows: pa.Table, keep: list[bool]) -> pa.Table:
    return rows if all(keep) else rows.filter(pa.array(keep, pa.bool_()))


def _edges(rows: pa.Table, words: Words, holders: Collection[str]) -> pa.Table:
    """Without predicates that speak of the keys' columns, and without witnesses from datasets with people's rows."""
    changed = _replaced(rows, "predicate", lambda text: "" if words.mentions(text) else text)
    held = pc.is_in(rows["child"], pa.array(sorted(holders), pa.string()))
    told = pc.and_(held, pc.is_valid(rows["row_hash"]))
    if not pc.any(told).as_py():
        return changed
    for name in ("row_hash", "in_child", "in_parent"):
        place = changed.schema.get_field_index(name)
        field = changed.schema.field(place)
        changed = changed.set_column(place, field, pc.if_else(told, pa.scalar(None, field.type), changed[name]))
    return changed


def _reviews(rows: pa.Table, words: Words) -> pa.Table:
    """With all texts cleared but for what rejections are about: else what somebody wants to keep would be asked anew.

    What was rejected is in the lake, or in quarantine, by that very name.
    """
    changed = _texts(rows, words)
    for name in ("dataset", "location"):
        place = changed.schema.get_field_index(name)
        kept = pc.if_else(pc.fill_null(rows["approved"], True), changed[name], rows[name])
        changed = changed.set_column(place, changed.schema.field(place), kept)
    return rows if changed.equals(rows) else changed


def _texts(rows: pa.Table, words: Words) -> pa.Table:
    """With all texts cleared; the same table where none held a key."""
    for field in rows.schema:
        if field.name in _CODE:
            continue
        if field.name in _SECTIONS:
            rows = _replaced(rows, field.name, lambda text: _section(text, words))
        elif pa.types.is_string(field.type):
            rows = _replaced(rows, field.name, lambda text: _cleared(text, words))
        elif pa.types.is_list(field.type):
            found = rows[field.name].to_pylist()
            cleared = [None if texts is None else words.cleared_in(texts) for texts in found]
            if cleared != found:
                place = rows.schema.get_field_index(field.name)
                rows = rows.set_column(place, field, pa.array(cleared, field.type))
    return rows


def _replaced(rows: pa.Table, name: str, change: Callable[[str], str]) -> pa.Table:
    """Each different text is looked at once."""
    different = pc.unique(rows[name])
    changes = {text: new for text in different.to_pylist() if text is not None and (new := change(text)) != text}
    if not changes:
        return rows
    changed = pa.array([changes.get(text, text) for text in different.to_pylist()], pa.string())
    place = rows.schema.get_field_index(name)
    column = changed.take(pc.index_in(rows[name], different).combine_chunks())
    return rows.set_column(place, rows.schema.field(place), column)


def _cleared(text: str, words: Words) -> str:
    raw = json_or_none(text)
    return words.cleared(text) if raw is None else spelled(text, raw, words.cleared_in(_without_bounds(raw, words)))


def _section(text: str, words: Words) -> str:
    raw = json_or_none(text)
    return words.cleared(text) if raw is None else spelled(text, raw, _below(raw, words))


def _below(raw: Any, words: Words, levels: int = _LEVELS) -> Any:
    """What is cleared below so many levels of names; a lower-case word is one of few that a setting may be."""
    if levels and isinstance(raw, dict):
        return {name: _below(value, words, levels - 1) for name, value in raw.items()}
    return raw if isinstance(raw, str) and _CHOICE.fullmatch(raw) else words.cleared_in(raw)


def _without_bounds(raw: Any, words: Words) -> Any:
    """The detail of a dataset without bounds that tell."""
    if not isinstance(raw, dict) or "leaves" not in raw:
        return raw
    return {**raw, "leaves": [words.cleared_leaf(leaf) for leaf in raw["leaves"]]}
