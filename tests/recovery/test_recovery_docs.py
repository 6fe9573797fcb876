"""docs/recovery.md, the README and help say what there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from r2d2 import cli_recovery
from r2d2.cli import _parser
from r2d2.config import describe
from r2d2.model.receipt import Acceptance
from r2d2.recovery.guard.guard import Verdict

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/recovery.md").read_text()
README = (ROOT / "README.md").read_text()
HELP = [text for name, text in vars(cli_recovery).items() if name.isupper() and isinstance(text, str)]
NAMES = ("review", "apply", "restore", "purge", "guard", "recover", "erase", "history")


def examples() -> list[str]:
    """Lines that call one of these commands as they stand, in text that is to be copied."""
    script = (ROOT / "docs/recovery_demo.sh").read_text().replace("do_ ", "r2d2 ")
    texts = [PAGE, script, *re.findall(r"```\n(.*?)```", README, re.DOTALL), *HELP]
    lines = (
        line.strip().partition(" #")[0].strip().partition(" || ")[0] for text in texts for line in text.splitlines()
    )
    return sorted({line for line in lines if re.match(rf"r2d2 ({'|'.join(NAMES)}) ", line) and "--state" in line})


def test_there_are_examples_of_every_command() -> None:
    assert {line.split()[1] for line in examples()} == set(NAMES)


@pytest.mark.parametrize("line", examples())
def test_every_example_is_a_command_line(line: str) -> None:
    _parser().parse_args(shlex.split(line)[1:])


def test_settings_are_those_that_there_are() -> None:
    known = {key for key, _ in describe()}
    named = set(re.findall(r"`((?:recovery|retention)\.\w+)`", PAGE))
    assert {key for key in known if key.startswith("recovery.")} <= named <= known


def test_all_that_can_be_accepted_is_explained() -> None:
    assert all(f"`{each.value}`" in PAGE and any(each.value in text for text in HELP) for each in Acceptance)
    assert all(f"`{each.value}`" in README for each in Verdict)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_is_in_the_tables(name: str) -> None:
    assert f"| `r2d2 {name} " in PAGE.replace(f"`r2d2 {name}`", f"`r2d2 {name} `")
    assert f"| `r2d2 {name} " in README
