"""What the containment stage leaves in the state, and when a later run may take it over instead of finding it again.

Containments follow from the datasets as they were discovered, the settings, and the code. Where none of them differs
from those of an earlier run, its result is copied: no file is read, no pair is looked at, and Spark is not needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from r2d2.catalog import records, runs
from r2d2.catalog.runs import Groups, Run
from r2d2.catalog.state import State, as_json, as_rows
from r2d2.config import ContainmentSettings
from r2d2.containment.funnel import Containments
from r2d2.containment.row_hash import FAST, RowHash
from r2d2.errors import StateError
from r2d2.lake.fingerprint import code_fingerprint
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge, Grade
from r2d2.model.funnel import Funnel

#: Tables of the stage that are copied as they are.
_COPIED = ("edges", "groups", "group_edges")


@dataclass(frozen=True)
class Contained:
    """What later stages need.

    Attributes:
        datasets: those that a scan could not read are ``unprovable``.
        edges: proven ones, of the reduction.
        groups: of exact duplicates, and the reduction between them.
        others: rows of ``edges`` for pairs that the content stages refuted or left open, texts as dictionaries.
        funnel: the counts, without stages and savings.
    """

    datasets: tuple[Dataset, ...]
    edges: tuple[Edge, ...]
    groups: Groups
    others: pa.Table
    funnel: Funnel

    @property
    def duplicates(self) -> tuple[tuple[str, ...], ...]:
        """Groups of two or more datasets that hold the same rows, the representative first."""
        return self.groups.duplicates

    @property
    def complete(self) -> bool:
        """Whether another run on the same inputs would find the same: all was read that should be."""
        return not self.funnel.limit and not any(dataset.status == "unprovable" for dataset in self.datasets)

    def all_pairs(self) -> Iterator[Edge]:
        """Every proven pair, as ``r2d2 edges --all`` gives them."""
        return runs.all_pairs(self.datasets, self.edges, self.groups)

    def how(self, parent: str, child: str) -> str:
        """How a proven pair was decided: ``digest``, ``box`` ...; ``implied`` where it follows from others."""
        known = self._hows.get((parent, child))
        return known or ("digest" if any({parent, child} <= set(group) for group in self.duplicates) else "implied")

    @cached_property
    def _hows(self) -> dict[tuple[str, str], str]:
        return {(edge.parent, edge.child): edge.how for edge in self.edges}


def inputs_of(datasets: Sequence[Dataset], settings: ContainmentSettings, by: RowHash = FAST) -> str:
    """What containments follow from, as a digest: the datasets but for files that hold no rows, the settings, the code.

    Empty for the goal ``value``: what pays follows from prices, too.

    Args:
        by: how rows are hashed: what was proven with one secret says nothing once there is another.
    """
    if settings.goal != "all":
        return ""
    unlimited = replace(settings, max_bytes=0, time_limit=0.0)  # limits don't matter where nothing is read
    code = code_fingerprint("r2d2.containment", "r2d2.catalog", "r2d2.lake", "r2d2.model")
    digest = hashlib.sha256(f"{code} {by.fingerprint} {as_json(asdict(unlimited))}".encode())
    for row in sorted(repr(records.dataset_row("", replace(dataset, others=()))) for dataset in datasets):
        digest.update(f"\n{row}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def of_result(found: Containments, run_id: str) -> Contained:
    """What the stages of a run found."""
    nodes = [(found.datasets[node.dataset].id, records.pack_projection(node.view)) for node in found.nodes]
    members = tuple(tuple(nodes[node] for node in group) for group in found.reduction.groups)
    groups = Groups(members, tuple(found.reduction.edges))
    return Contained(found.datasets, found.edges, groups, found.others_table(run_id), found.funnel)


def found_before(state: State, inputs: str, datasets: Sequence[Dataset]) -> tuple[Run, Contained] | None:
    """What an earlier run found on the same inputs, if there is one.

    Raises:
        StateError: it is not all there any more, or can't be read.
    """
    run = runs.contained_alike(state, inputs)
    if run is None:
        return None
    rows, groups = state.rows("edges", run.run_id, folded=True), runs.groups(state, run)
    is_proven = pc.equal(rows["grade"], Grade.PROVEN.value)
    edges = tuple(map(records.edge_of, rows.filter(is_proven).to_pylist()))
    if (len(edges), len(groups.duplicates)) != (run.funnel.edges, run.funnel.groups):
        raise StateError(f"what run {run.run_id} found is not all there", "it is found again")
    others = rows.filter(pc.invert(is_proven))
    funnel = replace(run.funnel, stages=(), bytes_saved=0, money_saved=0.0)
    return run, Contained(tuple(datasets), edges, groups, others, funnel)


def take_over(state: State, run_id: str, earlier: Run) -> None:
    """Copies the result of an earlier run."""
    for table in _COPIED:
        state.copy_run(table, earlier.run_id, run_id)


def write(state: State, run_id: str, found: Contained) -> None:
    """Writes ``edges``, ``groups`` and ``group_edges``, and ``datasets`` again if some could not be read."""
    if any(dataset.status == "unprovable" for dataset in found.datasets):
        state.write_run("datasets", run_id, [records.dataset_row(run_id, dataset) for dataset in found.datasets])
    proven = as_rows("edges", [records.edge_row(run_id, edge) for edge in found.edges]).cast(found.others.schema)
    state.write_run("edges", run_id, pa.concat_tables([proven, found.others]))
    members = [
        {"run_id": run_id, "group": g, "position": position, "dataset": name, "view": view}
        for g, group in enumerate(found.groups.members)
        for position, (name, view) in enumerate(group)
    ]
    state.write_run("groups", run_id, members)
    pairs = [{"run_id": run_id, "parent": parent, "child": child} for parent, child in found.groups.edges]
    state.write_run("group_edges", run_id, pairs)
