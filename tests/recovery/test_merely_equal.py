"""Equal and not the same: a closer look makes most of it the same; of the rest a person is told what is otherwise."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.model.recipe import Fidelity
from r2d2.recovery.erase.erase import erase
from r2d2.recovery.erase.keys import Keys
from tests.recovery.rebuilds import identity_at
from tests.recovery_runs import ALL, at_work, give_back, purge_all, receipt_of, retire
from tests.sampling import one_of_each

#: Enough rows that a sample misses one of them, which is of none of the kinds that it always takes.
N = 3000
RARE = 1717
ROWS = pa.table(
    {
        "id": range(N),
        "price": pa.array([Decimal(i * 100 + (0 if i == RARE else 25)) / 100 for i in range(N)], pa.decimal128(9, 2)),
        "name": ["", *(f"no {i}" for i in range(1, N))],
    }
)
SPACES = "how its JSON is spaced or escaped, or the order of its keys"
ROUND = {"bare": "1717", "point": "1717.0", "digits": "1717.00"}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "lake").mkdir()
    pq.write_table(ROWS, tmp_path / "lake/all.parquet")
    return tmp_path / "lake"


def json_lines(price: str) -> str:
    lines = [f'{{"id": {i}, "price": {price if i == RARE else f"{i}.25"}, "name": "{name}"}}' for i, name in _names()]
    return "\n".join(lines) + "\n"


def csv(price: str) -> str:
    return "\n".join(["id,price,name", *(f"{i},{price if i == RARE else f'{i}.25'},{_field(n)}" for i, n in _names())])


def _names() -> list[tuple[int, str]]:
    return list(enumerate(ROWS["name"].to_pylist()))


def _field(text: str) -> str:
    return text or '""'


def refused(lake: Path, child: str) -> str:
    """Why a dataset is left alone that would come back merely equal."""
    (outcome,) = retire(lake, lake.parent / "state", (child, "all.parquet"))
    assert not outcome.done
    assert outcome.what.startswith("what would come back is equal, and not the same: ")
    return outcome.what.partition(": ")[2]


def comes_back(lake: Path, child: str) -> None:
    """Retires, purges, restores: the same data."""
    before = identity_at(lake / child)
    (outcome,) = retire(lake, lake.parent / "state", (child, "all.parquet"), accepted=ALL)
    assert outcome.done, outcome
    assert receipt_of(lake.parent / "state", child).facts["fidelity"] == Fidelity.IDENTICAL
    assert [each.done for each in purge_all(lake, lake.parent / "state")] == [True]
    give_back(lake, lake.parent / "state", child)
    assert identity_at(lake / child) == before


@pytest.mark.parametrize(("write", "spelling"), one_of_each([json_lines, csv], [*ROUND]))
def test_a_spelling_of_which_one_row_of_thousands_tells_is_found(
    lake: Path, write: Callable[[str], str], spelling: str
) -> None:
    name = f"x.{'jsonl' if write is json_lines else 'csv'}"
    text = write(ROUND[spelling])
    if spelling == "digits":
        text = text.replace(".25", ".250").replace("1717.00", "1717.000")
    (lake / name).write_text(text)
    comes_back(lake, name)
    assert (lake / name).read_text() == text


@pytest.mark.parametrize(
    ("odd", "even"),
    [
        ('{"id": 1717, "name": "x"}', '{{"id": {i}, "price": null, "name": "x"}}'),
        ('{"name": "x", "id": 1717}', '{{"id": {i}, "name": "x"}}'),
        ('{"id":1717,"name":"x"}', '{{"id": {i}, "name": "x"}}'),
    ],
    ids=["NULLs written or not", "order of keys", "spaces"],
)
def test_json_that_is_written_in_two_ways_is_refused(lake: Path, odd: str, even: str) -> None:
    table = pa.table({"id": range(N), "price": pa.nulls(N, pa.int32()), "name": ["x"] * N})
    pq.write_table(table, lake / "all.parquet")
    lines = [odd if i == RARE else even.format(i=i) for i in range(N)]
    (lake / "x.jsonl").write_text("\n".join(lines))
    why = refused(lake, "x.jsonl")
    assert why == ("column price is spelled otherwise" if "price" in even else SPACES)


def test_a_column_that_spells_in_two_ways_is_named(lake: Path) -> None:
    lines = json_lines("1717.0").replace('"price": 5.25,', '"price": 5.250,')
    (lake / "x.jsonl").write_text(lines)
    assert refused(lake, "x.jsonl") == "column price is spelled otherwise"


def test_of_a_text_file_what_frames_it_is_named(lake: Path) -> None:
    (lake / "x.csv").write_text(csv("1717.0").replace("\n9,", "\n\n9,"))
    assert refused(lake, "x.csv") == "x.csv: its blank lines"


def test_many_columns_are_counted(lake: Path) -> None:
    table = pa.table({f"c{i}": [0.0] + [float(n) for n in range(1, N)] for i in range(5)})
    pq.write_table(table, lake / "all.parquet")
    signed = {name: pa.array([-0.0, *table[name].to_pylist()[1:]]) for name in table.column_names}
    pq.write_table(pa.table(signed), lake / "x.parquet")
    zeros = [f"column c{i} has zeros or NaNs of other bits" for i in range(3)]
    assert refused(lake, "x.parquet") == "; ".join([*zeros, "and 2 more columns"])


def test_values_that_stand_together_otherwise_are_named(lake: Path) -> None:
    zeros = {"a": [0.0, -0.0] * (N // 2), "b": [0.0, -0.0] * (N // 2), "text": [f"text {i}" for i in range(N)]}
    pq.write_table(pa.table(zeros), lake / "all.parquet")
    pq.write_table(pa.table({**zeros, "b": [-0.0, 0.0] * (N // 2)}), lake / "x.parquet")
    assert refused(lake, "x.parquet") == "which of its values stand together, or in which directory"


def facts(order: str) -> list[list[tuple[str, int | None]] | None]:
    """Maps of two or three entries, one empty, one NULL."""
    entries = [[(key, i) for key in order if key != "c" or i % 2] for i in range(N)]
    return [None, [], *entries[2:]]


def with_maps(order: str, nested: bool) -> pa.Table:
    kind = pa.map_(pa.string(), pa.int64())
    maps = pa.array(facts(order), kind)
    texts = pa.array([f"text {i}" for i in range(N)])
    inside = pa.StructArray.from_arrays([texts, maps], ["t", "m"], mask=pa.array([i == 5 for i in range(N)]))
    return pa.table({"id": range(N), "x": inside if nested else maps, "text": texts})


@pytest.mark.parametrize("nested", [False, True], ids=["column", "in a struct"])
@pytest.mark.parametrize("order", ["abc", "bca"], ids=["sorted", "listed"])
def test_entries_of_maps_come_back_in_their_order(lake: Path, order: str, nested: bool) -> None:
    pq.write_table(with_maps("cab", nested), lake / "all.parquet")
    pq.write_table(with_maps(order, nested), lake / "x.parquet")
    comes_back(lake, "x.parquet")


def test_maps_of_more_keys_than_are_listed_come_back_where_they_are_sorted(lake: Path) -> None:
    def table(reverse: bool) -> pa.Table:
        keys = [sorted([f"{i:04}", f"{i + 1:04}"], reverse=reverse) for i in range(N)]
        return pa.table(
            {"id": range(N), "m": pa.array([[(k, 1) for k in ks] for ks in keys], pa.map_(pa.string(), pa.int8()))}
        )

    pq.write_table(table(reverse=True), lake / "all.parquet")
    pq.write_table(table(reverse=False), lake / "x.parquet")
    comes_back(lake, "x.parquet")
    pq.write_table(table(reverse=False), lake / "all.parquet")
    pq.write_table(table(reverse=True), lake / "y.parquet")
    assert refused(lake, "y.parquet") == "column m has entries of maps in another order"


def test_maps_whose_entries_stand_now_so_and_now_otherwise_are_refused(lake: Path) -> None:
    mixed = with_maps("ab", nested=False)
    other = [list(reversed(m)) if i == RARE else m for i, m in enumerate(mixed["x"].to_pylist()) if m is not None]
    changed = pa.array([None, *other], mixed["x"].type)
    pq.write_table(mixed, lake / "all.parquet")
    pq.write_table(mixed.set_column(1, "x", changed), lake / "x.parquet")
    assert refused(lake, "x.parquet") == "column x has entries of maps in another order"


def test_names_of_columns_are_shown_without_control_characters(lake: Path) -> None:
    table = pa.table({"a\x1b[2J": [0.0] * N, "text": [f"text {i}" for i in range(N)]})
    pq.write_table(table, lake / "all.parquet")
    pq.write_table(table.set_column(0, "a\x1b[2J", [[-0.0] * N]), lake / "x.parquet")
    assert "\x1b" not in refused(lake, "x.parquet")


def test_what_was_learned_of_maps_holds_when_people_s_rows_were_erased(lake: Path) -> None:
    parent, rest = with_maps("ba", nested=False), with_maps("ab", nested=False).slice(1)
    pq.write_table(parent, lake / "all.parquet")
    pq.write_table(with_maps("ab", nested=False), lake / "x.parquet")
    assert retire(lake, lake.parent / "state", ("x.parquet", "all.parquet"), accepted=ALL)[0].done
    pq.write_table(parent.slice(1), lake / "all.parquet")
    with at_work(lake, lake.parent / "state") as recovery:
        (outcome,) = erase(recovery, Keys(("text",), (("text 0",),)))
    assert outcome.what == "rows were erased from it"
    assert [each.done for each in purge_all(lake, lake.parent / "state")] == [True]
    give_back(lake, lake.parent / "state", "x.parquet")
    pq.write_table(rest, lake.parent / "rest.parquet")
    assert identity_at(lake / "x.parquet") == identity_at(lake.parent / "rest.parquet")
