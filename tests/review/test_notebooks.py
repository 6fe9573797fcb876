"""The review notebooks: they run from top to bottom on a lake and on nothing, and what is decided there counts."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from pyspark.sql import SparkSession

from r2d2 import pipeline
from r2d2.cli import main
from r2d2.commands.lake import DEMO_SETTINGS
from r2d2.config import load_settings
from r2d2.demo.lake import DemoTruth
from r2d2.progress import Progress
from r2d2.review.pages import notebooks, write_pages
from tests.browser.devtools import Page, browser
from tests.recovery_states import Line

NAMES = ["01_overview", "02_containment", "03_plan_review", "04_topics", "05_operations"]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SIZES = {"desktop": (1280, 900, False), "phone": (390, 844, True)}


@pytest.fixture(scope="module")
def state(spark: SparkSession, demo_lake: tuple[Path, DemoTruth], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state of the demo lake, with topics."""
    lake, _ = demo_lake
    place = tmp_path_factory.mktemp("reviewed") / "state"
    settings = load_settings(overrides=(*DEMO_SETTINGS, "semantics.topics=true"), environ={})
    pipeline.run([str(lake)], str(place), settings, Progress(quiet=True))
    return place


def executed(name: str, target: Path, **parameters: Any) -> list[Any]:
    """The cells of a notebook after it ran; warnings and errors are outputs, too."""
    (path,) = (path for path in notebooks() if path.stem == name)
    papermill.execute_notebook(
        str(path), str(target / path.name), parameters=parameters, kernel_name="python3", progress_bar=False
    )
    return [cell for cell in nbformat.read(target / path.name, as_version=4).cells if cell.cell_type == "code"]


def texts(cells: list[Any]) -> dict[str, str]:
    """What each cell shows, by its source."""
    shown = {}
    for cell in cells:
        outputs = [output for output in cell.outputs if output.output_type == "execute_result"]
        shown[cell.source] = "".join(o["data"].get("text/html") or o["data"]["text/plain"] for o in outputs)
    return shown


def test_these_are_the_notebooks() -> None:
    assert [path.stem for path in notebooks()] == NAMES


def test_each_cell_calls_what_is_tested_and_holds_no_logic() -> None:
    for path in notebooks():
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        code = [cell for cell in book.cells if cell.cell_type == "code"]
        assert "parameters" in code[0].metadata.tags
        for cell in code[2:]:
            assert "\n" not in cell.source, "one call a cell"
        for cell in code:
            assert not cell.outputs
            kinds = {type(node) for node in ast.parse(cell.source).body}
            assert kinds <= {ast.ImportFrom, ast.Assign, ast.Expr}, cell.source


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_on_the_demo_lake_without_a_warning(pages: list[Path], name: str) -> None:
    (page,) = (page for page in pages if page.stem == name)
    book = nbformat.read(page.with_suffix(".ipynb"), as_version=4)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [o for cell in cells for o in cell.outputs if o.output_type != "execute_result"] == []
    assert all(cell.outputs for cell in cells[3:]), "each cell shows something"
    assert "There is no plan" not in str(texts(cells))


@pytest.mark.parametrize("name", NAMES)
def test_on_an_empty_state_it_says_what_to_do(tmp_path: Path, name: str) -> None:
    cells = executed(name, tmp_path, STATE=str(tmp_path / "nothing"))
    assert [o for cell in cells for o in cell.outputs if o.output_type != "execute_result"] == []
    said = "Nothing was retired yet" if name == "05_operations" else "There is no plan in "
    assert said in str(texts(cells))
    assert not (tmp_path / "nothing").exists()


def test_what_is_approved_in_a_notebook_is_what_apply_retires(
    state: Path, demo_lake: tuple[Path, DemoTruth], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(demo_lake[0], lake, symlinks=True)
    settings = load_settings(overrides=(*DEMO_SETTINGS, "semantics.topics=false"), environ={})
    pipeline.run([str(lake)], str(tmp_path / "state"), settings, Progress(quiet=True))
    line = Line(tmp_path / "state", capsys)
    assert line.rows("apply", "--yes") == [], "nothing is approved"
    decided = {"BY": "ana", "NOTE": "a copy for a demo", "APPROVE": ["exports/orders.csv"], "REJECT": ["archive/*"]}
    cells = texts(executed("03_plan_review", tmp_path, STATE=str(tmp_path / "state"), **decided))
    assert "Approved by ana" in cells["plan_review.approve(lake, BY, NOTE, Chosen(only=APPROVE), ACCEPT)"]
    how = {row["dataset"]: (row["decision"], row["by"], row["note"]) for row in line.rows("review", "list")}
    assert how["exports/orders.csv"] == ("approved", "ana", "a copy for a demo")
    assert {d[0] for name, d in how.items() if name.startswith("archive/")} == {"rejected"}
    assert {d[0] for name, d in how.items() if name.startswith("snapshots/")} == {"undecided"}
    assert [(row["dataset"], row["done"]) for row in line.rows("apply", "--yes")] == [("exports/orders.csv", True)]
    assert not (lake / "exports/orders.csv").is_file() or "r2d2" in (lake / "exports/orders.csv").read_text()
    line.rows("guard")
    shown = texts(executed("05_operations", tmp_path, STATE=str(tmp_path / "state")))
    assert "1 good" in shown["operations.looks(lake)"]
    assert "exports/orders.csv" in shown["operations.quarantine(lake)"]
    assert ">1<" in shown["operations.realised(lake)"]


@pytest.fixture(scope="module")
def pages(state: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The notebooks' pages, as the command writes them."""
    return write_pages(str(state), "", tmp_path_factory.mktemp("pages"), Progress(quiet=True))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("no chromium here (Debian: apt-get install chromium)")
    with browser(CHROMIUM, tmp_path_factory.mktemp("profile"), tmp_path_factory.mktemp("downloads")) as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_their_pages_fit_the_screen_draw_their_charts_and_ask_for_nothing(
    pages: list[Path], page: Page, size: str, scheme: str
) -> None:
    page.size(*SIZES[size])
    page.scheme(scheme)
    for path in pages:
        page.open(path)
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        page.until("[...document.querySelectorAll('[data-chart]')].every(p => p.querySelector('svg, canvas'))")
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0], path.name
        assert page.complaints() == []
        assert page.requests() == [path.as_uri()]
    page.scheme("light")


def test_their_tables_sort_by_what_numbers_mean_and_can_be_searched(pages: list[Path], page: Page) -> None:
    page.size(*SIZES["desktop"])
    page.open(next(path for path in pages if path.stem == "03_plan_review"))
    rows = "[...document.querySelector('.r2d2-table table').tBodies[0].rows].filter(r => !r.hidden)"
    saves = f"{rows}.map(r => Number(r.cells[2].innerText.split(' ')[0]))"
    first = page.evaluate(saves)
    assert first == sorted(first, reverse=True)
    for order in (True, False):
        page.evaluate("document.querySelector('.r2d2-table th:nth-child(3) button').click()")
        assert page.evaluate(saves) == sorted(first, reverse=order)
    page.evaluate(
        "(() => { const f = document.querySelector('.r2d2-table input'); f.value = 'ORDERS.csv';"
        " f.dispatchEvent(new Event('input')); })()"
    )
    assert page.evaluate(f"{rows}.map(r => r.cells[0].innerText)") == ["exports/orders.csv"]


def test_the_command_writes_them_and_says_where(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("r2d2.review.pages.notebooks", lambda: notebooks()[4:])
    assert main(["report", "--state", str(state), "--notebooks", str(tmp_path / "pages")]) == 0
    assert f"notebooks: {tmp_path}/pages/05_operations.html" in capsys.readouterr().err
    assert (tmp_path / "pages/05_operations.ipynb").exists()
