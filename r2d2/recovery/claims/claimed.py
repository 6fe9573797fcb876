"""What claims in the lake mean for a run: what is retired takes no part, what another state needs is kept.

Apply looks at claims again, and in full: a run only keeps from planning what apply would refuse.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import Any

from r2d2.catalog.listing import Candidate, Listing
from r2d2.catalog.state import State
from r2d2.lake.file_tree import shown
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import CLAIMED
from r2d2.recovery.claims.claims import ClaimKind
from r2d2.recovery.moves.places import claims_beside, claims_within

_RETIRED = "r2d2 retired what lay here, or still does: `r2d2 history DATASET` with the state that did"
_LONGEST = 200


def marked(listing: Listing, state: State | None) -> tuple[Candidate, ...]:
    """The candidates of a listing, those with claims on them marked.

    Retired ones get the status ``retired``; of those that another state needs ``properties`` say so.
    """
    if not listing.claims:
        return listing.candidates
    own = {row["receipt"] for row in state.rows("receipts", columns=("receipt",)).to_pylist()} if state else set()
    on: dict[str, list[str]] = defaultdict(list)
    for path in listing.claims:
        on[path.rpartition("/")[0]].append(path)
    return tuple(_marked(candidate, on, own) for candidate in listing.candidates)


def _marked(candidate: Candidate, on: dict[str, list[str]], own: set[str]) -> Candidate:
    places = claims_beside(candidate.location), claims_within(candidate.location)
    claims = [_told(path) for place in places for path in on.get(place, ())]
    if any(kind == ClaimKind.RETIRED for _, kind, _ in claims):
        return replace(candidate, status="retired", reason=_RETIRED) if candidate.status == "ok" else candidate
    needed = [path for receipt, kind, path in claims if kind == ClaimKind.PARENT and receipt not in own]
    if not needed:
        return candidate
    return replace(candidate, properties={**candidate.properties, CLAIMED: _said(needed[0])})


def _told(path: str) -> tuple[str, str, str]:
    """Id of the retirement and kind, by a claim's name; and its path."""
    receipt, _, kind = path.rpartition("/")[2].removesuffix(".json").rpartition("-")
    return receipt, kind, path


def _said(path: str) -> str:
    """What a claim says, for people; whoever wrote it, and whether or not it can be read."""
    try:
        said: Any = json.loads(json.loads(storage_for(path).read_bytes(path))["claim"])
        child, state = (shown(str(said[name]))[:_LONGEST] for name in ("child", "said"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return f"what is retired is rebuilt from it ({shown(path)})"
    return f"{child} is rebuilt from it (state {state})"
