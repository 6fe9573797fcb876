"""A tag keeps what a retired dataset is rebuilt from, where the parent is an Iceberg table (DELETION 4)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.spark, pytest.mark.full]


def test_a_tag_keeps_the_files_that_a_recipe_reads_until_the_dataset_is_back(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.recovery.iceberg_tags", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
