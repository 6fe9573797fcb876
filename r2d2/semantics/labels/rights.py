"""How much a language model elsewhere may be told, and what that says of names that one gave."""

from __future__ import annotations

from typing import Literal, get_args

#: What may leave: names of datasets and columns; facts and comments, too; cell values, too.
Gets = Literal["names", "facts", "values"]


def allows(gets: Gets, told: str) -> bool:
    """Whether what was made knowing ``told`` may be known to whoever gets ``gets``.

    Args:
        told: one of ``Gets``; what is none of these may have been anything.
    """
    ranks = get_args(Gets)
    return told in ranks[: ranks.index(gets) + 1] or gets == ranks[-1]
