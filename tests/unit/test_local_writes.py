"""Writes on disk are whole or not there, hold their conditions, and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from r2d2.lake.local_storage import LocalStorage
from r2d2.lake.storage import storage_for

DISK = LocalStorage()


def put_if_free(path: Path, number: int) -> bool:
    try:
        DISK.put(str(path), f"{number}".encode(), only_if="")
    except FileExistsError:
        return False
    return True


def test_only_one_of_many_writers_makes_a_file(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        won = [
            number
            for number, mine in enumerate(pool.map(lambda n: put_if_free(tmp_path / "lock", n), range(32)))
            if mine
        ]
    assert [(tmp_path / "lock").read_text()] == [str(number) for number in won]
    assert os.listdir(tmp_path) == ["lock"]


def test_only_the_version_that_was_seen_is_replaced_or_removed(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    first = DISK.put(path, b"one")
    second = DISK.put(path, b"two", only_if=first)
    for late in (lambda: DISK.put(path, b"three", only_if=first), lambda: DISK.delete(path, only_if=first)):
        with pytest.raises(FileExistsError):
            late()
    assert DISK.read_bytes(path) == b"two"
    assert DISK.stat(path).version == second
    DISK.delete(path, only_if=second)
    assert os.listdir(tmp_path) == []


def test_of_many_that_replace_one_version_one_wins(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    first = DISK.put(path, b"first")

    def replace(number: int) -> bool:
        try:
            DISK.put(path, f"{number}".encode(), only_if=first)
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(replace, range(16))) == 1


def test_a_secret_is_its_owners_alone_from_the_first_byte(tmp_path: Path) -> None:
    DISK.put(str(tmp_path / "s"), b"x", only_if="", private=True)
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600


def test_files_and_directories_move_to_free_names_only(tmp_path: Path) -> None:
    (tmp_path / "d/k=1").mkdir(parents=True)
    (tmp_path / "d/k=1/a.csv").write_text("x")
    (tmp_path / "f").write_text("y")
    (tmp_path / "link").symlink_to("f")
    for name in ("d", "f", "link"):
        DISK.rename(str(tmp_path / name), str(tmp_path / f"{name}2"))
    assert sorted(os.listdir(tmp_path)) == ["d2", "f2", "link2"]
    assert (tmp_path / "link2").is_symlink()
    assert (tmp_path / "d2/k=1/a.csv").read_text() == "x"
    for source, target in (("d2", "f2"), ("f2", "d2"), ("f2", "link2"), ("d2", "link2")):
        with pytest.raises(FileExistsError):
            DISK.rename(str(tmp_path / source), str(tmp_path / target))
    with pytest.raises(FileExistsError):
        DISK.copy(str(tmp_path / "f2"), str(tmp_path / "link2"))
    DISK.copy(str(tmp_path / "f2"), str(tmp_path / "f3"))
    assert (tmp_path / "f3").read_text() == "y"
    assert sorted(os.listdir(tmp_path)) == ["d2", "f2", "f3", "link2"]


def test_a_file_and_the_entry_of_its_directory_are_synced_before_a_write_is_done(tmp_path: Path) -> None:
    code = f"""
        import os
        from r2d2.lake.local_storage import LocalStorage
        synced = []
        fsync = os.fsync
        os.fsync = lambda handle: (synced.append(os.readlink(f"/proc/self/fd/{{handle}}")), fsync(handle))
        LocalStorage().put({str(tmp_path / "a")!r}, b"x", only_if="")
        print(len(synced), synced[-1])
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["2", str(tmp_path)]


def test_missing_directories_are_made_and_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    DISK.put(str(tmp_path / "new/d/a"), b"x")
    for path in ("new/d", "new/d/a/b"):
        with pytest.raises(OSError, match="d"):
            DISK.put(str(tmp_path / path), b"y")
    assert os.listdir(tmp_path / "new") == ["d"]
    assert (tmp_path / "new/d/a").read_text() == "x"


def test_what_has_no_conditional_writes_is_not_written_to() -> None:
    storage = storage_for("memory://r2d2-writes")
    for write in (
        lambda: storage.put("memory://r2d2-writes/a", b"x"),
        lambda: storage.copy("memory://r2d2-writes/a", "memory://r2d2-writes/b"),
        lambda: storage.rename("memory://r2d2-writes/a", "memory://r2d2-writes/b"),
        lambda: storage.delete("memory://r2d2-writes/a"),
    ):
        with pytest.raises(OSError, match="does not write"):
            write()
