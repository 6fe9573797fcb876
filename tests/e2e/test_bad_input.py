"""Everything that a lake should not hold, beside what it should: told in clear words, and nothing else suffers."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from r2d2.catalog.assembly import assemble
from r2d2.catalog.discovery import discover
from r2d2.catalog.reading import FileToRead
from r2d2.catalog.state import open_state
from r2d2.catalog.summaries import summarize_files
from r2d2.cli import main
from r2d2.config import ContainmentSettings, DiscoverySettings
from r2d2.containment import scan
from r2d2.containment.funnel import find_containments
from r2d2.containment.join import JoinResult, join_pairs
from r2d2.containment.scanner import Measure, Scanner
from r2d2.job import Job
from r2d2.lake.kernels import run_here, run_shuffled_here
from r2d2.model.dataset import DataFile
from r2d2.progress import Progress, Reading
from r2d2.report.terminal import funnel_lines
from tests.parquet_footers import Footer, column_statistics, with_footer
from tests.states import SMALL_SKETCH, base_table, read, results, run_job, without_override, write

TABLE = base_table()
#: Names that shells, globs, SQL, HTML or terminals take for something else.
HOSTILE = [
    "a b.parquet",
    "it's.parquet",
    'say "x".parquet',
    "line\nbreak.parquet",
    "x';--.parquet",
    "'; DROP TABLE t;--.parquet",
    "[ab].parquet",
    "*.parquet",
    "?.parquet",
    "{a,b}.parquet",
    "100%25.parquet",
    "%s.parquet",
    "snow☃🦆.parquet",
    "-rf.parquet",
    "\u202egnp.parquet",
    "\x1b[31mred\x1b[0m.parquet",
    "tab\there.parquet",
    "back\\slash.parquet",
    "$(touch pwned).parquet",
    "<script>alert(1)</script>.parquet",
    "région/été.parquet",
    "k=v=w.parquet",
    "a#b?c=d.parquet",
    "file:..parquet",
]


class Meddling(Progress):
    """Does something at the start of a stage: the lake goes on living while a run looks at it."""

    def __init__(self, **at: Callable[[], None]) -> None:
        super().__init__(quiet=True)
        self.at = at

    @contextmanager
    def stage(self, name: str) -> Iterator[Reading]:
        self.at.get(name.replace(" ", "_"), lambda: None)()
        with super().stage(name) as reading:
            yield reading


@dataclass(frozen=True)
class BadLake:
    lake: Path
    state: Path
    job: Job
    datasets: dict[str, dict[str, Any]]
    pairs: set[tuple[str, str]]

    def error(self, dataset: str) -> str:
        return str(self.datasets[dataset]["error"])

    def children(self, parent: str) -> set[str]:
        return {child for above, child in self.pairs if above == parent}

    def parents(self, child: str) -> set[str]:
        return {parent for parent, below in self.pairs if below == child}


def make_bad_lake(lake: Path) -> None:
    write(lake / "good/base.parquet", TABLE)
    write(lake / "good/export.csv", TABLE)
    write(lake / "good/part.parquet", TABLE.slice(20, 60))
    for number, name in enumerate(HOSTILE):
        write(lake / "names" / name, TABLE.slice(5 * number, 5))
    # the glob of [ab].parquet and *.parquet would read these, whose rows are no part of any other
    write(lake / "names/a.parquet", base_table(4, 10_000))
    write(lake / "names/b.parquet", base_table(4, 20_000))
    make_damaged(lake)
    make_odd(lake)
    make_liars(lake)
    for name in ("before_footers", "before_scan", "gone", "swapped"):
        write(lake / f"moving/{name}.parquet", TABLE.slice(0, 150))
    scattered = TABLE.take(list(range(0, TABLE.num_rows, 3)))  # only the join can tell: no range holds just these
    write(lake / "moving/before_join.parquet", scattered)


def make_damaged(lake: Path) -> None:
    whole = write(lake / "good/copy.parquet", TABLE).read_bytes()
    bad = lake / "bad"
    bad.mkdir()
    (bad / "truncated.parquet").write_bytes(whole[: len(whole) // 2])
    (bad / "cut_in_front.parquet").write_bytes(whole[100:])
    (bad / "zeroed.parquet").write_bytes(b"PAR1" + bytes(len(whole) - 200) + whole[-196:])
    (bad / "empty.parquet").touch()
    (bad / "text.parquet").write_text("id,name\n1,x\n")
    (bad / "ragged.csv").write_text("id,name,amount\n0,a,1\n1,b\n2,c,3,4\n")
    (bad / "latin1.csv").write_bytes("id,name\n1,Zürich\n".encode("latin-1"))
    (bad / "not_gzip.csv.gz").write_text("id,name\n1,x\n")
    (bad / "half.jsonl").write_text('{"id": 1}\n{"id": 2\n')
    (bad / "forbidden").mkdir()
    write(bad / "forbidden/x.parquet", TABLE)
    write(bad / "delta/part-0.parquet", TABLE.slice(0, 10))
    (bad / "delta/_delta_log").mkdir()
    (bad / f"delta/_delta_log/{0:020}.json").write_text('{"add": {"path": "part-0.parq')


def make_odd(lake: Path) -> None:
    odd = lake / "odd"
    write(odd / "case.parquet", pa.table({"Id": [1, 2], "id": [1, 2]}))
    write(odd / "no_rows.parquet", TABLE.slice(0, 0))
    (odd / "no_rows.csv").write_text("id,name,amount\n")
    (odd / "nothing.csv").touch()
    write(odd / "no_columns.parquet", pa.table({"id": [1, 2]}).select([]))
    (odd / "no_keys.jsonl").write_text("{}\n{}\n")
    outside = write(lake.parent / "outside/secret.parquet", TABLE)
    (odd / "out.parquet").symlink_to(outside)
    (odd / "out_directory").symlink_to(outside.parent)
    (odd / "nowhere.parquet").symlink_to("gone")
    (odd / "loop").symlink_to(odd)
    os.mkfifo(odd / "pipe.parquet")
    os.mkdir(os.fsencode(odd) + b"/not-utf8-\xff")


NULLS = [None if i % 10 == 0 else i for i in range(300)]
#: What the files hold whose footers say otherwise, and two that would fit what those say.
LIARS = {
    "has_nulls": TABLE.set_column(0, "id", pa.array(NULLS, pa.int64())),
    "many_values": TABLE,
    "no_nulls": TABLE,
    "constant": TABLE.set_column(0, "id", pa.array([0] * 300, pa.int64())),
    "nulls_only": TABLE.set_column(0, "id", pa.array([None] * 300, pa.int64())),
}


def make_liars(lake: Path) -> None:
    def says_no_nulls(footer: Footer) -> None:
        column_statistics(footer)[3] = (6, 0)

    def says_one_value(footer: Footer) -> None:
        column_statistics(footer)[5] = column_statistics(footer)[6]

    def says_nulls_only(footer: Footer) -> None:
        column_statistics(footer)[3] = (6, 300)

    (lake / "liars").mkdir()
    with_footer(LIARS["has_nulls"], lake / "liars/has_nulls.parquet", says_no_nulls)
    with_footer(LIARS["many_values"], lake / "liars/many_values.parquet", says_one_value)
    with_footer(LIARS["no_nulls"], lake / "liars/no_nulls.parquet", says_nulls_only)
    write(lake / "liars/constant.parquet", LIARS["constant"])
    write(lake / "liars/nulls_only.parquet", LIARS["nulls_only"])


def holds(parent: pa.Table, child: pa.Table) -> bool:
    """Brute force: the child's rows, as a bag, are among the parent's."""
    rows = [Counter(tuple(row.values()) for row in table.to_pylist()) for table in (parent, child)]
    return rows[1] <= rows[0]


def refuse_forbidden(patch: pytest.MonkeyPatch) -> None:
    """As root every directory can be listed: the refusal is made."""
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("/forbidden"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    patch.setattr(os, "scandir", refusing)


@pytest.fixture(scope="module")
def bad(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> BadLake:
    """One run on a lake that holds everything bad, and that changes under it."""
    directory = tmp_path_factory.mktemp("bad")
    lake, state = directory / "lake", directory / "state"
    make_bad_lake(lake)

    def before_footers() -> None:
        write(lake / "moving/before_footers.parquet", TABLE.slice(0, 151))

    def before_scan() -> None:
        write(lake / "moving/before_scan.parquet", TABLE.slice(0, 151))
        (lake / "moving/gone.parquet").unlink()
        swap(lake / "moving/swapped.parquet")

    def before_join() -> None:
        write(lake / "moving/before_join.parquet", TABLE.slice(0, 151))

    meddling = Meddling(read_metadata=before_footers, scan=before_scan, join=before_join)
    with pytest.MonkeyPatch.context() as patch:
        refuse_forbidden(patch)
        job = run_job(lake, state, SMALL_SKETCH, progress=meddling)
    found = results(state)
    return BadLake(lake, state, job, {row["dataset"]: row for row in found["datasets"]}, found["pairs"])


def swap(path: Path) -> None:
    """Another file of the same size and time takes its place."""
    status, content = path.stat(), path.read_bytes()
    path.unlink()
    path.with_suffix(".tmp").write_bytes(content)
    os.utime(path.with_suffix(".tmp"), ns=(status.st_atime_ns, status.st_mtime_ns))
    path.with_suffix(".tmp").rename(path)


def test_good_datasets_are_found_and_proven_beside_all_that_is_bad(bad: BadLake) -> None:
    good = {"good/base.parquet", "good/export.csv", "good/copy.parquet"}
    for parent in good:
        assert bad.children(parent) >= (good - {parent}) | {"good/part.parquet"}


def test_datasets_with_hostile_names_are_compared_with_their_own_rows_only(bad: BadLake) -> None:
    names = {f"names/{name}" for name in HOSTILE}
    assert not {name: bad.error(name) for name in names if bad.error(name)}
    assert {child for child in bad.children("good/base.parquet") if child.startswith("names/")} == names
    for other in ("names/a.parquet", "names/b.parquet"):
        assert not bad.error(other)
        assert not bad.parents(other)
        assert not bad.children(other)
    assert not (bad.lake / "pwned").exists()


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ("bad/truncated.parquet", "error: "),
        ("bad/cut_in_front.parquet", ""),
        ("bad/zeroed.parquet", ""),
        ("bad/empty.parquet", "error: "),
        ("bad/text.parquet", "error: "),
        ("bad/ragged.csv", "line"),
        ("bad/latin1.csv", "UTF-8"),
        ("bad/not_gzip.csv.gz", "error: "),
        ("bad/half.jsonl", "line"),
        ("bad/delta", "error: "),
        ("odd/case.parquet", "case"),
        ("odd/no_rows.parquet", "empty: no rows"),
        ("odd/no_rows.csv", "empty: no rows"),
        ("odd/nothing.csv", "empty file"),
        ("odd/no_columns.parquet", ""),
        ("odd/no_keys.jsonl", ""),
        ("moving/before_footers.parquet", "changed while it was read"),
        ("moving/before_scan.parquet", "unprovable: changed while it was read"),
        ("moving/gone.parquet", "unprovable: "),
        ("moving/swapped.parquet", "unprovable: changed while it was read"),
        ("moving/before_join.parquet", "unprovable: changed while it was read"),
    ],
)
def test_what_can_not_be_used_says_why_and_is_in_no_pair(bad: BadLake, dataset: str, words: str) -> None:
    error = bad.error(dataset)
    assert error, "it must not be usable"
    assert words in error
    assert "\n" not in error
    assert not bad.parents(dataset)
    assert not bad.children(dataset)


def test_funnel_counts_what_takes_no_part_by_status_with_what_the_scan_could_not_read(bad: BadLake) -> None:
    statuses = Counter(str(row["error"]).partition(":")[0] for row in bad.datasets.values() if row["error"])
    assert statuses.keys() == {"error", "unsupported", "unprovable", "empty"}
    funnel = bad.job.funnel
    assert funnel.unusable == statuses
    assert funnel.datasets - funnel.usable == statuses.total()
    moved = ("before_scan", "gone", "swapped", "before_join")
    assert statuses["unprovable"] == len(moved), "only the scan and the join could find these"
    assert all(bad.error(f"moving/{name}.parquet").startswith("unprovable: ") for name in moved)


@pytest.mark.parametrize(
    ("dataset", "status", "heading"),
    [
        ("bad/ragged.csv", "error", "Can&#39;t be read"),
        ("bad/latin1.csv", "unsupported", "Can&#39;t be compared exactly"),
        ("moving/swapped.parquet", "unprovable", "Can&#39;t be read in full"),
        ("odd/no_rows.csv", "empty", "Holds no rows"),
    ],
)
def test_each_status_is_told_with_its_reason_by_datasets_explain_and_report(
    bad: BadLake, capsys: pytest.CaptureFixture[str], dataset: str, status: str, heading: str
) -> None:
    told = bad.error(dataset)
    assert told.startswith(f"{status}: ")
    assert main(["explain", dataset, "--state", str(bad.state)]) == 0
    assert f"  {told}; it takes part in no comparison" in capsys.readouterr().out
    page = (bad.state / "report.html").read_text()
    assert f"<h3>{heading} " in page
    assert told.removeprefix(f"{status}: ") in page
    (first, *_) = funnel_lines(bad.job.funnel)
    assert f"{bad.job.funnel.unusable[status]} {status}" in first


def test_reasons_are_for_the_owners_of_the_data(bad: BadLake) -> None:
    """One short line in plain words: what a programmer would read, where the lake lies, and values are not in it."""
    reasons = {name: str(row["error"]) for name, row in bad.datasets.items() if row["error"]}
    reasons |= {problem.where: problem.what for problem in bad.job.problems}
    assert len(reasons) > 25
    for where, reason in reasons.items():
        told = f"{where}: {reason}"
        assert 10 <= len(reason) < 200, told
        assert reason.isprintable(), told
        assert reason[-1] not in ".:; ", told
        assert not re.search(
            r"\w(Error|Exception|Warning)\b|Traceback|\bNone\b|\b[a-z_]+\(\)|\bb'|<class|errno", reason
        ), told
        assert str(bad.lake) not in reason, told
        assert not re.search(r"Zürich|secret|name \d|99000", reason), told


def test_files_are_called_by_their_names_below_the_dataset_wherever_they_fail(bad: BadLake) -> None:
    assert bad.error("moving/swapped.parquet") == "unprovable: changed while it was read: swapped.parquet"
    assert bad.error("moving/before_join.parquet") == "unprovable: changed while it was read: before_join.parquet"


@pytest.mark.parametrize("name", ["base", "part"])
@pytest.mark.parametrize("stage", ["scan", "join"])
def test_dataset_that_changes_while_it_is_read_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, stage: str
) -> None:
    """The kernels in this process: the file is changed once its tasks hold it open, and again before each later one."""
    write(tmp_path / "base.parquet", TABLE)
    write(tmp_path / "part.parquet", TABLE.take(list(range(0, 300, 3))))
    write(tmp_path / "tiny.parquet", TABLE.slice(4, 9))
    listing = discover([str(tmp_path)], DiscoverySettings(), None, None)
    files = [FileToRead(file, candidate.format) for candidate in listing.candidates for file in candidate.files]
    datasets = assemble(listing.candidates, summarize_files(files, run_here))
    staged = scan.stage

    def meddle(files: Sequence[DataFile], directory: Path) -> list[Path]:
        paths = staged(files, directory)
        for file in files:
            if file.path.endswith(f"/{name}.parquet") and progress.now == stage:
                os.utime(file.path, ns=(1, 1))
        return paths

    class Watching(Meddling):
        now = ""

        @contextmanager
        def stage(self, name: str) -> Iterator[Reading]:
            self.now = name
            with super().stage(name) as reading:
                yield reading

    progress = Watching()
    monkeypatch.setattr(scan, "stage", meddle)
    settings = ContainmentSettings(sketch_size=16)
    cache = NoCache()
    scanner = Scanner(datasets, settings, run_here, cache)
    join = partial(join_pairs, run_shuffled_here, datasets, settings)
    found = find_containments(datasets, settings, scanner, join, cache, progress)
    (failed,) = (dataset for dataset in found.datasets if dataset.status != "ok")
    assert (failed.id, failed.status) == (f"{name}.parquet", "unprovable")
    assert failed.reason.startswith("changed while it was read: ")
    proven = {(edge.parent, edge.child) for edge in found.edges}
    assert proven == ({("base.parquet", "tiny.parquet")} if name == "part" else set())


class NoCache:
    """Nothing is known from earlier runs, and nothing is kept."""

    def measures(self, keys: Iterable[str]) -> dict[str, Measure]:
        return {}

    def add_measures(self, measures: Mapping[str, Measure]) -> None:
        pass

    def verdicts(self, keys: Iterable[str]) -> dict[str, JoinResult]:
        return {}

    def add_verdicts(self, verdicts: Mapping[str, JoinResult]) -> None:
        pass


def test_nothing_is_proven_by_a_footer_that_lies(bad: BadLake) -> None:
    tables = {f"liars/{name}.parquet": table for name, table in LIARS.items()}
    tables |= {"good/base.parquet": TABLE, "good/part.parquet": TABLE.slice(20, 60)}
    tables |= {f"names/{name}": TABLE.slice(5 * number, 5) for number, name in enumerate(HOSTILE)}
    errors = {dataset: bad.error(dataset) for dataset in tables if bad.error(dataset)}
    assert errors.keys() == {"liars/no_nulls.parquet"}
    assert "says that a column holds only NULLs" in errors["liars/no_nulls.parquet"]
    pairs = [(parent, child) for parent, child in bad.pairs if {parent, child} <= tables.keys()]
    assert not [(parent, child) for parent, child in pairs if not holds(tables[parent], tables[child])]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("bad/forbidden", "can't be listed: Permission denied"),
        ("odd/out.parquet", "link out of the lake's roots"),
        ("odd/out_directory", "link out of the lake's roots"),
        ("odd/nowhere.parquet", "leads nowhere"),
        ("odd/loop", "link back to a directory above"),
        ("odd/pipe.parquet", "pipe, socket or device"),
        (r"odd/not-utf8-\xff", "not valid UTF-8"),
    ],
)
def test_what_is_no_dataset_is_noted_with_its_reason(bad: BadLake, where: str, words: str) -> None:
    notes = [problem for problem in bad.job.problems if problem.where == f"{bad.lake}/{where}"]
    assert [words in problem.what for problem in notes] == [True]
    assert not [dataset for dataset in bad.datasets if dataset.startswith(where)]


def test_hostile_names_reach_machines_whole_and_people_visibly(
    bad: BadLake, capsys: pytest.CaptureFixture[str]
) -> None:
    def output(*arguments: str) -> str:
        assert main([*arguments, "--state", str(bad.state)]) == 0
        return capsys.readouterr().out

    names = {f"names/{name}" for name in HOSTILE}
    for command, column in (("datasets", "dataset"), ("edges", "child"), ("plan", "dataset")):
        payload = json.loads(output(command, "--format", "json"))
        rows = payload["datasets"] if command == "plan" else payload
        assert names <= {row[column] for row in rows}, command
        assert names <= {row[column] for row in csv.DictReader(io.StringIO(output(command, "--format", "csv")))}
        assert harmless(output(command)), command
    for name in names:
        assert harmless(output("explain", name)), name
    page = (bad.state / "report.html").read_text()
    assert harmless(page)
    assert "<script>alert(1)" not in page


def harmless(text: str) -> bool:
    """No control or direction character but line ends."""
    return not set(text) & ({*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u202e"} - {"\n"})


def test_second_run_reads_what_moved_and_nothing_else(bad: BadLake) -> None:
    """What changed under the first run is at rest now."""
    moved = {f"moving/{name}.parquet" for name in ("before_footers", "before_scan", "before_join", "swapped")}
    with pytest.MonkeyPatch.context() as patch:
        refuse_forbidden(patch)
        job = run_job(bad.lake, bad.state, SMALL_SKETCH)
    found = results(bad.state, job.run_id)
    assert {child for parent, child in found["pairs"] if parent == "good/base.parquet"} >= moved
    assert {p for p in found["pairs"] if not moved & set(p)} == {p for p in bad.pairs if not moved & set(p)}
    assert read(job)["read metadata"][0] >= len(moved)


def test_check_names_the_rights_that_are_missing(tmp_path: Path) -> None:
    write(tmp_path / "closed/a.parquet", TABLE)
    write(tmp_path / "b.parquet", TABLE).chmod(0)
    write(tmp_path / "c.parquet", TABLE)
    (tmp_path / "closed").chmod(0)
    command = [*without_override(), sys.executable, "-m", "r2d2", "check", str(tmp_path), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (tmp_path / "closed").chmod(0o700)
    assert done.returncode == 4, done.stderr
    assert f"{tmp_path}/closed: can't be listed: Permission denied (give the right to read and enter it)" in done.stderr
    errors = {row["dataset"]: row["error"] for row in json.loads(done.stdout)}
    assert errors.keys() == {"b.parquet", "c.parquet"}
    assert "no right to read it" in errors["b.parquet"]
    assert not errors["c.parquet"]


def test_state_inside_the_lake_is_left_out(spark: SparkSession, tmp_path: Path) -> None:
    write(tmp_path / "base.parquet", TABLE)
    write(tmp_path / "part.parquet", TABLE.slice(3, 9))
    for _ in range(2):
        job = run_job(tmp_path, tmp_path / "work/state")
        assert results(tmp_path / "work/state", job.run_id)["pairs"] == {("base.parquet", "part.parquet")}
        notes = [problem for problem in job.problems if "state directory" in problem.what]
        assert [problem.where for problem in notes] == [f"{tmp_path}/work/state"]
    assert not read(job)


def test_overlapping_roots_and_one_root_twice_give_each_dataset_once(spark: SparkSession, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    write(lake / "base.parquet", TABLE)
    write(lake / "team/part.parquet", TABLE.slice(3, 9))
    (tmp_path / "link").symlink_to(lake)
    run_job([lake, lake / "team", lake, tmp_path / "link"], tmp_path / "state")
    found = results(tmp_path / "state")
    assert [(row["dataset"], row["error"]) for row in found["datasets"]] == [
        ("lake/base.parquet", ""),
        ("team/part.parquet", ""),
    ]
    base, part = (set(row["names"]) for row in found["datasets"])
    assert base == {"lake-2/base.parquet", "link/base.parquet"}
    assert part == {"lake/team/part.parquet", "lake-2/team/part.parquet", "link/team/part.parquet"}
    assert found["pairs"] == {("lake/base.parquet", "team/part.parquet")}


def test_lake_of_no_datasets_is_a_run_with_a_note(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake/README.txt").write_text("nothing here yet")
    job = run_job(tmp_path / "lake", tmp_path / "state")
    notes = {problem.what for problem in job.problems}
    assert notes == {"no datasets were found", "not data: 1 .txt"}
    found = results(tmp_path / "state")
    assert (found["datasets"], found["edges"], found["plan"]["datasets"]) == ([], [], [])
    assert (tmp_path / "state/report.html").exists()


@dataclass(frozen=True)
class Failure:
    code: int
    lines: list[str]


def fails(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Failure:
    """A command that must fail, with nothing on standard output."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as left:
        code = int(left.code or 0)
    out, err = capsys.readouterr()
    assert code != 0
    assert not out
    assert "Traceback" not in err
    return Failure(code, err.splitlines())


def test_missing_root_is_told_before_anything_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failed = fails(capsys, "run", tmp_path / "gone", "--state", tmp_path / "state")
    assert failed.code == 4
    assert failed.lines == [
        f"r2d2: {tmp_path}/gone: can't be listed: No such file or directory",
        "hint: check that it exists and may be read",
    ]
    assert not (tmp_path / "state/runs").exists()


def test_root_that_is_the_state_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_state(str(tmp_path), create=True)
    failed = fails(capsys, "run", tmp_path, "--state", tmp_path)
    assert (failed.code, "it is the state directory itself" in failed.lines[0]) == (4, True)


@pytest.mark.parametrize("layout", [0, 99, "1", None])
def test_state_of_another_layout_is_refused_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], layout: object
) -> None:
    open_state(str(tmp_path / "state"), create=True)
    marker = tmp_path / "state/r2d2-state.json"
    marker.write_text(json.dumps({"layout": layout}))
    before = marker.read_bytes()
    for command in (["run", tmp_path, "--state"], ["edges", "--state"]):
        failed = fails(capsys, *command, tmp_path / "state")
        assert failed.code == 5
        assert f"has state layout {layout}" in failed.lines[0]
        assert "start a new --state" in failed.lines[1]
    assert marker.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b"null"])
def test_damaged_marker_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    open_state(str(tmp_path), create=True)
    (tmp_path / "r2d2-state.json").write_bytes(content)
    failed = fails(capsys, "datasets", "--state", tmp_path)
    assert (failed.code, "r2d2-state.json can't be read" in failed.lines[0]) == (5, True)


def test_state_that_is_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("")
    for state, words in (
        ("full", "is not empty and holds no r2d2 state"),
        ("file", "can't be made"),
        ("file/below", "can't be made"),
    ):
        failed = fails(capsys, "run", tmp_path, "--state", tmp_path / state)
        assert (failed.code, words in failed.lines[0]) == (5, True), failed.lines
    failed = fails(capsys, "plan", "--state", tmp_path / "none")
    assert (failed.code, "holds no r2d2 state" in failed.lines[0]) == (5, True)
    assert os.listdir(tmp_path / "full") == ["thesis.tex"]
    failed = fails(capsys, "run", tmp_path, "--state", "hdfs://host/state")
    assert (failed.code, "could spoil a state on hdfs://" in failed.lines[0]) == (2, True)


def test_damaged_table_of_a_state_is_told(bad: BadLake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state"
    shutil.copytree(bad.state, state)
    for log in (state / "edges/_delta_log").glob("*.json"):
        log.write_text("{")
    failed = fails(capsys, "edges", "--state", state)
    assert (failed.code, f"{state}/edges can't be read" in failed.lines[0]) == (5, True)
    assert main(["datasets", "--state", str(state)]) == 0


def test_state_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = open_state(str(tmp_path / "state"), create=True)
    hold = f"import sys; sys.path[:0] = {sys.path!r}\nfrom pathlib import Path; from r2d2.catalog.state import State\n"
    hold += f"with State({str(state.path)!r}).locked(): print('held', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    failed = fails(capsys, "run", tmp_path, "--state", state.path)
    holder.kill()
    holder.wait()
    assert failed.code == 5
    assert failed.lines[0] == f"r2d2: {state.path} is in use by another r2d2 run (process {holder.pid})"
    with state.locked():
        pass


def test_state_that_can_not_be_written_is_told(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "lake/a.parquet", TABLE)
    for state, blocked, words in (
        ("locked", ".r2d2.lock/", "can't be used as a lock"),
        ("table", "summaries", "can't be written"),
        ("report", "report.html/x/", "Is a directory"),
    ):
        open_state(str(tmp_path / state), create=True)
        place = tmp_path / state / blocked
        place.mkdir(parents=True) if blocked.endswith("/") else place.write_text("in the way")
        failed = fails(capsys, "run", tmp_path / "lake", "--state", tmp_path / state, "--quiet")
        assert failed.code == 5, failed.lines
        assert f"{tmp_path}/{state}/" in failed.lines[0]
        assert words in failed.lines[0]


def test_poor_terminal_shows_escapes_for_what_it_lacks(bad: BadLake) -> None:
    command = [sys.executable, "-m", "r2d2", "datasets", "--state", str(bad.state)]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"names/snow\u2603\U0001f986.parquet" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "retention"], "expected KEY=VALUE"),
        (["--set", "nothing.here=1"], "there is no section 'nothing'"),
        (["--set", "retention.latency=1"], "there is no setting 'retention.latency'"),
        (["--set", "retention.latency_limit=soon"], "'soon' is not a number"),
        (["--set", "retention.latency_limit=-1"], "must not be negative"),
        (["--set", "retention.latency_limit=nan"], "must not be negative"),
        (["--set", "containment.sketch_size=1.5"], "is not a whole number"),
        (["--config", "gone.toml"], "No such file"),
        (["--config", "bad.toml"], "bad.toml"),
        (["--config", "unknown.toml"], "there is no setting 'retention.latency'"),
        (["--config", "wrong.toml"], "is not a number"),
        (["--config", "latin1.toml"], "latin1.toml"),
        (["--colour"], "--colour"),
    ],
)
def test_wrong_settings_are_told_before_anything_starts(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text("[retention\n")
    Path("unknown.toml").write_text("[retention]\nlatency = 1\n")
    Path("wrong.toml").write_text('[retention]\nlatency_limit = "soon"\n')
    Path("latin1.toml").write_bytes("# Zürich".encode("latin-1"))
    failed = fails(capsys, "run", ".", "--state", "state", *arguments)
    assert failed.code == 2
    assert words in "\n".join(failed.lines)
    assert not Path("state").exists()


def test_unknown_dataset_and_run_are_told(bad: BadLake, capsys: pytest.CaptureFixture[str]) -> None:
    failed = fails(capsys, "explain", "base", "--state", bad.state)
    assert failed.code == 6
    assert failed.lines == ["r2d2: there is no dataset 'base' in this run", "hint: similar: good/base.parquet"]
    failed = fails(capsys, "explain", "\x1b[2J", "--state", bad.state)
    assert (failed.code, "\x1b" in "".join(failed.lines)) == (6, False)
    failed = fails(capsys, "edges", "--state", bad.state, "--run", "1999")
    assert (failed.code, "no runs start with '1999'" in failed.lines[0]) == (6, True)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "Java is missing; Spark needs Java 17 or newer: install Java 17"),
        ('openjdk version "11.0.2" 2019-01-15', "Java 11 at"),
        ('java version "1.8.0_292"', "Java 8 at"),
        ("no such thing", "Java of an unknown version"),
    ],
)
def test_first_line_says_which_java_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: str | None, words: str
) -> None:
    java = tmp_path / "java/bin/java"
    java.parent.mkdir(parents=True)
    if answer:
        java.write_text(f"#!/bin/sh\necho '{answer}' >&2\n")
        java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    for command in ("run", "discover"):
        failed = fails(capsys, command, tmp_path, "--state", tmp_path / "state")
        assert failed.code == 3
        assert words in failed.lines[0]
        assert "install Java 17" in failed.lines[0]
