"""Which process of ``make test`` runs which file: those that need Spark share two sessions, not one in each process."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from xdist.scheduler import LoadFileScheduling

from tests.sampling import ALL

ROOT = Path(__file__).resolve().parents[1]
#: A test that asks for the session, or that starts one in its own process.
_SPARK = re.compile(r"\bspark: SparkSession|mark\.spark\b")
#: All of them look at the same inputs, which take long to read.
_CONFORMANCE = "tests/conformance/"


class Together(LoadFileScheduling):
    """As ``--dist loadfile``, but all files of Spark below ``tests/e2e`` go to one process, and all others to another.

    A session takes some 30 s of a core until it is warm. ``make test-full`` has too much of Spark for two processes.
    """

    def _split_scope(self, nodeid: str) -> str:
        return scope(super()._split_scope(nodeid))


@cache
def scope(file: str) -> str:
    """The name under which a file's tests stay together."""
    if ALL:
        return _CONFORMANCE if file.startswith(_CONFORMANCE) else file
    if not file.startswith(_CONFORMANCE) and not _SPARK.search((ROOT / file).read_text(encoding="utf-8")):
        return file
    return "Spark, whole runs" if file.startswith("tests/e2e/") else "Spark, all else"


def scheduler(config: Any, log: Any) -> Together | None:
    """The one to use; None for xdist's own where it was asked for another way to share the tests out."""
    return Together(config, log) if config.getvalue("dist") == "loadfile" else None
