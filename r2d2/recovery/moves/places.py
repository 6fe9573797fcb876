"""Where R2D2 writes in a lake: below ``.r2d2`` of a root, beside a dataset, and nowhere else.

All names begin with ``.`` or ``_``, which Spark, Hive and discovery take for no data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from r2d2.catalog.claim_files import AREA as AREA
from r2d2.errors import NotRetirable
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.storage import absolute, storage_for

_QUARANTINE, _SCRATCH, _DATA = "quarantine", "scratch", "data"
#: What lies below it.
AREAS = (_QUARANTINE, _SCRATCH)
#: What roots begin with that are databases of a catalog.
CATALOG = "catalog:"
_SHORT = 16
_NOTE = ".retired-by-r2d2.txt"
#: Bytes in a name that file systems allow.
LONGEST_NAME = 255


@dataclass(frozen=True)
class Area:
    """What belongs to one retirement below its root.

    Attributes:
        root: absolute path or URL.
        receipt: id of the retirement.
    """

    root: str
    receipt: str

    @property
    def directory(self) -> str:
        """All of it."""
        return joined(self.root, f"{AREA}/{_QUARANTINE}/{self.receipt}")

    @property
    def data(self) -> str:
        """The quarantined files, or the one file; the child's location is moved to it."""
        return joined(self.directory, _DATA)

    @property
    def next(self) -> str:
        """What is to take the place of ``data``, whole before that is removed."""
        return joined(self.directory, "next")

    @property
    def recipe(self) -> str:
        """The recipe beside the quarantined data."""
        return joined(self.directory, "recipe.json.gz")

    @property
    def scratch(self) -> str:
        """Where rebuilds are written before they are compared and put in place."""
        return joined(self.root, f"{AREA}/{_SCRATCH}/{self.receipt}")


def is_put_away(name: str) -> bool:
    """Whether a file, by its name below ``AREA``, is of a dataset in quarantine."""
    parts = name.split("/")
    return parts[0] == _QUARANTINE and parts[2:3] == [_DATA]


def path_roots(roots: Sequence[str]) -> list[str]:
    """The roots that are places, as absolute paths or URLs; databases of a catalog are none."""
    return [absolute(root) for root in roots if not root.startswith(CATALOG)]


def root_of(location: str, roots: Sequence[str]) -> str:
    """The innermost of the roots that a dataset lies below.

    Raises:
        NotRetirable: it lies in none, is a root itself, lies in what R2D2 keeps there, or a link leads to it.
    """
    storage = storage_for(location)
    found = [root for root in path_roots(roots) if storage.inside(location, [storage.resolved(root)])]
    if not found:
        raise NotRetirable(f"{shown(location)} lies in no root of the lake", "nothing outside of the roots is touched")
    root = max(map(storage.resolved, found), key=len)
    if storage.resolved(location) != location.rstrip("/"):
        raise NotRetirable(f"a link leads to {shown(location)}", "retire what it leads to, by the name it has there")
    if storage.inside(root, [location]):
        raise NotRetirable(f"{shown(location)} is a root of the lake itself", "give the directory above it as the root")
    if AREA in location[len(root) :].split("/"):
        raise NotRetirable(f"{shown(location)} lies in what r2d2 keeps in the lake", "give a place beside it")
    return root


def note_of(location: str) -> str:
    """The small file that stays beside the old path of a retired dataset."""
    directory, _, name = location.rstrip("/").rpartition("/")
    note = f"_{name}{_NOTE}"
    return f"{directory}/{note if len(note.encode('utf-8')) <= LONGEST_NAME else f'_{_named(name)}{_NOTE}'}"


def claims_beside(location: str) -> str:
    """The directory of the claims on a dataset: beside it, so that overwriting it leaves them."""
    directory, _, name = location.rstrip("/").rpartition("/")
    return f"{directory}/{AREA}/claims/{_named(name)}"


def claims_within(location: str) -> str:
    """The directory of the claims on a dataset that is a root itself: what is beside it is not ours to write."""
    return joined(location, f"{AREA}/claims/root")


def _named(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:_SHORT]
