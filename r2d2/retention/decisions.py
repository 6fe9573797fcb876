"""What the model decides: who is kept and where, who is rebuilt from whom, and what stood in the way of the others."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from r2d2.config import RetentionSettings
from r2d2.retention.ancestors import Containment
from r2d2.retention.candidates import Candidates, Obstacles, find_candidates
from r2d2.retention.choices import Choices, choices_of
from r2d2.retention.costs import money
from r2d2.retention.optimizer import HEURISTIC, Instance, Solution, most_options, solve, solve_together
from r2d2.retention.profiles import Flags, Floats, Ints
from r2d2.retention.rebuilds import RETIRE, Rebuilds, numbers

KEPT = -1


@dataclass
class Decision:
    """The decision of each usable dataset, by number.

    Attributes:
        parent: the number of the dataset that it is rebuilt from, or that a view reads; ``KEPT`` if it is kept.
        mode: how it goes, if it does: ``RETIRE`` or ``REDIRECT``.
        tier: which of its colder classes it moves to; ``KEPT`` if it stays where it is.
        monthly, seconds: what being gone costs a month, and what a rebuild (or an access through a view) takes.
        obstacles: what was seen of the datasets that hold all its rows.
        estimated: it is in a plan that is not proven the cheapest.
        crowded: it could be rebuilt from a kept dataset and would save money, if the plan's limits had room for it.
        instead: of a dataset that is kept because a job writes it again, what it could be rebuilt from; else ``KEPT``.
        how: how many components were solved by which step.
        gap: what a better plan can save more at most, a month; infinite if that is not known.
    """

    parent: Ints
    mode: Ints
    tier: Ints
    monthly: Floats
    seconds: Floats
    obstacles: Obstacles
    estimated: Flags
    crowded: Flags
    instead: Ints
    how: Counter[str] = field(default_factory=Counter)
    gap: float = 0.0

    @property
    def optimal(self) -> bool:
        """Whether it is proven that no plan is cheaper."""
        return not self.estimated.any()


@dataclass(frozen=True)
class _Part:
    """A component that takes part in the decision.

    Attributes:
        advice: pairs of datasets that are kept because a job writes them again.
    """

    members: Ints
    choices: Choices
    solution: Solution
    advice: Candidates


def decide(lake: Containment, rebuilds: Rebuilds, sizes: Floats) -> Decision:
    """The cheapest plan under the rules.

    Args:
        sizes: bytes of each dataset.

    Raises:
        SolverError: the solver is needed and not installed.
    """
    settings, total = rebuilds.settings, len(sizes)
    ends = time.monotonic() + settings.solver_seconds
    decision = _alone(rebuilds, total)
    waiting = []
    for members, seen in _components(lake, rebuilds):
        _note_obstacles(decision, members, seen.obstacles)
        if not len(seen.child) and seen.complete:
            continue
        advice, found = _apart(seen, rebuilds.policies.advised[members])
        choices = choices_of(members, found, rebuilds, sizes)
        solution = solve(choices.instance, ends - time.monotonic(), found.complete)
        part = _Part(members, choices, solution, advice)
        if choices.instance.limits:
            waiting.append(_thinned(part, total))
        else:
            _note(decision, part)
    if waiting:
        instances, alone = [part.choices.instance for part in waiting], [part.solution for part in waiting]
        together = solve_together(instances, alone, ends - time.monotonic())
        for part, solution in zip(waiting, together, strict=True):
            _note(decision, replace(part, solution=solution))
    return decision


def _alone(rebuilds: Rebuilds, total: int) -> Decision:
    """Everything kept, each in the class that is cheapest for it alone."""
    kept, never, no = np.full(total, KEPT), np.full(total, np.inf), np.zeros(total, np.bool_)
    none = np.zeros(total, np.int64)
    tier = kept.copy()
    share, history = rebuilds.settings.switching_share, rebuilds.history
    for number, tiers in rebuilds.tiers.items():
        keep = float(rebuilds.profiles.keep[number])
        costs = [each.keep + history.elsewhere(number, each.name, keep, share) for each in tiers]
        tier[number] = int(np.argmin(costs))
    return Decision(
        parent=kept.copy(),
        mode=np.full(total, RETIRE),
        tier=tier,
        monthly=np.zeros(total),
        seconds=np.zeros(total),
        obstacles=Obstacles(none.copy(), never.copy(), never.copy(), none.copy(), none.copy()),
        estimated=no.copy(),
        crowded=no.copy(),
        instead=kept.copy(),
    )


def _components(lake: Containment, rebuilds: Rebuilds) -> Iterator[tuple[Ints, Candidates]]:
    for names in lake.components():
        if len(names) > 1:
            members = numbers(names, rebuilds.number)
            yield members, find_candidates(members, lake, rebuilds)


def _apart(found: Candidates, advised: Flags) -> tuple[Candidates, Candidates]:
    """The pairs of datasets whose jobs should stop, and those of the others.

    These are the advised ones that could be rebuilt from one which is not. Nothing is rebuilt from them: they are
    written again each night, and go when their jobs have stopped.
    """
    live, stopping = advised[found.child], np.zeros(len(advised), np.bool_)
    stopping[found.child[live & ~advised[found.parent]]] = True
    usable = ~stopping[found.parent]
    return found.only(stopping[found.child] & usable), found.only(~live & usable)


def _thinned(part: _Part, total: int) -> _Part:
    """The component with no more options than can be held of every one."""
    instance, option = part.choices.instance.nearest(most_options(total), part.solution.option)
    return replace(part, choices=part.choices.only(instance), solution=replace(part.solution, option=option))


def _note_obstacles(decision: Decision, members: Ints, seen: Obstacles) -> None:
    for name in Obstacles.__dataclass_fields__:
        getattr(decision.obstacles, name)[members] = getattr(seen, name)


def _note(decision: Decision, part: _Part) -> None:
    solution, members, choices = part.solution, part.members, part.choices
    instance = choices.instance
    pair, place = instance.pair[solution.option], instance.place[solution.option]
    gone = pair >= 0
    decision.parent[members[gone]] = members[instance.owner[place[gone]]]
    for name in ("mode", "monthly", "seconds"):
        getattr(decision, name)[members[gone]] = getattr(choices, name)[pair[gone]]
    decision.tier[members] = np.where(gone, KEPT, choices.tier[place])
    decision.crowded[members[_crowded(instance, solution)]] = True
    decision.how["in parts" if not choices.complete else solution.how] += 1
    decision.estimated[members] = not solution.optimal
    decision.gap += solution.cost - solution.bound
    advice = part.advice
    for k in np.argsort(-advice.cost, kind="stable").tolist():
        if not gone[advice.parent[k]]:
            decision.instead[members[advice.child[k]]] = members[advice.parent[k]]


def _crowded(instance: Instance, solution: Solution) -> Flags:
    """Kept datasets from which nothing is rebuilt, although a kept place is among their options."""
    users = np.bincount(instance.place[solution.option], minlength=len(instance.owner))
    idle = (instance.pair[solution.option] < 0) & (users[instance.place[solution.option]] == 1)
    could = (instance.pair >= 0) & instance.pays & (users[instance.place] > 0) & idle[instance.child]
    crowded: Flags = np.bincount(instance.child[could], minlength=instance.size) > 0
    return crowded


def describe(decision: Decision, settings: RetentionSettings) -> str:
    """How the plan was found, for people."""
    parts = [f"{n} {how}" for how, n in sorted(decision.how.items()) if how not in ("in parts", HEURISTIC)]
    if decision.how[HEURISTIC]:
        parts.append(f"{decision.how[HEURISTIC]} by local search (not proven optimal)")
    if decision.how["in parts"]:
        parts.append(f"{decision.how['in parts']} by local search (more than {settings.max_pairs:,} possible pairs)")
    if not parts:
        return "nothing to decide"
    gap = ""
    if not decision.optimal and np.isfinite(decision.gap):
        gap = f"; no plan saves over {money(max(0.0, decision.gap), settings.currency)} a month more"
    return f"components solved: {', '.join(parts)}{gap}"
