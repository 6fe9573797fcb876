"""Whatever links a lake holds, nothing outside of its roots and the state is written or removed (DESIGN 4, rule 6)."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from r2d2.errors import NotRetirable, R2D2Error
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.moves.moving import carry, remove_below
from tests.recovery_runs import ALL, give_back, purge_all, receipt_of, recover_all, retire, snapshot
from tests.sampling import some

ROWS = pa.table({"id": pa.array(range(400), pa.int64()), "text": [f"row {n}" for n in range(400)]})


def everything(directory: Path) -> dict[str, tuple[object, ...]]:
    """Each entry below a directory, and itself: kind, rights, time and content."""
    found: dict[str, tuple[object, ...]] = {}
    for path in (directory, *directory.rglob("*")):
        status = path.lstat()
        plain = path.is_file() and not path.is_symlink()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if plain else ""
        link = os.readlink(path) if path.is_symlink() else ""
        found[str(path)] = status.st_mode, status.st_mtime_ns, content, link
    return found


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Two equal directories, ``kept`` and ``copy``, and beside the lake what is nobody's business."""
    for name in ("kept", "copy"):
        (tmp_path / "lake" / name).mkdir(parents=True)
        for part in range(2):
            pq.write_table(ROWS.slice(200 * part, 200), tmp_path / f"lake/{name}/part-{part}.parquet")
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("data", "file.parquet"):
        pq.write_table(ROWS, outside / name)
    for name in ("quarantine", "scratch", "claims"):
        (outside / name).mkdir()
        (outside / name / "precious").write_text("x")
    return tmp_path / "lake"


@pytest.fixture
def outside(lake: Path) -> Path:
    return lake.parent / "outside"


def whole_story(lake: Path, state: Path, child: str = "copy") -> list[str]:
    """Retired, given back, retired, purged, given back, and recovered after each; errors are what may happen, too."""
    told = []
    steps: list[Callable[[], object]] = [
        lambda: retire(lake, state, (child, "kept"), accepted=ALL),
        lambda: give_back(lake, state, child, str(lake / "elsewhere")),
        lambda: give_back(lake, state, child),
        lambda: retire(lake, state, (child, "kept"), accepted=ALL),
        lambda: purge_all(lake, state),
        lambda: give_back(lake, state, child),
    ]
    for step in steps:
        for each in (step, lambda: recover_all(lake, state)):
            try:
                told.append(str(each()))
            except KeyError as error:
                assert error.args == (child,)  # noqa: PT017  # the lake has no such dataset
            except R2D2Error as error:
                told.append(repr(error))
    return told


def below_area(lake: Path, outside: Path, name: str) -> None:
    (lake / ".r2d2").mkdir()
    (lake / ".r2d2" / name).symlink_to(outside / name)


def quarantine_out(lake: Path, outside: Path) -> None:
    below_area(lake, outside, "quarantine")


def scratch_out(lake: Path, outside: Path) -> None:
    below_area(lake, outside, "scratch")


def claims_out(lake: Path, outside: Path) -> None:
    below_area(lake, outside, "claims")


def area_out(lake: Path, outside: Path) -> None:
    (lake / ".r2d2").symlink_to(outside)


def lock_link(lake: Path, outside: Path) -> None:
    (lake / ".r2d2").mkdir()
    (lake / ".r2d2/.r2d2.lock").symlink_to(outside / "data")


def dangling_lock(lake: Path, outside: Path) -> None:
    (lake / ".r2d2").mkdir()
    (lake / ".r2d2/.r2d2.lock").symlink_to(outside / "made")


def hard_lock(lake: Path, outside: Path) -> None:
    (lake / ".r2d2").mkdir()
    os.link(outside / "data", lake / ".r2d2/.r2d2.lock")


def link_in_dataset(lake: Path, outside: Path) -> None:
    (lake / "copy/part-2.parquet").symlink_to(outside / "file.parquet")


def hidden_link_in_dataset(lake: Path, outside: Path) -> None:
    (lake / "copy/_old").symlink_to(outside)


def directory_link_in_dataset(lake: Path, outside: Path) -> None:
    (lake / "copy/more").symlink_to(outside)


def dataset_is_a_link(lake: Path, outside: Path) -> None:
    (lake / "copy").rename(outside / "copy")
    (lake / "copy").symlink_to(outside / "copy")


def hard_linked(lake: Path, outside: Path) -> None:
    os.link(lake / "copy/part-0.parquet", outside / "same.parquet")


def note_link(lake: Path, outside: Path) -> None:
    (lake / "_copy.retired-by-r2d2.txt").symlink_to(outside / "data")


def table(lake: Path) -> None:
    shutil.rmtree(lake / "copy")
    write_deltalake(str(lake / "copy"), ROWS)


def log_out(lake: Path, outside: Path) -> None:
    table(lake)
    (lake / "copy/_delta_log").rename(outside / "log")
    (lake / "copy/_delta_log").symlink_to(outside / "log")


def fence_link(lake: Path, outside: Path) -> None:
    table(lake)
    (lake / f"copy/_delta_log/{1:020d}.json").symlink_to(outside / "data")


TRAPS = [
    area_out,
    quarantine_out,
    scratch_out,
    claims_out,
    lock_link,
    dangling_lock,
    hard_lock,
    link_in_dataset,
    hidden_link_in_dataset,
    directory_link_in_dataset,
    dataset_is_a_link,
    hard_linked,
    note_link,
    log_out,
    fence_link,
]


@pytest.mark.parametrize("trap", some(TRAPS, 8), ids=lambda trap: trap.__name__)
def test_a_link_in_the_lake_leads_nothing_out(
    lake: Path, outside: Path, tmp_path: Path, trap: Callable[[Path, Path], None]
) -> None:
    trap(lake, outside)
    before, data = everything(outside), snapshot(lake)
    whole_story(lake, tmp_path / "state")
    assert everything(outside) == before
    assert {**snapshot(lake), **data} == snapshot(lake)


def old_path_to_quarantine(lake: Path, outside: Path, receipt: str) -> None:
    """What somebody does who misses the dataset and finds where it is."""
    (lake / "copy").symlink_to(lake / f".r2d2/quarantine/{receipt}/data")


def old_path_to_parent(lake: Path, outside: Path, receipt: str) -> None:
    (lake / "copy").symlink_to(lake / "kept")


def old_path_out(lake: Path, outside: Path, receipt: str) -> None:
    (lake / "copy").symlink_to(outside)


def old_path_nowhere(lake: Path, outside: Path, receipt: str) -> None:
    (lake / "copy").symlink_to(outside / "nowhere")


def old_path_within_nowhere(lake: Path, outside: Path, receipt: str) -> None:
    (lake / "copy").symlink_to(lake / "nowhere")


def scratch_is_a_link(lake: Path, outside: Path, receipt: str) -> None:
    (lake / ".r2d2/scratch").mkdir(exist_ok=True)
    (lake / f".r2d2/scratch/{receipt}").symlink_to(outside)


def scratch_holds_links(lake: Path, outside: Path, receipt: str) -> None:
    scratch = lake / f".r2d2/scratch/{receipt}"
    scratch.mkdir(parents=True)
    (scratch / "part-0.parquet").symlink_to(outside / "file.parquet")
    (scratch / "more").symlink_to(outside)
    os.link(outside / "data", scratch / "part-1.parquet")


def scratch_held_outside(lake: Path, outside: Path, receipt: str) -> None:
    (lake / ".r2d2/scratch").rmdir() if (lake / ".r2d2/scratch").exists() else None
    (lake / ".r2d2/scratch").symlink_to(outside / "scratch")
    (outside / f"scratch/{receipt}").mkdir(mode=0o755)
    (outside / f"scratch/{receipt}/part-0.parquet").write_text("x")


def claims_become_a_link(lake: Path, outside: Path, receipt: str) -> None:
    (lake / ".r2d2/claims").rename(outside / "moved")
    (lake / ".r2d2/claims").symlink_to(outside / "moved")


def note_becomes_a_link(lake: Path, outside: Path, receipt: str) -> None:
    (lake / "_copy.retired-by-r2d2.txt").rename(outside / "note")
    (lake / "_copy.retired-by-r2d2.txt").symlink_to(outside / "note")


LATE_TRAPS = [
    old_path_to_quarantine,
    old_path_to_parent,
    old_path_out,
    old_path_nowhere,
    old_path_within_nowhere,
    scratch_is_a_link,
    scratch_holds_links,
    scratch_held_outside,
    claims_become_a_link,
    note_becomes_a_link,
]


@pytest.mark.parametrize("purged", [False, True], ids=["quarantined", "purged"])
@pytest.mark.parametrize("trap", some(LATE_TRAPS, 5), ids=lambda trap: trap.__name__)
def test_a_link_made_while_it_is_retired_leads_nothing_out_and_loses_nothing(
    lake: Path, outside: Path, tmp_path: Path, trap: Callable[[Path, Path, str], None], purged: bool
) -> None:
    state, data = tmp_path / "state", snapshot(lake)
    retire(lake, state, ("copy", "kept"), accepted=ALL)
    if purged:
        purge_all(lake, state)
    trap(lake, outside, receipt_of(state, "copy").id)
    before = everything(outside)
    for step in (lambda: give_back(lake, state, "copy"), lambda: recover_all(lake, state)):
        with suppress(R2D2Error):
            step()
    assert everything(outside) == before
    for link in [path for path in lake.rglob("*") if path.is_symlink()]:  # its owner mends it
        link.unlink()
    recover_all(lake, state)
    if not (lake / "copy").exists():
        give_back(lake, state, "copy")
    assert set(snapshot(lake)) == set(data)
    assert everything(outside) == before
    if not purged:
        assert snapshot(lake) == data


def test_two_names_of_one_file_are_a_move_that_was_cut_short(lake: Path) -> None:
    os.link(lake / "copy/part-0.parquet", lake / "moved.parquet")
    assert carry(writer(lake), str(lake / "copy/part-0.parquet"), str(lake / "moved.parquet"))
    assert not (lake / "copy/part-0.parquet").exists()
    assert pq.read_table(lake / "moved.parquet").num_rows == 200


def test_one_file_reached_in_two_ways_is_not_removed(lake: Path, outside: Path) -> None:
    file = lake / "copy/part-0.parquet"
    os.link(file, outside / "further name")
    (lake / "link.parquet").symlink_to(file)
    (lake / "way").symlink_to(lake / "copy")
    assert not carry(writer(lake), str(file), str(lake / "link.parquet"))
    assert not carry(writer(lake), str(file), str(lake / "way/part-0.parquet"))
    assert file.exists()


def test_what_is_behind_a_link_keeps_its_rights_when_a_scratch_place_is_emptied(lake: Path, outside: Path) -> None:
    scratch = lake / "scratch"
    (scratch / "closed").mkdir(parents=True)
    (scratch / "link").symlink_to(outside)
    (scratch / "closed").chmod(0o500)
    outside.chmod(0o755)
    before = everything(outside)
    remove_below(writer(lake), str(scratch))
    assert not scratch.exists()
    assert everything(outside) == before


def writer(lake: Path) -> LakeWriter:
    return LakeWriter([str(lake)], lambda: None)


def test_a_parent_known_by_a_link_is_claimed_where_it_is(lake: Path, tmp_path: Path) -> None:
    """Another state, which knows it by its own name, must find the claim."""
    hidden = lake / ".old"
    hidden.mkdir()
    (lake / "kept").rename(hidden / "kept")
    (lake / "kept").symlink_to(hidden / "kept")
    (done,) = retire(lake, tmp_path / "one", ("copy", "kept"), accepted=ALL)
    assert done.done
    shutil.copytree(hidden / "kept", hidden / "third")
    (done,) = retire(hidden, tmp_path / "two", ("kept", "third"), accepted=ALL)
    assert "is claimed" in done.what


def test_a_copy_goes_to_no_place_of_r2d2s_own(lake: Path, tmp_path: Path) -> None:
    retire(lake, tmp_path / "state", ("copy", "kept"), accepted=ALL)
    with pytest.raises(NotRetirable):
        give_back(lake, tmp_path / "state", "copy", str(lake / ".r2d2/quarantine/copy"))
