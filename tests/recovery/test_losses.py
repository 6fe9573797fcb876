"""What no recipe gives back is named before anybody approves: a test for each case (DELETION 3)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from r2d2.errors import NotRetirable
from r2d2.model.dataset import Dataset
from r2d2.recovery.identity.manifest import strangers
from r2d2.recovery.recipes.losses import About, losses, refuse_unpurgeable
from r2d2.recovery.recipes.recipe_store import load
from tests.recovery.guarded import ROWS, SLICE
from tests.recovery_runs import ALL, at_work, purge_all, receipt_of, retire
from tests.sampling import FULL, some

FEED = {"delta.enableChangeDataFeed": "true"}


def lost(lake: Path, name: str) -> str:
    """What would be lost of a dataset, as one text."""
    with at_work(lake, lake.parent / "state") as recovery:
        dataset = recovery.datasets()[name]
    return "\n".join(losses(About.dataset(dataset, others(dataset))))


def others(dataset: Dataset) -> list[str]:
    """Files of its directory that are not its data files."""
    own, base = {file.path for file in dataset.files}, Path(dataset.location)
    return sorted(str(p.relative_to(base)) for p in base.rglob("*") if p.is_file() and str(p) not in own)


def a_file(lake: Path) -> Path:
    lake.mkdir(exist_ok=True)
    pq.write_table(SLICE, lake / "x.parquet")
    return lake / "x.parquet"


def test_of_a_plain_file_order_and_times_are_lost_and_nothing_else(tmp_path: Path) -> None:
    a_file(tmp_path / "lake")
    told = lost(tmp_path / "lake", "x.parquet").split("\n")
    assert len(told) == 2
    assert "order of its rows" in told[0]
    assert "last changed" in told[1]


def test_a_recipe_that_keeps_the_order_loses_none(tmp_path: Path) -> None:
    about = About("parquet", str(tmp_path), "f1", ordered=True)
    assert not any("order" in text for text in losses(about))


def test_hard_links(tmp_path: Path) -> None:
    file = a_file(tmp_path / "lake")
    os.link(file, tmp_path / "elsewhere")
    assert "hard links) of 1 of its files" in lost(tmp_path / "lake", "x.parquet")


def test_extended_attributes(tmp_path: Path) -> None:
    file = a_file(tmp_path / "lake")
    try:
        os.setxattr(file, "user.owner", b"ann")
    except OSError:
        pytest.skip("this file system has no attributes")
    assert "user.owner" in lost(tmp_path / "lake", "x.parquet")


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_owners(tmp_path: Path) -> None:
    os.chown(a_file(tmp_path / "lake"), 12345, -1)
    assert "owner or group" in lost(tmp_path / "lake", "x.parquet")


def test_other_files_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "lake/d").mkdir(parents=True)
    pq.write_table(SLICE, tmp_path / "lake/d/part-0.parquet")
    (tmp_path / "lake/d/_notes\n.txt").write_text("who made this")
    (tmp_path / "lake/d/_SUCCESS").touch()
    told = lost(tmp_path / "lake", "d")
    assert "other files of its directory: _notes\\n.txt" in told
    assert "_SUCCESS" not in told


def test_files_that_only_look_as_if_an_engine_had_left_them_are_somebodys(tmp_path: Path) -> None:
    left = ["_SUCCESS", "._SUCCESS.crc", "_metadata", "_common_metadata", "_committed_123", "_started_123"]
    others = ["_metadata.yaml", "_SUCCESS_STORY.md", "_started_by.txt", "upload.tmp", "k=1/_committed_to.csv"]
    assert strangers("parquet", [*left, *others]) == tuple(others)
    log = ["_delta_log/0.json", "k=1/part-0.parquet", "ab/deletion_vector_1.bin", "_change_data/cdc-0.parquet"]
    others = ["README.md", "k=1/labels.csv", "_delta_index/x.parquet", "model.bin"]
    assert strangers("delta", [*log, ".part-0.parquet.crc", *others]) == tuple(others)


def test_formats_that_nothing_writes_anew(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    orc.write_table(SLICE, str(tmp_path / "lake/x.orc"))
    with at_work(tmp_path / "lake", tmp_path / "state") as recovery:
        (dataset,) = recovery.datasets().values()
    assert "can't be written anew" in "\n".join(losses(About.dataset(dataset, [])))


def table(lake: Path, properties: dict[str, str] | None = None) -> Path:
    """A table of one version, ``x``, in a lake that has its rows in ``all.parquet``, too."""
    lake.mkdir()
    pq.write_table(ROWS, lake / "all.parquet")
    write_deltalake(str(lake / "x"), SLICE, configuration=properties or {})
    return lake / "x"


def test_older_versions(tmp_path: Path) -> None:
    where = table(tmp_path / "lake")
    assert "older versions" not in lost(tmp_path / "lake", "x")
    DeltaTable(str(where)).delete("id = 700")
    assert "older versions" in lost(tmp_path / "lake", "x")


def test_a_change_feed(tmp_path: Path) -> None:
    table(tmp_path / "lake", FEED)
    assert "change data feed" in lost(tmp_path / "lake", "x")


def test_a_rule_on_history(tmp_path: Path) -> None:
    table(tmp_path / "lake", {"delta.logRetentionDuration": "interval 900 days"})
    assert "rule on its history (delta.logRetentionDuration)" in lost(tmp_path / "lake", "x")


def checkpoint(place: Path, remembered: object, source: str = "") -> None:
    """A checkpoint as Spark's structured streaming keeps it."""
    (place / "offsets").mkdir(parents=True)
    (place / "commits").mkdir()
    (place / "offsets/9").write_text("v1\n{}")
    (place / "offsets/10").write_text(f"v1\n{json.dumps(remembered)}")
    if source:
        (place / "sources/0").mkdir(parents=True)
        (place / "sources/0/0").write_text(source)


@pytest.mark.parametrize("place", ["_checkpoints/etl", "x/_checkpoint"])
def test_a_streaming_reader_of_a_table(tmp_path: Path, place: str) -> None:
    where = table(tmp_path / "lake")
    checkpoint(tmp_path / "lake" / place, {"reservoirId": str(DeltaTable(str(where)).metadata().id)})
    assert f"checkpoint is {tmp_path}/lake/{place}" in lost(tmp_path / "lake", "x")


def test_a_streaming_reader_of_files(tmp_path: Path) -> None:
    (tmp_path / "lake/d").mkdir(parents=True)
    pq.write_table(SLICE, tmp_path / "lake/d/part-0.parquet")
    checkpoint(tmp_path / "lake/_checkpoint", {"logOffset": 1}, f'v1\n{{"path":"file://{tmp_path}/lake/d/part-0"}}')
    assert "a streaming job reads it" in lost(tmp_path / "lake", "d")


def test_the_checkpoint_of_a_reader_of_something_else_is_none(tmp_path: Path) -> None:
    table(tmp_path / "lake")
    checkpoint(tmp_path / "lake/_checkpoint", {"reservoirId": "of another table"})
    assert "streaming job reads it" not in lost(tmp_path / "lake", "x")


def test_branches_and_tags(tmp_path: Path) -> None:
    refs = {"iceberg.branches": '{"main": 1, "audit": 2}', "iceberg.tags": '{"end-of-2024": 3}'}
    told = losses(About("iceberg", str(tmp_path), "s1", refs))
    assert {"its branch audit", "its tag end-of-2024"} <= set(told)
    assert "its branch main" not in told


@FULL
def test_what_is_lost_stands_in_the_recipe(tmp_path: Path) -> None:
    table(tmp_path / "lake")
    (outcome,) = retire(tmp_path / "lake", tmp_path / "state", ("x", "all.parquet"), accepted=ALL)
    assert outcome.done, outcome
    with at_work(tmp_path / "lake", tmp_path / "state") as recovery:
        recipe = load(recovery.state, receipt_of(tmp_path / "state", "x"))
    assert any("streaming jobs noted" in text for text in recipe.lost)


@pytest.mark.parametrize("properties", some([FEED, {"delta.deletedFileRetentionDuration": "interval 30 days"}], 1))
def test_a_table_whose_history_somebody_needs_is_never_purged(tmp_path: Path, properties: dict[str, str]) -> None:
    table(tmp_path / "lake", properties)
    (outcome,) = retire(tmp_path / "lake", tmp_path / "state", ("x", "all.parquet"), accepted=ALL)
    assert outcome.done, outcome
    (kept,) = purge_all(tmp_path / "lake", tmp_path / "state")
    assert not kept.done
    assert kept.hint == "it stays in quarantine"


def test_a_table_that_a_streaming_job_reads_is_never_purged(tmp_path: Path) -> None:
    where = table(tmp_path / "lake")
    name = str(DeltaTable(str(where)).metadata().id)
    assert retire(tmp_path / "lake", tmp_path / "state", ("x", "all.parquet"), accepted=ALL)[0].done
    checkpoint(tmp_path / "lake/checkpoints", {"reservoirId": name})
    (kept,) = purge_all(tmp_path / "lake", tmp_path / "state")
    assert not kept.done
    assert "streaming job" in kept.what


@FULL
def test_older_versions_go_only_with_history_lost_accepted(tmp_path: Path) -> None:
    where = table(tmp_path / "lake")
    DeltaTable(str(where)).delete("id = 700")
    accepted = ALL - {"history-lost"}
    assert retire(tmp_path / "lake", tmp_path / "state", ("x", "all.parquet"), accepted=accepted)[0].done
    (kept,) = purge_all(tmp_path / "lake", tmp_path / "state")
    assert "history-lost" in kept.hint
    with at_work(tmp_path / "lake", tmp_path / "state") as recovery:
        receipt = receipt_of(tmp_path / "state", "x")
        with pytest.raises(NotRetirable, match="older versions"):
            refuse_unpurgeable(load(recovery.state, receipt).manifest, receipt)
