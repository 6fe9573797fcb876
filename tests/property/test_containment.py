"""Generated lakes: what is proven is contained, what is refuted is not, and nothing stays open (DESIGN 4).

``R2D2_EXAMPLES=10000`` runs as many lakes as it says, from a fresh seed; else a few hundred from a fixed one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from r2d2.config import ContainmentSettings
from r2d2.containment.candidates import refuted_by_metadata
from r2d2.containment.funnel import Containments
from r2d2.model.dataset import Bounds, Dataset, Leaf
from r2d2.model.edge import Grade
from tests.containment_runs import candidate, contained, data_file, datasets_of, proven_pairs
from tests.generated_tables import (
    STORAGES,
    TEXT_FAMILIES,
    GeneratedTable,
    Storage,
    arrow_tables,
    contains,
    csv_text,
    derived,
    is_alike_in_json,
    json_lines,
    tables,
    write_parquet,
)
from tests.oracle import contained_pairs

EXAMPLES = int(os.environ.get("R2D2_EXAMPLES", "0"))
SETTINGS = settings(
    max_examples=EXAMPLES or 200,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

#: Sketches so small that boxes and joins are needed, and every way to split the work.
TUNINGS = st.builds(
    ContainmentSettings,
    sketch_size=st.sampled_from([1, 2, 4, 1024]),
    boxes_per_scan=st.sampled_from([0, 1, 64]),
    task_bytes=st.sampled_from([1, 64 * 1024 * 1024]),
    join_rows_per_task=st.sampled_from([1, 5, 2_000_000]),
)


@st.composite
def families_of_tables(draw: st.DrawFn) -> list[GeneratedTable]:
    """A table, and others made of it or of each other."""
    made = [draw(tables())]
    for _ in range(draw(st.integers(1, 3))):
        made.append(draw(derived(draw(st.sampled_from(made)))))
    return made


@st.composite
def doubted(draw: st.DrawFn, dataset: Dataset) -> Dataset:
    """The dataset as files of an unknown writer describe it: some bounds are wrong, and none of those may refute."""
    return replace(dataset, leaves=tuple(draw(_doubted(leaf)) for leaf in dataset.leaves))


@st.composite
def _doubted(draw: st.DrawFn, leaf: Leaf) -> Leaf:
    doubt = draw(st.sampled_from(["none", "none", "no bounds", "low", "high", "wide", "no count"]))
    if doubt == "none":
        return leaf
    if doubt == "no count":
        return replace(leaf, nulls=None)
    bounds = {} if doubt == "no bounds" else {f: _moved(b, doubt) for f, b in leaf.bounds.items()}
    return replace(leaf, bounds=bounds)


def _moved(bounds: Bounds, to: str) -> Bounds:
    """Bounds that are wrong, too narrow or held by no row; nothing says that they are right."""
    if to == "wide" and isinstance(bounds.low, Decimal) and isinstance(bounds.high, Decimal):
        return Bounds(bounds.low - 1, bounds.high + 1)
    value = bounds.high if to == "high" else bounds.low
    return Bounds(value, value)


def write(directory: Path, name: str, table: pa.Table, storage: Storage) -> list[Path]:
    """The files of one dataset."""
    pieces = [table] if storage.files == 1 or table.num_rows < 2 else [table.slice(0, 1), table.slice(1)]
    paths = [directory / f"{name}-{i}.parquet" for i in range(len(pieces))]
    for path, piece in zip(paths, pieces, strict=True):
        write_parquet(piece, path, storage)
    return paths


def truth(made: Sequence[GeneratedTable]) -> set[tuple[str, str]]:
    """The pairs that hold, decided on Python values."""
    numbers = range(len(made))
    return {(f"t{p}", f"t{c}") for p in numbers for c in numbers if p != c and contains(made[p], made[c])}


def check(found: Containments, expected: set[tuple[str, str]]) -> None:
    """Proofs and refutations against the truth."""
    for edge in (*found.edges, *found.others):
        note(f"{edge.parent} > {edge.child}: {edge.grade} by {edge.how}: {edge.reason} {edge.predicate}")
    assert [d.error for d in found.datasets if d.error] == []
    assert proven_pairs(found) == expected
    assert all(edge.grade is Grade.PROVEN for edge in found.edges)
    assert all(edge.grade is Grade.REFUTED for edge in found.others)
    assert {(edge.parent, edge.child) for edge in found.others} & expected == set()
    assert set(found.proofs) == expected


@SETTINGS
@given(data=st.data(), made=families_of_tables(), tuning=TUNINGS)
def test_typed_tables_are_proven_exactly_where_they_are_contained(
    data: st.DataObject, made: list[GeneratedTable], tuning: ContainmentSettings
) -> None:
    with tempfile.TemporaryDirectory() as name:
        candidates = []
        for i, table in enumerate(made):
            paths = write(Path(name), f"t{i}", data.draw(arrow_tables(table)), data.draw(STORAGES))
            candidates.append(candidate(f"t{i}", "parquet", [data_file(path) for path in paths], paths[0]))
        datasets = [data.draw(doubted(dataset)) for dataset in datasets_of(candidates)]
        expected = truth(made)
        check(contained(datasets, tuning), expected)
        check_metadata(datasets, expected)


def check_metadata(datasets: Sequence[Dataset], expected: set[tuple[str, str]]) -> None:
    """What metadata alone refutes is not contained."""
    refuted = {(edge.parent, edge.child): edge.reason for edge in refuted_by_metadata(datasets, False)}
    assert not refuted.keys() & expected, refuted


@st.composite
def lakes_of_several_formats(draw: st.DrawFn) -> list[tuple[GeneratedTable, str]]:
    """A table of scalars and others made of it, each with a format."""
    made = [draw(tables(TEXT_FAMILIES))]
    for _ in range(draw(st.integers(1, 3))):
        made.append(draw(derived(draw(st.sampled_from(made)))))
    formats = ["parquet", "csv", "jsonl"]
    return [(table, draw(st.sampled_from(formats[: 3 if is_alike_in_json(table) else 2]))) for table in made]


@settings(SETTINGS, max_examples=EXAMPLES or 60)  # text takes three times as long
@given(data=st.data(), made=lakes_of_several_formats(), tuning=TUNINGS)
def test_text_and_typed_tables_are_proven_exactly_where_they_are_contained(
    data: st.DataObject, made: list[tuple[GeneratedTable, str]], tuning: ContainmentSettings
) -> None:
    """The truth is the oracle's, which reads the files without code of ours: views of text depend on all its values."""
    with tempfile.TemporaryDirectory() as name:
        candidates = []
        for i, (table, kind) in enumerate(made):
            path = Path(name) / f"t{i}.{kind}"
            if kind == "parquet":
                write_parquet(data.draw(arrow_tables(table)), path, data.draw(STORAGES))
            else:
                path.write_text(csv_text(table) if kind == "csv" else json_lines(table), encoding="utf-8", newline="")
            candidates.append(candidate(path.name, kind, [data_file(path)], path))
        datasets = [dataset for dataset in datasets_of(candidates) if not _is_refused(dataset)]
        usable = {dataset.id for dataset in datasets}
        expected = {(p, c) for p, c in contained_pairs(Path(name), "python") if {p, c} <= usable}
        check(contained(datasets, tuning), expected)
        check_metadata(datasets, expected)


def _is_refused(dataset: Dataset) -> bool:
    """Text that can't be read without a guess is refused, with a reason; typed data that we write never is."""
    assert dataset.status == "ok" or dataset.format != "parquet", dataset.error
    return dataset.status != "ok"
