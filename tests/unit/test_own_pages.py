"""Pages in a directory that holds other files, too: only those of the same state are replaced or removed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from r2d2.commands.own_pages import OwnPages
from r2d2.errors import UsageError

MARK, OTHER = "r2d2 owners 00aa", "r2d2 owners 11bb"
TEXTS = {"index.html": f"<{MARK}> new", "ana-1.html": f"<{MARK}> ana"}


def a_file(path: Path) -> None:
    path.write_text("mine", encoding="utf-8")


def another_states(path: Path) -> None:
    path.write_text(f"<{OTHER}>", encoding="utf-8")


def a_link(path: Path) -> None:
    """To what looks like a page of the same state."""
    victim = path.parent / "victim"
    victim.write_text(f"<{MARK}> victim", encoding="utf-8")
    path.symlink_to(victim)


def a_dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


THERE: list[Callable[[Path], None]] = [a_file, another_states, a_link, a_dangling_link, Path.mkdir, os.mkfifo]


def seen(place: Path) -> dict[str, str | None]:
    return {
        path.name: path.read_text(encoding="utf-8") if stat.S_ISREG(path.lstat().st_mode) else None
        for path in place.iterdir()
    }


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("put", THERE)
def test_what_is_no_page_of_this_state_is_refused_before_anything_is_written(
    tmp_path: Path, put: Callable[[Path], None], name: str
) -> None:
    put(tmp_path / name)
    before = seen(tmp_path)
    with pytest.raises(UsageError, match=name) as refused:
        OwnPages(tmp_path, MARK).write(TEXTS)
    assert "another directory" in refused.value.hint
    assert seen(tmp_path) == before


@pytest.mark.parametrize("put", THERE)
def test_what_is_no_page_of_this_state_is_let_alone(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path / "x.html")
    before = seen(tmp_path)
    OwnPages(tmp_path, MARK).write(TEXTS)
    assert seen(tmp_path) == before | TEXTS


def test_pages_of_this_state_are_replaced_and_outdated_ones_removed(tmp_path: Path) -> None:
    pages = OwnPages(tmp_path / "to/pages", MARK)
    pages.write({"index.html": f"<{MARK}> old", "ben-0000000b.html": f"<{MARK}> ben"})
    assert [path.name for path in pages.outdated(TEXTS)] == ["ben-0000000b.html"]
    pages.write(TEXTS)
    assert seen(pages.place) == TEXTS
    unmasked = os.umask(0)
    os.umask(unmasked)
    assert stat.S_IMODE((pages.place / "index.html").stat().st_mode) == 0o666 & ~unmasked


def test_another_states_pages_are_called_that(tmp_path: Path) -> None:
    OwnPages(tmp_path, OTHER).write({"index.html": f"<{OTHER}>"})
    with pytest.raises(UsageError, match=r"index\.html is of another state's owners"):
        OwnPages(tmp_path, MARK).write(TEXTS)
