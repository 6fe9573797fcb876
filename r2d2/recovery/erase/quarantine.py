"""People's rows are taken out of a quarantined dataset: its files are written anew without them, bit for bit else.

A Delta table loses its history with them, for older versions hold the rows that newer ones don't.
"""

from __future__ import annotations

import os
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from stat import S_IMODE

import numpy as np

from r2d2.errors import NotRetirable
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.storage import is_local, storage_for
from r2d2.model.dataset import DataFile, Dataset
from r2d2.model.receipt import Receipt
from r2d2.model.recipe import Manifest
from r2d2.recovery.context import Recovery
from r2d2.recovery.erase.files import file_tells
from r2d2.recovery.erase.match import matching
from r2d2.recovery.erase.swap import NewFile, Swap, after, before, swap_files
from r2d2.recovery.erase.words import Words
from r2d2.recovery.erase.write import Written, write_without
from r2d2.recovery.identity.manifest import strangers
from r2d2.recovery.moves.moving import remove_below
from r2d2.recovery.moves.places import Area
from r2d2.recovery.moves.placing import LOG, log_text
from r2d2.recovery.moves.put_away import Kind, PutAway
from r2d2.recovery.moves.quarantine import is_whole, seen_now
from r2d2.recovery.moves.quarantined import child_facts, quarantined_dataset, retired_dataset

#: A fact of a receipt: files of its quarantine are being replaced (``Swap``); None when that is over.
ERASING = "erasing"
#: A fact of a receipt: its quarantine holds less than its recipe gives.
STALE = "stale"
_SUMMARIES = ("_metadata", "_common_metadata")
_NOTHING = np.array([], np.int64)


def take_out(recovery: Recovery, receipt: Receipt, manifest: Manifest, words: Words) -> bool:
    """Takes people's rows out of the quarantine; whether there were any, or files beside the data had their keys.

    Can be done again from wherever it ended.

    Raises:
        NotRetirable: it can't be done; nothing was changed.
        R2D2Error, OSError: a step failed; the same call goes on from there.
    """
    if not receipt.facts.get(ERASING):
        swap = _planned(recovery, receipt, manifest, words)
        if swap is None:
            return False
        recovery.journal.append("rows-erasing", receipt.id, **{ERASING: swap.to_facts()})
    _go_on(recovery, recovery.receipts[receipt.id])
    return True


def _go_on(recovery: Recovery, receipt: Receipt) -> None:
    swap, away = Swap.from_facts(receipt.facts[ERASING]), PutAway.from_facts(receipt.facts["away"])
    dataset = _as_was(receipt)
    swap_files(recovery.lake, swap)
    now = after(away, swap)
    gone = set(swap.gone)
    left = [_file_now(file, swap, now) for file in dataset.files if file.path not in gone]
    rows, size = sum(file.rows or 0 for file in left), sum(file.size for file in left)
    version = "v0" if dataset.format == "delta" else dataset.version
    rest = replace(dataset, files=tuple(left), rows=rows, bytes=size, version=version)
    told = {"away": now.to_facts(), "child": child_facts(rest), "bytes": size, ERASING: None, STALE: True}
    recovery.journal.append("rows-erased", receipt.id, **told)
    remove_below(recovery.lake, Area(receipt.root, receipt.id).scratch)


def _as_was(receipt: Receipt) -> Dataset:
    """The dataset by where its files lie in quarantine, whether they are there or not."""
    away, was = PutAway.from_facts(receipt.facts["away"]), retired_dataset(receipt)
    files = tuple(replace(file, path=away.moved(file.path)) for file in was.files)
    return replace(was, location=away.place, files=files)


def _file_now(file: DataFile, swap: Swap, away: PutAway) -> DataFile:
    """A data file by the name that it had before it was put away, with what it is now."""
    now = DataFile(*storage_for(file.path).stat(file.path), reader=file.reader, partition=file.partition)
    rows, vector = (swap.rows[file.path], "") if file.path in swap.rows else (file.rows, file.vector)
    return replace(now, path=before(away, file.path), rows=rows, vector=vector)


def _planned(recovery: Recovery, receipt: Receipt, manifest: Manifest, words: Words) -> Swap | None:
    """What is to be replaced, the new files written; None for nothing.

    Raises:
        NotRetirable: it can't be done.
    """
    away, settings = PutAway.from_facts(receipt.facts["away"]), recovery.settings.containment
    if away.kind is Kind.CATALOG:
        hint = "restore it, delete the rows there, and retire it again"
        raise NotRetirable("it is a table of a catalog, whose files are its engine's to write", hint)
    if not is_whole(away):
        raise NotRetirable("it was written to while it was in quarantine", "restore it and look what was written")
    dataset = quarantined_dataset(receipt)
    whole = replace(dataset, files=tuple(replace(file, vector="") for file in dataset.files))
    gone = dict(matching(whole, words.keys, settings, recovery.run))
    beside = _Beside(away, dataset, words)
    beside.refuse_strangers()
    if not gone and not beside.tells():
        return None
    if dataset.format == "delta":  # its new log knows no deletion vectors
        gone |= {i: _NOTHING for i, file in enumerate(dataset.files) if file.vector and i not in gone}
    scratch = Area(receipt.root, receipt.id).scratch
    remove_below(recovery.lake, scratch)
    written = write_without(dataset, gone, scratch, settings, recovery.run)
    return _Plan(dataset, manifest, written, scratch).swap(beside)


@dataclass(frozen=True)
class _Beside:
    """What lies beside the data files of a dataset in quarantine."""

    away: PutAway
    dataset: Dataset
    words: Words

    @cached_property
    def paths(self) -> list[str]:
        """Of all of it but the fence."""
        own = {file.path for file in self.dataset.files}
        return [file.path for file in seen_now(self.away, moved=True) if file.path not in own]

    @cached_property
    def strangers(self) -> set[str]:
        """Of what is nobody's as a matter of course."""
        base = len(self.dataset.location) + 1
        names = {path[base:]: path for path in self.paths}
        return {names[name] for name in strangers(self.dataset.format, list(names))}

    def refuse_strangers(self) -> None:
        """Raises if a file with keys is nobody's.

        Raises:
            NotRetirable: names it.
        """
        for path in sorted(self.strangers):
            if file_tells(path, self.words):
                what = f"{shown(path)} holds a key, and is no file of the dataset as R2D2 knows it"
                raise NotRetirable(what, "restore the dataset, and look at that file")

    def tells(self) -> bool:
        """Whether any other of the files does; each cell is enough, for they can be made again or are history."""
        loose = Words(self.words.keys.apart)
        return any(file_tells(path, loose) for path in self.paths if path not in self.strangers)


@dataclass(frozen=True)
class _Plan:
    """What replaces what in one dataset."""

    dataset: Dataset
    manifest: Manifest
    written: Mapping[int, Written]
    scratch: str

    def swap(self, beside: _Beside) -> Swap:
        """All steps; what can be made again goes, of a table also its log, for which a new one is written."""
        data = [self._new(number, held) for number, held in self.written.items() if held.place]
        gone = [self.dataset.files[number].path for number, held in self.written.items() if not held.place]
        left = len(gone) < len(self.dataset.files)
        log = [self._log()] if self.dataset.format == "delta" and left else []
        new = {file.path for file in (*data, *log)}
        replaced = {before(beside.away, path) for path in (*new, *gone)}
        gone += [path for path in beside.paths if path not in new and self._goes(path, replaced, beside)]
        rows = {self.dataset.files[number].path: held.rows for number, held in self.written.items() if held.place}
        return Swap((*data, *log), tuple(gone), rows, self.dataset.location)

    def _new(self, number: int, held: Written) -> NewFile:
        path = self.dataset.files[number].path
        mode = S_IMODE(os.stat(path).st_mode) if is_local(path) else 0
        return NewFile(held.place, path, mode)

    def _goes(self, path: str, replaced: Container[str], beside: _Beside) -> bool:
        if path in beside.strangers:
            return False
        if self.dataset.format == "delta":
            return True
        directory, _, name = before(beside.away, path).rpartition("/")
        return file_tells(path, beside.words) or name in _SUMMARIES or f"{directory}/{name[1:-4]}" in replaced

    def _log(self) -> NewFile:
        """The one entry of the table's new log."""
        manifest, sizes = self._rest()
        scratch = joined(self.scratch, "log.json")
        storage_for(scratch).put(scratch, log_text(manifest, sizes).encode("utf-8"), only_if=None)
        return NewFile(scratch, joined(self.dataset.location, LOG), 0)

    def _rest(self) -> tuple[Manifest, list[int]]:
        """The manifest with the files that are left, and their sizes."""
        base = len(self.dataset.location) + 1
        places = {file.path[base:]: number for number, file in enumerate(self.dataset.files)}
        kept, sizes = [], []
        for record in self.manifest.files:
            held = self.written.get(places[record.name])
            if held is None or held.place:
                kept.append(replace(record, rows=held.rows) if held else record)
                file = self.dataset.files[places[record.name]]
                sizes.append(storage_for(held.place).stat(held.place).size if held else file.size)
        return replace(self.manifest, files=tuple(kept)), sizes
