"""Tables of a notebook's page in a browser: all rows are there, searched, sorted and turned as a whole."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from r2d2.progress import Progress
from r2d2.review.pages import write_pages
from r2d2.review.table import PAGED, SHOWN
from r2d2.units import count, human_bytes, human_seconds, money
from r2d2.visible import shortened, visible
from tests.browser.devtools import Page, browser
from tests.report_fakes import HOSTILE

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (Debian: apt-get install chromium)")

ROWS = 3 * SHOWN + 34
#: From the smallest to the largest, as they are written; what is no number comes last in both orders.
WRITTEN = {
    "bytes": [human_bytes(size) for size in (0, 999, 1000, 12_345_678, 999_999_999, 10**9, 5 * 10**18, 5 * 10**21)],
    "seconds": [human_seconds(each) for each in (0, 0.00001, 0.012, 1, 59, 75, 3600, 7300, 172_800, 10**9)],
    "money": [money(each, "USD") for each in (-1234.5, -0.00123, 0, 0.00123, 0.02, 6.94, 1234.5, 10**7)],
    "counts": [count(number) for number in (0, 7, 999, 1000, 1_234_567)],
    "shares": ["0%", "3%", "99%", "100%", "1234%"],
    "moments": ["2025-12-31 23:59", "2026-01-01 00:00", "2026-11-28 00:55", "2026-11-28 01:02"],
}
_CELLS = (
    "from r2d2.review.tables import Cell, plain, size, table",
    f"HOSTILE = {list(HOSTILE)!r}",
    f"table('Many', 'name|#bytes', ((plain(f'sales/{{n:05}}' if n >= len(HOSTILE) else HOSTILE[n]), size(n))"
    f" for n in range({ROWS})))",
    f"table('Too many', 'name', ((plain(f'sales/{{n:05}}'),) for n in range({PAGED + 3})))",
    *(
        f"table({kind!r}, {'#' * (kind != 'moments') + kind!r}, ((Cell(0, text),) for text in"
        f" {sorted(['', *texts, 'unknown' * (kind != 'moments')])!r}))"
        for kind, texts in WRITTEN.items()
    ),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a notebook of a few tables, executed and rendered as the command does it."""
    place = tmp_path_factory.mktemp("tables")
    cells = [new_code_cell(source) for source in ("STATE = ''", *_CELLS)]  # type: ignore[no-untyped-call]
    cells[0].metadata.tags = ["parameters"]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    book = new_notebook(cells=cells, metadata=kernel)  # type: ignore[no-untyped-call]
    nbformat.write(book, place / "01_tables.ipynb")  # type: ignore[no-untyped-call]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("r2d2.review.pages.notebooks", lambda: [place / "01_tables.ipynb"])
        (page,) = write_pages(str(place / "state"), "", place / "pages", Progress(quiet=True))
    return page


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    assert CHROMIUM is not None
    with browser(CHROMIUM, tmp_path_factory.mktemp("profile"), tmp_path_factory.mktemp("downloads")) as page:
        yield page


@pytest.fixture
def page(opened: Page, path: Path) -> Iterator[Page]:
    opened.size(1280, 900)
    opened.open(path)
    yield opened
    assert opened.complaints() == []
    assert opened.requests() == [path.as_uri()]


def box(title: str) -> str:
    """The table with a title, with what belongs to it."""
    return f"[...document.querySelectorAll('.r2d2-table')].find(t => t.innerText.startsWith({title!r}))"


def shown(page: Page, title: str) -> list[str]:
    """The first cells of the rows that are shown."""
    rows = f"[...{box(title)}.querySelector('table').tBodies[0].rows]"
    found: list[str] = page.evaluate(f"{rows}.filter(r => !r.hidden).map(r => r.cells[0].textContent)")
    return found


def turn(page: Page, title: str, name: str) -> None:
    page.evaluate(f"[...{box(title)}.querySelectorAll('.pager button')].find(b => b.textContent === {name!r}).click()")


def turned(page: Page, title: str) -> str:
    """Which rows are shown, as the page says it."""
    return str(page.evaluate(f"{box(title)}.querySelector('.pager span').textContent"))


def search(page: Page, title: str, text: str) -> None:
    page.evaluate(
        f"(() => {{ const f = {box(title)}.querySelector('input'); f.value = {text!r};"
        " f.dispatchEvent(new Event('input')); })()"
    )


def sort(page: Page, title: str, column: int) -> None:
    page.evaluate(f"{box(title)}.querySelector('th:nth-child({column}) button').click()")


def names() -> list[str]:
    return [visible(shortened(name, 400)) for name in HOSTILE] + [f"sales/{n:05}" for n in range(len(HOSTILE), ROWS)]


def test_all_rows_are_there_page_by_page(page: Page) -> None:
    seen = shown(page, "Many")
    assert (len(seen), turned(page, "Many")) == (SHOWN, f"1 to {SHOWN} of {ROWS}")
    assert page.evaluate(f"{box('Many')}.querySelector('.pager button').disabled"), "there is no page before the first"
    for _ in range(3):
        turn(page, "Many", "Next")
        seen += shown(page, "Many")
    assert seen == names()
    assert turned(page, "Many") == f"{3 * SHOWN + 1} to {ROWS} of {ROWS}"
    assert page.evaluate(f"{box('Many')}.querySelector('.pager button:last-child').disabled")
    turn(page, "Many", "Previous")
    assert shown(page, "Many") == names()[2 * SHOWN : 3 * SHOWN]
    assert "first" not in page.evaluate(f"{box('Many')}.querySelector('p').textContent")
    assert page.evaluate("document.querySelectorAll('main img, main script, main iframe').length") == 0


def test_all_rows_are_searched_and_sorted(page: Page) -> None:
    last = names()[-1]
    search(page, "Many", f"{last[-5:]} SALES")
    assert (shown(page, "Many"), turned(page, "Many")) == ([last], "1 to 1 of 1")
    search(page, "Many", "nothing that matches")
    assert (shown(page, "Many"), turned(page, "Many")) == ([], "Nothing matches")
    search(page, "Many", "")
    turn(page, "Many", "Next")
    sort(page, "Many", 2)
    assert shown(page, "Many") == names()[: -SHOWN - 1 : -1], "a new order is read from its start"
    sort(page, "Many", 2)
    assert shown(page, "Many") == names()[:SHOWN]


def test_a_table_of_more_rows_says_so_and_is_fast(page: Page) -> None:
    said = page.evaluate(f"{box('Too many')}.querySelector('p').textContent")
    assert said == f"Too many (the first {PAGED:,} of {PAGED + 3:,}; .frame has all)"
    assert turned(page, "Too many") == f"1 to {SHOWN} of {PAGED:,}"
    started = time.perf_counter()
    search(page, "Too many", f"{PAGED - 1:05}")
    sort(page, "Too many", 1)
    assert shown(page, "Too many") == [f"sales/{PAGED - 1:05}"]
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("kind", WRITTEN)
def test_what_is_written_is_sorted_by_what_it_means(page: Page, kind: str) -> None:
    """Numbers with the largest first, moments with the oldest; a second time the other way, and the unknown last."""
    last = {"", "unknown"} if kind != "moments" else {""}
    ways = [WRITTEN[kind], WRITTEN[kind][::-1]]
    for expected in ways if kind == "moments" else ways[::-1]:
        sort(page, kind, 1)
        found = shown(page, kind)
        assert found[: len(expected)] == expected
        assert set(found[len(expected) :]) == last


def test_without_scripts_all_rows_are_there(opened: Page, path: Path) -> None:
    opened.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened.open(path)
        text = opened.evaluate("document.body.innerText")
    finally:
        opened.send("Emulation.setScriptExecutionDisabled", value=False)
    assert names()[-1] in text
