"""Iceberg tables as discovery lists them: which metadata is current, whose files are whose, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from r2d2.catalog.discovery import discover
from r2d2.catalog.listing import Candidate
from r2d2.config import DiscoverySettings
from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.iceberg_metadata import current_metadata
from tests.small_iceberg import DELETED, entry, manifest, metadata
from tests.small_lakes import by_id, touch


def found(*roots: Path) -> dict[str, Candidate]:
    return by_id(discover([str(root) for root in roots], DiscoverySettings(), None, None))


def table(path: Path, *names: str, **changed: Any) -> Path:
    """A table of files with such names, in one snapshot."""
    touch(path, *names)
    metadata(path, "v1.metadata.json", [manifest(path, "m1", [entry(path / name) for name in names])], **changed)
    return path


def test_the_newest_numbered_metadata_file_is_current_and_the_hint_only_says_where_to_begin() -> None:
    names = ["v1.metadata.json", "v2.gz.metadata.json", "v10.metadata.json.gz", "snap-1.avro"]
    assert current_metadata(names[:2], None) == "v2.gz.metadata.json"
    assert current_metadata(names[:2], "1\n") == "v2.gz.metadata.json"
    assert current_metadata(names, None) == "v10.metadata.json.gz"


@pytest.mark.parametrize(
    ("names", "hint", "error", "why"),
    [
        (["00003-3d29d2b3.metadata.json"], None, UnsupportedData, "only its catalog knows"),
        (["v1.metadata.json", "00001-3d29d2b3.metadata.json"], "1", UnsupportedData, "only its catalog knows"),
        (["v1.metadata.json", "v1.gz.metadata.json"], None, UnsupportedData, "in two files"),
        (["v1.metadata.json", "v3.metadata.json"], "1", UnreadableData, "version 2 is missing"),
        (["v1.metadata.json"], "2", UnreadableData, "version 2 is missing"),
        (["v1.metadata.json"], "one", UnreadableData, "holds no version"),
        ([], "1", UnreadableData, "no metadata file"),
    ],
)
def test_metadata_files_that_leave_a_choice_are_refused(
    names: list[str], hint: str | None, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        current_metadata(names, hint)


def test_a_table_is_its_current_snapshot_and_pins_what_older_ones_refer_to(tmp_path: Path) -> None:
    touch(tmp_path, "t/data/a.parquet", "t/data/b.parquet", "other/old.parquet")
    here = tmp_path / "t"
    old = manifest(here, "m1", [entry(here / "data/a.parquet"), entry(tmp_path / "other/old.parquet")])
    gone = entry(tmp_path / "other/old.parquet", DELETED)
    new = manifest(here, "m2", [entry(here / "data/b.parquet"), entry(here / "data/a.parquet", content=2), gone])
    refs = {name: {"type": kind, "snapshot-id": n} for name, kind, n in (("main", "branch", 2), ("v1", "tag", 1))}
    path = metadata(here, "v1.metadata.json", [old, new], refs=refs)
    listing = found(tmp_path)
    iceberg = listing["t"]
    assert (iceberg.status, iceberg.format, iceberg.version) == ("ok", "iceberg", "s2")
    assert [Path(file.path).name for file in iceberg.files] == ["b.parquet"], "deletes are no rows"
    assert {file.rows for file in iceberg.files} == {None}, "with deletes the manifests don't tell how many rows it has"
    assert iceberg.shared_with == ("other/old.parquet",)
    assert iceberg.properties["iceberg.tags"] == '{"v1": 1}'
    assert iceberg.source is not None
    assert iceberg.source.paths == (str(path),)
    assert list(listing) == ["other/old.parquet", "t"]


def test_a_change_of_the_schema_alone_is_another_fingerprint(tmp_path: Path) -> None:
    before = found(table(tmp_path / "t", "data/a.parquet"))["."]
    metadata(tmp_path / "t", "v2.metadata.json", [tmp_path / "t/metadata/snap-m1.avro"])
    after = found(tmp_path / "t")["."]
    assert before.version == after.version == "s1"
    assert before.fingerprint != after.fingerprint


def test_compressed_metadata_and_a_table_without_rows_are_read(tmp_path: Path) -> None:
    path = metadata(tmp_path / "t", "v1.metadata.json", [])
    (tmp_path / "t/metadata/v1.gz.metadata.json").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert (found(tmp_path)["t"].status, found(tmp_path)["t"].files) == ("ok", ())


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"format-version": 3}, "format version 3"),
        ({"format-version": 4}, "format version 4"),
        (
            {"schemas": [{"schema-id": 0, "fields": [{"id": 1, "name": "u", "type": "uuid"}]}]},
            "column u is of the type uuid",
        ),
        (
            {
                "schemas": [
                    {
                        "schema-id": 0,
                        "fields": [
                            {"id": 1, "name": "s", "type": {"type": "list", "element-id": 2, "element": "time"}}
                        ],
                    }
                ]
            },
            "column s.element is of the type time",
        ),
    ],
)
def test_what_spark_would_not_give_as_it_is_is_refused_and_keeps_its_files(
    tmp_path: Path, changed: dict[str, Any], why: str
) -> None:
    touch(tmp_path, "other/x.parquet")
    here = table(tmp_path / "t", "data/a.parquet")
    listed = manifest(here, "m2", [entry(tmp_path / "other/x.parquet")])
    metadata(here, "v1.metadata.json", [listed], **changed)
    refused = found(tmp_path)["t"]
    assert (refused.status, refused.source) == ("unsupported", None)
    assert why in refused.reason
    if changed.get("format-version") != 4:
        assert refused.shared_with == ("other/x.parquet",)


def test_where_only_a_catalog_knows_what_is_current_all_that_may_be_is_pinned(tmp_path: Path) -> None:
    touch(tmp_path, "other/x.parquet", "other/y.parquet")
    for number, name in enumerate(("x", "y")):
        listed = manifest(tmp_path / "t", name, [entry(tmp_path / f"other/{name}.parquet")])
        metadata(tmp_path / "t", f"0000{number}-aa.metadata.json", [listed])
    refused = found(tmp_path)["t"]
    assert refused.status == "unsupported"
    assert refused.shared_with == ("other/x.parquet", "other/y.parquet")


def test_a_damaged_manifest_of_an_old_snapshot_ends_the_table_and_hides_no_file_of_the_others(tmp_path: Path) -> None:
    touch(tmp_path, "t/data/a.parquet", "other/x.parquet")
    here = tmp_path / "t"
    bad = manifest(here, "bad", [])
    bad.write_bytes(b"Obj\x01 no avro")
    good = manifest(here, "good", [entry(here / "data/a.parquet"), entry(tmp_path / "other/x.parquet")])
    metadata(here, "v1.metadata.json", [bad, good])
    damaged = found(tmp_path)["t"]
    assert (damaged.status, damaged.reason) == ("error", "metadata/snap-bad.avro is damaged")
    assert damaged.shared_with == ("other/x.parquet",)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format-version": 2}', '{"format-version": "2"}'])
def test_damaged_metadata_is_an_error_of_the_table_alone(tmp_path: Path, content: str) -> None:
    table(tmp_path / "t", "data/a.parquet")
    (tmp_path / "t/metadata/v1.metadata.json").write_text(content)
    touch(tmp_path, "plain.parquet")
    listing = found(tmp_path)
    assert listing["t"].status in ("error", "unsupported")
    assert listing["plain.parquet"].status == "ok"


def test_files_that_lie_outside_of_the_roots_are_missing_or_of_another_size_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "lake/t/data/a.parquet", "secret/x.parquet")
    here = tmp_path / "lake/t"
    cases = {
        "outside of the lake's roots": entry(tmp_path / "secret/x.parquet"),
        "is missing": entry(here / "data/none.parquet"),
        "bytes, but it has": {**entry(here / "data/a.parquet")},
        "twice": entry(here / "data/a.parquet"),
    }
    cases["bytes, but it has"]["data_file"]["file_size_in_bytes"] += 1
    for why, bad in cases.items():
        entries = [bad, bad] if why == "twice" else [bad]
        metadata(here, "v1.metadata.json", [manifest(here, "m1", entries)])
        assert why in found(tmp_path / "lake")["t"].reason
    outside = manifest(tmp_path / "secret", "m9", [])
    metadata(here, "v1.metadata.json", [outside])
    assert "outside of the lake's roots" in found(tmp_path / "lake")["t"].reason


def test_a_path_that_icebergs_reader_would_take_for_another_table_is_refused(tmp_path: Path) -> None:
    table(tmp_path / "t#snapshots", "data/a.parquet")
    assert "'#'" in found(tmp_path)["t#snapshots"].reason


def test_a_table_that_is_left_out_still_pins_what_it_refers_to(tmp_path: Path) -> None:
    touch(tmp_path, "other/x.parquet")
    here = table(tmp_path / "_hidden", "data/a.parquet")
    metadata(here, "v1.metadata.json", [manifest(here, "m1", [entry(tmp_path / "other/x.parquet")])])
    listing = found(tmp_path)
    assert list(listing) == ["other/x.parquet"]
    assert listing["other/x.parquet"].outsiders == ("_hidden",)


@pytest.mark.parametrize(
    "lie",
    [
        {"current-schema-id": 7},
        {"default-spec-id": 7},
        {"last-updated-ms": float("inf")},
        {"schemas": [{"schema-id": 0, "type": "struct", "fields": [{"id": 1, "name": "a", "type": {"fields": [{}]}}]}]},
    ],
)
def test_metadata_that_lies_is_an_error_of_the_table_alone(tmp_path: Path, lie: dict[str, Any]) -> None:
    touch(tmp_path, "x.parquet")
    table(tmp_path / "t", "data/a.parquet", **lie)
    listing = found(tmp_path)
    assert (listing["t"].status, listing["x.parquet"].status) == ("error", "ok")
    assert "damaged" in listing["t"].reason


def test_a_manifest_that_is_none_or_of_an_unknown_kind_is_an_error_of_the_table_alone(tmp_path: Path) -> None:
    for name, content in (("swapped", 0), ("unknown", 7)):
        here = tmp_path / name
        touch(here, "a.parquet")
        lists = manifest(here, "m1", [entry(here / "a.parquet", content=content)])
        metadata(here, "v1.metadata.json", [here / "metadata/m1.avro" if name == "swapped" else lists])
        assert (found(tmp_path)[name].status, found(tmp_path)[name].reason) == ("error", "metadata/m1.avro is damaged")


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_name_that_no_file_can_have_is_an_error_of_the_table_alone(tmp_path: Path, name: str) -> None:
    table(tmp_path / "t", "data/a.parquet", snapshots=[{"snapshot-id": 1, "manifest-list": name}])
    assert found(tmp_path)["t"].status == "error"


def test_metadata_with_damaged_compression_is_an_error_of_the_table_alone(tmp_path: Path) -> None:
    table(tmp_path / "t", "data/a.parquet")
    path = tmp_path / "t/metadata/v1.metadata.json"
    packed = gzip.compress(path.read_bytes())
    path.write_bytes(packed[:30] + b"\x00\xff\x13" + packed[33:])
    assert found(tmp_path)["t"].reason == "v1.metadata.json is damaged"
