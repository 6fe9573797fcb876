"""Which decision on a dataset counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from r2d2.catalog.state import open_state
from r2d2.config import RecoverySettings
from r2d2.errors import NotRetirable
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.recovery.records import reviews
from r2d2.recovery.records.decisions import Decided, Decisions, keep_lapses


class Fast(datetime):
    """A clock that is ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(hours=1)


def test_a_rejection_counts_even_if_the_clock_of_who_approved_was_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = PlannedDataset("a", Action.RETIRE, "b", 1.0, 0.0, 60.0, "", "v1", parent_version="v2")
    plan = Plan((entry,), 1.0, 1, "by hand", True, number=1)
    state = open_state(str(tmp_path / "state"), create=True)
    with state.locked():
        with monkeypatch.context() as patched:
            patched.setattr(reviews, "datetime", Fast)
            reviews.decide(state, plan, ["a"], True, "ann", "why", ())
        reviews.decide(state, plan, ["a"], False, "bob", "needed", ())

    found = Decisions.of(reviews.reviews(state), (), RecoverySettings())
    with pytest.raises(NotRetirable, match="rejected by bob"):
        found.approval(entry)
    with state.locked():
        keep_lapses(state, replace(plan, datasets=(replace(entry, version="v3"),)), found, lambda parent, child: False)
    assert Decisions.of(reviews.reviews(state), (), RecoverySettings()).on(entry) is Decided.LAPSED
