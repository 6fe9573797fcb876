"""The retention plan: from datasets and proven containments to what is kept, what is retired, and why.

Who may not be retired is decided before money (``policies``). Then each weakly connected component is solved by itself
(``decisions``, ``optimizer``), and all together where limits of the whole plan bind. No Spark, no I/O.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from r2d2.config import RetentionSettings
from r2d2.errors import SolverError
from r2d2.model import Dataset, Edge, Grade, Plan
from r2d2.model.dataset import TEXT_FORMATS
from r2d2.model.family import narrowest_common
from r2d2.model.names import fold
from r2d2.retention.ancestors import Containment
from r2d2.retention.context import Context, with_reads
from r2d2.retention.costs import check_settings
from r2d2.retention.decisions import KEPT, Decision, decide, describe
from r2d2.retention.history import History
from r2d2.retention.limits import check_limits
from r2d2.retention.policies import Policies, live_jobs, pinned_datasets
from r2d2.retention.profiles import Profiles
from r2d2.retention.reasons import Reasons
from r2d2.retention.rebuilds import Rebuilds, Recipes, check_actions
from r2d2.retention.tiers import useful_tiers


def make_plan(
    datasets: Sequence[Dataset],
    reduction: Iterable[Edge],
    groups: Iterable[Sequence[str]],
    settings: RetentionSettings,
    context: Context | None = None,
    recipes: Callable[[Sequence[Dataset]], Recipes] | None = None,
) -> Plan:
    """The cheapest plan in which every retired dataset is rebuilt from one kept dataset that holds all its rows.

    Args:
        datasets: all datasets of the run, usable or not; the plan lists them all.
        reduction: edges between usable datasets. Those that aren't proven are ignored.
        groups: exact duplicates.
        settings: prices, speeds and limits.
        context: what else is known.
        recipes: what rebuilding costs and takes, of usable datasets in a certain order, where it is known by pair.

    Returns:
        the plan, largest saving first, then by id. The sum of its savings is what the lake costs with everything kept
        less what it costs with the plan.

    Raises:
        UsageError: settings that no plan can be computed with.
        SolverError: the solver is needed and missing.
    """
    check_settings(settings)
    check_actions(settings)
    check_limits(settings)
    context, groups = context or Context(), [tuple(group) for group in groups]
    datasets = with_reads(datasets, context.usage, settings.read_window_days)
    usable = sorted((d for d in datasets if d.status == "ok"), key=preference)
    names = {d.id for d in usable}
    lake = Containment(usable, [e for e in reduction if _is_proof(e, names)], groups)
    pinned = pinned_datasets(datasets, settings, context)
    policies = Policies.of(usable, pinned, groups, settings, context)
    rebuilds = _rebuilds(usable, pinned, policies, settings, context, recipes(usable) if recipes else None)
    decision = decide(lake, rebuilds, np.asarray([d.bytes for d in usable], np.float64))
    _check_schemas(usable, decision)
    reasons = Reasons(rebuilds, pinned, decision, context)
    planned = sorted((reasons.planned(d) for d in datasets), key=lambda p: (-p.saving_per_month, p.dataset))
    return Plan(
        datasets=tuple(planned),
        total_saving_per_month=math.fsum(p.saving_per_month for p in planned),
        findings=tuple(_findings(rebuilds)),
        run_cost=context.run_cost,
        bytes_retired=sum(usable[n].bytes for n in np.flatnonzero(decision.parent != KEPT).tolist()),
        solver=describe(decision, settings),
        optimal=decision.optimal,
        currency=settings.currency,
    )


def _rebuilds(
    usable: Sequence[Dataset],
    pinned: Mapping[str, str],
    policies: Policies,
    settings: RetentionSettings,
    context: Context,
    recipes: Recipes | None,
) -> Rebuilds:
    """Who may be rebuilt from whom, and what that costs."""
    number = {dataset.id: position for position, dataset in enumerate(usable)}
    staying = pinned.keys() | _rewritten(usable, context)
    return Rebuilds(
        datasets=usable,
        profiles=Profiles.of(usable, settings, context.now_ns),
        policies=policies,
        settings=settings,
        history=History.of(usable, number, context.previous),
        recipes=recipes,
        tiers=useful_tiers(usable, staying, settings, context.now_ns),
    )


def _rewritten(usable: Sequence[Dataset], context: Context) -> set[str]:
    """Ids of datasets that live jobs write: what is moved would be back where it was by morning."""
    return {dataset.id for dataset in usable if live_jobs(context.usage_of(dataset))}


def _findings(rebuilds: Rebuilds) -> Iterator[str]:
    """Datasets that hold the same rows and differ in who may read them, or how sensitive they are."""
    for members in rebuilds.policies.differing:
        names = ", ".join(rebuilds.datasets[member].id for member in members)
        yield f"{names} hold the same rows, and differ in readers or sensitivity: a person must decide which may go"


def preference(dataset: Dataset) -> tuple[int, int, bool, str]:
    """Sort key: among plans of one cost, the dataset that comes first is kept. Typed formats come before text."""
    return -(dataset.rows or 0), -dataset.bytes, dataset.format in TEXT_FORMATS, dataset.id


def _check_schemas(usable: Sequence[Dataset], decision: Decision) -> None:
    """A last look, however the edges were walked: the parent must have the child's leaves."""
    for number in np.flatnonzero(decision.parent != KEPT).tolist():
        child, parent = usable[number], usable[int(decision.parent[number])]
        held = {fold(leaf.path): leaf.families for leaf in parent.leaves}
        for leaf in child.leaves:
            if narrowest_common(leaf.families, held.get(fold(leaf.path), ())) is None:
                raise SolverError(
                    f"the plan would rebuild {child.id} from {parent.id}, which lacks its column {'.'.join(leaf.path)}",
                    "this is a fault of r2d2; nothing was planned",
                )


def _is_proof(edge: Edge, names: set[str]) -> bool:
    return edge.grade == Grade.PROVEN and edge.parent != edge.child and {edge.parent, edge.child} <= names
