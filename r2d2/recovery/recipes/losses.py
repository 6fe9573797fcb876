"""What no recipe gives back, named before anybody approves; found without reading data (DELETION 3)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from r2d2.errors import NotRetirable
from r2d2.lake.file_tree import shown
from r2d2.lake.storage import is_local
from r2d2.model.dataset import HEADED_FORMATS, Dataset
from r2d2.model.receipt import Acceptance, Receipt
from r2d2.model.recipe import Manifest
from r2d2.recovery.identity.manifest import strangers
from r2d2.recovery.recipes.streams import streaming_readers

_CHANGE_FEED = "delta.enableChangeDataFeed"
_RETENTION = ("delta.logRetentionDuration", "delta.deletedFileRetentionDuration")
_REFS = {"iceberg.branches": "branch", "iceberg.tags": "tag"}
_MAIN = "main"


@dataclass(frozen=True)
class About:
    """What is known of a dataset that may be retired.

    Attributes:
        format, location, version: of the dataset.
        properties: of its table.
        own: paths of its data files; empty once they are in quarantine.
        strangers: files of its directory that are no data and no log, relative to it.
        ordered: its rows come back in their order.
    """

    format: str
    location: str
    version: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    ordered: bool = False

    @staticmethod
    def dataset(dataset: Dataset, others: Sequence[str]) -> About:
        """Of a dataset that is in the lake.

        Args:
            others: files of its directory that are not its data files, relative to it.
        """
        own = tuple(file.path for file in dataset.files)
        found = strangers(dataset.format, others)
        return About(dataset.format, dataset.location, dataset.version, dataset.properties, own, found)

    @staticmethod
    def manifest(manifest: Manifest) -> About:
        """Of a dataset whose manifest was taken."""
        properties: dict[str, Any] = {}
        for kind, text in manifest.table:
            if kind == "metaData":
                told = json.loads(text)["metaData"]
                properties = {**(told.get("configuration") or {}), "delta.tableId": told.get("id", "")}
        found = strangers(manifest.format, manifest.others)
        return About(manifest.format, manifest.location, manifest.version, properties, (), found)


def losses(about: About) -> tuple[str, ...]:
    """What a rebuild does not give back, in words; what quarantine gives back is the same files with all of it.

    Raises:
        OSError: it can't be told.
    """
    return (*_of_table(about), *_of_files(about))


def refuse_unpurgeable(manifest: Manifest, receipt: Receipt) -> None:
    """Raises if a purge would lose what only its quarantine holds.

    Raises:
        NotRetirable: what would be lost, and what may be accepted.
    """
    about, stays = About.manifest(manifest), "it stays in quarantine"
    reason = next(_never_purged(about), None)
    if reason:
        raise NotRetirable(reason, stays)
    if about.strangers:
        what = f"its directory holds what no recipe gives back: {shown(about.strangers[0])}"
        raise NotRetirable(what, stays)
    if history(about) and Acceptance.HISTORY_LOST not in receipt.accepted:
        raise NotRetirable(f"{history(about)} would be lost", "approve it with --accept history-lost")


def history(about: About) -> str:
    """The older states that readers can go back to now, in words; empty for none. It takes ``history-lost``."""
    if about.format == "delta" and about.version != "v0":
        return "its older versions, and who made them,"
    names = [f"{kind} {name}" for kind, name in _refs(about)]
    return f"its snapshots, {', '.join(map(shown, names))}," if names else ""


def _never_purged(about: About) -> Iterator[str]:
    if _is_on(about.properties.get(_CHANGE_FEED)):
        yield "it has a change data feed, which no recipe gives back"
    rules = [name for name in _RETENTION if name in about.properties]
    if rules:
        yield f"it has a rule on its history ({rules[0]})"
    try:
        for place in streaming_readers(about.location, str(about.properties.get("delta.tableId", ""))):
            yield f"a streaming job reads it, whose checkpoint is {shown(place)}"
    except OSError as error:
        yield f"whether streaming jobs read it can't be told: {shown(error.filename or '')}: {error.strerror or error}"


def _of_table(about: About) -> Iterator[str]:
    if about.format == "delta" and about.version != "v0":
        yield "its history: older versions and who made them"
    if about.format == "delta":
        yield "what streaming jobs noted in its log of what they had written"
    yield from _never_purged(about)
    for kind, name in _refs(about):
        yield f"its {kind} {shown(name)}"
    if about.strangers:
        some = ", ".join(map(shown, about.strangers[:3]))
        yield f"other files of its directory: {some}"


def _of_files(about: About) -> Iterator[str]:
    if about.format in HEADED_FORMATS:
        yield f"{about.format} files that are not copied whole from its parent: they can't be written anew"
    elif not about.ordered:
        yield "the order of its rows, where its recipe keeps none"
    if not is_local(about.location):
        yield "tags, attributes and rights of its objects"
        return
    yield "when its files were last changed"
    yield from _on_disk(about.own)


def _on_disk(paths: Sequence[str]) -> Iterator[str]:
    """What only the files themselves have: further names, attributes, owners."""
    found = [os.stat(path) for path in paths]
    linked = sum(each.st_nlink > 1 for each in found)
    if linked:
        yield f"further names (hard links) of {linked} of its files"
    attributes = {name for path in paths for name in os.listxattr(path)}
    if attributes:
        yield f"extended attributes of its files: {', '.join(map(shown, sorted(attributes)[:3]))}"
    owners = {each.st_uid for each in found} - {os.geteuid()}
    groups = {each.st_gid for each in found} - {os.getegid()}
    if owners or groups:
        yield "the owner or group of its files: rebuilt ones belong to who rebuilds them"


def _refs(about: About) -> Iterator[tuple[str, str]]:
    for key, kind in _REFS.items():
        names = json.loads(about.properties.get(key) or "{}")
        yield from ((kind, name) for name in sorted(names) if (kind, name) != ("branch", _MAIN))


def _is_on(value: object) -> bool:
    return str(value).lower() == "true"
