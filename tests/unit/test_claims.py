"""Table formats claim their directories whole; Delta tables have exactly the files of their logs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.small_lakes import SCHEMA, by_id, delta, found, ids, touch


@pytest.mark.parametrize(
    ("marks", "kind"),
    [
        (("metadata/v1.metadata.json",), "iceberg"),
        (("metadata/00000-x.gz.metadata.json",), "iceberg"),
        ((".hoodie/hoodie.properties",), "hudi"),
        (("schema/schema-0", "snapshot/LATEST"), "paimon"),
        (("_versions/1.manifest", "data/x.lance"), "lance"),
        (("_spark_metadata/0",), "spark-sink"),
        (("_delta_log/00000000000000000000.json", "metadata/v1.metadata.json"), "mixed"),
    ],
)
def test_a_table_format_claims_all_that_is_below(tmp_path: Path, marks: tuple[str, ...], kind: str) -> None:
    touch(tmp_path, *(f"w/t/{mark}" for mark in marks), "w/t/data/part-0.parquet", "w/t/x/k=1/a.csv", "w/a.csv")
    touch(tmp_path, "w/t/nested/_delta_log/x")
    listing = by_id(found(tmp_path))
    assert {c.id: c.format for c in listing.values()} == {"w/a.csv": "csv", "w/t": kind}
    assert (listing["w/a.csv"].status, listing["w/t"].status) in (("ok", "unsupported"), ("ok", "error"))
    assert listing["w/t"].files == ()
    assert len(listing["w/t"].claimed) == len(marks) + 3


def test_a_claim_at_the_root_claims_the_root(tmp_path: Path) -> None:
    touch(tmp_path, ".hoodie/x", "part-0.parquet")
    assert {c.id: c.format for c in found(tmp_path).candidates} == {".": "hudi"}


def test_directories_that_only_look_like_claims_are_plain(tmp_path: Path) -> None:
    touch(tmp_path, "a/metadata/x.csv", "b/schema/schema-0.csv", "c/delta_log/part-0.csv")
    assert ids(tmp_path) == ["a/metadata/x.csv", "b/schema/schema-0.csv", "c/delta_log"]


def test_a_table_in_a_directory_of_partitions_leaves_the_rest_incomplete(tmp_path: Path) -> None:
    touch(tmp_path, "t/k=1/a.parquet")
    delta(tmp_path / "t/k=2", "b.parquet")
    status = {c.id: (c.format, c.status) for c in found(tmp_path).candidates}
    assert status == {"t": ("parquet", "unsupported"), "t/k=2": ("delta", "ok")}


@pytest.mark.parametrize("root", ["t/k=1", "t/data/x.parquet", "t/_delta_log"])
def test_a_root_inside_a_table_gives_no_datasets(tmp_path: Path, root: str) -> None:
    delta(tmp_path / "t", "k=1/a.parquet", "data/x.parquet")
    (candidate,) = found(tmp_path / root).candidates
    assert (candidate.format, candidate.status, candidate.files) == ("delta", "unsupported", ())
    assert str(tmp_path / "t") in candidate.reason


def test_a_delta_table_has_the_files_and_the_version_of_its_log(tmp_path: Path) -> None:
    delta(tmp_path / "t", "a b#.parquet".replace(" ", "_").replace("#", ""), "k=1/x.parquet")
    touch(tmp_path / "t", "old.parquet", "_change_data/c.parquet")
    table = by_id(found(tmp_path))["t"]
    assert (table.format, table.version, table.status, table.parts) == ("delta", "v0", "ok", False)
    assert [os.path.relpath(f.path, table.location) for f in table.files] == ["a_b.parquet", "k=1/x.parquet"]
    status = os.stat(tmp_path / "t/k=1/x.parquet")
    assert table.files[1].identity == f"{status.st_dev}:{status.st_ino}"
    assert table.files[1].mtime_ns == status.st_mtime_ns
    assert json.loads(table.schema) == json.loads(SCHEMA)
    assert table.properties["a"] == "b"
    assert table.fingerprint.startswith("f")


def test_a_delta_table_whose_files_are_not_as_its_log_says_is_an_error(tmp_path: Path) -> None:
    for name in ("gone", "longer", "twice", "log"):
        delta(tmp_path / name, "a.parquet", "b.parquet")
    (tmp_path / "gone/b.parquet").unlink()
    (tmp_path / "longer/b.parquet").write_text("much more than before")
    (tmp_path / "twice/b.parquet").unlink()
    os.link(tmp_path / "twice/a.parquet", tmp_path / "twice/b.parquet")
    (tmp_path / f"log/_delta_log/{0:020d}.json").write_text("{")
    delta(tmp_path / "dv", "a.parquet", protocol={"minReaderVersion": 3, "readerFeatures": ["variantType"]})
    touch(tmp_path, "ok.csv")
    listing = by_id(found(tmp_path))
    assert listing["gone"].reason == "its log names b.parquet, which is missing or can't be looked at"
    assert "bytes" in listing["longer"].reason
    assert "twice" in listing["twice"].reason
    assert listing["log"].reason == f"_delta_log/{0:020d}.json is cut or damaged at line 1"
    assert {name: c.status for name, c in listing.items()} == {
        **dict.fromkeys(("gone", "longer", "twice", "log"), "error"),
        "dv": "unsupported",
        "ok.csv": "ok",
    }
    assert all(c.files == () for name, c in listing.items() if name != "ok.csv")


def test_a_log_that_names_files_outside_of_the_roots_is_refused_unless_they_are_roots_too(tmp_path: Path) -> None:
    touch(tmp_path, "outside/a.parquet")
    delta(tmp_path / "lake/t", str(tmp_path / "outside/a.parquet"))
    (table,) = found(tmp_path / "lake").candidates
    assert table.status == "unsupported"
    assert "outside of the lake's roots" in table.reason
    assert len(table.pins) == 1
    listing = by_id(found(tmp_path / "lake", tmp_path / "outside"))
    assert listing["lake/t"].status == "ok"
    assert listing["lake/t"].shared_with == ("outside/a.parquet",)


def test_a_file_of_a_table_that_is_a_link_out_of_the_lake_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "outside/a.parquet")
    delta(tmp_path / "lake/t", "a.parquet")
    (tmp_path / "lake/t/a.parquet").unlink()
    (tmp_path / "lake/t/a.parquet").symlink_to(tmp_path / "outside/a.parquet")
    size = (tmp_path / "outside/a.parquet").stat().st_size
    log = tmp_path / f"lake/t/_delta_log/{0:020d}.json"
    log.write_text(log.read_text().replace('"size": 9', f'"size": {size}'))
    (table,) = found(tmp_path / "lake").candidates
    assert (table.status, "outside" in table.reason) == ("unsupported", True)


def test_excluded_and_hidden_clones_still_pin_their_source(tmp_path: Path) -> None:
    delta(tmp_path / "source", "a.parquet")
    delta(tmp_path / "clone", str(tmp_path / "source/a.parquet"))
    delta(tmp_path / ".trash/clone", str(tmp_path / "source/a.parquet"))
    listing = by_id(found(tmp_path, exclude=("clone",)))
    assert list(listing) == ["source"]
    assert listing["source"].shared_with == (".trash/clone", "clone")
