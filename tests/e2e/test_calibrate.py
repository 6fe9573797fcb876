"""``r2d2 calibrate`` on a lake: settings come out, and the lake is as it was."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from r2d2.cli import main
from r2d2.config import load_settings
from r2d2.retention import calibration
from tests.states import small_lake

pytestmark = pytest.mark.spark


def test_settings_are_measured_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "STARTS", 1)
    lake = tmp_path / "lake"
    small_lake(lake)
    before = {path: path.stat().st_mtime_ns for path in lake.rglob("*") if path.is_file()}
    assert main(["calibrate", str(lake), "--bytes", "1MB", "--quiet", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert all(value > 0 for value in found["settings"].values())
    assert 300_000 < found["measured"]["bytes"] < 3_000_000
    assert 1 < found["measured"]["startup_seconds"] < 600
    assert {path: path.stat().st_mtime_ns for path in lake.rglob("*") if path.is_file()} == before

    monkeypatch.setattr(calibration, "_start", lambda settings: 2.5)  # it was timed above
    assert main(["calibrate", str(lake), "--bytes", "1MB", "--quiet"]) == 0
    file = tmp_path / "r2d2.toml"
    file.write_text(capsys.readouterr().out)
    assert tomllib.loads(file.read_text())["retention"]["startup_seconds"] == 2.5
    assert load_settings(file, environ={}).retention.startup_seconds == 2.5


@pytest.mark.parametrize(("arguments", "code"), [(["nowhere"], 4), ([".", "--bytes", "much"], 2)])
def test_what_can_not_be_measured_is_told(
    tmp_path: Path, arguments: list[str], code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["calibrate", *arguments, "--quiet"]) == code
    assert "hint: " in capsys.readouterr().err
