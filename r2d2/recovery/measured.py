"""How long restores took against what plans had promised: later plans promise no less than that."""

from __future__ import annotations

import math

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
    factors = {plan: runs.run_of_plan(state, plan).retention.rebuild_factor for plan in {row["plan"] for row in rows}}
    ratios = sorted(
        row["seconds"] / row["promised_seconds"] * factors[row["plan"]] for row in rows if row["promised_seconds"] > 0
    )
    return max(1.0, ratios[math.ceil(len(ratios) * _P95) - 1]) if ratios else 1.0
