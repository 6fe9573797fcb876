"""Discovery: what is one dataset, under which id, and that nothing in a lake stops the rest from being found."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import fsspec
import pytest

from r2d2.catalog.discovery import discover
from r2d2.config import DiscoverySettings
from r2d2.errors import LakeError, UsageError
from tests.small_lakes import by_id, delta, found, ids, touch


def test_formats_follow_from_suffixes_and_other_files_are_counted(tmp_path: Path) -> None:
    names = {"a.parquet": "parquet", "b.pq": "parquet", "c.parq": "parquet", "d.csv": "csv", "d.CSV.GZ": "csv"}
    names |= {"e.tsv": "tsv", "e.tsv.gz": "tsv", "f.jsonl": "jsonl", "g.ndjson.gz": "jsonl", "h.json.gz": "json"}
    touch(tmp_path, *names, "x.pdf", "y/z.PDF", "README", "a.parquet.gz", "x.<script>", "n.txt")
    listing = found(tmp_path)
    assert {c.id: c.format for c in listing.candidates} == names
    assert [p.what for p in listing.problems] == ["not data: 2 .pdf, 2 no suffix, 1 .gz, 1 .txt"]


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
