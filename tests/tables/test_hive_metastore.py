"""Tables of a real Hive metastore, asked by the command line in a process of its own, as its users do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import R2D2
from tests.tables.hive_tables import properties
from tests.tables.truths import relations

pytestmark = [pytest.mark.spark, pytest.mark.full]


@pytest.fixture(scope="module")
def state(r2d2: R2D2, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a run over the metastore's database and the files around its tables."""
    directory = tmp_path_factory.mktemp("hive")
    made = subprocess.run(
        [sys.executable, "-m", "tests.tables.hive_tables", str(directory)], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    config = directory / "r2d2.toml"
    lines = [f'"{key}" = "{value}"' for key, value in properties(directory).items()]
    config.write_text("\n".join(["[spark.conf]", *lines]), encoding="utf-8")
    done = r2d2(
        "run", str(directory / "files"), "catalog:shop", "--state", str(directory / "state"), "--config", str(config)
    )
    assert done.returncode == 0, done.stderr
    return directory / "state"


def datasets(r2d2: R2D2, state: Path) -> dict[str, dict[str, Any]]:
    rows: Any = r2d2.json("datasets", "--state", str(state))
    return {row["dataset"]: row for row in rows}


def pairs(r2d2: R2D2, state: Path, name: str) -> set[tuple[str, str]]:
    found: Any = r2d2.json("edges", "--all", "--state", str(state))
    ids = {f"catalog:shop/{name}": name}
    ids |= {f"files/{name}.{kind}.parquet": f"{name}.{kind}.parquet" for kind in ("copy", "more", "less", "changed")}
    return {(ids[e["parent"]], ids[e["child"]]) for e in found if e["parent"] in ids and e["child"] in ids}


def test_partitioned_tables_hold_what_the_metastore_says(r2d2: R2D2, state: Path) -> None:
    for name in ("parquet", "orc"):
        assert datasets(r2d2, state)[f"catalog:shop/{name}"]["rows"] == 24
        assert pairs(r2d2, state, name) == relations(name)


def test_text_of_hive_is_refused_and_so_is_a_view_of_it(r2d2: R2D2, state: Path) -> None:
    found = datasets(r2d2, state)
    assert "LazySimpleSerDe" in found["catalog:shop/text"]["error"]
    assert "Hive's own readers" in found["catalog:shop/textual"]["error"]
    assert found["catalog:shop/recent"]["error"] == ""
    assert found["catalog:shop/recent"]["shared_with"] == ["catalog:shop/parquet"]
