"""The data that the page's script reads: compact, and safe inside a ``<script>`` element."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from r2d2.report.bars import MEANINGS
from r2d2.report.data import DatasetRow, Evidence, ReportData
from r2d2.visible import shell_word, visible

ROW_FIELDS = (
    "anchor", "name", "word", "format", "version", "modified", "bytes", "rows", "columns", "status", "action", "parent",
    "saving", "cost", "seconds", "reason", "aliases", "shared", "sharedCount", "groups", "proof", "topic",
    "stand",
)  # fmt: skip
EDGE_FIELDS = (
    "parent", "child", "equal", "how", "reason", "parentRows", "childRows", "columns", "columnCount", "predicate",
    "masked",
)  # fmt: skip


def payload(data: ReportData) -> dict[str, Any]:
    """Rows, edges and groups as arrays; datasets by their index in ``rows``, repeated texts by theirs in ``texts``."""
    texts = _Texts()
    index = {row.id: number for number, row in enumerate(data.rows)}
    rows = [_row(row, index, texts) for row in data.rows]
    edges = [_edge(edge, index, texts) for edge in data.edges]
    return {
        "state": shell_word(data.run.state),
        "run": visible(data.run.run_id),
        "currency": visible(data.currency),
        "meanings": MEANINGS,
        "rowFields": ROW_FIELDS,
        "rows": rows,
        "edgeFields": EDGE_FIELDS,
        "edges": edges,
        "groups": [[index[member] for member in group] for group in data.groups],
        "topics": [[visible(topic.name), visible(topic.above)] for topic in data.topics],
        "texts": texts.all,
    }


def embedded(value: Any) -> Markup:
    """JSON that can stand in a ``<script type="application/json">``: nothing in it can end the element.

    All but ASCII is escaped, and so are ``<``, ``>`` and ``&``: no ``</script>``, no ``<!--``, no U+2028.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


class _Texts:
    """Each distinct text once."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self._index: dict[Any, int] = {}

    def add(self, text: str) -> int:
        return self._of(text, visible(text))

    def add_list(self, texts: Iterable[str]) -> int:
        key = tuple(texts)
        return self._of(key, [visible(text) for text in key])

    def _of(self, key: Any, shown: Any) -> int:
        if key not in self._index:
            self._index[key] = len(self.all)
            self.all.append(shown)
        return self._index[key]


def _row(row: DatasetRow, index: Mapping[str, int], texts: _Texts) -> list[Any]:
    name, word = visible(row.id), shell_word(row.id)
    return [
        row.anchor,
        name,
        None if word == name and not name.startswith("-") else word,
        texts.add(row.format),
        visible(row.version),
        texts.add(row.modified),
        row.bytes,
        row.rows,
        row.columns,
        texts.add(row.status),
        texts.add(row.action),
        None if row.parent is None else index[row.parent],
        _short(row.saving_per_month),
        _short(row.rebuild_cost),
        _short(row.rebuild_seconds),
        visible(row.reason),
        [visible(name) for name in row.names],
        [visible(name) for name in row.shared_with],
        row.shared_count,
        row.groups,
        row.proof,
        row.topic,
        texts.add_list((row.stand, row.stand_note)),
    ]


def _edge(edge: Evidence, index: Mapping[str, int], texts: _Texts) -> list[Any]:
    return [
        index[edge.parent],
        index[edge.child],
        int(edge.equal),
        texts.add(edge.how),
        texts.add(edge.reason),
        edge.rows_parent,
        edge.rows_child,
        texts.add_list(edge.columns),
        edge.column_count,
        visible(edge.predicate),
        int(edge.masked),
    ]


def _short(number: float) -> float | None:
    """Six digits that count are more than the page shows; what is not a number is shown as unknown."""
    return float(f"{number:.6g}") if abs(number) < float("inf") else None
