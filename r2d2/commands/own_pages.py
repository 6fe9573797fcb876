"""Pages in a directory that may hold other files, too: only a state's own pages are replaced or removed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from r2d2.errors import UsageError
from r2d2.lake.local_writes import put
from r2d2.report.render import OWNERS_MARK

#: A page's mark is in the first so many bytes of it.
_HEAD = 2048
#: What a page of an owner is called: a copy that somebody made is theirs.
_NAME = re.compile(r"[a-z0-9-]+-[0-9a-f]{8}\.html")


@dataclass(frozen=True)
class OwnPages:
    """The pages of a state's owners in a directory.

    Attributes:
        place: the directory; made when it is written to.
        mark: what is in all of them, and in no other file.
    """

    place: Path
    mark: str

    def write(self, texts: Mapping[str, str]) -> None:
        """Writes all pages that there are now, by file name, and removes those that are outdated.

        Raises:
            UsageError: a file that is not ours has such a name; nothing was written.
            OSError: a page can't be written or removed.
        """
        self.refuse_others(texts)
        self.place.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            put(str(self.place / name), text.encode("utf-8"), private=False)
        for path in self.outdated(texts):
            path.unlink()

    def refuse_others(self, names: Iterable[str]) -> None:
        """Writes to no file of anybody else, and through no link.

        Raises:
            UsageError: something that is no page of this state has one of these names.
        """
        for path in (self.place / name for name in names):
            head = _head(path)
            if os.path.lexists(path) and self.mark not in head:
                whose = "is of another state's owners" if OWNERS_MARK in head else "is no page that r2d2 wrote"
                raise UsageError(f"{path} {whose}: nothing was written there", "give another directory as --owners")

    def outdated(self, names: Iterable[str]) -> list[Path]:
        """Pages of this state that are none of these."""
        current = frozenset(names)
        found = (path for path in self.place.glob("*.html") if _NAME.fullmatch(path.name) and path.name not in current)
        return sorted(path for path in found if self.mark in _head(path))


def _head(path: Path) -> str:
    """How a regular file begins; empty for anything else, and for what can't be read."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):  # before it is opened, which a pipe would wait with
            return ""
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    with open(handle, "rb") as file:
        return file.read(_HEAD).decode("utf-8", "replace")
