"""``r2d2 explain``: why a dataset is or isn't redundant, stage by stage, and the plan's reason in money and seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from r2d2.catalog import runs
from r2d2.catalog.state import State
from r2d2.commands.usage import usage_lines
from r2d2.containment.candidates import shared_pairs
from r2d2.containment.headers import doubtful_header, refutes_by_header
from r2d2.containment.minmax import leaves_by_path, refutes_by_metadata
from r2d2.containment.pairs import LEFT
from r2d2.containment.reasons import times
from r2d2.containment.schema_graph import schema_of
from r2d2.containment.spelling import text_note
from r2d2.errors import NotFound
from r2d2.model.dataset import Dataset, Leaf
from r2d2.model.edge import Edge, Grade, Projection, Witness
from r2d2.model.family import STRING, narrowest_common
from r2d2.model.plan import GONE, Action, Plan, PlannedDataset
from r2d2.report.problems import masked, masked_selection
from r2d2.report.reading import reading_lines
from r2d2.retention.arithmetic import UNKNOWN, explain_once, explain_planned
from r2d2.retention.context import with_reads
from r2d2.retention.costs import payback_months
from r2d2.units import count, human_bytes, human_seconds, money, some_of
from r2d2.visible import visible

#: Lines of one kind; how many more there are is said, and which command lists them all.
_MOST = 12
#: Columns that may be lacking, or of another family, in what is called a near miss.
_NEAR = 2
_MASKED = "cell values are masked; report.show_values=true shows them"


@dataclass(frozen=True)
class _Telling:
    """How texts that may hold cell values are told."""

    show_values: bool

    def text(self, text: str, *ids: str | None) -> str:
        """``text``, safe to look at; the ids in it are names, whatever partitions they are called by."""
        return visible(text if self.show_values else masked(text, *filter(None, ids)))

    def selection(self, predicate: str) -> str:
        """Which rows: columns are named, and their bounds only where values may be shown."""
        return visible(predicate if self.show_values else masked_selection(predicate))

    def witness(self, witness: Witness) -> str:
        """What a row that refutes is known by: who can guess a row knows its hash."""
        row = f"row hash {witness.row_hash}" if self.show_values else "a row"
        return f"[witness: {row}, here {times(witness.in_child)}, there {times(witness.in_parent)}]"


def explain_lines(state: State, run: runs.Run, name: str, show_values: bool = False) -> Iterator[str]:
    """The explanation of one dataset, line by line.

    Args:
        show_values: whether cell values may be shown (``report.show_values``).

    Raises:
        NotFound: the run has no such dataset.
    """
    found = runs.datasets(state, run)
    dataset = find_dataset(found, name)
    telling = _Telling(show_values)
    yield from _facts(dataset, run, telling)
    if dataset.status == "ok" and run.reached(runs.CONTAINED):
        yield from _containment(dataset, found, state, run, telling)
    if run.reached(runs.PLANNED):
        usage = runs.usage_of(state, run, dataset.id)
        yield from usage_lines(usage)
        (read,) = with_reads([dataset], {dataset.id: usage}, run.retention.read_window_days)
        yield from _planned(read, found, runs.plan(state, run), run, telling)


def find_dataset(datasets: Sequence[Dataset], name: str) -> Dataset:
    """The dataset with this id or another name of the same bytes.

    Raises:
        NotFound: there is none; the hint names similar ids.
    """
    for dataset in datasets:
        if name == dataset.id or name in dataset.names:
            return dataset
    similar = [dataset.id for dataset in datasets if name.casefold() in dataset.id.casefold()]
    hint = f"similar: {', '.join(map(visible, similar[:5]))}" if similar else "`r2d2 datasets --state DIR` lists them"
    raise NotFound(f"there is no dataset {name!r} in this run", hint)


def _facts(dataset: Dataset, run: runs.Run, telling: _Telling) -> Iterator[str]:
    rows = "rows unknown" if dataset.rows is None else f"{count(dataset.rows)} rows"
    yield f"{visible(dataset.id)}  ({dataset.format}, {rows}, {human_bytes(dataset.bytes)}, version {dataset.version})"
    yield f"  run {run.run_id} of {run.started:%Y-%m-%d %H:%M} UTC"
    if not telling.show_values:
        yield f"  {_MASKED}"
    yield from (f"  {visible(line)}" for line in reading_lines(dataset))
    if dataset.names:
        yield f"  the same bytes are also called: {', '.join(map(visible, dataset.names))}"
    if dataset.shared_with:
        others = some_of([visible(other) for other in dataset.shared_with], _MOST)
        yield f"  shares files with {others}: neither can be retired, and they are not compared with each other"
    if dataset.status != "ok":
        yield f"  {telling.text(dataset.error, dataset.id)}; it takes part in no comparison"


def _containment(
    dataset: Dataset, found: Sequence[Dataset], state: State, run: runs.Run, telling: _Telling
) -> Iterator[str]:
    groups = runs.groups(state, run)
    holders, held = runs.pairs_of(found, runs.proven(state, run), groups, dataset.id)
    yield ""
    same = [edge for edge in holders if edge.equal]
    if same:
        yield f"Holds the same rows: {len(same)}"
        yield from _listed([_proof(edge, edge.parent, telling) for edge in same], "r2d2 edges --all")
    larger = [edge for edge in holders if not edge.equal]
    yield f"Holds all its rows and more: {len(larger) or 'no other dataset'}"
    yield from _listed([_proof(edge, edge.parent, telling) for edge in larger], "r2d2 edges --all")
    smaller = [edge for edge in held if not edge.equal]
    yield f"Whose rows it holds: {len(smaller) or 'no other dataset'}"
    yield from _listed([_proof(edge, edge.child, telling) for edge in smaller], "r2d2 edges --all")
    misses = runs.misses(state, run, dataset.id)
    yield from _shared(dataset, found, run)
    yield from _missed(misses, telling)
    decided = {edge.parent for edge in (*holders, *misses)} | {dataset.id, *dataset.shared_with}
    others = [other for other in found if other.id not in decided and other.status == "ok"]
    by_metadata, by_schema = ruled_out(dataset, others, run.case_sensitive)
    yield f"Ruled out by row counts, null counts and bounds: {len(by_metadata)}"
    yield from _listed(by_metadata, "r2d2 edges --grade refuted --all")
    near = [line for lacking, line in by_schema if lacking <= _NEAR]
    yield f"Ruled out by the schema: {len(by_schema)}" + (f", {len(near)} of them near misses" if near else "")
    yield from _listed(near, "")


def _missed(misses: Sequence[Edge], telling: _Telling) -> Iterator[str]:
    refuted = [edge for edge in misses if edge.grade is Grade.REFUTED]
    yield f"Refuted by its content: {len(refuted)}"
    yield from _listed([_miss(edge, telling) for edge in refuted], "r2d2 edges --grade refuted")
    undecided = [edge for edge in misses if edge.grade is not Grade.REFUTED]
    if undecided:
        grade = undecided[0].grade.value
        yield f"May hold all its rows, neither proven nor refuted: {len(undecided)}"
        yield from _listed([_miss(edge, telling) for edge in undecided], f"r2d2 edges --grade {grade}")


def _shared(dataset: Dataset, found: Sequence[Dataset], run: runs.Run) -> Iterator[str]:
    """The pairs, with what they could have been: only where the schema fits would they have been compared."""
    # as if the others shared files with this one only: its pairs, and not those of each of 1,000 snapshots with each
    others = [replace(other, shared_with=(dataset.id,)) for other in found if dataset.id in other.shared_with]
    pairs = list(shared_pairs([dataset, *others], run.case_sensitive))
    if not pairs:
        return
    above = {edge.parent for edge in pairs if edge.child == dataset.id}
    below = {edge.child for edge in pairs if edge.parent == dataset.id}
    lines = [f"{visible(other)}: {_could_be(other in above, other in below)}" for other in sorted(above | below)]
    yield f"Not compared, because they hold files in common: {len(lines)}"
    yield from _listed(lines, "r2d2 edges --grade shared")


def _could_be(above: bool, below: bool) -> str:
    if above and below:
        return "it has the same columns"
    return "it has all its columns and more" if above else "all its columns are in this one"


def _proof(edge: Edge, other: str, telling: _Telling) -> str:
    selection = f": {telling.selection(edge.predicate)}" if edge.predicate else ""
    return f"{visible(other)}, by {edge.how}: {telling.text(edge.reason, edge.parent, edge.child)}{selection}"


def _miss(edge: Edge, telling: _Telling) -> str:
    reason = telling.text(edge.reason, edge.parent, edge.child)
    if edge.how in LEFT:
        return f"{visible(edge.parent)}: {reason}"
    witness = f" {telling.witness(edge.witness)}" if edge.witness else ""
    return f"{visible(edge.parent)}, by {edge.how or 'nothing yet'}: {reason}{witness}"


def ruled_out(
    dataset: Dataset, others: Sequence[Dataset], case_sensitive: bool
) -> tuple[list[str], list[tuple[int, str]]]:
    """Reasons by metadata, and by schema with the number of columns that don't fit, the nearest misses first."""
    mine = leaves_by_path(dataset, case_sensitive)
    by_metadata: list[str] = []
    by_schema: list[tuple[int, str]] = []
    for other in others:
        admitted = dict(schema_of(other, case_sensitive))
        lacking = []
        projection: list[tuple[tuple[str, ...], str]] = []
        for path, families in schema_of(dataset, case_sensitive):
            family = narrowest_common(families, admitted.get(path, ()))
            if family is None:
                lacking.append(_misfit(dataset, mine[path], admitted.get(path, ())))
            else:
                projection.append((path, family))
        if lacking:
            shown = ", ".join(lacking[:3]) + (f" and {len(lacking) - 3} more" if len(lacking) > 3 else "")
            by_schema.append((len(lacking), f"{visible(other.id)} {visible(shown)}"))
        else:
            by_metadata.append(_metadata_reason(dataset, other, tuple(projection), case_sensitive))
    return by_metadata, sorted(by_schema)


def _misfit(dataset: Dataset, leaf: Leaf, there: Sequence[str]) -> str:
    """Why a leaf has no counterpart, which admits the families ``there``."""
    name = ".".join(leaf.path)
    if not there:
        return f"lacks {name}"
    note = "" if STRING in there else text_note(dataset, leaf)
    return f"has {name} as {'/'.join(there)}" + (f" ({note})" if note else "")


def _metadata_reason(dataset: Dataset, other: Dataset, projection: Projection, case_sensitive: bool) -> str:
    reason = refutes_by_header(other, dataset, (doubtful_header(other), doubtful_header(dataset)))
    reason = reason or refutes_by_metadata(other, dataset, projection, case_sensitive) or "not compared in this run"
    return f"{visible(other.id)}: {visible(reason)}"


def _planned(dataset: Dataset, found: Sequence[Dataset], plan: Plan, run: runs.Run, telling: _Telling) -> Iterator[str]:
    entry = next((entry for entry in plan.datasets if entry.dataset == dataset.id), None)
    if entry is None:
        return
    yield ""
    yield f"Plan: {entry.action.value}"
    yield f"  {telling.text(entry.reason, dataset.id, entry.parent)}"
    if dataset.status == "ok":
        yield from _arithmetic(dataset, entry, found, plan, run)
        yield from (f"  needs {telling.text(each, dataset.id, entry.parent)}" for each in entry.conditions)
        if entry.changes_if:
            yield f"  {telling.text(entry.changes_if, dataset.id, entry.parent)}"


def _arithmetic(
    dataset: Dataset, entry: PlannedDataset, found: Sequence[Dataset], plan: Plan, run: runs.Run
) -> Iterator[str]:
    parent = next((other for other in found if other.id == entry.parent), None)
    tier = next((other.tier for other in plan.datasets if other.dataset == entry.parent), "")
    lines = explain_planned(entry, dataset, parent, tier, run.retention)
    yield from (_amount(label, amount, plan.currency) for label, amount in lines)
    if entry.action in GONE and parent is not None:
        what = "one rebuild takes" if entry.action is Action.RETIRE else "one access takes"
        yield _line(what, human_seconds(entry.rebuild_seconds))
        once = explain_once(dataset, parent, run.retention, int(run.started.timestamp() * 1e9))
        yield "  once, before it saves anything:"
        yield from (f"{_amount(label, amount, plan.currency)} once" for label, amount in once)
    if entry.once_cost:
        months = payback_months(entry.once_cost, entry.saving_per_month)
        yield _line("pays back in", f"{months:,.1f} months" if math.isfinite(months) else "never")
    if entry.action in GONE:
        yield f"  {UNKNOWN}"


def _amount(label: str, amount: float, currency: str) -> str:
    return _line(label, money(amount, currency))


def _line(label: str, text: str) -> str:
    return f"  {label:<60} {text:>20}"


def _listed(lines: Sequence[str], command: str) -> Iterator[str]:
    yield from (f"  {line}" for line in lines[:_MOST])
    more = len(lines) - _MOST
    if more > 0:
        yield f"  and {more} more" + (f" (`{command} --state DIR`)" if command else "")
