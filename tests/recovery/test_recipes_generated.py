"""Generated pairs: recipes are offered where one is contained in the other, and select exactly its rows."""

from __future__ import annotations

import os
import random
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from zlib import crc32

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from r2d2.errors import NotRetirable
from r2d2.model.dataset import TEXT_FORMATS, Dataset
from r2d2.model.recipe import Recipe, RecipeKind
from r2d2.recovery.recipes import predicate as predicates
from tests.containment_runs import datasets_of, discovered
from tests.generated_forms import TEXT_FAMILIES, Written, forms_of, written
from tests.generated_tables import FAMILIES, Column, GeneratedTable, arrow_tables, derived, tables, twin_cell
from tests.oracle_pairs import Leaves, holds, text_column, typed_leaves, with_nested
from tests.recovery.restored import recipes_of, restored_leaves
from tests.sampling import examples

#: Without it the first counterexample is the one that is shown.
PHASES = tuple(Phase) if os.environ.get("R2D2_SHRINK") != "0" else (Phase.generate,)
SETTINGS = settings(
    max_examples=examples(48),
    phases=PHASES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
MARK = Column("mark", "small")
#: How a child is made whose rows the parent has, or that has the parent's.
PARTS = ("copy", "subset", "subset", "range", "range", "projection", "repeated row", "distinct", "permuted column")


@st.composite
def pairs(draw: st.DrawFn) -> list[tuple[GeneratedTable, str]]:
    """A parent and what is made of it, or a near miss; each with the form in which it is written."""
    kinds = draw(st.sampled_from([tuple(FAMILIES), (*TEXT_FAMILIES, "small", "string")]))
    parent = draw(tables(kinds, most_rows=14))
    child = draw(twin_cell(parent) if draw(st.integers(0, 5)) == 0 else derived(parent, PARTS))
    marked = [
        replace(t, columns=(*t.columns, MARK), rows=tuple((*r, Decimal(7)) for r in t.rows)) for t in (parent, child)
    ]
    spread = random.Random(crc32(repr(marked).encode()))
    return [(table, spread.choice(forms_of(table))) for table in marked]


@st.composite
def laid_out(draw: st.DrawFn, table: GeneratedTable, form: str, directory: Path, name: str) -> Written:
    """Written in a form; Parquet, a third of the time, under ``k=v`` directories of a column of small numbers."""
    small = [c.name for c in table.columns if c.family == "small" and len(table.columns) > 1]
    if form != "arrow" or not small or draw(st.integers(0, 2)):
        inside = directory / name
        inside.mkdir()
        made = draw(written(table, form, inside, name))
        several = len(made.candidate.files) > 1
        return replace(made, candidate=replace(made.candidate, location=str(inside))) if several else made
    key = small[0]
    data = draw(arrow_tables(table))
    data = data.set_column(data.column_names.index(key), key, data[key].cast(pa.int64()))
    (directory / name).mkdir()
    for number, value in enumerate(data[key].unique().to_pylist()):
        rows = data.filter(pc.is_null(data[key]) if value is None else pc.equal(data[key], value)).drop_columns(key)
        inside = directory / name / f"{key}={'__HIVE_DEFAULT_PARTITION__' if value is None else value}"
        inside.mkdir()
        pq.write_table(rows, inside / f"{number}.parquet")
    place = [c.name for c in table.columns].index(key)
    leaves: Leaves = text_column(key, [None if v is None else f"{v:f}" for v in table.values(place)])
    for other, column in enumerate(table.columns):
        if other != place:
            leaves |= typed_leaves(column.name, column.compared_as, table.values(other))
    return Written(discovered(directory / name), leaves)


#: What no recipe is made for, with the reason.
KNOWN = ("come back only as copies", "rows of JSON documents have no numbers", "comes back from JSON only")


def offered(child: Dataset, parent: Dataset) -> tuple[list[Recipe], str]:
    """The recipes, or why there are none."""
    try:
        return recipes_of(child, parent), ""
    except NotRetirable as error:
        return [], str(error)


def check(recipe: Recipe, child: Written, rows: int, parent: Dataset) -> None:
    """The recipe selects the child's rows, and its predicate has no needless condition among all of the parent's."""
    found, leaves = restored_leaves(recipe)
    mine, theirs = with_nested([leaves, child.leaves])
    assert found == rows
    assert holds(mine, theirs) or holds(theirs, mine), (mine, theirs)
    predicate = predicates.from_json(recipe.predicate)
    whole = replace(recipe, parent=replace(recipe.parent, files=parent.files))
    for place in range(len(predicate)):
        less = predicates.to_json((*predicate[:place], *predicate[place + 1 :]))
        with suppress(duckdb.InvalidInputException):  # a further row that a column of the child can't hold
            assert restored_leaves(replace(whole, predicate=less))[0] > rows
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_recipes_are_offered_where_the_child_is_contained_and_select_exactly_its_rows() -> None:
    """The oracle is plain Python on the values."""
    seen: Counter[str] = Counter()

    @seed(1)
    @SETTINGS
    @given(data=st.data(), lake=pairs())
    def run(data: st.DataObject, lake: list[tuple[GeneratedTable, str]]) -> None:
        with tempfile.TemporaryDirectory() as name:
            made = [data.draw(laid_out(t, form, Path(name), f"t{i}-{form}")) for i, (t, form) in enumerate(lake)]
            leaves = with_nested([entry.leaves for entry in made])
            if holds(leaves[1], leaves[0]) and not holds(*leaves):
                made, leaves, lake = made[::-1], leaves[::-1], lake[::-1]
            listed = {dataset.id: dataset for dataset in datasets_of([entry.candidate for entry in made])}
            parent, child = (listed[entry.candidate.id] for entry in made)
            if parent.error or child.error:
                return
            recipes, reason = offered(child, parent)
            note(reason)
            if not holds(*leaves):
                assert not recipes
                seen["not contained"] += 1
                return
            assert recipes or any(known in reason for known in KNOWN)
            for recipe in recipes:
                check(recipe, made[1], len(lake[1][0].rows), parent)
                sides = (d.format if d.format in TEXT_FORMATS else "typed" for d in (parent, child))
                seen.update([recipe.kind, "partitions" * bool(child.partition_columns), " > ".join(sides)])

    run()
    print(dict(seen))
    assert seen["not contained"]
    assert sum(seen[kind] for kind in RecipeKind) * 2 >= seen["not contained"], "too few are contained"
