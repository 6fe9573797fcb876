"""What discovery finds: datasets as far as names, sizes and table logs tell, before any file is opened."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from r2d2.model.dataset import DataFile, OtherFiles
from r2d2.model.source import SparkSource


@dataclass(frozen=True)
class Problem:
    """Something in the lake that is not a dataset, and what to do about it; fit to be shown as it is."""

    where: str
    what: str
    hint: str = ""

    @property
    def unreadable(self) -> bool:
        """Whether there may be datasets at this place that could not be looked at."""
        return self.what.startswith("can't be ")


@dataclass(frozen=True)
class Candidate:
    """A dataset to be. Fields that ``Dataset`` has too mean the same there.

    Attributes:
        file_ids: for each file the id that it has if it turns out to be a dataset of its own.
        schema: the schema as the table's log gives it (JSON); empty where only the files can tell.
        parts: the files were put together by their names or by a rule, and must be checked to share a schema.
        claimed: identities of the further files below the directory of a table format: log, old versions, and all
            files of a table that can't be read.
        pins: identities of files outside that its log refers to; after ``merge_aliases`` also of those in ``files``
            and ``claimed`` that another dataset has too.
        outsiders: ids of tables that are left out of the listing (hidden, excluded) and refer to some of its files;
            they are in ``shared_with`` too.
        linked: a symbolic link led to it.
        unsuited: why its files, read one by one, don't give its rows; empty if they do, as far as its log tells.
        told: what makes up its rows besides its files, and is not in its directory: the schema that a catalog gives,
            the metadata file that it calls current, a view's plan. Two names of the same files that are told
            different things are two datasets; empty where nothing is told.
        fallback: the ``source`` that it gets if they turn out not to; None if nothing reads it then.
        fingerprint: of names, sizes, times and identities of the files, for table formats too; a table that is made
            anew at the same place can have the same version, but not the same fingerprint.
    """

    id: str
    format: str
    location: str
    version: str = ""
    files: tuple[DataFile, ...] = ()
    file_ids: tuple[str, ...] = ()
    bytes: int = 0
    modified_ns: int = 0
    partition_columns: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    schema: str = ""
    parts: bool = False
    names: tuple[str, ...] = ()
    claimed: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    shared_with: tuple[str, ...] = ()
    outsiders: tuple[str, ...] = ()
    others: tuple[OtherFiles, ...] = ()
    linked: bool = False
    fingerprint: str = ""
    source: SparkSource | None = None
    unsuited: str = ""
    told: str = ""
    fallback: SparkSource | None = None
    retirable: bool = True
    status: str = "ok"
    reason: str = ""


@dataclass(frozen=True)
class Listing:
    """Everything that was found below the roots: datasets sorted by id, and what is none.

    Attributes:
        claims: paths of the files in which any r2d2 says what is retired, and what retired datasets are rebuilt from.
    """

    candidates: tuple[Candidate, ...]
    problems: tuple[Problem, ...]
    claims: tuple[str, ...] = ()


def plain_candidate(candidate: Candidate) -> Candidate:
    """Fills in what follows from the files of a dataset that no table format describes."""
    mark = fingerprint(candidate.location, candidate.files)
    filled = replace(
        candidate,
        version=mark,
        fingerprint=mark,
        bytes=sum(file.size for file in candidate.files),
        modified_ns=max((file.mtime_ns for file in candidate.files), default=0),
    )
    if filled.status == "ok" and any(file.mtime_ns == 0 for file in filled.files):
        reason = "its store does not tell when files change, so that a change during a scan would go unseen"
        return replace(filled, status="unprovable", reason=reason)
    return filled


def fingerprint(location: str, files: Sequence[DataFile]) -> str:
    """``f`` and 32 hexadecimal digits over the files' names relative to ``location``, sizes, times and identities."""
    base = f"{location.rstrip('/')}/"
    rows: list[tuple[Any, ...]] = sorted(
        (f.path.removeprefix(base), f.size, f.mtime_ns, f.identity, f.ctime_ns, *filter(None, (f.tag,))) for f in files
    )
    text = "\0".join(f"{len(name)}\0{name}\0" + "\0".join(map(str, stat)) for name, *stat in rows)
    return f"f{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}"


def split(candidate: Candidate) -> tuple[Candidate, ...]:
    """Each file of a dataset as a dataset of its own, under the id that it has then.

    Directories named ``k=v`` were columns of the whole; a single file has no such columns. Run ``merge_aliases`` on all
    candidates again afterwards: whose files are shared with whom has changed. Other names of the whole are dropped.
    """
    return tuple(
        plain_candidate(
            Candidate(
                id=own_id,
                format=candidate.format,
                location=file.path,
                files=(replace(file, partition=()),),
                file_ids=(own_id,),
                outsiders=candidate.outsiders,
                linked=candidate.linked,
                status=candidate.status,
                reason=candidate.reason,
            )
        )
        for file, own_id in zip(candidate.files, candidate.file_ids, strict=True)
    )
