"""What people are told of a run that a limit ended."""

from __future__ import annotations

from r2d2.model.funnel import Funnel

#: What there was too little of, by ``Funnel.limit``.
LIMITS = {"max_bytes": "bytes (--max-bytes)", "time_limit": "time (--time-limit)", "": "room"}


def going_on(funnel: Funnel) -> str:
    """What to do next."""
    return "the same command goes on from here" if funnel.goes_on else "the limit is too small for any more: raise it"
