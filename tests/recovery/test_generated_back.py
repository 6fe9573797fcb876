"""Generated datasets of all kinds go into quarantine, are purged, and come back the same (DELETION 3)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from r2d2.lake.kernels import run_here
from r2d2.recovery.identity.identity import Looked, look_at
from tests.recovery_runs import ALL, at_work, give_back, purge_all, retire, settings_of, snapshot
from tests.sampling import some

ROWS = 400
Rng = np.random.Generator
#: Why a dataset may be left alone; anything else is a fault.
NAMED = ("come back only as copies", "rows of text files have no numbers", "comes back from JSON only")


def texts(rng: Rng) -> pa.Array:
    letters = np.array(list("abcäöü😀'\",;\t x"))
    found = ["".join(rng.choice(letters, int(rng.integers(0, 12)))) for _ in range(ROWS)]
    return pa.array([None if rng.random() < 0.05 else text for text in found], pa.string())


def floats(rng: Rng) -> pa.Array:
    found = rng.normal(size=ROWS) * 10.0 ** rng.integers(-3, 6, ROWS)
    found[rng.random(ROWS) < 0.05] = -0.0
    found[rng.random(ROWS) < 0.05] = np.nan
    return pa.array(found, pa.float64(), mask=rng.random(ROWS) < 0.05)


def decimals(rng: Rng) -> pa.Array:
    return pa.array([Decimal(int(n)).scaleb(-2) for n in rng.integers(-(10**6), 10**6, ROWS)], pa.decimal128(12, 2))


def dates(rng: Rng) -> pa.Array:
    return pa.array([date(2020, 1, 1) + timedelta(int(n)) for n in rng.integers(0, 900, ROWS)], pa.date32())


def moments(rng: Rng) -> pa.Array:
    kind = [pa.timestamp("us"), pa.timestamp("us", "UTC")][int(rng.integers(2))]
    start = datetime(2024, 1, 1, tzinfo=UTC if kind.tz else None)
    return pa.array([start + timedelta(milliseconds=int(n)) for n in rng.integers(0, 10**9, ROWS)], kind)


def numbers(rng: Rng) -> pa.Array:
    kind = [pa.int16(), pa.int32(), pa.int64()][int(rng.integers(3))]
    return pa.array(rng.integers(-30_000, 30_000, ROWS), kind, mask=rng.random(ROWS) < 0.1)


def flags(rng: Rng) -> pa.Array:
    return pa.array(rng.random(ROWS) < 0.5)


def lists(rng: Rng) -> pa.Array:
    found = [list(map(int, rng.integers(0, 9, int(rng.integers(0, 4))))) for _ in range(ROWS)]
    return pa.array([None if rng.random() < 0.1 else each for each in found], pa.list_(pa.int32()))


def structs(rng: Rng) -> pa.Array:
    kind = pa.struct([("a", pa.int64()), ("b", pa.string())])
    found = [{"a": int(n), "b": None if n % 3 == 0 else f"b{n}"} for n in rng.integers(0, 99, ROWS)]
    return pa.array([None if rng.random() < 0.1 else each for each in found], kind)


FLAT: list[Callable[[Rng], pa.Array]] = [texts, floats, decimals, dates, moments, numbers, flags]
NESTED: list[Callable[[Rng], pa.Array]] = [lists, structs]


def table(rng: Rng, nested: bool) -> pa.Table:
    kinds = [*FLAT, *(NESTED if nested else [])]
    chosen = rng.choice(len(kinds), int(rng.integers(2, 6)), replace=False)
    columns = {f"c{i}": kinds[k](rng) for i, k in enumerate(chosen)}
    first = {"id": pa.array(rng.permutation(ROWS), pa.int64()), "kind": [f"k{n}" for n in rng.integers(0, 5, ROWS)]}
    fill = [f"{rng.integers(2**62):x}" for _ in range(ROWS)]  # so that the data is larger than its recipe
    return pa.table({**first, **columns, "fill": fill})


def derived(rng: Rng, rows: pa.Table) -> pa.Table:
    way = int(rng.integers(5))
    if way == 0:
        found = rows.filter(pc.less(rows["id"], int(rng.integers(150, 350))))
    elif way == 1:
        found = rows.filter(pc.is_in(rows["kind"], pa.array(["k1", "k3"])))
    elif way == 2:
        found = rows.take(np.sort(rng.choice(ROWS, 220, replace=False)))
    elif way == 3:
        found = rows.take(rng.permutation(ROWS))
    else:
        found = rows
    keep = [name for name in rows.column_names if name in ("fill", "kind") or rng.random() < 0.8]
    return found.select(keep) if rng.random() < 0.5 else found


def as_parquet(rng: Rng, rows: pa.Table, path: Path) -> str:
    path.mkdir()
    cuts = sorted(rng.integers(1, rows.num_rows, int(rng.integers(0, 3))).tolist())
    for number, (start, stop) in enumerate(zip([0, *cuts], [*cuts, rows.num_rows], strict=True)):
        options = {"compression": ["snappy", "zstd", "none"][int(rng.integers(3))], "row_group_size": 97}
        pq.write_table(rows.slice(start, stop - start), path / f"part-{number}.parquet", **options)
    return path.name


def as_one_file(rng: Rng, rows: pa.Table, path: Path) -> str:
    marked = rows.replace_schema_metadata({"made by": "a test", "seed": str(rng.integers(9))})
    pq.write_table(marked, path.with_suffix(".parquet"), use_dictionary=bool(rng.integers(2)))
    return path.with_suffix(".parquet").name


def partitioned(rng: Rng, rows: pa.Table, path: Path) -> str:
    for value in pc.unique(rows["kind"]).to_pylist():
        inside = path / f"kind={value}"
        inside.mkdir(parents=True)
        pq.write_table(rows.filter(pc.equal(rows["kind"], value)).drop_columns("kind"), inside / "part-0.parquet")
    return path.name


def as_delta(rng: Rng, rows: pa.Table, path: Path) -> str:
    by = ["kind"] if rng.integers(2) else None
    half = rows.num_rows // 2
    write_deltalake(str(path), rows.slice(0, half), partition_by=by)
    write_deltalake(str(path), rows.slice(half), mode="append")
    return path.name


def as_csv(rng: Rng, rows: pa.Table, path: Path) -> str:
    style = ["needed", "all_valid"][int(rng.integers(2))]
    options = pacsv.WriteOptions(delimiter=[",", ";", "|"][int(rng.integers(3))], quoting_style=style)
    pacsv.write_csv(rows, path.with_suffix(".csv"), options)
    return path.with_suffix(".csv").name


def as_json(rng: Rng, rows: pa.Table, path: Path) -> str:
    plain = rows.select([f.name for f in rows.schema if pa.types.is_string(f.type) or pa.types.is_integer(f.type)])
    spaces = [(", ", ": "), (",", ":")][int(rng.integers(2))]
    lines = (json.dumps(row, separators=spaces, ensure_ascii=bool(spaces[0] == ",")) for row in plain.to_pylist())
    path.with_suffix(".jsonl").write_text("".join(f"{line}\n" for line in lines))
    return path.with_suffix(".jsonl").name


FORMS = [as_parquet, as_one_file, partitioned, as_delta, as_csv, as_json]
#: Forms of parents; text can't hold NaN and nested values the same way, which is another test's matter.
PARENTS = [as_parquet, as_one_file, as_delta]


def seen(lake: Path, name: str) -> str:
    with at_work(lake, lake.parent / "looking") as recovery:
        found = look_at([recovery.look()[name]], settings_of().containment, run_here)[0]
    assert isinstance(found, Looked), found
    return found.identity


def back(tmp: Path, seed: int) -> str:
    """Retires, restores, retires, purges and restores one dataset; its form, or why it was left alone."""
    rng, lake, state = np.random.default_rng(seed), tmp / "lake", tmp / "state"
    lake.mkdir(parents=True)
    form = FORMS[seed % len(FORMS)]
    rows = table(rng, nested=form not in (as_csv, as_json))
    parent = PARENTS[int(rng.integers(len(PARENTS)))](rng, rows, lake / "parent")
    child = form(rng, derived(rng, rows), lake / "child")
    before, identity = snapshot(lake), seen(lake, child)
    (outcome,) = retire(lake, state, (child, parent), accepted=ALL)
    if not outcome.done:
        assert snapshot(lake) == before
        return outcome.what
    give_back(lake, state, child)
    assert snapshot(lake) == before
    (outcome,) = retire(lake, state, (child, parent), accepted=ALL)
    assert outcome.done, outcome
    (purged,) = purge_all(lake, state)
    assert purged.done, purged
    assert set(snapshot(lake)) == {name for name in before if not name.startswith("child")}
    give_back(lake, state, child)
    assert seen(lake, child) == identity
    assert {name for name in snapshot(lake) if "_delta_log" not in name} == {n for n in before if "_delta_log" not in n}
    return form.__name__


SEEDS = some(range(100), 8)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generated_dataset_comes_back_the_same_or_is_left_alone_for_a_named_reason(tmp_path: Path, seed: int) -> None:
    what = back(tmp_path, seed)
    assert what in {form.__name__ for form in FORMS} or any(reason in what for reason in NAMED), what


@pytest.mark.full
def test_most_generated_datasets_of_each_form_can_be_retired(tmp_path: Path) -> None:
    found = Counter(back(tmp_path / str(seed), seed) for seed in range(48))
    assert all(found[form.__name__] >= 4 for form in FORMS), found
