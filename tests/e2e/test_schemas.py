"""What commands print for machines is what their schemas say, on a lake that goes the whole way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pyspark.sql import SparkSession

from r2d2.cli import main
from r2d2.commands.schemas import schemas
from tests.states import base_table, run_job, small_lake, write

SETTINGS = ("--set", "retention.storage_price_factor=1e12", "--set", "retention.keep=base.parquet")
BY = ("--by", "ann", "--note", "not needed")
ALL = ("--accept", "unprotected-parent", "--accept", "history-lost", "--accept", "merely-equal")


def conform(command: str, text: str) -> Any:
    """What was printed, if it is as the schema says."""
    found = json.loads(text)
    jsonschema.Draft202012Validator(dict(schemas()[command])).validate(found)
    return found


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake, on which there were two runs with topics; the state is beside it."""
    root = tmp_path_factory.mktemp("schemas")
    small_lake(root / "lake")
    (root / "lake/broken.parquet").write_bytes(b"PAR1 and no more")
    options = [text for text in SETTINGS if text != "--set"]
    run_job(root / "lake", root / "state", *options, "semantics.topics=true")
    write(root / "lake/more.parquet", base_table(50, 7000))
    run_job(root / "lake", root / "state", *options, "semantics.topics=true")
    return root / "lake"


def test_each_schema_is_one() -> None:
    for schema in schemas().values():
        jsonschema.Draft202012Validator.check_schema(dict(schema))


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("datasets", ()),
        ("edges", ()),
        ("edges", ("--all",)),
        ("edges", ("--grade", "refuted", "--all")),
        ("edges", ("--grade", "shared")),
        ("runs", ()),
        ("plan", ()),
        ("plan", ("--what-if", "storage_price=0.5")),
        ("plan --details", ("--details",)),
        ("plan --diff", ("--diff", "1", "2")),
        ("plans", ()),
        ("usage", ()),
        ("topics", ()),
        ("topics", ("--parts", "2")),
        ("topics --look-alikes", ("--look-alikes",)),
        ("ask", ("amounts by name",)),
        ("review list", ()),
    ],
)
def test_what_is_read_from_a_state(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str], command: str, arguments: tuple[str, ...]
) -> None:
    words = command.split() if command == "review list" else command.split()[:1]
    capsys.readouterr()
    assert main([*words, *arguments, "--state", str(lake.parent / "state"), "--format", "json"]) == 0
    conform(command, capsys.readouterr().out)


def test_what_looks_at_a_lake(spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = str(lake.parent / "state")
    for command, arguments, code in (
        ("run", [str(lake), "--state", state, *SETTINGS], 0),
        ("run --estimate", [str(lake), "--state", state, "--estimate"], 0),
        ("check", [str(lake)], 4),
        ("digest", [str(lake)], 4),
        ("prices", [], 0),
        ("calibrate", [str(lake.parent), "--bytes", "1MB"], 0),
    ):
        capsys.readouterr()
        assert main([command.split()[0], *arguments, "--format", "json"]) == code, command
        conform(command, capsys.readouterr().out)


def test_what_changes_a_lake(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "lake/base.parquet", base_table(300))
    write(tmp_path / "lake/copy.parquet", base_table(300))
    write(tmp_path / "lake/part.parquet", base_table(100))
    keys = tmp_path / "keys.csv"
    keys.write_text("id\n7\n", encoding="utf-8")
    run_job(tmp_path / "lake", tmp_path / "state", *(text for text in SETTINGS if text != "--set"))
    seen = {}
    for command, arguments, code in (
        ("review", ["review", "approve", "--all", *BY, *ALL], 0),
        ("apply", ["apply", "--dry-run"], 0),
        ("apply", ["apply", "--yes"], 0),
        ("guard", ["guard"], 0),
        ("purge", ["purge", "--older-than", "0s", "--dry-run"], 0),
        ("erase", ["erase", "--keys", str(keys), "--yes"], None),
        ("restore", ["restore", "copy.parquet"], 0),
        ("recover", ["recover", "--yes"], 0),
        ("history", ["history", "copy.parquet"], 0),
        ("review list", ["review", "list"], 0),
    ):
        capsys.readouterr()
        found = main([*arguments, "--state", str(tmp_path / "state"), "--format", "json"])
        assert code in (found, None), command
        seen[command] = conform(command, capsys.readouterr().out)
    assert all(seen[command] for command in seen if command != "recover"), "something was printed of each"


def test_the_command_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert capsys.readouterr().out.splitlines() == list(schemas())
    assert main(["schema", "plan --details"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "r2d2 plan --details"
    assert main(["schema", "nothing"]) == 6
    assert "there are: run, " in capsys.readouterr().err
