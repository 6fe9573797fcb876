"""Who may read: what every file and directory on the way lets in; what modes can't tell is unknown."""

from __future__ import annotations

import grp
import os
import pwd
import struct
from pathlib import Path

import pytest

from r2d2.usage.posix import Access, Rights, allowed
from tests.usage_fakes import dataset


def mode(bits: int, user: str = "ann", group: str = "etl") -> Access:
    return Access(user, group, bool(bits & 4), bool(bits & 2), bool(bits & 1))


@pytest.mark.parametrize(
    ("accesses", "expected"),
    [
        ([mode(7), mode(7)], {"*"}),
        ([mode(7), mode(6)], {"user:ann", "group:etl"}),
        ([mode(6), mode(4)], {"user:ann"}),
        ([mode(6), mode(6, "ben")], {"group:etl"}),
        ([mode(4), mode(4, "ben")], set()),
        ([mode(6), mode(6, "ann", "hr")], {"user:ann"}),
        ([mode(0), mode(7)], set()),
        ([mode(7), None], None),
        ([mode(5)], None),
        ([mode(3)], None),
        ([mode(1)], None),
    ],
)
def test_what_everything_lets_in_may_read(accesses: list[Access | None], expected: set[str] | None) -> None:
    assert allowed(accesses) == expected


ME, MINE = f"user:{pwd.getpwuid(os.getuid()).pw_name}", f"group:{grp.getgrgid(os.getgid()).gr_name}"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A directory whose own mode is all that keeps anyone out, or else what is above it is said."""
    directory = tmp_path / "lake/d"
    directory.mkdir(parents=True)
    (directory / "a.parquet").write_bytes(b"x")
    (directory / "b.parquet").write_bytes(b"x")
    return directory


def rights(directory: Path, monkeypatch: pytest.MonkeyPatch) -> frozenset[str] | None:
    """Rights as if everyone could pass the directories of the test machine above the lake."""
    real = os.stat
    above = {str(parent) for parent in directory.parents}

    def stat(path: str) -> os.stat_result:
        found = real(path)
        return os.stat_result((found.st_mode | 0o755, *found[1:])) if path in above else found

    monkeypatch.setattr("r2d2.usage.posix.os.stat", stat)
    return Rights().of(dataset("d", str(directory), ("a.parquet", "b.parquet")))


@pytest.mark.parametrize(
    ("of_directory", "of_file", "expected"),
    [
        (0o755, 0o644, {"*"}),
        (0o750, 0o644, {ME, MINE}),
        (0o755, 0o640, {ME, MINE}),
        (0o755, 0o600, {ME}),
        (0o711, 0o644, {ME}),
        (0o744, 0o644, {ME}),
        (0o755, 0o604, None),
    ],
)
def test_modes_of_directory_and_files_tell_who_may_read(
    lake: Path, monkeypatch: pytest.MonkeyPatch, of_directory: int, of_file: int, expected: set[str] | None
) -> None:
    lake.chmod(of_directory)
    (lake / "a.parquet").chmod(0o644)
    (lake / "b.parquet").chmod(of_file)
    assert rights(lake, monkeypatch) == expected


def test_a_closed_directory_above_keeps_others_out(lake: Path) -> None:
    lake.parent.chmod(0o700)
    found = Rights().of(dataset("d", str(lake), ("a.parquet",)))
    assert found is not None
    assert "*" not in found


def test_an_access_control_list_makes_it_unknown(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # version 2; owner rw, user 65534 r, group r, mask r, others none
    entries = [(1, 6, 0xFFFFFFFF), (2, 4, 65534), (4, 4, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)]
    packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(lake / "a.parquet", "system.posix_acl_access", packed)
    except OSError as error:
        pytest.skip(f"the file system takes no access control list: {error}")
    assert rights(lake, monkeypatch) is None


def test_a_link_into_a_closed_directory_opens_nothing(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = lake / "closed"
    closed.mkdir(mode=0o700)
    (lake / "b.parquet").rename(closed / "b.parquet")
    (lake / "b.parquet").symlink_to(closed / "b.parquet")
    lake.chmod(0o755)
    for name in ("a.parquet", "b.parquet"):
        (lake / name).chmod(0o644)
    assert rights(lake, monkeypatch) == {ME}


def test_rights_in_a_store_and_of_what_is_gone_are_unknown(lake: Path) -> None:
    assert Rights().of(dataset("d", "s3://lake/d", ("a",))) is None
    assert Rights().of(dataset("d", str(lake / "gone"), ("a",))) is None
