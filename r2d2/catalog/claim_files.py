"""The files in which any r2d2 says what it retired, and what retired datasets are rebuilt from."""

from __future__ import annotations

import re

#: The directory of a root, or beside a dataset, in which r2d2 keeps what is its own.
AREA = ".r2d2"
_CLAIM = re.compile(rf"(?:.*/)?{re.escape(AREA)}/claims/[^/]+/[^/.][^/]*\.json", re.DOTALL)


def is_claim(name: str) -> bool:
    """Whether a file is a claim, by its path relative to a root.

    >>> is_claim("a/.r2d2/claims/f00/20260101T000000-1-parent.json"), is_claim("a/claims/f00/x.json")
    (True, False)
    """
    return AREA in name and _CLAIM.fullmatch(name) is not None
