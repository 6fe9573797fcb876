"""Standard output and error that are closed, or that nobody reads any more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from r2d2.lake.session import _jvm_output_to_file
from tests.states import base_table, write


@pytest.fixture
def check(tmp_path: Path) -> list[str]:
    """A command that says how far it is, and gives four lines."""
    for name in ("a", "b", "c"):
        write(tmp_path / f"lake/{name}.parquet", base_table(3).slice(0, 0))
    return [sys.executable, "-m", "r2d2", "check", str(tmp_path / "lake"), "--format", "csv"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_command_goes_on_where_nobody_reads_how_far_it_is(check: list[str], form: str) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run([*check, "--log-format", form], stderr=writes, stdout=subprocess.PIPE, text=True, check=False)
    os.close(writes)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 4)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(("closed", "lines"), [("2>&-", 4), (">&-", 0), (">&- 2>&-", 0)])
def test_a_command_goes_on_without_its_streams(check: list[str], form: str, closed: str, lines: int) -> None:
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", *check, "--log-format", form]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, lines)


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_whoever_has_read_enough_is_no_error(check: list[str], form: str) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run([*check, "--format", form], stdout=writes, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writes)
    assert (done.returncode, "BrokenPipe" in done.stderr) == (0, False)


def test_what_a_starting_jvm_says_leaves_no_file() -> None:
    with _jvm_output_to_file() as chatter:
        os.write(2, b"error: it was not found\n")
        assert chatter.tail() == "\n  error: it was not found"
    assert not chatter.path.exists()
