"""What the plan before decided is undone only where that is worth it."""

from dataclasses import replace

import pytest

from r2d2.model import Edge, Grade, Plan
from r2d2.retention.context import Context
from r2d2.retention.planner import make_plan
from tests.small_plans import PAIR, SETTINGS, actions, dataset, line, plan_of


def test_an_equal_plan_of_the_other_way_round_does_not_displace_the_one_before() -> None:
    twins = [dataset("a", 10), dataset("b", 10)]
    first = plan_of(twins, groups=[("a", "b")])
    assert actions(first) == {"a": "keep", "b": "retire"}
    other = replace(
        first,
        datasets=tuple(
            replace(entry, dataset={"a": "b", "b": "a"}[entry.dataset], parent=entry.parent and "b")
            for entry in first.datasets
        ),
    )
    assert actions(plan_of(twins, groups=[("a", "b")], previous=other)) == {"a": "retire", "b": "keep"}


def test_a_reversal_must_beat_the_cost_of_switching() -> None:
    twins = [dataset("a", 10.2), dataset("b", 10)]
    group = [("a", "b")]
    assert actions(plan_of(twins, groups=group)) == {"a": "retire", "b": "keep"}
    before = plan_of([dataset("a", 10), dataset("b", 10.2)], groups=group)
    assert actions(before) == {"a": "keep", "b": "retire"}
    assert actions(plan_of(twins, groups=group, previous=before)) == {"a": "keep", "b": "retire"}, "2% are not enough"
    twins[0] = dataset("a", 13)
    after = plan_of(twins, groups=group, previous=before)
    assert actions(after) == {"a": "retire", "b": "keep"}
    alone = plan_of(twins, groups=group)
    assert after.total_saving_per_month == pytest.approx(alone.total_saving_per_month), "it is no money"


def test_what_was_let_go_is_not_kept_again_for_a_little() -> None:
    """Of two copies the smaller would be kept; it is gone already, and the other is new."""
    twins, group = [dataset("a", 10), dataset("b", 10.2)], [("a", "b")]
    before = plan_of([dataset("a", 10), dataset("c", 9)], groups=[("a", "c")])
    assert actions(before) == {"a": "retire", "c": "keep"}
    assert actions(plan_of(twins, groups=group)) == {"a": "keep", "b": "retire"}
    assert actions(plan_of(twins, groups=group, previous=before)) == {"a": "retire", "b": "keep"}


def test_among_parents_of_one_cost_that_of_the_plan_before_is_taken() -> None:
    lake = [dataset("a", 30, rows=9), dataset("b", 30, rows=8), dataset("part", 10)]
    edges = [Edge(parent, "part", Grade.PROVEN, 1, 2, False, "join", "") for parent in "ab"]
    first = make_plan(lake, edges, [], SETTINGS)
    assert line(first, "part").parent == "a"
    moved = replace(first, datasets=tuple(replace(e, parent=e.parent and "b") for e in first.datasets))
    assert line(make_plan(lake, edges, [], SETTINGS, Context(previous=moved)), "part").parent == "b"


def test_what_stays_because_a_change_is_not_worth_it_is_said_to() -> None:
    settings = replace(SETTINGS, payback_months=float("inf"))
    before = plan_of(PAIR, settings=replace(settings, max_retired_bytes=1))
    assert line(before, "part").could_go
    saves = line(plan_of(PAIR, settings=settings), "part").saving_per_month
    share = 1.01 * saves / (10 * 0.023)
    after = plan_of(PAIR, settings=replace(settings, switching_share=share), previous=before)
    assert line(after, "part").reason.startswith("kept as in the plan before: saves ")


def test_what_was_kept_for_want_of_a_parent_is_let_go_when_there_is_one() -> None:
    """That is no change of mind, and need not save more than another."""
    settings = replace(SETTINGS, payback_months=float("inf"), switching_share=10.0)
    before = make_plan(PAIR, [], [], settings)
    assert not line(before, "part").could_go
    assert actions(plan_of(PAIR, settings=settings, previous=before))["part"] == "retire"


def test_classes_of_nearly_one_cost_do_not_take_turns() -> None:
    settings = replace(SETTINGS, actions=("colder",))

    def planned(often: float, previous: Plan | None = None) -> Plan:
        return plan_of([dataset("alone", 100)], settings=replace(settings, accesses_per_month=often), previous=previous)

    def tier(plan: Plan) -> str:
        return line(plan, "alone").tier

    low, high = 0.01, 0.5
    cold = tier(planned(low))
    assert cold != tier(planned(high)) != ""
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if tier(planned(middle)) == cold else (low, middle)
    for before, now in ((low, high), (high, low)):
        assert tier(planned(before)) != tier(planned(now))
        assert tier(planned(now, planned(before))) == tier(planned(before))
