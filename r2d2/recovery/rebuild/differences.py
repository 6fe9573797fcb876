"""What is otherwise in a rebuilt dataset that is equal to the child, and not the same: for a person who must decide."""

from __future__ import annotations

import json
from collections.abc import Iterator

from r2d2.config import ContainmentSettings
from r2d2.containment.scanner import Runner
from r2d2.lake.file_tree import shown
from r2d2.model.dataset import Dataset
from r2d2.model.recipe import FileRecord, Manifest
from r2d2.recovery.formats.headers import identity_of, kind_of
from r2d2.recovery.formats.writers import gaps
from r2d2.recovery.identity.columns import unlike_columns
from r2d2.recovery.rebuild.rebuild import Built

_MOST = 3
#: What frames the records of a text file, by its key in the header.
_FRAME = {
    "encoding": "its encoding",
    "compression": "its compression",
    "bom": "its byte order mark",
    "newline": "its line ends",
    "last_newline": "the line end after its last record",
    "blank_lines": "its blank lines",
    "header": "its header line",
}


def differences(
    child: Dataset, manifest: Manifest, built: Built, settings: ContainmentSettings, run: Runner
) -> tuple[str, ...]:
    """What is otherwise, in words, the first few of each sort; never empty."""
    found = list(_of_headers(manifest, built))
    columns = unlike_columns(child, built.dataset, settings, run)
    more = [f"and {len(columns) - _MOST} more columns"] if len(columns) > _MOST else []
    found = [*found[:_MOST], *columns[:_MOST], *more]
    return tuple(found or [_beyond_columns(child)])


def _of_headers(manifest: Manifest, built: Built) -> Iterator[str]:
    """What of files' headers is otherwise; the first file of each sort is named."""
    seen = {identity_of(header) for header in built.headers}
    for number, header in enumerate(manifest.headers):
        if identity_of(header) in seen:
            continue
        file = next(file for file in manifest.files if file.header == number)
        place = manifest.files.index(file)
        what = gaps(header) or _frame(header, built.headers[built.files[place].header])
        yield f"{_name(manifest, file)}: {', '.join(map(shown, what[:_MOST]))}"


def _frame(wanted: str, found: str) -> tuple[str, ...]:
    if kind_of(wanted) != kind_of(found):
        return ("its format",)
    was, now = (json.loads(header)["identity"] for header in (wanted, found))
    return tuple(words for key, words in _FRAME.items() if was.get(key) != now.get(key)) or ("its schema or metadata",)


def _name(manifest: Manifest, file: FileRecord) -> str:
    return shown(file.name or manifest.location.rpartition("/")[2])


def _beyond_columns(child: Dataset) -> str:
    if child.format in ("json", "jsonl"):
        return "how its JSON is spaced or escaped, or the order of its keys"
    return "which of its values stand together, or in which directory"
