"""Discovery: what is one dataset, under which id, and that nothing in a lake stops the rest from being found."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import fsspec
import pytest

from r2d2.catalog.discovery import discover
from r2d2.catalog.listing import Candidate, Listing
from r2d2.config import DiscoverySettings
from r2d2.errors import LakeError, UsageError
from r2d2.lake.spark_catalog import quoted

SCHEMA = json.dumps({"type": "struct", "fields": []})


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def delta(table: Path, *paths: str, protocol: dict[str, Any] | None = None) -> None:
    """A table whose log names ``paths``; relative ones are made."""
    touch(table, *(path for path in paths if not path.startswith("/")))
    metadata = {"id": str(table), "schemaString": SCHEMA, "partitionColumns": [], "configuration": {"a": "b"}}
    actions: list[dict[str, Any]] = [{"protocol": protocol or {"minReaderVersion": 1}}, {"metaData": metadata}]
    for path in paths:
        size = (table / path).stat().st_size
        actions.append({"add": {"path": path, "partitionValues": {}, "size": size, "modificationTime": 1}})
    (table / "_delta_log").mkdir(parents=True)
    (table / f"_delta_log/{0:020d}.json").write_text("".join(json.dumps(action) + "\n" for action in actions))


def found(*roots: Path | str, state: str | None = None, **settings: Any) -> Listing:
    return discover([str(root) for root in roots], DiscoverySettings(**settings), state, None)


def by_id(listing: Listing) -> dict[str, Candidate]:
    assert [c.id for c in listing.candidates] == sorted({c.id for c in listing.candidates})
    return {candidate.id: candidate for candidate in listing.candidates}


def ids(*roots: Path | str, **settings: Any) -> list[str]:
    return [candidate.id for candidate in found(*roots, **settings).candidates]


def test_formats_follow_from_suffixes_and_other_files_are_counted(tmp_path: Path) -> None:
    names = {"a.parquet": "parquet", "b.pq": "parquet", "c.parq": "parquet", "d.csv": "csv", "d.CSV.GZ": "csv"}
    names |= {"e.tsv": "tsv", "e.tsv.gz": "tsv", "f.jsonl": "jsonl", "g.ndjson.gz": "jsonl", "h.json.gz": "json"}
    touch(tmp_path, *names, "x.pdf", "y/z.PDF", "README", "a.parquet.gz", "x.<script>", "n.txt")
    listing = found(tmp_path)
    assert {c.id: c.format for c in listing.candidates} == names
    assert [p.what for p in listing.problems] == ["not data: 2 .pdf, 2 no suffix, 1 .gz, 1 .txt"]


def test_part_files_are_one_dataset_with_the_directorys_id(tmp_path: Path) -> None:
    touch(tmp_path, "x.parquet/part-0.parquet", "x.parquet/part-1.snappy.parquet", "x.parquet/_SUCCESS", "x.parque")
    touch(tmp_path, "x.parquet2.parquet")
    listing = by_id(found(tmp_path))
    assert list(listing) == ["x.parquet", "x.parquet2.parquet"]
    table = listing["x.parquet"]
    assert (len(table.files), table.parts, table.format) == (2, True, "parquet")
    assert table.file_ids == ("x.parquet/part-0.parquet", "x.parquet/part-1.snappy.parquet")
    assert table.location == str(tmp_path / "x.parquet")
    assert not listing["x.parquet2.parquet"].parts


def test_parts_at_the_root_have_the_id_dot(tmp_path: Path) -> None:
    touch(tmp_path, "part-0.csv", "part-1.csv.gz")
    assert ids(tmp_path) == ["."]
    assert by_id(found(tmp_path))["."].file_ids == ("part-0.csv", "part-1.csv.gz")


def test_files_beside_parts_are_one_dataset_each(tmp_path: Path) -> None:
    touch(tmp_path, "d/part-0.csv", "d/part-1.csv", "d/other.csv", "d/more.parquet")
    assert ids(tmp_path) == ["d", "d/more.parquet", "d/other.csv"]


def test_parts_of_several_formats_are_one_dataset_each(tmp_path: Path) -> None:
    touch(tmp_path, "d/part-0.csv", "d/part-1.parquet")
    assert ids(tmp_path) == ["d/part-0.csv", "d/part-1.parquet"]


def test_hive_directories_are_one_dataset_at_any_depth(tmp_path: Path) -> None:
    touch(tmp_path, "t/y=2023/m=01/a.parquet", "t/y=2024/m=__HIVE_DEFAULT_PARTITION__/sub/b.parquet")
    touch(tmp_path, "t/y=a%2Fb%20=%25/m=1/c.parquet", "t/loose.parquet")
    listing = by_id(found(tmp_path))
    assert list(listing) == ["t", "t/loose.parquet"]
    table = listing["t"]
    assert table.partition_columns == ("y", "m")
    assert [file.partition for file in table.files] == [
        (("y", "2023"), ("m", "01")),
        (("y", "2024"), ("m", None)),
        (("y", "a/b =%"), ("m", "1")),
    ]
    assert (table.status, table.parts) == ("ok", True)


def test_a_partition_column_that_starts_with_an_underscore_is_one(tmp_path: Path) -> None:
    touch(tmp_path, "t/_day=1/a.csv", "t/_x/a.csv", "t/.y=1/a.csv", "t/__k=2/a.csv")
    (table,) = found(tmp_path).candidates
    assert [file.partition for file in table.files] == [(("__k", "2"),), (("_day", "1"),)]
    assert table.status == "unsupported"  # two columns: not one table


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("t/k=/a.csv",), "empty"),
        (("t/k=1/a.csv", "t/j=1/a.csv"), "different columns"),
        (("t/k=1/a.csv", "t/k=1/j=1/a.csv"), "different columns"),
        (("t/k=1/a.csv", "t/part-0.csv"), "different columns"),
        (("t/k=1/a.csv", "t/k=2/a.parquet"), "several formats"),
        (("t/k=1/K=2/a.csv",), "twice"),
        (("t/k=1/x/j=2/a.csv",), "between"),
        (("t/k%0A=1/a.csv",), "printed"),
    ],
)
def test_hive_directories_that_are_no_table_are_refused(tmp_path: Path, names: tuple[str, ...], reason: str) -> None:
    touch(tmp_path, *names)
    (table,) = found(tmp_path).candidates
    assert (table.id, table.status) == ("t", "unsupported")
    assert reason in table.reason


def test_a_directory_with_no_column_before_the_equals_sign_is_a_plain_one(tmp_path: Path) -> None:
    touch(tmp_path, "t/=v/a.csv", "t/=v/b.csv")
    assert ids(tmp_path) == ["t/=v/a.csv", "t/=v/b.csv"]


def test_hidden_and_temporary_files_are_left_out_without_a_word(tmp_path: Path) -> None:
    touch(
        tmp_path, "_a.csv", ".b.csv", "c.csv.crc", "d.csv.tmp", "_t/a.csv", ".git/a.csv", "x.tmp/a.csv", "e._COPYING_"
    )
    touch(tmp_path, "ok.csv")
    listing = found(tmp_path)
    assert (list(by_id(listing)), listing.problems) == (["ok.csv"], ())


HOSTILE = ["a b", "it's", 'q"q', "new\nline", "x;--", "[ab]", "*", "%20", "#", "?", "😀", "k", "$(id)", "n" * 240]


def test_hostile_names_are_ids_like_any_other(tmp_path: Path) -> None:
    for name in HOSTILE:
        touch(tmp_path, f"{name}.csv", f"dir {name}/part-0.parquet", f"h/{name}/v={name}/x.csv")
    listing = by_id(found(tmp_path))
    expected = {f"{n}.csv" for n in HOSTILE} | {f"dir {n}" for n in HOSTILE} | {f"h/{n}" for n in HOSTILE}
    assert set(listing) == expected
    assert listing["h/it's"].files[0].partition == (("v", "it's"),)
    assert all(c.status == "ok" for name, c in listing.items() if not name.startswith("h/%20"))


def test_names_that_are_not_utf8_are_problems_and_make_their_dataset_incomplete(tmp_path: Path) -> None:
    touch(tmp_path, "t/part-0.csv", "ok.csv", "h/k=1/a.csv")
    raw = os.fsencode(tmp_path)
    for name in (b"/t/part-\xff.csv", b"/x\xff.csv"):
        Path(os.fsdecode(raw + name)).write_text("x")
    os.mkdir(raw + b"/h/k=\xfe")
    listing = found(tmp_path)
    status = {c.id: (c.status, c.reason) for c in listing.candidates}
    assert status["ok.csv"] == ("ok", "")
    assert status["t"] == ("error", "t/part-\\xff.csv: its name is not valid UTF-8")
    assert status["h"] == ("error", "h/k=\\xfe: its name is not valid UTF-8")
    assert len(listing.problems) == 3
    json.dumps([c.id for c in listing.candidates], ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("name", ["t/part-1.csv", "h/k=2", "r/anything"])
def test_what_cannot_be_listed_makes_its_dataset_an_error(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "t/part-0.csv", "h/k=1/a.csv", "r/x/a.csv", "plain.csv")
    (tmp_path / name).symlink_to("/etc")
    listing = found(tmp_path, datasets=("r",))
    status = {c.id: c.status for c in listing.candidates}
    assert status.pop(name.partition("/")[0]) == "error"
    assert set(status.values()) == {"ok"}
    assert [p.where for p in listing.problems] == [str(tmp_path / name)]


def test_a_closed_directory_stops_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run as root, who may read everything: the refusal is simulated (test_storage drops root's rights)."""
    touch(tmp_path, "a.csv", "closed/b.csv", "t/_delta_log/x", "t/part-0.parquet")
    scandir = os.scandir

    def refusing(path: str) -> Any:
        if str(path).endswith(("closed", "_delta_log")):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    monkeypatch.setattr(os, "listdir", refusing)
    listing = found(tmp_path)
    status = {c.id: (c.format, c.status) for c in listing.candidates}
    assert status == {"a.csv": ("csv", "ok"), "t": ("delta", "error")}
    assert [p.where for p in listing.problems] == [str(tmp_path / "closed")]


def test_rules_make_one_dataset_of_a_directory_or_one_of_each_file(tmp_path: Path) -> None:
    touch(tmp_path, "raw/a.csv", "raw/sub/b.csv", "out/part-0.csv", "out/part-1.csv", "h/k=1/a.csv", "other/c.csv")
    listing = by_id(found(tmp_path, datasets=("raw",), separate=("out", "h")))
    assert list(listing) == ["h/k=1/a.csv", "other/c.csv", "out/part-0.csv", "out/part-1.csv", "raw"]
    assert listing["raw"].parts
    assert listing["raw"].file_ids == ("raw/a.csv", "raw/sub/b.csv")
    assert ids(tmp_path, datasets=(".",)) == ["."]
    assert ids(tmp_path, datasets=("raw",), separate=("raw/sub",)) == [
        "h",
        "other/c.csv",
        "out",
        "raw",
        "raw/sub/b.csv",
    ]


def test_include_and_exclude_choose_files_and_directories(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.csv", "a/b/y.csv", "c/x.csv", "c/z.parquet", "w[1]/q.csv")
    assert ids(tmp_path, include=("a/**",)) == ["a/b/y.csv", "a/x.csv"]
    assert ids(tmp_path, include=("a/*.csv",)) == ["a/x.csv"]
    assert ids(tmp_path, exclude=("a", "*.parquet")) == ["c/x.csv", "w[1]/q.csv"]
    assert ids(tmp_path, include=("**/x.csv",), exclude=("c/*",)) == ["a/x.csv"]
    assert ids(tmp_path, include=("w[[]1]",)) == ["w[1]/q.csv"]


def test_a_dataset_of_which_a_part_is_excluded_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "t/part-0.csv", "t/part-1.csv", "u/part-0.csv", "h/k=1/a.csv", "h/k=2/a.csv")
    listing = by_id(found(tmp_path, exclude=("t/part-1.csv", "u", "h/k=2")))
    assert {c.id: c.status for c in listing.values()} == {"t": "unsupported", "h": "unsupported"}


def test_patterns_of_hidden_files_do_not_leave_out_the_root(tmp_path: Path) -> None:
    delta(tmp_path, "a.parquet")
    assert ids(tmp_path, exclude=(".*",)) == ["."]
    assert ids(tmp_path, include=("*.csv",)) == ["."]


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
    assert {c.id: (c.format, c.status) for c in listing.values()} == {
        "w/a.csv": ("csv", "ok"),
        "w/t": (kind, "unsupported"),
    }
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
    delta(tmp_path / "dv", "a.parquet", protocol={"minReaderVersion": 3, "readerFeatures": ["deletionVectors"]})
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


def test_several_roots_have_aliases_and_their_order_plays_no_part(tmp_path: Path) -> None:
    touch(tmp_path, "a/lake/x.csv", "b/lake/y.csv", "c/lake-2/z.csv", "d/part-0.csv", "e/one.csv")
    roots = [tmp_path / name for name in ("a/lake", "b/lake", "c/lake-2", "d", "e/one.csv")]
    expected = ["d", "lake-2-2/z.csv", "lake-2/y.csv", "lake/x.csv", "one.csv"]
    assert ids(*roots) == expected
    assert found(*roots) == found(*reversed(roots))


def test_overlapping_nested_and_identical_roots_name_one_dataset_several_times(tmp_path: Path) -> None:
    touch(tmp_path, "lake/sub/a.csv", "lake/b.csv", "lake/t/part-0.csv")
    (tmp_path / "alias").symlink_to("lake")
    listing = by_id(found(tmp_path / "lake", tmp_path / "lake/sub", tmp_path / "lake", tmp_path / "alias"))
    assert {c.id: c.names for c in listing.values()} == {
        "sub/a.csv": ("alias/sub/a.csv", "lake-2/sub/a.csv", "lake/sub/a.csv"),
        "lake/b.csv": ("alias/b.csv", "lake-2/b.csv"),
        "lake/t": ("alias/t", "lake-2/t"),
    }
    assert all(c.shared_with == () for c in listing.values())


def test_a_root_that_is_a_file_is_a_dataset(tmp_path: Path) -> None:
    touch(tmp_path, "x/k=1/part-0.csv")
    (candidate,) = found(tmp_path / "x/k=1/part-0.csv").candidates
    assert (candidate.id, candidate.format, candidate.location) == (
        "part-0.csv",
        "csv",
        str(tmp_path / "x/k=1/part-0.csv"),
    )


def test_the_state_directory_in_a_lake_is_left_out_with_a_word(tmp_path: Path) -> None:
    touch(tmp_path, "a.csv", "state/tables/part-0.parquet", "stateful/b.csv")
    listing = found(tmp_path, state=str(tmp_path / "state"))
    assert list(by_id(listing)) == ["a.csv", "stateful/b.csv"]
    assert [(p.where, "state" in p.what) for p in listing.problems] == [(str(tmp_path / "state"), True)]
    assert ids(tmp_path / "stateful", state=str(tmp_path)) == ["b.csv"]
    with pytest.raises(LakeError, match="state directory"):
        found(tmp_path, state=f"{tmp_path}/")


@pytest.mark.parametrize("root", ["/nowhere/at/all", "nope://x/y", "s3://key:secret@bucket/"])
def test_a_root_that_cannot_be_listed_ends_with_a_clear_error(root: str) -> None:
    with pytest.raises(LakeError) as caught:
        found(root)
    assert caught.value.hint
    assert "secret" not in str(caught.value)


def test_no_root_and_a_catalog_without_spark_are_usage_errors() -> None:
    for roots in ([], ["catalog:db"]):
        with pytest.raises(UsageError):
            discover(roots, DiscoverySettings(), None, None)


def test_a_lake_of_no_datasets_is_a_problem_and_no_error(tmp_path: Path) -> None:
    listing = found(tmp_path)
    assert listing.candidates == ()
    assert [p.what for p in listing.problems] == ["no datasets were found"]


def test_a_lake_in_a_store_is_found_like_one_on_disk() -> None:
    memory = fsspec.filesystem("memory")
    for name in ("a b.csv", "t/part-0.parquet", "t/part-1.parquet", "h/k=1/x.csv", "i/.hoodie/x", "_h/a.csv"):
        memory.pipe(f"/r2d2-discovery/{name}", name.encode())
    try:
        listing = by_id(found("memory://r2d2-discovery"))
        assert list(listing) == ["a b.csv", "h", "i", "t"]
        assert listing["t"].files[0].identity == "memory://r2d2-discovery/t/part-0.parquet"
        assert ids("memory://r2d2-discovery/t") == ["."]
    finally:
        memory.rm("/r2d2-discovery", recursive=True)


class FakeSpark:
    """Answers the three statements with which a database is described; records what was asked."""

    def __init__(self, tables: dict[str, tuple[str, str, list[str]]], views: tuple[str, ...] = ()) -> None:
        self.tables, self.views, self.asked = tables, views, list[str]()

    def sql(self, statement: str) -> FakeSpark:
        self.asked.append(statement)
        return self

    def collect(self) -> list[dict[str, Any]]:
        statement = self.asked[-1]
        if statement.startswith("SHOW TABLES"):
            rows = [{"tableName": name, "isTemporary": False} for name in (*self.tables, *self.views)]
            return [*rows, {"tableName": "temporary", "isTemporary": True}]
        if statement.startswith("SHOW VIEWS"):
            return [{"viewName": name, "isTemporary": False} for name in self.views]
        name = next(name for name in self.tables if statement.endswith(f".{quoted(name)}"))
        return [dict(zip(("format", "location", "partitionColumns"), self.tables[name], strict=True))]


def test_tables_of_a_catalog_are_one_dataset_each_or_refused(tmp_path: Path) -> None:
    touch(tmp_path, "p/a.parquet", "p/b.parquet", "part/k=1/a.parquet", "c/x.csv", "n/x.csv", "n/y/z.csv", "lake/q.csv")
    touch(tmp_path, "w/a.csv", "%41/a.parquet", "empty/_SUCCESS")
    delta(tmp_path / "d", "a.parquet")
    tables = {
        "p": ("parquet", f"file:{tmp_path}/p", []),
        "d`; DROP TABLE x;--": ("delta", f"file:{tmp_path}/d", []),
        "part": ("parquet", f"file:{tmp_path}/part", ["k"]),
        "c": ("CSV", f"file:{tmp_path}/c", []),
        "n": ("csv", f"file:{tmp_path}/n", []),
        "w": ("parquet", f"file:{tmp_path}/w", []),
        "i": ("iceberg", f"file:{tmp_path}/i", []),
        "gone": ("parquet", f"file:{tmp_path}/gone", []),
        "escaped": ("parquet", f"file:{tmp_path}/%41", []),
        "empty": ("csv", f"file:{tmp_path}/empty", []),
        "nodelta": ("delta", f"file:{tmp_path}/p", []),
    }
    spark: Any = FakeSpark(tables, ("v",))
    listing = by_id(discover(["catalog:db`x"], DiscoverySettings(), None, spark))
    status = {name.removeprefix("catalog:db`x/"): c.status for name, c in listing.items()}
    assert status == {
        **dict.fromkeys(("p", "d`; DROP TABLE x;--", "c", "escaped"), "ok"),
        **dict.fromkeys(("part", "n", "w", "i", "v", "empty", "nodelta"), "unsupported"),
        "gone": "error",
    }
    assert "DESCRIBE DETAIL `db``x`.`d``; DROP TABLE x;--`" in spark.asked
    assert (len(listing["catalog:db`x/p"].files), listing["catalog:db`x/p"].parts) == (2, False)
    assert listing["catalog:db`x/p"].shared_with == ("catalog:db`x/nodelta",)
    assert listing["catalog:db`x/v"].reason == "a view has no files of its own"


def test_a_catalog_table_that_lies_in_a_root_is_one_dataset_with_two_names(tmp_path: Path) -> None:
    touch(tmp_path, "lake/t/part-0.parquet", "lake/k/k=1/part-0.parquet")
    tables = {
        "t": ("parquet", f"file:{tmp_path}/lake/t", []),
        "partitioned": ("parquet", f"file:{tmp_path}/lake/k", ["k"]),
    }
    spark: Any = FakeSpark(tables)
    listing = by_id(discover([str(tmp_path / "lake"), "catalog:db"], DiscoverySettings(), None, spark))
    assert list(listing) == ["catalog:db/partitioned", "lake/k", "lake/t"]
    assert listing["lake/t"].names == ("catalog:db/t",)
    assert listing["lake/k"].shared_with == ("catalog:db/partitioned",)
