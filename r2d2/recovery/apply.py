"""Apply: what a plan retires and a person approved goes into quarantine, once its way back was tried (DELETION 1-3)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from r2d2.errors import NotContained, NotRetirable, R2D2Error, StateError
from r2d2.lake.catalog_names import names_in_quarantine
from r2d2.lake.file_tree import refused, shown
from r2d2.lake.storage import storage_for
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.model.receipt import Acceptance, Review
from r2d2.model.recipe import Fidelity, Recipe
from r2d2.recovery.catalogs.catalog_quarantine import put_away, table_of
from r2d2.recovery.catalogs.catalog_tags import protect
from r2d2.recovery.catalogs.catalog_view import refuse_other_rows, view_for
from r2d2.recovery.claims.claims import ClaimKind
from r2d2.recovery.context import Recovery
from r2d2.recovery.eligible import Pair, eligible
from r2d2.recovery.moves.places import Area, root_of
from r2d2.recovery.moves.put_away import Kind, PutAway
from r2d2.recovery.moves.quarantine import plan_away, refuse_changed
from r2d2.recovery.moves.quarantined import child_facts
from r2d2.recovery.parents.rehome import rehome
from r2d2.recovery.rebuild.prove import proven_recipe, take_down
from r2d2.recovery.recipes import recipe_store
from r2d2.recovery.records.decisions import Decisions, keep_lapse
from r2d2.recovery.undo import undo


@dataclass(frozen=True)
class Outcome:
    """What became of one dataset.

    Attributes:
        done: whether it was done; else it is as it was.
        what: what was done, or why not.
        hint: what to do about it.
        receipt: id of the retirement; empty if none was begun.
        bytes: that it takes.
    """

    dataset: str
    done: bool
    what: str
    hint: str = ""
    receipt: str = ""
    bytes: int = 0


def apply(
    recovery: Recovery,
    plan: Plan,
    decisions: Decisions,
    wanted: Callable[[str], bool],
    dry_run: bool = False,
    leave_view: bool = False,
    by: str = "",
    newest: Plan | None = None,
) -> Iterator[Outcome]:
    """Retires the approved datasets of a plan, one after the other; what is wrong with one does not stop the others.

    Args:
        decisions: on the plan's lake, read while it was locked.
        wanted: which datasets, by id.
        dry_run: only says what would be done; nothing is written.
        leave_view: a view stands in the place of each table of a catalog; else only where the plan says so.
        by: who applies it.
        newest: the newest plan of the lake: what it does not retire stays, whatever an older one says.

    Yields:
        an outcome for each wanted dataset that the plan retires.

    Raises:
        StateError: something was begun earlier and is not finished; the state can't be written.
    """
    recovery.require_finished()
    orders = _Orders(plan.number, decisions, by, dry_run, leave_view, newest or plan)
    for entry in plan.retired:
        if wanted(entry.dataset):
            yield _one(recovery, entry, orders)


@dataclass(frozen=True)
class _Orders:
    """What holds for all datasets of one call."""

    plan: int
    decisions: Decisions
    by: str
    dry_run: bool
    leave_view: bool
    newest: Plan

    @cached_property
    def gone(self) -> frozenset[str]:
        """What the newest plan of the lake retires."""
        return frozenset(each.dataset for each in self.newest.retired)

    def refuse_kept(self, dataset: str) -> None:
        """Raises NotRetirable for what the newest plan of the lake does not retire."""
        if dataset not in self.gone:
            what = f"plan {self.newest.number}, which is newer, does not retire it"
            raise NotRetirable(what, "`r2d2 explain DATASET --state DIR` says why; a new run looks again")


def _one(recovery: Recovery, entry: PlannedDataset, orders: _Orders) -> Outcome:
    retirement = None
    try:
        review = orders.decisions.approval(entry)
        orders.refuse_kept(entry.dataset)
        pair = eligible(recovery, entry)
        orders.decisions.refuse_same(review, orders.by)
        orders.decisions.refuse_other(review, pair.child)
        area = Area(root_of(pair.child.location, recovery.roots), _new_id())
        table = table_of(pair.child, recovery.roots)
        tables = (table, *names_in_quarantine(table, area.receipt)) if table else ()
        away = plan_away(pair.child, area, recovery.settings.recovery.objects, review.by, tables)
        if orders.dry_run:
            return Outcome(entry.dataset, False, f"would be retired ({away.kind}), rebuilt from {pair.parent.id}")
        rehome(recovery, pair.child, pair.parent)
        view = entry.action is Action.REDIRECT or (orders.leave_view and away.kind is Kind.CATALOG)
        retirement = _Retirement(recovery, entry, orders.plan, orders.by, review, pair, area, away, view)
        return retirement.run()
    except StateError:
        raise
    except (R2D2Error, OSError) as error:
        if retirement is None and isinstance(error, OSError):
            raise
        return _refused(recovery, entry.dataset, retirement, error)


def _refused(recovery: Recovery, dataset: str, retirement: _Retirement | None, error: R2D2Error | OSError) -> Outcome:
    """Undoes what was begun, and says why.

    Raises:
        StateError: it can't be undone now.
    """
    if isinstance(error, OSError):
        why, hint = refused(error), "look for rights and space there"
    else:
        why, hint = str(error), error.hint
    if retirement is None:
        return Outcome(dataset, False, why, hint)
    try:
        left = undo(recovery, retirement.area.receipt, why)
    except StateError:
        raise
    except (R2D2Error, OSError) as failed:
        what = f"{shown(dataset)}: {why}; and what was begun could not be undone: {failed}"
        raise StateError(what, "`r2d2 recover --state DIR` undoes it") from error
    if isinstance(error, NotContained):
        keep_lapse(recovery.state, retirement.review, "its parent does not hold its rows")
    if left:
        why += f"; {shown(left[0].wanted)} is in use again, and what was there is kept: {shown(left[0].path)}"
        hint = "look at both: what is kept is nobody's but yours to move"
    return Outcome(dataset, False, why, hint, retirement.area.receipt)


@dataclass(frozen=True)
class _Retirement:
    """One dataset on its way into quarantine."""

    recovery: Recovery
    entry: PlannedDataset
    plan: int
    applied_by: str
    review: Review
    pair: Pair
    area: Area
    away: PutAway
    leaves_view: bool

    def run(self) -> Outcome:
        self._begin()
        self._claim()
        recipe = self._recipe()
        eligible(self.recovery, self.entry)  # while the recipe was tried somebody may have made a clone of the child
        self._keep(recipe)
        view = view_for(self.recovery, self.away, recipe, self.pair.parent) if self.leaves_view else ""
        away = replace(self.away, view=view)
        self._say("quarantine-begun", away=away.to_facts(), child=child_facts(self.pair.child))
        protect(self.recovery, self.area.receipt, recipe)  # where it can't, purge is refused
        done = put_away(self.recovery, away)
        if view:
            refuse_other_rows(self.recovery, self.pair.child, recipe)
        self._say("quarantined", bytes=self.pair.child.bytes, away=done.to_facts())
        what = f"in quarantine ({self.away.kind}); rebuilt from {self.pair.parent.id} by {describe(recipe)}"
        return Outcome(self.pair.child.id, True, what, receipt=self.area.receipt, bytes=self.pair.child.bytes)

    def _begin(self) -> None:
        child, parent = self.pair.child, self.pair.parent
        self._say(
            "apply-begun",
            dataset=child.id,
            names=list(child.names),
            version=child.version,
            root=self.area.root,
            location=child.location.rstrip("/"),
            parent=parent.id,
            parent_location=self._parent_location,
            plan=self.plan,
            by=self.review.by,
            applied_by=self.applied_by,
            note=self.review.note,
            accepted=sorted(self.review.accepted),
            promised_seconds=self.entry.rebuild_seconds,
            saving_per_month=self.entry.saving_per_month,
        )

    @property
    def _parent_location(self) -> str:
        """Without the links that led to it: where every state looks for claims on it."""
        location = self.pair.parent.location
        return storage_for(location).resolved(location)

    def _claim(self) -> None:
        """Makes both claims, and looks then whether anybody else's stand against them."""
        child, parent = self.pair.child.location, self._parent_location
        self.recovery.claims.make(ClaimKind.RETIRED, child, child, self.area.receipt)
        self.recovery.claims.make(ClaimKind.PARENT, parent, child, self.area.receipt)
        self.recovery.claims.refuse_taken(child, parent, self.area.receipt)

    def _recipe(self) -> Recipe:
        taken = take_down(self.recovery, self.pair.child, self.away.seen)
        refuse_changed(self.away)
        proven = proven_recipe(self.recovery, taken, self.pair.parent, self.area)
        if proven.recipe.fidelity is Fidelity.EQUAL and Acceptance.MERELY_EQUAL not in self.review.accepted:
            hint = "approve it with --accept merely-equal, or keep it"
            raise NotRetirable(f"what would come back is equal, and not the same: {'; '.join(proven.unlike)}", hint)
        return proven.recipe

    def _keep(self, recipe: Recipe) -> None:
        self._say(
            "recipe-written",
            recipe=recipe.sha256,
            kind=self.away.kind,
            recipe_kind=recipe.kind.value,
            fidelity=recipe.fidelity.value,
            lost=list(recipe.lost),
            parent_version=recipe.parent.version,
        )
        recipe_store.keep(self.recovery.state, self.recovery.lake, self.area, recipe)

    def _say(self, event: str, **facts: object) -> None:
        self.recovery.journal.append(event, self.area.receipt, **facts)


def describe(recipe: Recipe) -> str:
    """The recipe in a few words."""
    same = "the same data" if recipe.fidelity is Fidelity.IDENTICAL else "equal data"
    order = "in its order" if recipe.keeps_order else "rows in any order"
    return f"a recipe of kind {recipe.kind} ({recipe.size:,} bytes; {same}, {order})"


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
