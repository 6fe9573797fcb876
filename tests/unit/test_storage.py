"""Storage: listing that hostile names, links, rights and special files can't derail."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from r2d2.catalog.discovery import discover
from r2d2.config import DiscoverySettings
from r2d2.errors import LakeError
from r2d2.lake.file_tree import FileTree, shown
from r2d2.lake.local_storage import LocalStorage
from r2d2.lake.object_storage import ObjectStorage
from r2d2.lake.storage import absolute, is_local, storage_for
from r2d2.lake.urls import without_credentials

HOSTILE = ["a b.csv", "it's.csv", 'q"q.csv', "new\nline.csv", "x;--.csv", "[ab].csv", "*.csv", "%20.csv", "#.csv"]
HOSTILE += [
    "?.csv",
    "😀.csv",
    "é.csv",
    "e\u0301.csv",
    "{a,b}.csv",
    "\x1b[31m.csv",
    "$(id).csv",
    "n" * 251 + ".csv",
    "-rf.csv",
]


def listed(root: Path, *within: Path, skip: tuple[str, ...] = ()) -> FileTree:
    return LocalStorage().tree(str(root), [str(root), *map(str, within)], skip)


def names(tree: FileTree) -> list[str]:
    return [found.name for found in tree.files]


def refusals(tree: FileTree) -> dict[str, str]:
    return {entry.name: entry.reason for entry in tree.unlisted}


def test_every_name_that_a_disk_allows_is_listed_as_it_is(tmp_path: Path) -> None:
    for name in HOSTILE:
        (tmp_path / name).write_text(name)
    tree = listed(tmp_path)
    assert names(tree) == sorted(HOSTILE)
    storage = storage_for(tree.root)
    assert {storage.read_bytes(found.stat.path).decode() for found in tree.files} == set(HOSTILE)
    assert tree.unlisted == ()


def test_a_name_that_is_not_utf8_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.csv")).write_text("x")
    os.mkdir(os.fsencode(tmp_path) + b"/dir\xfe")
    (tmp_path / "good.csv").write_text("x")
    tree = listed(tmp_path)
    assert names(tree) == ["good.csv"]
    assert refusals(tree) == {"bad\\xff.csv": "its name is not valid UTF-8", "dir\\xfe": "its name is not valid UTF-8"}


def test_stat_pins_size_time_and_the_physical_object(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("abc")
    os.utime(file, ns=(1, 1_700_000_000_123_456_789))
    status = os.stat(file)
    stat = listed(tmp_path).files[0].stat
    identity = f"{status.st_dev}:{status.st_ino}"
    assert stat == (str(file), 3, 1_700_000_000_123_456_789, identity, status.st_ctime_ns, "")
    assert LocalStorage().stat(str(file)) == stat


def test_a_link_inside_the_roots_is_followed_and_has_its_targets_identity(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.csv").write_text("x")
    (tmp_path / "dir").symlink_to("real")
    (tmp_path / "file.csv").symlink_to(tmp_path / "real/a.csv")
    tree = listed(tmp_path)
    assert names(tree) == ["dir/a.csv", "file.csv", "real/a.csv"]
    assert len({found.stat.identity for found in tree.files}) == 1
    assert [found.linked for found in tree.files] == [True, True, False]


def test_a_link_out_of_the_roots_is_not_followed_and_said(tmp_path: Path) -> None:
    lake, outside = tmp_path / "lake", tmp_path / "outside"
    lake.mkdir()
    outside.mkdir()
    (outside / "secret.csv").write_text("x")
    (lake / "out").symlink_to(outside)
    (lake / "out.csv").symlink_to("../outside/secret.csv")
    (lake / "passwd.csv").symlink_to("/etc/passwd")
    (lake / "gone.csv").symlink_to("nowhere")
    tree = listed(lake)
    assert tree.files == ()
    assert set(refusals(tree)) == {"out", "out.csv", "passwd.csv", "gone.csv"}
    assert "roots" in refusals(tree)["out"]
    assert "nowhere" in refusals(tree)["gone.csv"]
    assert names(listed(lake, outside)) == ["out.csv", "out/secret.csv"]


def test_a_neighbour_whose_name_starts_like_the_root_is_outside(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake2").mkdir()
    (tmp_path / "lake2/a.csv").write_text("x")
    (tmp_path / "lake/l").symlink_to("../lake2")
    assert listed(tmp_path / "lake").files == ()


def test_link_loops_end(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/f.csv").write_text("x")
    (tmp_path / "a/b/up").symlink_to("../..")
    (tmp_path / "a/self").symlink_to(".")
    (tmp_path / "loop1").symlink_to("loop2")
    (tmp_path / "loop2").symlink_to("loop1")
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    (tmp_path / "x/l").symlink_to("../y")
    (tmp_path / "y/l").symlink_to("../x")
    tree = listed(tmp_path)
    assert "a/b/f.csv" in names(tree)
    assert {"a/b/up", "a/self", "loop1", "loop2"} <= set(refusals(tree))


def test_links_that_multiply_paths_are_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r2d2.lake.local_storage.MAX_LINKED_DIRECTORIES", 100)
    for one in range(8):
        (tmp_path / f"d{one}").mkdir()
        for other in range(8):
            (tmp_path / f"d{one}/l{other}").symlink_to(f"../d{other}")
    tree = listed(tmp_path)
    assert len(tree.directories) < 200
    assert any("more than 100" in reason for reason in refusals(tree).values())


def test_special_files_are_refused_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "part-0.parquet")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.csv"))
    (tmp_path / "link.csv").symlink_to("part-0.parquet")
    tree = listed(tmp_path)
    assert tree.files == ()
    assert set(refusals(tree)) == {"part-0.parquet", "s.csv", "link.csv"}
    with pytest.raises(OSError, match="not a regular file"):
        LocalStorage().read_bytes(str(tmp_path / "part-0.parquet"))
    with pytest.raises(OSError, match="not a regular file"):
        LocalStorage().stat(str(tmp_path / "part-0.parquet"))


def test_a_directory_without_rights_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    """Runs in a child process that gives root's rights away, because root may read everything."""
    tmp_path.chmod(0o755)
    for above in list(tmp_path.parents)[:3]:
        above.chmod(above.stat().st_mode | 0o055)
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "closed/a.csv").write_text("x")
    (tmp_path / "open.csv").write_text("x")
    code = f"""
        import os
        from r2d2.lake.local_storage import LocalStorage
        if os.getuid() == 0:
            os.setgroups([]); os.setgid(65534); os.setuid(65534)
        tree = LocalStorage().tree({str(tmp_path)!r}, [{str(tmp_path)!r}])
        print([f.name for f in tree.files], [(u.name, u.reason) for u in tree.unlisted], tree.directories)
    """
    if os.getuid() != 0:
        (tmp_path / "closed").chmod(0)
    answer = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert answer.stdout.strip() == ("['open.csv'] [('closed', \"can't be listed: Permission denied\")] ('closed',)"), (
        answer.stderr
    )


def test_a_directory_that_vanishes_while_it_is_listed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "a.csv").write_text("x")
    scandir = os.scandir

    def vanishing(path: str) -> object:
        if path.endswith("gone"):
            raise FileNotFoundError(2, "No such file or directory")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert refusals(listed(tmp_path)) == {"gone": "can't be listed: No such file or directory"}


def test_very_deep_directories_do_not_recurse_on_the_stack(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(2500):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    tree = listed(tmp_path)
    assert len(tree.directories) > 1500
    assert any("too long" in reason for reason in refusals(tree).values())
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


def test_skipped_directories_are_not_entered_even_through_links(tmp_path: Path) -> None:
    (tmp_path / "state/tables").mkdir(parents=True)
    (tmp_path / "state/tables/a.parquet").write_text("x")
    (tmp_path / "l1").symlink_to("state")
    (tmp_path / "l2").symlink_to("state/tables")
    (tmp_path / "stateful").mkdir()
    (tmp_path / "stateful/a.csv").write_text("x")
    tree = listed(tmp_path, skip=(str(tmp_path / "state"),))
    assert names(tree) == ["stateful/a.csv"]
    assert tree.skipped == ("l1", "l2", "state")


def test_a_root_can_be_a_file_or_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.csv").write_text("x")
    (tmp_path / "link").symlink_to("real")
    as_file = listed(tmp_path / "real/a.csv")
    assert (as_file.is_file, names(as_file), as_file.linked) == (True, ["a.csv"], False)
    assert listed(tmp_path / "link").linked
    assert listed(tmp_path / "link").root == str(tmp_path / "real")


def test_file_urls_are_local_and_catalog_paths_are_verbatim() -> None:
    assert absolute("file:///tmp/a%20b") == "/tmp/a b"
    assert absolute("file:/tmp/x/") == "/tmp/x"
    assert absolute("s3://bucket/a%20b/") == "s3://bucket/a%20b"
    assert is_local("/tmp/s3://x")
    assert not is_local("s3://bucket/x")
    assert isinstance(storage_for("file:///tmp"), LocalStorage)


def test_a_store_known_to_fsspec_is_listed_and_read() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/r2d2-storage/x/a b.csv", b"abc")
    memory.pipe("/r2d2-storage/[x]*.parquet", b"12")
    try:
        storage = storage_for("memory://r2d2-storage")
        tree = storage.tree("memory://r2d2-storage", [])
        assert names(tree) == ["[x]*.parquet", "x/a b.csv"]
        assert tree.files[1].stat.mtime_ns > 0
        assert tree.files[1].stat.identity == "memory://r2d2-storage/x/a b.csv"
        assert storage.read_bytes(tree.files[1].stat.path) == b"abc"
        assert storage.stat(tree.files[1].stat.path) == tree.files[1].stat
        assert storage.names("memory://r2d2-storage/x") == ["a b.csv"]
        with pytest.raises(FileNotFoundError):
            storage.stat("memory://r2d2-storage/none")
        with pytest.raises(OSError, match="none"):
            storage.tree("memory://r2d2-storage/none", [])
    finally:
        memory.rm("/r2d2-storage", recursive=True)


def test_one_object_has_one_identity_whatever_the_scheme() -> None:
    identities = {ObjectStorage(f"{scheme}://b").identity(f"{scheme}://b/k/a.csv") for scheme in ("s3", "s3a", "s3n")}
    assert identities == {"s3://b/k/a.csv"}


@pytest.mark.parametrize("url", ["s3://key:secret@bucket/x", "s3a://key@bucket", "sftp://me:secret@host/x"])
def test_credentials_in_a_root_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(LakeError, match="credentials") as caught:
        storage_for(url)
    assert "secret" not in str(caught.value)


def test_messages_carry_no_credentials() -> None:
    assert without_credentials("at s3://a:b@c/d?access_key=x&y=1") == "at s3://***@c/d?access_key=***&y=1"


@pytest.mark.parametrize("url", ["nope://host/x", "simplecache::s3://b/x"])
def test_an_unknown_scheme_is_a_lake_error(url: str) -> None:
    with pytest.raises(LakeError):
        storage_for(url).tree(url, [])


def test_shown_names_carry_no_control_or_direction_characters() -> None:
    assert shown("a\x1b[31m\n\u202e\udcff") == "a\\x1b[31m\\n\\u202e\\udcff"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket on a real S3 endpoint on localhost, with the environment that leads there."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_REGION": "us-east-1"}
    patch = pytest.MonkeyPatch()
    for key, value in {**endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "hidden"}.items():
        patch.setenv(key, value)
    client = boto3.client("s3", endpoint_url=endpoint["AWS_ENDPOINT_URL"])
    client.create_bucket(Bucket="lake")
    for key in (
        "a b.csv",
        "x%20y.csv",
        "q?.csv",
        "t/part-0.parquet",
        "h/k=1/[x]*.csv",
        "twin.csv",
        "twin.csv/part-0.csv",
    ):
        client.put_object(Bucket="lake", Key=key, Body=key.encode())
    yield "lake"
    patch.undo()
    server.stop()


def test_a_bucket_is_listed_and_read_under_every_spelling_of_its_scheme(bucket: str) -> None:
    identities = set()
    for scheme in ("s3", "s3a", "s3n"):
        storage = storage_for(f"{scheme}://{bucket}")
        tree = storage.tree(f"{scheme}://{bucket}/", [])
        assert {"a b.csv", "x%20y.csv", "q?.csv", "t/part-0.parquet", "h/k=1/[x]*.csv"} <= set(names(tree))
        for found in tree.files:
            assert storage.stat(found.stat.path) == found.stat
            assert storage.read_bytes(found.stat.path).decode() == found.name
        identities.add(frozenset(found.stat.identity for found in tree.files))
    assert len(identities) == 1
    assert "s3://lake/q?.csv" in identities.pop()


def test_a_prefix_and_an_object_are_roots_too_and_what_is_missing_is_said(bucket: str) -> None:
    storage = storage_for(f"s3://{bucket}")
    assert names(storage.tree("s3://lake/t", [])) == ["part-0.parquet"]
    single = storage.tree("s3://lake/a b.csv", [])
    assert (single.is_file, names(single)) == (True, ["a b.csv"])
    assert storage.names("s3://lake/t") == ["part-0.parquet"]
    assert storage.inside("s3a://lake/t/x", ["s3://lake/t"])
    assert not storage.inside("s3://lake/t2/x", ["s3://lake/t"])
    for missing in ("s3://lake/none", "s3://other"):
        with pytest.raises(OSError, match=r".") as caught:
            storage_for(missing).tree(missing, [])
        assert "hidden" not in str(caught.value)


def test_a_skipped_prefix_of_a_bucket_is_left_out(bucket: str) -> None:
    tree = storage_for("s3://lake").tree("s3://lake", [], ["s3a://lake/t"])
    assert tree.skipped == ("t",)
    assert "t/part-0.parquet" not in names(tree)


def test_an_object_and_objects_below_it_are_two_datasets(bucket: str) -> None:
    listing = discover(["s3://lake"], DiscoverySettings(), None, None)
    assert {"twin.csv", "twin.csv/"} <= {candidate.id for candidate in listing.candidates}
    assert {c.id: c.status for c in listing.candidates}["h"] == "ok"
