"""Files have owners: several names are one dataset, common files mark both, and each time a file counts."""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from r2d2.catalog.discovery import discover
from r2d2.catalog.identity import merge_aliases
from r2d2.catalog.listing import Candidate, split
from r2d2.config import DiscoverySettings
from r2d2.model.dataset import DataFile


def files(*identities: str, partition: tuple[tuple[str, str | None], ...] = ()) -> tuple[DataFile, ...]:
    return tuple(DataFile(f"/x/{i}", 1, 1, identity, partition=partition) for i, identity in enumerate(identities))


def plain(name: str, *identities: str, kind: str = "csv", linked: bool = False) -> Candidate:
    return Candidate(name, kind, f"/x/{name}", files=files(*identities), linked=linked)


def outcome(*candidates: Candidate) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    merged = merge_aliases(candidates)
    assert merged == merge_aliases(candidates[::-1])
    assert merged == merge_aliases(merged)
    return {candidate.id: (candidate.names, candidate.shared_with) for candidate in merged}


def test_the_same_files_are_one_dataset_with_several_names() -> None:
    assert outcome(plain("b", "1", "2"), plain("a", "2", "1"), plain("c", "3")) == {"a": (("b",), ()), "c": ((), ())}


def test_the_main_name_is_the_real_one_then_a_path_then_the_shortest() -> None:
    assert list(outcome(plain("a", "1", linked=True), plain("long/real", "1"), plain("zz/real", "1"))) == ["zz/real"]
    assert list(outcome(plain("catalog:d/t", "1"), plain("some/long/path/of/it", "1"))) == ["some/long/path/of/it"]


def test_common_files_mark_both_sides() -> None:
    found = outcome(plain("a", "1", "2"), plain("b", "2", "3"), plain("c", "3"), plain("d", "4"))
    assert found == {"a": ((), ("b",)), "b": ((), ("a", "c")), "c": ((), ("b",)), "d": ((), ())}
    pins = {candidate.id: candidate.pins for candidate in merge_aliases([plain("a", "1", "2"), plain("b", "2")])}
    assert pins == {"a": ("2",), "b": ("2",)}


def test_a_file_that_counts_twice_is_not_the_file_that_counts_once() -> None:
    assert outcome(plain("once", "1"), plain("twice", "1", "1")) == {"once": ((), ("twice",)), "twice": ((), ("once",))}


@pytest.mark.parametrize("value", ["2024", None, ""])
def test_other_partition_values_make_another_dataset(value: str | None) -> None:
    one = replace(plain("a"), files=files("1", partition=(("year", "2023"),)))
    other = replace(plain("b"), files=files("1", partition=(("year", value),)))
    assert outcome(one, other) == {"a": ((), ("b",)), "b": ((), ("a",))}
    assert outcome(other, replace(other, id="c")) == {"b": (("c",), ())}


def test_another_format_makes_another_dataset() -> None:
    assert outcome(plain("a", "1"), plain("b", "1", kind="json")) == {"a": ((), ("b",)), "b": ((), ("a",))}


def test_a_log_that_refers_to_files_of_another_dataset_marks_both() -> None:
    clone = Candidate("clone", "delta", "/x/clone", claimed=("log",), pins=("1",), status="unsupported")
    assert outcome(plain("source", "1", "2"), clone) == {
        "source": ((), ("clone",)),
        "clone": ((), ("source",)),
    }


def test_a_clone_that_holds_all_files_of_its_source_is_not_its_second_name() -> None:
    source = Candidate("source", "delta", "/x/s", files=files("1"), claimed=("log-s",))
    clone = Candidate("clone", "delta", "/x/c", files=files("1"), claimed=("log-c",))
    assert outcome(source, clone) == {"source": ((), ("clone",)), "clone": ((), ("source",))}
    assert outcome(source, replace(source, id="again")) == {"again": (("source",), ())}


def test_tables_that_cannot_be_read_are_merged_by_what_they_claim() -> None:
    table = Candidate("t", "iceberg", "/x/t", claimed=("1", "2"), status="unsupported")
    assert outcome(table, replace(table, id="s/t")) == {"t": (("s/t",), ())}
    assert outcome(table, plain("part", "2")) == {"t": ((), ("part",)), "part": ((), ("t",))}


def test_datasets_without_any_file_are_not_one_another() -> None:
    assert set(outcome(Candidate("a", "view", ""), Candidate("b", "view", ""))) == {"a", "b"}


def test_tables_left_out_are_gone_but_still_hold_what_they_refer_to_after_a_split() -> None:
    left_out = Candidate("_old", "delta", "/x/_old", pins=("2",), status="hidden")
    whole = replace(plain("t", "1", "2"), file_ids=("t/a", "t/b"), parts=True)
    (merged,) = merge_aliases([whole, left_out])
    assert merged.shared_with == ("_old",)
    again = merge_aliases(split(merged))
    assert [(c.id, c.shared_with) for c in again] == [("t/a", ("_old",)), ("t/b", ("_old",))]


def test_merging_takes_time_in_proportion_to_the_files() -> None:
    def seconds(count: int) -> float:
        candidates = [plain(f"d{i}", *(f"{i}:{j}" for j in range(20))) for i in range(count)]
        random.Random(0).shuffle(candidates)
        start = time.perf_counter()
        assert len(merge_aliases(candidates)) == count
        return time.perf_counter() - start

    small = min(seconds(200) for _ in range(3))
    assert min(seconds(1600) for _ in range(3)) < 8 * 4 * small + 0.2


def listed(*roots: Path) -> dict[str, Candidate]:
    return {c.id: c for c in discover([str(root) for root in roots], DiscoverySettings(), None, None).candidates}


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def test_hard_links_on_disk_are_found(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "t/part-0.csv", "t/part-1.csv")
    os.link(tmp_path / "a.csv", tmp_path / "b.csv")
    os.link(tmp_path / "t/part-0.csv", tmp_path / "c.csv")
    found = listed(tmp_path)
    assert {name: (c.names, c.shared_with) for name, c in found.items()} == {
        "a.csv": (("b.csv",), ()),
        "c.csv": ((), ("t",)),
        "t": ((), ("c.csv",)),
    }


def test_links_inside_the_lake_are_second_names(tmp_path: Path) -> None:
    write(tmp_path, "zzz/part-0.csv", "b.csv")
    (tmp_path / "latest").symlink_to("zzz")
    (tmp_path / "a.csv").symlink_to("b.csv")
    assert {name: c.names for name, c in listed(tmp_path).items()} == {"b.csv": ("a.csv",), "zzz": ("latest",)}


def test_a_table_and_its_own_partition_share_files(tmp_path: Path) -> None:
    write(tmp_path, "lake/t/k=1/part-0.csv", "lake/t/k=2/part-0.csv", "lake/u/k=1/part-0.csv")
    found = listed(tmp_path / "lake", tmp_path / "lake/t/k=1", tmp_path / "lake/u/k=1")
    assert {name: (c.names, c.shared_with) for name, c in found.items()} == {
        "k=1": ((), ("lake/t",)),
        "k=1-2": ((), ("lake/u",)),
        "lake/t": ((), ("k=1",)),
        "lake/u": ((), ("k=1-2",)),
    }


@pytest.mark.parametrize("feature", [[], ["variantType"]])
def test_a_shallow_clone_and_its_source_share_files_even_if_the_clone_is_unread(
    tmp_path: Path, feature: list[str]
) -> None:
    schema = json.dumps({"type": "struct", "fields": []})

    def table(name: str, path: str, protocol: dict[str, object]) -> None:
        add = {"path": path, "partitionValues": {}, "size": 21, "modificationTime": 1}
        actions = [{"protocol": protocol}, {"metaData": {"id": name, "schemaString": schema}}, {"add": add}]
        write(tmp_path, f"{name}/_delta_log/{0:020d}.json")
        log = tmp_path / f"{name}/_delta_log/{0:020d}.json"
        log.write_text("\n".join(json.dumps(action) for action in actions))

    write(tmp_path, "source/part-0.parquet")
    assert (tmp_path / "source/part-0.parquet").stat().st_size == 21
    table("source", "part-0.parquet", {"minReaderVersion": 1})
    uri = (tmp_path / "source/part-0.parquet").as_uri()
    table("clone", uri, {"minReaderVersion": 3, "readerFeatures": feature})
    found = listed(tmp_path)
    assert {name: (c.status, c.shared_with) for name, c in found.items()} == {
        "clone": ("unsupported" if feature else "ok", ("source",)),
        "source": ("ok", ("clone",)),
    }


def test_the_same_files_that_catalogs_tell_different_things_of_are_different_datasets() -> None:
    path, one, other = (
        plain("p", "1"),
        replace(plain("x", "1"), told="a INT"),
        replace(plain("y", "1"), told="a STRING"),
    )
    assert outcome(path, one) == {"p": (("x",), ())}
    assert outcome(one, replace(other, told="a INT")) == {"x": (("y",), ())}
    assert outcome(path, one, other) == {"p": ((), ("x", "y")), "x": ((), ("p", "y")), "y": ((), ("p", "x"))}
