"""What commands say on standard error as JSON lines: one object a line, with the run that it is about."""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from r2d2.cli import main
from r2d2.logs import log_as, of_run
from r2d2.progress import Progress
from tests.states import base_table, write


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.fixture
def as_json(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    log_as("json")
    yield
    log_as("text")


def test_a_stage_is_a_line_with_its_figures(as_json: None, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    progress.say("before there is a run")
    of_run("20261127T000000-abcdef")
    with progress.stage("scan") as reading:
        reading.bytes, reading.files = 7, 2
    before, stage = said(capsys)
    assert before["run_id"] == ""
    assert [stage[key] for key in ("level", "event", "run_id")] == ["info", "stage", "20261127T000000-abcdef"]
    assert [stage[key] for key in ("stage", "bytes", "files")] == ["scan", 7, 2]
    assert stage["seconds"] >= 0
    assert stage["time"].endswith("+00:00")


def test_what_people_read_in_many_lines_is_one_for_machines(as_json: None, capsys: pytest.CaptureFixture[str]) -> None:
    Progress().show(["a", "b"], "funnel", funnel={"datasets": 2})
    (line,) = said(capsys)
    assert (line["event"], line["funnel"]) == ("funnel", {"datasets": 2})


def test_no_text_ends_a_line(as_json: None, capsys: pytest.CaptureFixture[str]) -> None:
    text = "a\nb \u2028 %s {x} [red]"
    Progress().note(text, where="c\nd")
    (line,) = said(capsys)
    assert (line["message"], line["level"], line["where"]) == (text, "warning", "c\nd")


def test_warnings_of_libraries_are_lines_too(as_json: None, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        log_as("text")
        log_as("json")  # inside, for pytest has taken warnings over outside
        warnings.warn("old", UserWarning, stacklevel=1)
        log_as("text")
    (line,) = said(capsys)
    assert line["event"] == "warning"
    assert "old" in line["message"]


def test_what_libraries_log_and_what_ends_a_thread_are_lines_too(
    as_json: None, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("some.library").warning("tried %d times\n", 3)
    thread = threading.Thread(target=lambda: [].pop())
    thread.start()
    thread.join()
    sys.excepthook(ValueError, ValueError("no\nnumber"), None)
    logged, died, crashed = said(capsys)
    assert (logged["event"], logged["level"], logged["message"]) == ("warning", "warning", "tried 3 times\n")
    assert (died["event"], died["message"]) == ("warning", "IndexError: pop from empty list")
    assert "Traceback" in died["traceback"]
    assert (crashed["event"], crashed["message"], crashed["exit_code"]) == ("error", "ValueError: no\nnumber", 1)


def test_quiet_leaves_only_the_payload(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "lake/a.parquet", base_table(3))
    assert main(["check", str(tmp_path / "lake"), "--quiet", "--log-format", "json", "--format", "csv"]) == 0
    out, err = capsys.readouterr()
    assert (out.count("\n"), err) == (1, "")


@pytest.mark.parametrize("environment", [False, True])
def test_a_setting_that_is_wrong_is_a_line_too(
    environment: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if environment:
        monkeypatch.setenv("R2D2_LOG__FORMAT", "json")
    asked = [] if environment else ["--log-format", "json"]
    assert main(["check", "/lake", "--set", "no.such=1", *asked]) == 2
    assert [line["event"] for line in said(capsys)] == ["error", "exit"]


def test_quiet_says_nothing_but_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["discover", str(tmp_path / "none"), "--state", str(tmp_path / "state"), "--quiet"]
    assert main([*arguments, "--log-format", "json"]) == 4
    error, last = said(capsys)
    assert [error[key] for key in ("event", "level", "exit_code")] == ["error", "error", 4]
    assert (last["event"], last["exit_code"]) == ("exit", 4)


def test_format_comes_from_file_environment_or_flag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "lake/a.parquet", base_table(3))
    (tmp_path / "r2d2.toml").write_text('[log]\nformat = "json"\n')
    check = ["check", str(tmp_path / "lake")]
    assert main([*check, "--config", str(tmp_path / "r2d2.toml")]) == 0
    assert [line["event"] for line in said(capsys)][-1] == "exit"
    monkeypatch.setenv("R2D2_LOG__FORMAT", "json")
    assert main(check) == 0
    assert said(capsys)
    assert main([*check, "--log-format", "text"]) == 0
    assert "read metadata: " in capsys.readouterr().err
