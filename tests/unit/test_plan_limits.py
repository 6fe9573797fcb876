"""Limits of a dataset and of the whole plan, and what a line says of them."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pytest

from r2d2.errors import UsageError
from r2d2.model import Edge, Grade
from r2d2.model.plan import Action
from r2d2.model.usage import Reads, Usage
from r2d2.retention.planner import make_plan
from tests.small_plans import GB, NOW, PAIR, SETTINGS, actions, dataset, line, plan_of

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class AtOnce:
    """Rebuilds that take no time and no money."""

    def rebuild(self, child: Numbers, parent: Numbers) -> tuple[Floats, Floats]:
        return np.zeros(len(child)), np.zeros(len(parent))


Numbers = npt.NDArray[np.int64]


def test_a_latency_limit_of_zero_keeps_even_what_is_rebuilt_at_once() -> None:
    edges = [Edge("whole", "part", Grade.PROVEN, 1, 2, False, "join", "")]
    for limit, action in ((0.0, "keep"), (1e-9, "retire")):
        plan = make_plan(PAIR, edges, [], replace(SETTINGS, latency_limit=limit), recipes=lambda _: AtOnce())
        assert actions(plan)["part"] == action


@pytest.mark.parametrize(
    "limit", [{"max_retired_datasets": 1}, {"max_retired_bytes": 11 * GB}, {"max_rebuild_cost": 0.06}]
)
def test_a_budget_of_the_plan_keeps_what_saves_less_and_says_so(limit: dict[str, float]) -> None:
    lake = [dataset("whole", 30), dataset("large", 10), dataset("small", 5)]
    assert actions(plan_of(lake)) == {"whole": "keep", "large": "retire", "small": "retire"}
    plan = plan_of(lake, settings=replace(SETTINGS, **limit))  # type: ignore[arg-type]
    assert actions(plan) == {"whole": "keep", "large": "retire", "small": "keep"}
    assert f"retention.{next(iter(limit))}) are used up" in line(plan, "small").reason
    assert plan.optimal


def test_of_duplicates_the_one_goes_that_a_budget_has_room_for() -> None:
    """Without it the larger one would."""
    lake, group = [dataset("large", 40, rows=9), dataset("small", 10, rows=9)], [("large", "small")]
    assert actions(plan_of(lake, groups=group)) == {"large": "retire", "small": "keep"}
    limited = replace(SETTINGS, max_retired_bytes=20 * GB)
    assert actions(plan_of(lake, groups=group, settings=limited)) == {"large": "keep", "small": "retire"}


def test_duplicates_share_the_load_of_what_is_rebuilt_from_them() -> None:
    """Each of two kept copies has time for one of the two parts."""
    lake = [dataset("a", 10, rows=9), dataset("b", 10, rows=9), dataset("x", 9, rows=5), dataset("y", 9, rows=5)]
    edges = [Edge("a", child, Grade.PROVEN, 1, 2, False, "join", "") for child in "xy"]
    limited = replace(SETTINGS, evacuation_limit=400.0, keep=("a", "b"))
    plan = make_plan(lake, edges, [("a", "b")], limited)
    assert {line(plan, "x").parent, line(plan, "y").parent} == {"a", "b"}


def test_what_can_not_be_rebuilt_together_in_time_is_not_retired_together() -> None:
    lake = [dataset("whole", 30), dataset("large", 10), dataset("small", 5)]
    seconds = {line.dataset: line.rebuild_seconds for line in plan_of(lake).datasets}
    enough = replace(SETTINGS, evacuation_limit=seconds["large"] + seconds["small"])
    assert actions(plan_of(lake, settings=enough))["small"] == "retire"
    short = replace(enough, evacuation_limit=enough.evacuation_limit - 1)
    assert actions(plan_of(lake, settings=short)) == {"whole": "keep", "large": "retire", "small": "keep"}
    assert "retention.evacuation_limit" in line(plan_of(lake, settings=short), "small").reason
    assert actions(plan_of(lake, settings=replace(short, shared_rebuilds=2)))["small"] == "retire"


def test_what_does_not_pay_back_in_time_is_kept_and_says_so() -> None:
    plan = plan_of(PAIR, settings=replace(SETTINGS, payback_months=0.5))
    assert "does not pay back" in line(plan, "part").reason
    part = line(plan_of(PAIR), "part")
    assert 0 < part.once_cost < 12 * part.saving_per_month


def test_the_plan_says_what_it_takes_once_and_when_that_is_saved() -> None:
    plan = plan_of(PAIR)
    assert plan.once_cost == pytest.approx(line(plan, "part").once_cost)
    assert replace(plan, run_cost=5.0).once_cost == pytest.approx(plan.once_cost + 5)
    assert plan.payback_months == pytest.approx(plan.once_cost / plan.total_saving_per_month)


def test_a_line_says_what_would_change_it() -> None:
    assert line(plan_of(PAIR), "part").changes_if.startswith("it would stay if it had to be back within less than ")
    slow = plan_of(PAIR, settings=replace(SETTINGS, latency_limit=100.0))
    needed = line(slow, "part").changes_if
    assert needed.startswith("it could be retired with a latency limit of ")
    seconds = float(needed.rpartition(" of ")[2].removesuffix(" s").replace(",", ""))
    assert actions(plan_of(PAIR, settings=replace(SETTINGS, latency_limit=seconds)))["part"] == "retire"


def test_the_number_of_reads_at_which_it_would_stay_is_where_the_plan_changes() -> None:
    rare = replace(SETTINGS, residency_days=1.0)
    told = line(plan_of(PAIR, settings=rare), "part").changes_if
    times = float(told.partition("more than ")[2].partition(" times")[0].replace(",", ""))
    for factor, action in ((0.97, "retire"), (1.03, "keep")):
        often = replace(rare, accesses={"part": times * factor}, payback_months=float("inf"))
        assert actions(plan_of(PAIR, settings=often))["part"] == action


def test_a_budget_far_below_the_lake_s_size_retires_nothing() -> None:
    settings = replace(SETTINGS, max_retired_bytes=1, latency_limit=float("inf"))
    huge = [dataset("whole", 3 * 2**22), dataset("part", 2**22)]
    assert actions(plan_of(huge, settings=settings)) == {"whole": "keep", "part": "keep"}


@pytest.mark.parametrize("days", [float("inf"), 1e300])
def test_a_window_longer_than_any_log_makes_all_reads_unknown(days: float) -> None:
    reads = Usage("part", reads=Reads(1e9, "log", NOW - timedelta(days=400), NOW))
    settings = replace(SETTINGS, read_window_days=days)
    assert plan_of(PAIR, reads, settings=settings).datasets == plan_of(PAIR, settings=settings).datasets


@pytest.mark.parametrize("broken", [{"read_window_days": float("nan")}, {"max_pairs": -1}])
def test_limits_that_are_none_are_refused(broken: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(broken))):
        plan_of(PAIR, settings=replace(SETTINGS, **broken))  # type: ignore[arg-type]


def test_what_does_not_pay_back_because_its_parent_is_dear_to_prove_is_said_to() -> None:
    settings = replace(SETTINGS, latency_limit=float("inf"), accesses_per_month=0.001)
    plan = plan_of([dataset("whole", 8000), dataset("part", 1)], settings=settings)
    assert "does not pay back" in line(plan, "part").reason


def test_of_more_duplicates_than_there_is_room_for_pairs_not_all_are_rebuilt_from_the_same_few() -> None:
    copies = [dataset(f"d{n:02}", 10) for n in range(20)]
    two = 2 * (SETTINGS.startup_seconds + 10 * GB / 1e8 + 10 * GB / 5e7) + 1
    settings = replace(SETTINGS, evacuation_limit=two, max_pairs=80)
    plan = plan_of(copies, groups=[tuple(d.id for d in copies)], settings=settings)
    assert sum(line.action is Action.RETIRE for line in plan.datasets) > 4 * 2


def test_an_evacuation_limit_that_nothing_keeps_to_retires_nothing() -> None:
    for limit in (1e-30, 1e-12, 1.0):
        assert set(actions(plan_of(PAIR, settings=replace(SETTINGS, evacuation_limit=limit))).values()) == {"keep"}


def test_the_number_of_reads_at_which_it_could_go_is_where_the_plan_changes() -> None:
    often = replace(SETTINGS, residency_days=1.0, accesses_per_month=25.0, payback_months=float("inf"))
    told = line(plan_of(PAIR, settings=often), "part").changes_if
    times = float(told.partition("less than ")[2].partition(" times")[0])
    assert actions(plan_of(PAIR, settings=replace(often, accesses_per_month=times * 0.97)))["part"] == "retire"
    assert actions(plan_of(PAIR, settings=replace(often, accesses_per_month=times * 1.03)))["part"] == "keep"
