"""How long restores took against what plans had promised: later plans promise no less than that."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from r2d2.catalog import runs
from r2d2.catalog.state import State, latest

#: Restores that are looked back at.
_NEWEST = 20
_P95 = 0.95


def restores_factor(state: State) -> float:
    """How many times longer rebuilds take than the configured speeds say: the p95 of the newest ones, at least 1.

    What was promised had the factor of its own plan in it, which is taken out.
    """
    rows = latest(state.rows("restores")).slice(0, _NEWEST).to_pylist()
    plans = {row["plan"] for row in rows}
    factors = {head["plan"]: _factor(state, head) for head in runs.plan_heads(state) if head["plan"] in plans}
    ratios = sorted(
        row["seconds"] / row["promised_seconds"] * factors.get(row["plan"], 1.0)
        for row in rows
        if row["promised_seconds"] > 0
    )
    return max(1.0, ratios[math.ceil(len(ratios) * _P95) - 1]) if ratios else 1.0


def _factor(state: State, head: Mapping[str, Any]) -> float:
    """The factor that a plan was made with: its run says so right after it, and may have been planned again since."""
    told = state.rows("runs", head["run_id"], columns=("at", "settings")).sort_by("at").to_pylist()
    settings = next((row["settings"] for row in told if row["at"] >= head["at"]), "{}")
    return float(json.loads(settings).get("retention", {}).get("rebuild_factor", 1.0))
