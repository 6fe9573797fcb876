"""Facts that people know: a CSV file with ``dataset`` (a pattern), ``key``, ``value``, which overrides other sources.

A row with an empty value takes away what other sources and earlier rows said for its key. Of keys with one value the
last row that matches a dataset decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from r2d2.catalog.patterns import Patterns, prefixes
from r2d2.model.dataset import Dataset
from r2d2.model.usage import Consumer, Job
from r2d2.usage.draft import Draft
from r2d2.usage.sources import Faults, csv_rows, files, moment, name_of

SETTING = "facts_csv"
SOURCE = "facts"
#: What a value means by key.
KEYS = {
    "name": "another name of the dataset, as logs and lineage call it",
    "owner": "who answers for it",
    "tag": "a tag",
    "hold": "true: a legal hold",
    "sensitivity": "its class",
    "reader": "a principal that may read it; * for everyone",
    "region": "where its bytes lie",
    "expires": "when it goes by itself, a time",
    "producer": "a job that writes it",
    "consumer": "what depends on it",
}
_WILD = frozenset("*?[")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}


class Facts:
    """The facts of all files, in their order."""

    def __init__(self, entries: Sequence[str]) -> None:
        self.faults = Faults(SETTING)
        self._rows: list[tuple[str, str]] = []
        self._by_pattern: dict[str, list[int]] = defaultdict(list)
        for path in files(entries, self.faults):
            for line, row in csv_rows(path, ("dataset", "key", "value"), self.faults):
                wrong = _wrong(row["dataset"], row["key"].lower(), row["value"])
                if wrong:
                    self.faults.line(path, line.number, wrong)
                else:
                    self._by_pattern[row["dataset"]].append(len(self._rows))
                    self._rows.append((row["key"].lower(), name_of(row["value"])))
        self._wild = [(Patterns([p]), rows) for p, rows in self._by_pattern.items() if _WILD & set(p) or p[:1] in "./"]

    def of(self, dataset: Dataset) -> list[tuple[str, str]]:
        """Key and value of each fact of a dataset, under its id and its other names, in the order of the files."""
        rows: set[int] = set()
        for name in (dataset.id, *dataset.names):
            for part in {*prefixes(name), *name.split("/")}:  # a pattern without a slash names any part of a path
                rows.update(self._by_pattern.get(part, ()))
                rows.update(self._by_pattern.get(f"{part}/", ()))
            for pattern, found in self._wild:
                if pattern.covers(name):
                    rows.update(found)
        return [self._rows[row] for row in sorted(rows)]

    def aliases(self, datasets: Sequence[Dataset]) -> Iterator[tuple[str, int]]:
        """Further names of datasets, each with the index of its dataset."""
        for index, dataset in enumerate(datasets):
            yield from ((value, index) for key, value in self.of(dataset) if key == "name" and value)

    def apply(self, dataset: Dataset, draft: Draft) -> None:
        """Puts what is known as a fact over what other sources said."""
        readers: set[str] | None = None
        for key, value in self.of(dataset):
            if key == "reader":
                readers = {*(readers or ()), value} if value else None
                draft.rights = None if readers is None else frozenset(readers)
            else:
                _apply(draft, key, value)


def _apply(draft: Draft, key: str, value: str) -> None:
    if key == "owner":
        draft.owner, draft.owner_source = value, SOURCE if value else ""
    elif key == "tag":
        draft.tags = draft.tags | {value} if value else set()
    elif key == "hold":
        draft.hold = _BOOLEANS[value.lower()]
    elif key == "sensitivity":
        draft.sensitivity = value
    elif key == "region":
        draft.region = value
    elif key == "expires":
        draft.expires, draft.expires_why = (moment(value), SOURCE) if value else (None, "")
    elif key == "producer":
        draft.producers = draft.producers | {(value, SOURCE): Job(value, SOURCE, None, live=True)} if value else {}
    elif key == "consumer":
        draft.consumers = draft.consumers | {Consumer(value, "fact", SOURCE): None} if value else {}


def _wrong(pattern: str, key: str, value: str) -> str:
    if not pattern:
        return "it names no dataset"
    if key not in KEYS:
        return f"there is no key {key[:40]!r}; keys are {', '.join(KEYS)}"
    if key == "hold" and value.lower() not in _BOOLEANS:
        return f"hold must be true or false, not {value[:40]!r}"
    if key == "expires" and value:
        try:
            moment(value)
        except ValueError as error:
            return str(error)
    return ""
