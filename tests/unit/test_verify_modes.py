"""What hostile writers can do to a hash without a secret, they can't do to ``keyed`` and ``values`` (EXACTNESS 6)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.catalog.state import open_state
from r2d2.config import ContainmentSettings
from r2d2.containment import hashing
from r2d2.containment.request import Request
from r2d2.containment.row_hash import RowHash
from r2d2.containment.scanner import measure_key
from r2d2.errors import StateError
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Grade
from tests.containment_runs import Memory, contained, parquet_dataset, proven_pairs

MODES = {mode: ContainmentSettings(verify=mode, sketch_size=2) for mode in ("hash", "keyed", "values")}


def dataset(directory: Path, name: str, values: list[str | None], **more: list[int]) -> Dataset:
    pq.write_table(pa.table({"s": values, **more}), directory / f"{name}.parquet", write_statistics=False)
    return parquet_dataset(directory / f"{name}.parquet")


@pytest.fixture
def colliding(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody had found texts that collide in DuckDB's hash: all of one length do."""
    monkeypatch.setattr(hashing, "_byte_hashes", lambda text, binary: [f"hash(length({text}))"] * 4)


@pytest.mark.usefixtures("colliding")
@pytest.mark.parametrize(
    ("child", "parent"),
    [(["aa", "bb", "cc"], ["xx", "yy", "zz"]), (["aa"], ["bb", "ccc"]), (["a", "b", "cc"], ["a", "x", "cc", "dd"])],
    ids=["digest", "sketch", "join"],
)
def test_rows_that_were_made_to_collide_are_proven_by_the_fast_hash_only(
    tmp_path: Path, child: list[str | None], parent: list[str | None]
) -> None:
    lake = [dataset(tmp_path, "child", child), dataset(tmp_path, "parent", parent)]
    naive = proven_pairs(contained(lake, MODES["hash"]))
    assert ("parent", "child") in naive, "the attack does not even work on the fast hash"
    assert proven_pairs(contained(lake, MODES["keyed"])) == set()
    found = contained(lake, MODES["values"])
    assert proven_pairs(found) == set()
    fallen = [edge for edge in found.others if edge.child == "child"]
    assert [(edge.grade, edge.how) for edge in fallen] == [(Grade.REFUTED, "values")]
    assert "somebody may have made them so" in fallen[0].reason


@pytest.mark.usefixtures("colliding")
def test_what_followed_from_a_pair_that_fell_is_compared_anew(tmp_path: Path) -> None:
    """big > fake > small hold by colliding hashes only at fake; big > small is true and must stay."""
    lake = [
        dataset(tmp_path, "big", ["aa", "bb", "cc", "dd", "ee"]),
        dataset(tmp_path, "fake", ["aa", "bb", "xx", "dd"]),
        dataset(tmp_path, "small", ["aa", "bb", "dd"]),
    ]
    hashed = proven_pairs(contained(lake, MODES["hash"]))
    assert hashed == {("big", "fake"), ("big", "small"), ("fake", "small")}
    assert proven_pairs(contained(lake, MODES["values"])) == {("big", "small"), ("fake", "small")}


def test_all_modes_find_the_same_where_nobody_cheats(tmp_path: Path) -> None:
    lake = [dataset(tmp_path, f"copy{i}", ["a", "b", None, "", "b"], n=[1, 2, 3, 4, 2]) for i in range(5)]
    lake += [dataset(tmp_path, "part", ["b", "b"], n=[2, 2]), dataset(tmp_path, "words", ["", None])]
    lake += [dataset(tmp_path, "none", ["b", "b", "b"], n=[2, 2, 2])]
    results = {mode: proven_pairs(contained(lake, settings)) for mode, settings in MODES.items()}
    assert results["hash"] == results["keyed"] == results["values"]
    assert len(results["hash"]) == 5 * 4 + 5 * 2 + 1


def test_values_of_copies_are_compared_with_one_of_them_not_with_each_other(tmp_path: Path) -> None:
    lake = [dataset(tmp_path, f"copy{i}", ["a", "b", "c", "d"]) for i in range(6)]
    lake.append(dataset(tmp_path, "part", ["a", "b", "d"]))
    memory = Memory()
    found = contained(lake, MODES["values"], memory)
    assert found.funnel.proven["values"] == 2 * 5 + 1
    assert sum(found.funnel.proven.values()) == 6 * 5 + 6
    assert set(found.funnel.proven) == {"values", "implied"}
    again = contained(lake, MODES["values"], memory)
    assert again.funnel.proven == found.funnel.proven


def test_results_of_one_secret_are_not_used_with_another() -> None:
    request = Request(((("a",), "number"),))
    keys = {measure_key("k", request, False, by) for by in (RowHash(), RowHash("00" * 32), RowHash("01" * 32))}
    assert len(keys) == 3
    assert "0101" not in RowHash("01" * 32).fingerprint


def test_the_secret_of_a_state_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    state = open_state(str(tmp_path / "state"), create=True)
    secret = state.secret()
    assert len(bytes.fromhex(secret)) == 32
    assert open_state(str(tmp_path / "state")).secret() == secret
    path = tmp_path / "state/.r2d2.secret"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert open_state(str(tmp_path / "other"), create=True).secret() != secret
    path.write_text(secret[:-2])
    with pytest.raises(StateError, match="not the secret"):
        state.secret()
    path.write_text("no digits")
    with pytest.raises(StateError, match="can't be used"):
        state.secret()
