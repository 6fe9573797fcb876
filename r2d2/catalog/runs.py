"""Runs as the state keeps them: which there are, and what each found. Needs no JVM to read."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from r2d2.catalog import records, usage_records
from r2d2.catalog.state import State, latest
from r2d2.config import DiscoverySettings, RetentionSettings
from r2d2.errors import NotFound
from r2d2.lake.storage import one_spelling
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge, Grade
from r2d2.model.funnel import Funnel
from r2d2.model.plan import Plan
from r2d2.model.usage import Usage

#: What a run has done so far; the last row of a run says it.
RUNNING, DISCOVERED, CONTAINED, PLANNED, FINISHED = "running", "discovered", "contained", "planned", "finished"
#: Edges that are objects at once where they are streamed.
_STREAMED = 10_000
_ORDER = (RUNNING, DISCOVERED, CONTAINED, PLANNED, FINISHED)


@dataclass(frozen=True)
class Run:
    """A run: its id, when it started and when its status was last written (UTC), roots, funnel, problems.

    Attributes:
        lake: what its roots were when it started (``lake_of``): equal for the same lake, however it was spelled.
        inputs: what its containments follow from (``inputs_of``); empty where they may come out otherwise another time.
    """

    run_id: str
    status: str
    started: datetime
    at: datetime
    roots: tuple[str, ...]
    funnel: Funnel
    problems: tuple[dict[str, str], ...]
    inputs: str
    version: str
    settings: Mapping[str, Any]
    lake: frozenset[str]

    @property
    def case_sensitive(self) -> bool:
        """Whether the run matched column names with their case."""
        return bool(self.settings["containment"]["case_sensitive"])

    @property
    def retention(self) -> RetentionSettings:
        """The prices and limits that the run's plan was made with."""
        return RetentionSettings(**_section(self.settings, "retention"))

    @property
    def discovery(self) -> DiscoverySettings:
        """What counted as a dataset."""
        return DiscoverySettings(**_section(self.settings, "discovery"))

    def reached(self, status: str) -> bool:
        """Whether the run got as far as ``status``."""
        return _ORDER.index(self.status) >= _ORDER.index(status)


@dataclass(frozen=True)
class Groups:
    """Groups of nodes (dataset, view) that hold the same rows, and the edges of the reduction between groups."""

    members: tuple[tuple[tuple[str, str], ...], ...]
    edges: tuple[tuple[int, int], ...]

    @property
    def duplicates(self) -> tuple[tuple[str, ...], ...]:
        """Groups of two or more datasets, the representative first."""
        groups = (tuple(dict.fromkeys(name for name, _ in group)) for group in self.members)
        return tuple(dict.fromkeys(group for group in groups if len(group) > 1))


def runs(state: State) -> list[Run]:
    """All runs, the newest first."""
    by_id: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in latest(state.rows("runs")).to_pylist():
        by_id[row["run_id"]].append(row)
    return [_run(rows) for rows in by_id.values()]


def find_run(state: State, run_id: str = "", reached: str = DISCOVERED) -> Run:
    """The run with the id (or the start of one), or the newest that got as far as ``reached``.

    Raises:
        NotFound: there is none, or several start so.
    """
    named = [run for run in runs(state) if run.run_id.startswith(run_id)]
    hint = "`r2d2 runs --state DIR` lists the runs"
    if run_id and len(named) != 1:
        raise NotFound(f"{state.location}: {len(named) or 'no'} runs start with {run_id!r}", hint)
    found = [run for run in named if run.reached(reached)]
    if not found:
        problem = f"run {named[0].run_id} is {named[0].status}, not {reached}" if run_id else f"no run is {reached} yet"
        raise NotFound(f"{state.location}: {problem}", hint)
    return found[0]


def contained_alike(state: State, inputs: str) -> Run | None:
    """The newest run whose containments follow from the same inputs, if there is one."""
    alike = (run for run in runs(state) if inputs and run.inputs == inputs and run.reached(CONTAINED))
    return next(alike, None)


def datasets(state: State, run: Run) -> tuple[Dataset, ...]:
    """All datasets of a run, by id."""
    rows = sorted(state.rows("datasets", run.run_id).to_pylist(), key=lambda row: str(row["dataset"]))
    return tuple(map(records.dataset_of, rows))


def usage(state: State, run: Run) -> tuple[Usage, ...]:
    """What is known of each dataset of a run besides its bytes, by id; empty before its plan was made."""
    rows = sorted(state.rows("usage", run.run_id).to_pylist(), key=lambda row: str(row["dataset"]))
    return tuple(map(usage_records.usage_of, rows))


def usage_of(state: State, run: Run, name: str) -> Usage:
    """What is known of one dataset of a run."""
    rows = state.rows("usage", run.run_id, ds.field("dataset") == name).to_pylist()
    return usage_records.usage_of(rows[0]) if rows else Usage(name)


def failed(state: State) -> frozenset[tuple[str, str]]:
    """(id, version) of the datasets that some run could not read; nothing is kept of those, so they are read again."""
    rows = state.rows("datasets", only=ds.field("status") == "error").select(["dataset", "version"])
    return frozenset((row["dataset"], row["version"]) for row in rows.to_pylist())


def edges(state: State, run: Run, grade: Grade) -> Iterator[Edge]:
    """The edges of one grade: proven ones of the reduction, or pairs that the content stages refuted or left open.

    They are streamed: there may be millions.
    """
    return _edges_of(edge_table(state, run, grade))


def proven(state: State, run: Run) -> tuple[Edge, ...]:
    """The proven edges of the reduction."""
    return tuple(edges(state, run, Grade.PROVEN))


def misses(state: State, run: Run, child: str) -> list[Edge]:
    """Pairs of one child that the content stages refuted or left open."""
    wanted = (ds.field("child") == child) & (ds.field("grade") != Grade.PROVEN.value)
    return list(_edges_of(state.rows("edges", run.run_id, wanted)))


def edge_table(state: State, run: Run, grade: Grade) -> pa.Table:
    """The edges of one grade as rows of ``edges``, with texts as dictionaries."""
    return state.rows("edges", run.run_id, ds.field("grade") == grade.value, folded=True)


def _edges_of(rows: pa.Table) -> Iterator[Edge]:
    for batch in rows.to_batches(max_chunksize=_STREAMED):
        yield from map(records.edge_of, batch.to_pylist())


def groups(state: State, run: Run) -> Groups:
    """Groups of duplicates of a run, and the reduction between them."""
    members: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
    for row in state.rows("groups", run.run_id).to_pylist():
        members[row["group"]].append((row["position"], row["dataset"], row["view"]))
    ordered = tuple(tuple((name, view) for _, name, view in sorted(members[g])) for g in sorted(members))
    pairs = state.rows("group_edges", run.run_id).to_pylist()
    return Groups(ordered, tuple((row["parent"], row["child"]) for row in pairs))


def plan(state: State, run: Run) -> Plan:
    """The newest plan of a run.

    Raises:
        NotFound: it has none.
    """
    found = first_whole(state, plan_heads(state, run.run_id))
    if found is not None:
        return found
    raise NotFound(f"run {run.run_id} has no plan yet", "`r2d2 retention --state DIR` makes one")


def numbered_plan(state: State, number: int) -> Plan:
    """The plan with a number.

    Raises:
        NotFound: there is none.
    """
    head = next((head for head in plan_heads(state) if head["plan"] == number), None)
    found = _plan(state, head) if head else None
    if found is None:
        raise NotFound(f"{state.location}: there is no plan {number}", "`r2d2 plans --state DIR` lists them")
    return found


def run_of_plan(state: State, number: int) -> Run:
    """The run that made a plan.

    Raises:
        NotFound: there is no such plan.
    """
    (run,) = runs_of_plans(state, [number])
    return run


def runs_of_plans(state: State, numbers: Iterable[int]) -> list[Run]:
    """The runs that made plans, each once, the newest first.

    Raises:
        NotFound: there is no such plan.
    """
    made = {head["plan"]: head["run_id"] for head in plan_heads(state)}
    known = {run.run_id: run for run in runs(state)}
    found = {number: known.get(made.get(number, "")) for number in numbers}
    lacking = [number for number, run in found.items() if run is None]
    if lacking:
        raise NotFound(f"{state.location}: there is no plan {lacking[0]}", "`r2d2 plans --state DIR` lists them")
    unique = {run.run_id: run for run in found.values() if run is not None}
    return sorted(unique.values(), key=lambda run: run.started, reverse=True)


def lake_of(roots: Iterable[str]) -> frozenset[str]:
    """What roots are now, links followed: equal for the same ones, however they are spelled."""
    return frozenset(map(one_spelling, roots))


def plan_heads(state: State, run_id: str | None = None) -> list[dict[str, Any]]:
    """Rows of ``plans``, of all runs or of one, the newest first."""
    heads: list[dict[str, Any]] = latest(state.rows("plans", run_id), "plan").to_pylist()
    return heads


def keep_plan(state: State, run_id: str, plan: Plan) -> Plan:
    """Keeps a plan under the next number, and gives it with that.

    What it is comes after what it says of itself: one that a crash cut off is never taken for a plan.
    """
    numbered = replace(plan, number=1 + max((head["plan"] for head in plan_heads(state)), default=0))
    state.append("plans", [records.plan_head(run_id, numbered, datetime.now(UTC))])
    state.append("plan", records.plan_rows(run_id, numbered))
    return numbered


def first_whole(state: State, heads: Iterable[Mapping[str, Any]]) -> Plan | None:
    """The first plan that no crash cut off."""
    found = (_plan(state, head) for head in heads)
    return next((plan for plan in found if plan is not None), None)


def _plan(state: State, head: Mapping[str, Any]) -> Plan | None:
    rows = state.rows("plan", head["run_id"], ds.field("plan") == head["plan"]).to_pylist()
    return records.plan_of(head, rows) if len(rows) == head["datasets"] else None


def all_pairs(found: Sequence[Dataset], stored: Sequence[Edge], groups: Groups) -> Iterator[Edge]:
    """Every proven pair, duplicates both ways: the closure of the reduction, streamed by parent.

    Pairs that share files are left out: neither side may be retired for the other (EXACTNESS 1).
    """
    view = _Closure(found, stored, groups)
    for name in dict.fromkeys(name for members in groups.members for name, _ in members):
        yield from view.held_by(name)


def pairs_of(
    found: Sequence[Dataset], stored: Sequence[Edge], groups: Groups, name: str
) -> tuple[list[Edge], list[Edge]]:
    """The proven pairs of one dataset: those that hold its rows, and those whose rows it holds."""
    view = _Closure(found, stored, groups)
    return list(view.holders_of(name)), list(view.held_by(name))


class _Closure:
    """The closure, walked from one dataset at a time; nothing holds it as a whole (DESIGN 5)."""

    def __init__(self, found: Sequence[Dataset], stored: Sequence[Edge], groups: Groups) -> None:
        self.datasets = {dataset.id: dataset for dataset in found}
        self.known = {(edge.parent, edge.child): edge for edge in stored if edge.grade is Grade.PROVEN}
        self.members = groups.members
        self.groups_of: dict[str, list[int]] = defaultdict(list)
        for g, members in enumerate(groups.members):
            for name, _ in members:
                self.groups_of[name].append(g)
        self.below: dict[int, list[int]] = defaultdict(list)
        self.above: dict[int, list[int]] = defaultdict(list)
        for parent, child in groups.edges:
            self.below[parent].append(child)
            self.above[child].append(parent)

    def held_by(self, name: str) -> Iterator[Edge]:
        """Pairs with ``name`` as parent."""
        for other, equal in self._reached(name, self.below):
            yield from self._edge(name, other, equal)

    def holders_of(self, name: str) -> Iterator[Edge]:
        """Pairs with ``name`` as child."""
        for other, equal in self._reached(name, self.above):
            yield from self._edge(other, name, equal)

    def _reached(self, name: str, towards: dict[int, list[int]]) -> Iterator[tuple[str, bool]]:
        """Other datasets, and whether they hold the same rows, each once; equal ones first."""
        same = [other for g in self.groups_of[name] for other, _ in self.members[g]]
        further = (g for start in self.groups_of[name] for g in _reachable(start, towards))
        rest = (other for g in dict.fromkeys(further) for other, _ in self.members[g])
        seen = {name}
        for others, equal in ((same, True), (rest, False)):
            for other in others:
                if other not in seen:
                    seen.add(other)
                    yield other, equal

    def _edge(self, parent: str, child: str, equal: bool) -> Iterator[Edge]:
        if parent in self.datasets[child].shared_with:
            return
        yield self.known.get((parent, child)) or Edge(
            parent=parent,
            child=child,
            grade=Grade.PROVEN,
            rows_child=self.datasets[child].rows or 0,
            rows_parent=self.datasets[parent].rows or 0,
            equal=equal,
            how="digest" if equal else "implied",
            reason="the same rows: equal counts and digests" if equal else "it follows from proven containments",
        )


def _reachable(start: int, below: dict[int, list[int]]) -> Iterator[int]:
    seen, stack = {start}, [start]
    while stack:
        for child in below.get(stack.pop(), ()):
            if child not in seen:
                seen.add(child)
                stack.append(child)
                yield child


def _section(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A section of settings as it was, with tuples for JSON's lists."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in settings[name].items()}


def _run(rows: Sequence[dict[str, Any]]) -> Run:
    newest = max(rows, key=lambda row: (row["at"], _ORDER.index(row["status"])))
    return Run(
        run_id=newest["run_id"],
        status=newest["status"],
        started=min(row["at"] for row in rows),
        at=newest["at"],
        roots=tuple(json.loads(newest["roots"])),
        funnel=Funnel.from_json(newest["funnel"]),
        problems=tuple(json.loads(newest["problems"])),
        inputs=newest["inputs"],
        version=newest["version"],
        settings=json.loads(newest["settings"]),
        lake=frozenset(json.loads(newest["lake"])) if newest["lake"] else lake_of(json.loads(newest["roots"])),
    )
