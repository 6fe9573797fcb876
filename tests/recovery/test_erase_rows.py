"""Rows of people are found whatever type holds the key, and files come back without them and with all else."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from r2d2.catalog.state import open_state
from r2d2.config import load_settings
from r2d2.errors import UnreadableData
from r2d2.lake.kernels import run_here
from r2d2.model.dataset import Dataset
from r2d2.recovery.erase.keys import Keys
from r2d2.recovery.erase.match import matching
from r2d2.recovery.erase.write import Written, write_without
from r2d2.recovery.look import look

SETTINGS = load_settings(environ={})
TABLE = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int16()),
        "mail": ['a;"b', "b", "c,\nd"],
        "user": pa.array([{"id": 7, "born": date(2020, 1, 1)}, None, {"id": 8, "born": None}]),
        "sum": [Decimal("1.50"), Decimal("2.00"), None],
        "at": pa.array([datetime(2020, 1, 1), None, datetime(2020, 1, 2, 3, 4, 5)], pa.timestamp("ms")),
        "code": [b"x", b"y", None],
    }
)


def listed(tmp_path: Path) -> dict[str, Dataset]:
    state = open_state(str(tmp_path / "state"), create=True)
    return dict(look([str(tmp_path / "lake")], SETTINGS, state, lambda _: run_here))


def keys(columns: str, *people: str) -> Keys:
    return Keys(tuple(columns.split("|")), tuple(tuple(person.split("|")) for person in people))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "lake").mkdir()
    return tmp_path / "lake"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    path = tmp_path_factory.mktemp("both")
    (path / "lake").mkdir()
    pq.write_table(TABLE, path / "lake/a.parquet")
    pc.write_csv(TABLE.drop_columns(["user", "code"]), path / "lake/b.csv")
    return listed(path)


@pytest.mark.parametrize(
    ("wanted", "typed", "text"),
    [
        (keys("id", "2", "3.0"), [1, 2], [1, 2]),
        (keys("mail", 'a;"b', "c,\nd"), [0, 2], [0, 2]),
        (keys("User.ID", "7"), [0], []),
        (keys("user.born", "2020-01-01"), [0], []),
        (keys("sum|id", "1.5|1", "2|", "2|3"), [0, 1], [0, 1]),
        (keys("at", "2020-01-02 03:04:05"), [2], [2]),
        (keys("code", "y"), [1], []),
        (keys("mail", "x' OR true --"), [], []),
        (keys("nothing", "x"), [], []),
        (keys("id|nothing", "1|x", "2|"), [1], [1]),
    ],
)
def test_rows_are_found_by_value_whatever_type_holds_it(
    both: dict[str, Dataset], wanted: Keys, typed: list[int], text: list[int]
) -> None:
    for name, places in (("a.parquet", typed), ("b.csv", text)):
        found = matching(both[name], wanted, SETTINGS.containment, run_here)
        assert [each.tolist() for each in found.values()] == ([places] if places else [])


def test_rows_are_found_by_what_a_directory_says(tmp_path: Path, lake: Path) -> None:
    for mail in ("x@y.z", "other"):
        (lake / f"t/mail={mail}").mkdir(parents=True)
        pq.write_table(pa.table({"id": [1, 2]}), lake / f"t/mail={mail}/p.parquet")
    (found,) = matching(listed(tmp_path)["t"], keys("mail|id", "x@y.z|2"), SETTINGS.containment, run_here).items()
    assert (found[0], found[1].tolist()) == (1, [1])


def test_a_key_that_is_a_list_is_told(tmp_path: Path, lake: Path) -> None:
    pq.write_table(pa.table({"mails": [["a"], ["b"]]}), lake / "a.parquet")
    with pytest.raises(UnreadableData, match="is a list"):
        matching(listed(tmp_path)["a.parquet"], keys("mails", "a"), SETTINGS.containment, run_here)


def without(tmp_path: Path, dataset: Dataset, *places: int) -> Written:
    gone = {0: np.array(places, np.int64)}
    return write_without(dataset, gone, str(tmp_path / "new"), SETTINGS.containment, run_here)[0]


def test_a_parquet_file_comes_back_without_rows_and_with_the_bits_of_the_others(tmp_path: Path, lake: Path) -> None:
    nan = np.array([0x7FF8000000000001, 0x8000000000000000, 0], np.uint64).view(np.float64)
    table = TABLE.append_column(pa.field("x", pa.float64(), False, {b"k": b"v"}), pa.array(nan))
    table = table.replace_schema_metadata({b"who": b"me"})
    pq.write_table(table, lake / "a.parquet", row_group_size=2, use_deprecated_int96_timestamps=True)
    written = without(tmp_path, listed(tmp_path)["a.parquet"], 2)
    found, wanted = (pq.read_table(path) for path in (written.place, lake / "a.parquet"))
    assert written.rows == 2
    assert found.schema.equals(wanted.schema, check_metadata=True)
    assert found.drop_columns(["x"]) == wanted.slice(0, 2).drop_columns(["x"])
    assert found["x"].to_numpy().view(np.uint64).tolist() == nan[:2].view(np.uint64).tolist()
    assert not any(text in Path(written.place).read_bytes() for text in (b"c,\nd",))


TEXTS: dict[str, tuple[str, str]] = {
    "plain.csv": ("id,mail\n1,a\n2,b\n3,c\n", "id,mail\n1,a\n3,c\n"),
    "quoted.csv": ('"id";"mail"\r\n01;"a\r\n;"""\r\n2;b\r\n3;""', '"id";"mail"\r\n01;"a\r\n;"""\r\n3;""'),
    "marked.tsv": ("\ufeffid\tmail\n1\ta\n2\tb\n3\tc", "\ufeffid\tmail\n1\ta\n3\tc"),
    "lines.jsonl": ('{"id": 1}\n{"id":2 }\n{"id":3.0}\n', '{"id": 1}\n{"id":3.0}\n'),
    "windows.jsonl": ('{"id": 1}\r\n{"id":2 }\r\n{"id":3}\r\n', '{"id": 1}\r\n{"id":3}\r\n'),
}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    path = tmp_path_factory.mktemp("texts")
    (path / "lake").mkdir()
    for name, (before, _) in TEXTS.items():
        (path / "lake" / name).write_bytes(before.encode())
        (path / f"lake/{name}.gz").write_bytes(gzip.compress(before.encode()))
    return listed(path)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("packed", [False, True])
def test_a_text_file_comes_back_without_rows_and_with_the_bytes_of_the_others(
    tmp_path: Path, texts: dict[str, Dataset], name: str, packed: bool
) -> None:
    dataset = texts[f"{name}.gz" if packed else name]
    (places,) = matching(dataset, keys("id", "2"), SETTINGS.containment, run_here).values()
    assert places.tolist() == [1]
    written = without(tmp_path, dataset, 1)
    data = Path(written.place).read_bytes()
    assert ((gzip.decompress(data) if packed else data).decode(), written.rows) == (TEXTS[name][1], 2)


def test_a_file_of_which_no_row_is_left_is_none(tmp_path: Path, lake: Path) -> None:
    pq.write_table(TABLE, lake / "a.parquet")
    assert without(tmp_path, listed(tmp_path)["a.parquet"], 0, 1, 2) == Written("", 0)


def test_documents_that_no_writer_gives_back_are_told(tmp_path: Path, lake: Path) -> None:
    (lake / "a.json").write_text('[{"id": 1}, {"id": 2},{"id": 3}]')
    with pytest.raises(UnreadableData, match="can't be written anew"):
        without(tmp_path, listed(tmp_path)["a.json"], 1)
