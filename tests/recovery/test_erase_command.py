"""``r2d2 erase``: it asks, says what it left alone, and a recover goes on with what was cut short."""

from __future__ import annotations

from pathlib import Path

import pytest

from r2d2.catalog.state import open_state
from r2d2.cli import main

KEYS = "mail,user.id\nann@example.com,\n,7\n"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    open_state(str(tmp_path / "state"), create=True)
    (tmp_path / "keys.csv").write_text(KEYS)
    return tmp_path / "state"


def run(state: Path, *flags: str) -> int:
    return main(["erase", "--state", str(state), "--quiet", *flags])


def test_it_asks_and_needs_keys_that_it_can_read(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = str(state.parent / "keys.csv")
    assert run(state, "--keys", keys) == 2
    assert "--yes" in capsys.readouterr().err
    assert run(state, "--keys", str(state.parent / "none.csv"), "--yes") == 2
    assert not (state / "erasing.csv").exists()


def test_a_state_without_retirements_is_cleared_too(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened = open_state(str(state))
    opened.append("usage", [{"run_id": "r", "dataset": "a", "owner": "ann@example.com", "detail": "{}"}])
    assert run(state, "--keys", str(state.parent / "keys.csv"), "--yes", "--format", "json") == 0
    assert opened.rows("usage")["owner"].to_pylist() == ["erased"]
    assert "ann@" not in capsys.readouterr().out
    assert not any(b"ann@example.com" in path.read_bytes() for path in state.rglob("*") if path.is_file())
