"""The conformance inputs are unpacked once, and read once, for all tests that look at them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.inputs import ARCHIVE, Described, Finding, described, find, unpack


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The unpacked archive; it comes with the project's own machines, not with the package."""
    if not ARCHIVE.exists():
        pytest.skip(f"the conformance inputs are not here: {ARCHIVE}")
    where = tmp_path_factory.mktemp("conformance")
    yield unpack(where)
    shutil.rmtree(where)


@pytest.fixture(scope="session")
def looked(inputs: Path) -> Described:
    """The inputs as they are listed and described."""
    return described(inputs)


@pytest.fixture(scope="session")
def findings(looked: Described) -> list[Finding]:
    """What R2D2 makes of each input."""
    return find(looked.datasets)
