"""The report in a real browser: it sorts, searches, filters, links, exports, and nothing from the lake runs in it."""

from __future__ import annotations

import csv
import io
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from r2d2.report.data import ReportData
from r2d2.report.owners import Held, owner_pages
from r2d2.report.render import render, render_owner, render_owners
from r2d2.units import human_bytes, human_seconds, money
from r2d2.visible import visible
from tests.browser.devtools import Page, browser
from tests.report_fakes import (
    HOSTILE,
    decided_report,
    hostile_report,
    large_report,
    topics_report,
    tpch_report,
    with_trends,
)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (Debian: apt-get install chromium)")

NAMES = "[...document.querySelectorAll('#plan-table tbody th')].map(e => e.textContent)"
SIZES = {"desktop": (1280, 900, False), "phone": (390, 844, True), "narrow": (320, 640, True)}


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, downloads: Path) -> Iterator[Page]:
    assert CHROMIUM is not None
    with browser(CHROMIUM, tmp_path_factory.mktemp("profile"), downloads) as opened:
        yield opened


@pytest.fixture(scope="module")
def tpch() -> ReportData:
    return tpch_report()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, tpch: ReportData) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports with a space")
    made = {"tpch": tpch, "topics": topics_report(), "hostile": hostile_report(), "large": large_report()}
    made["decided"] = decided_report()
    made["trends"] = with_trends(tpch)
    for name, data in made.items():
        (folder / f"{name}.html").write_text(render(data), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.fixture
def plan(page: Page, reports: dict[str, Path]) -> Iterator[Page]:
    page.size(*SIZES["desktop"])
    page.open(reports["tpch"])
    yield page
    assert page.complaints() == []
    assert page.requests() == [reports["tpch"].as_uri()]


def search(page: Page, text: str) -> None:
    fill(page, "search", text)


def fill(page: Page, field: str, text: str) -> None:
    page.evaluate(
        f"(() => {{ const s = document.getElementById({field!r}); s.value = {text!r};"
        " s.dispatchEvent(new Event('input')); })()"
    )


def sort(page: Page, key: str) -> list[str]:
    page.evaluate(f"document.querySelector('[data-sort={key}]').click()")
    return list(page.evaluate(NAMES))


def test_the_plan_lists_the_datasets_in_the_models_order_page_by_page(plan: Page, tpch: ReportData) -> None:
    ids = [row.id for row in tpch.rows]
    assert plan.evaluate(NAMES) == ids[:50]
    plan.evaluate("document.getElementById('next').click()")
    assert plan.evaluate(NAMES) == ids[50:]
    assert plan.evaluate("document.getElementById('page').textContent") == "51 to 70 of 70"
    assert plan.evaluate("document.getElementById('next').disabled")


def test_numbers_are_written_as_the_program_writes_them(plan: Page, tpch: ReportData) -> None:
    row = tpch.rows[0]
    cells = plan.evaluate("[...document.querySelector('#plan-table tbody').rows[0].cells].map(e => e.textContent)")
    assert cells[3:] == [
        money(row.saving_per_month, "USD"),
        human_seconds(row.rebuild_seconds),
        human_bytes(row.bytes),
        f"{row.rows:,}",
    ]


def test_a_column_sorts_both_ways_and_says_so(plan: Page, tpch: ReportData) -> None:
    by_bytes = [row.bytes for row in tpch.rows]
    sizes = {row.id: row.bytes for row in tpch.rows}
    assert [sizes[name] for name in sort(plan, "bytes")] == sorted(by_bytes, reverse=True)[:50]
    state = "document.querySelector('[data-sort=bytes]').closest('th').getAttribute('aria-sort')"
    assert plan.evaluate(state) == "descending"
    assert [sizes[name] for name in sort(plan, "bytes")] == sorted(by_bytes)[:50]
    assert plan.evaluate(state) == "ascending"
    assert sort(plan, "name") == sorted(sizes)[:50]


def test_search_and_filter_narrow_the_plan(plan: Page, tpch: ReportData) -> None:
    search(plan, "1994 LINEITEM")
    assert sorted(plan.evaluate(NAMES)) == ["dashboards/lineitem_1994_keys", "exports/lineitem/lineitem_1994.csv"]
    search(plan, "")
    for action in ("keep", "none", "retire", "all"):
        plan.evaluate(f"document.querySelector('[value={action}]').click()")
        expected = [row.id for row in tpch.rows if action in ("all", row.action)]
        assert plan.evaluate(NAMES) == expected[:50]
    search(plan, "no such dataset")
    assert plan.evaluate(NAMES) == []
    assert plan.evaluate("document.getElementById('page').textContent") == "Nothing matches"


def test_a_topic_leads_to_its_datasets_in_the_plan(page: Page, reports: dict[str, Path], downloads: Path) -> None:
    data = topics_report()
    page.size(*SIZES["desktop"])
    page.open(reports["topics"])
    search(page, "nothing that matches")
    number = [topic.name for topic in data.topics].index("Partsupp")
    page.evaluate(f"document.querySelector('[data-topic=\"{number}\"]').click()")
    expected = [row.id for row in data.rows if row.topic == number]
    assert page.evaluate(NAMES) == expected
    assert page.evaluate("document.getElementById('topic').selectedOptions[0].textContent") == (
        f"Partsupp ({len(expected)})"
    )
    cells = page.evaluate("[...document.querySelector('#plan-table tbody').rows[0].cells].map(e => e.textContent)")
    assert cells[3] == "Partsupp"
    page.evaluate("document.getElementById('export').click()")
    assert {(row["dataset"], row["topic"]) for row in saved(downloads)} == {(name, "Partsupp") for name in expected}
    groups = page.evaluate("[...document.querySelectorAll('#topic optgroup')].map(e => [e.label, e.children.length])")
    assert groups == [["Parts", 2]]
    page.evaluate("(() => { const t = document.getElementById('topic'); t.value = '';"
                  " t.dispatchEvent(new Event('change')); })()")  # fmt: skip
    assert len(page.evaluate(NAMES)) == 50
    assert page.complaints() == []


def choose(page: Page, field: str, value: str) -> None:
    page.evaluate(f"(() => {{ const t = document.getElementById('{field}'); t.value = '{value}';"
                  " t.dispatchEvent(new Event('change')); })()")  # fmt: skip


def test_decisions_are_shown_filtered_by_and_saved(page: Page, reports: dict[str, Path], downloads: Path) -> None:
    data = decided_report()
    gone = [row.id for row in data.gone]
    page.size(*SIZES["desktop"])
    page.open(reports["decided"])
    options = page.evaluate("[...document.getElementById('decision').options].map(e => e.textContent)")
    assert options == ["All", f"Nobody decided ({len(gone) - 5})", "Lapsed (1)", "Approved (1)", "Rejected (2)",
                       "Retired already (1)"]  # fmt: skip
    offers = {"approved": (False, True, True), "rejected": (False, False, False), "retired": (False, False, True),
              "lapsed": (True, True, True), "undecided": (True, True, True)}  # fmt: skip
    told = {"approved": "approved", "rejected": "rejected", "retired": "retired already",
            "lapsed": "ben had approved it, and that counts no more: it is 91 days old"}  # fmt: skip
    for decision, offered in offers.items():
        choose(page, "decision", decision)
        page.evaluate("document.querySelector('#plan-table details').open = true")
        page.until("document.querySelector('.evidence')")
        text = page.evaluate("document.querySelector('.evidence').innerText")
        assert tuple(verb in text for verb in ("review approve", "r2d2 apply", "r2d2 restore")) == offered
        assert ("Decision" in text) == (decision in told)
        assert told.get(decision, "") in text
    choose(page, "decision", "rejected")
    assert page.evaluate(NAMES) == gone[1:3]
    page.evaluate("document.getElementById('export').click()")
    assert {row["decision"] for row in saved(downloads)} == {"rejected"}
    page.evaluate(f"location.hash = '{data.gone[0].anchor}'")
    page.until(f"document.getElementById('{data.gone[0].anchor}')?.querySelector('details').open")
    assert page.evaluate("document.getElementById('decision').value") == ""
    assert page.complaints() == []


def test_a_link_to_a_dataset_lets_go_of_the_topic(page: Page, reports: dict[str, Path]) -> None:
    page.size(*SIZES["desktop"])
    page.open(reports["topics"])
    page.evaluate("document.querySelector('[data-topic]').click()")
    row = next(row for row in topics_report().rows if row.topic is None)
    page.evaluate(f"location.hash = '{row.anchor}'")
    page.until(f"document.getElementById('{row.anchor}')?.querySelector('details').open")
    assert page.evaluate("document.getElementById('topic').value") == ""


def drawn(page: Page, chart: str) -> None:
    """Brings a chart into sight, and waits for it."""
    page.evaluate(f"document.querySelector('[data-chart={chart}]').scrollIntoView({{block: 'center'}})")
    page.until(f"document.querySelector('[data-chart={chart}]').view?._el?.querySelector('svg, canvas')")
    page.evaluate(f"document.querySelector('[data-chart={chart}]').view.runAsync().then(() => 1)")


def box_at(page: Page, title: str) -> tuple[float, float]:
    """Where the middle of a box of the graph is on the screen."""
    x, y = page.evaluate(
        "(() => { const place = document.querySelector('[data-chart=graph]'), view = place.view;"
        f" const box = view.data('boxes').find(b => b.title.startsWith({title!r})), at = view.signal('view');"
        " const frame = place.querySelector('canvas').getBoundingClientRect(), [left, top] = view.origin();"
        " return [frame.left + left + (box.x - at.left + view.signal('boxWidth') / 2) * at.k,"
        " frame.top + top + (box.y - at.top + view.signal('boxHeight') / 2) * at.k]; })()"
    )
    return x, y


def mouse(page: Page, kind: str, at: tuple[float, float], **more: object) -> None:
    page.send("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], **more)


def readout(page: Page) -> str:
    return str(page.evaluate("document.querySelector('.readout').textContent"))


def fill_in_graph(page: Page, text: str) -> None:
    page.evaluate(
        f"(() => {{ const s = document.querySelector('.controls input[name=search]'); s.value = {text!r};"
        " s.dispatchEvent(new Event('input')); })()"
    )


def press_in_graph(page: Page, name: str) -> None:
    page.evaluate(f"[...document.querySelectorAll('.zoom button')].find(b => b.textContent === {name!r}).click()")


HINT = "Point at a box to see its name. Keys: arrows move the graph, + and − change its size, 0 shows all of it."
#: Where the graph is looked at, and its boxes that match.
AT = "document.querySelector('[data-chart=graph]').view.signal('view')"
FOUND = "document.querySelector('[data-chart=graph]').view.data('boxes').filter(b => b.found).length"


def middle_of_graph(page: Page) -> tuple[float, float]:
    x, y = page.evaluate(
        "(() => { const r = document.querySelector('[data-chart=graph] canvas').getBoundingClientRect();"
        " return [r.left + r.width / 2, r.top + r.height / 2]; })()"
    )
    return x, y


def test_a_box_of_the_graph_leads_to_its_dataset_and_its_evidence(plan: Page, tpch: ReportData) -> None:
    target = "dashboards/lineitem_1994_keys"
    anchor = tpch.anchors[target]
    search(plan, "nothing that matches")
    drawn(plan, "graph")
    at = box_at(plan, target)
    mouse(plan, "mouseMoved", at)
    mouse(plan, "mousePressed", at, button="left", clickCount=1)
    mouse(plan, "mouseReleased", at, button="left", clickCount=1)
    plan.until(f"document.getElementById('{anchor}')?.querySelector('.evidence')")
    evidence = plan.evaluate(f"document.getElementById('{anchor}').querySelector('.evidence').textContent")
    assert "warehouse/lineitem holds every row of exports/lineitem/lineitem_1994.csv" in evidence
    assert "7 columns compared; versions" in evidence
    assert f"r2d2 explain --state /var/lib/r2d2/state {target}" in evidence
    top = plan.evaluate(f"document.getElementById('{anchor}').getBoundingClientRect().top")
    assert 0 <= top < 900


def test_a_box_that_is_pointed_at_says_what_it_is(plan: Page) -> None:
    drawn(plan, "graph")
    mouse(plan, "mouseMoved", box_at(plan, "3 exact duplicates: warehouse/lineitem"))
    plan.until("document.querySelector('.readout').textContent.startsWith('3 exact duplicates: warehouse/lineitem')")


def test_the_graph_is_searched_framed_moved_and_made_larger(plan: Page) -> None:
    drawn(plan, "graph")
    whole = plan.evaluate(AT)
    fill_in_graph(plan, " LINEITEM_1994 ")
    plan.until(f"{FOUND} === 2 && {AT}.k > {whole['k']}")
    plan.until("document.querySelector('.readout').textContent === '2 of 53 boxes match.'")
    searched = plan.evaluate(AT)
    fill_in_graph(plan, "nothing that matches")
    plan.until(f"{FOUND} === 0")
    assert plan.evaluate(AT) == searched, "it stays where it is if nothing matches"
    fill_in_graph(plan, "")
    plan.until(f"{FOUND} === 53 && {AT}.k === {whole['k']}")
    assert readout(plan) == HINT
    press_in_graph(plan, "Larger")
    plan.until(f"{AT}.k > {whole['k']}")
    larger = plan.evaluate(AT)
    middle = middle_of_graph(plan)
    mouse(plan, "mouseMoved", middle)
    mouse(plan, "mousePressed", middle, button="left", clickCount=1)
    mouse(plan, "mouseMoved", (middle[0] - 50, middle[1]), button="left", buttons=1)
    mouse(plan, "mouseReleased", (middle[0] - 50, middle[1]), button="left", clickCount=1)
    plan.until(f"{AT}.left > {larger['left']}")
    assert plan.evaluate("location.hash") == "", "what was dragged was not clicked"
    press_in_graph(plan, "Fit")
    plan.until(f"{AT}.k === {whole['k']} && {AT}.left === {whole['left']}")
    families = "document.querySelector('.controls select[name=family]')"
    plan.evaluate(f"(() => {{ const c = {families}; c.selectedIndex = 4; c.dispatchEvent(new Event('change')); }})()")
    plan.until(f"{AT}.k >= 0.62")
    assert plan.evaluate(f"{families}.options.length") == 8
    assert plan.evaluate(f"{families}.options[0].textContent") == "All (7)"


def test_the_graph_is_moved_by_keys(plan: Page) -> None:
    drawn(plan, "graph")
    whole = plan.evaluate(AT)
    plan.evaluate("document.querySelector('[data-chart=graph]').focus()")
    for key, moved in (("ArrowRight", "left > 0"), ("ArrowDown", "top > 0"), ("+", "k > 0")):
        before = plan.evaluate(AT)
        plan.send("Input.dispatchKeyEvent", type="keyDown", key=key, text=key if key == "+" else "")
        name = moved.split()[0]
        plan.until(f"{AT}.{name} > {before[name]}")
    plan.send("Input.dispatchKeyEvent", type="keyDown", key="0", text="0")
    plan.until(f"{AT}.k === {whole['k']} && {AT}.left === {whole['left']} && {AT}.top === {whole['top']}")


@pytest.mark.parametrize(
    ("words", "boxes"),
    [
        ("1994  LINEITEM", 2),
        ("csv lineitem_1994. exports", 1),
        ("lineitem_1994. keys", 0),
        ("lineitem_copy finance", 1),
        ("lineitem_copy warehouse/lineitem", 0),
        ("(", 0),
        ("[a-z]+", 0),
        ("\\\\", 0),
        ("^$", 0),
    ],
)
def test_the_graph_is_searched_for_all_words_in_one_name(plan: Page, words: str, boxes: int) -> None:
    """As the plan is: in any order, and a letter that means something in patterns is a letter."""
    drawn(plan, "graph")
    fill_in_graph(plan, words)
    plan.until(f"document.querySelector('.readout').textContent === '{boxes} of 53 boxes match.'")
    assert plan.evaluate(FOUND) == boxes


def test_the_graph_is_never_too_small_or_too_large_to_be_found_again(plan: Page) -> None:
    drawn(plan, "graph")
    whole = plan.evaluate(AT)
    for name, limit in (("Smaller", whole["k"] / 5), ("Larger", 8)):
        press_in_graph(plan, "Fit")
        plan.until(f"{AT}.k === {whole['k']}")
        middle = centre(plan)
        for _ in range(20):
            press_in_graph(plan, name)
        plan.until(f"Math.abs({AT}.k - {limit}) < 1e-9")
        assert centre(plan) == pytest.approx(middle), "at the limit it stays where it is"
    mouse(plan, "mouseWheel", middle_of_graph(plan), deltaX=0, deltaY=9_000, modifiers=2)
    plan.until(f"Math.abs({AT}.k - {whole['k'] / 5}) < 1e-9")


def centre(page: Page) -> list[float]:
    """What of the graph is in the middle of its place."""
    view = "document.querySelector('[data-chart=graph]').view"
    found: list[float] = page.evaluate(
        f"(() => {{ const at = {AT};"
        f" return [at.left + {view}.width() / 2 / at.k, at.top + {view}.height() / 2 / at.k]; }})()"
    )
    return found


def test_the_graph_says_to_all_readers_by_which_keys_it_is_moved(plan: Page) -> None:
    drawn(plan, "graph")
    assert readout(plan) == HINT
    for scheme, paper in (("light", "#fdfdfc"), ("dark", "#16181a"), ("light", "#fdfdfc")):
        plan.scheme(scheme)
        plan.until(f"document.querySelector('[data-chart=graph]').view.signal('paper') === {paper!r}")
        nodes = plan.send("Accessibility.getFullAXTree")["nodes"]
        named = [n["name"]["value"] for n in nodes if n.get("role", {}).get("value") == "group" and n.get("name")]
        assert [name for name in named if name.startswith("Containment graph") and "Arrow keys move it" in name]


def test_two_fingers_move_the_graph_and_one_moves_the_page(page: Page, reports: dict[str, Path]) -> None:
    page.size(*SIZES["phone"])
    page.open(reports["tpch"])
    drawn(page, "graph")
    whole, (x, y) = page.evaluate(AT), middle_of_graph(page)
    fingers(page, "touchStart", (x - 40, y), (x + 40, y))
    fingers(page, "touchMove", (x - 80, y), (x + 80, y))
    page.until(f"Math.abs({AT}.k / {whole['k']} - 2) < 0.01")
    point = page.evaluate(f"(() => {{ const v = {AT}; return [v.left, v.top]; }})()")
    fingers(page, "touchMove", (x - 80, y - 30), (x + 80, y - 30))
    page.until(f"{AT}.top > {point[1]}")
    assert page.evaluate(AT)["left"] == pytest.approx(point[0])
    fingers(page, "touchEnd")
    still, scrolled = page.evaluate(AT), page.evaluate("scrollY")
    fingers(page, "touchStart", (x, y))
    for way in range(10, 130, 10):
        fingers(page, "touchMove", (x, y - way))
    fingers(page, "touchEnd")
    page.until(f"scrollY > {scrolled}")
    assert page.evaluate(AT) == still
    assert page.complaints() == []


def fingers(page: Page, kind: str, *at: tuple[float, float]) -> None:
    page.send("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y} for x, y in at])


def test_what_was_searched_in_the_graph_stays_when_the_colours_change(plan: Page) -> None:
    drawn(plan, "graph")
    fill_in_graph(plan, "lineitem_1994")
    plan.until(f"{FOUND} === 2")
    press_in_graph(plan, "Smaller")
    before = plan.evaluate(AT)
    plan.scheme("dark")
    plan.until("document.querySelector('[data-chart=graph]').view.signal('paper') === '#16181a'")
    plan.until(f"{FOUND} === 2 && {AT}.k === {before['k']}")
    assert plan.evaluate("document.querySelectorAll('.controls input').length") == 1
    assert plan.evaluate("document.querySelector('.controls input').value") == "lineitem_1994"
    plan.scheme("light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_chart_is_drawn_as_wide_as_its_place_in_the_colours_of_the_hour(
    page: Page, reports: dict[str, Path], size: str, scheme: str
) -> None:
    page.size(*SIZES[size])
    page.scheme(scheme)
    page.open(reports["trends"])
    for name in ("savings", "sizes", "tradeoff", "growth", "graph"):
        drawn(page, name)
        place, shown = page.evaluate(
            f"(() => {{ const p = document.querySelector('[data-chart={name}]'), s = p.querySelector('svg, canvas');"
            " return [p.clientWidth, s.getBoundingClientRect().width]; })()"
        )
        assert 0.9 * place <= shown <= place
    colours = page.evaluate(
        "[...document.querySelectorAll('[data-chart=savings] path')].map(p => p.getAttribute('fill'))"
    )
    assert {"light": "#b34700", "dark": "#f0a35c"}[scheme] in colours
    assert page.complaints() == []
    page.scheme("light")


def test_charts_change_with_the_screen_and_its_colours(plan: Page) -> None:
    drawn(plan, "savings")
    plan.size(*SIZES["phone"])
    plan.until("document.querySelector('[data-chart=savings] svg').getBoundingClientRect().width < 380")
    plan.scheme("dark")
    plan.until("document.querySelector('[data-chart=savings] path[fill=\"#f0a35c\"]')")
    plan.scheme("light")
    plan.until("document.querySelector('[data-chart=savings] path[fill=\"#b34700\"]')")


def test_from_the_first_screen_three_actions_lead_to_savings_evidence_and_the_way_back(
    plan: Page, tpch: ReportData
) -> None:
    """As somebody does who has not read the docs: by what is written on the page alone."""
    best = sorted(tpch.gone, key=lambda row: -row.saving_per_month)[:3]
    assert "can be saved by retiring" in plan.evaluate("document.querySelector('h1').innerText")
    first = "[...document.querySelectorAll('h3')].find(h => h.innerText === 'Retire first').nextElementSibling"
    lines = plan.evaluate(f"[...{first}.querySelectorAll('tbody tr')].slice(0, 3).map(r => r.innerText)")
    for row, line in zip(best, lines, strict=True):
        assert row.id in line
        assert money(row.saving_per_month, "USD") in line
    plan.evaluate(f"{first}.querySelector('tbody a').click()")  # opens its evidence
    plan.until("document.querySelector('#plan-table details[open] .evidence')")
    evidence = plan.evaluate("document.querySelector('#plan-table details[open] .evidence').innerText")
    assert "the same rows" in evidence or "holds every row of" in evidence
    after = (
        "[...document.querySelectorAll('.evidence dt')].find(t => t.innerText === 'To undo that').nextElementSibling"
    )
    assert plan.evaluate(f"{after}.innerText") == f"r2d2 restore --state /var/lib/r2d2/state {best[0].id}"
    told = plan.evaluate("[...document.querySelectorAll('.evidence dt')].map(t => t.innerText)")
    assert {"Proof", "To rebuild it", "To let it go", "To undo that"} <= set(told)


def test_an_address_with_a_dataset_opens_on_it(page: Page, reports: dict[str, Path], tpch: ReportData) -> None:
    last = tpch.rows[-1]
    page.open(reports["tpch"], f"#{last.anchor}")
    page.until(f"document.getElementById('{last.anchor}')?.querySelector('details').open")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_the_plan_is_saved_as_csv(plan: Page, tpch: ReportData, downloads: Path) -> None:
    plan.evaluate("document.getElementById('export').click()")
    rows = saved(downloads)
    assert [row["dataset"] for row in rows] == [row.id for row in tpch.rows]
    assert sum(float(row["saving_per_month"]) for row in rows) == pytest.approx(tpch.saving_per_month, rel=1e-4)


def test_hostile_names_are_shown_and_nothing_of_them_runs(
    page: Page, reports: dict[str, Path], downloads: Path
) -> None:
    page.size(*SIZES["desktop"])
    page.open(reports["hostile"])
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.until("document.querySelectorAll('.evidence').length === document.querySelectorAll('details').length")
    shown = set(page.evaluate(NAMES))
    assert {visible(name) for name in HOSTILE if len(name) < 140} <= shown
    assert "owned" not in page.evaluate("document.title").replace(HOSTILE[0], "")
    assert page.evaluate("document.querySelectorAll('main img, main script, main iframe').length") == 0
    page.evaluate("document.getElementById('export').click()")
    assert "'=cmd|'/c calc'!A1" in {row["dataset"] for row in saved(downloads)}
    assert page.complaints() == []
    assert page.requests() == [reports["hostile"].as_uri()]


def test_markup_that_got_in_all_the_same_could_not_run(page: Page, reports: dict[str, Path], tmp_path: Path) -> None:
    injected = (
        "<main><script>window.owned = 1</script><img src='https://example.invalid/x' onerror='window.owned = 1'>"
        "<iframe srcdoc='<script>parent.owned = 1</script>'></iframe><style>body{display:none}</style>"
    )
    path = tmp_path / "injected.html"
    path.write_text(reports["tpch"].read_text(encoding="utf-8").replace("<main>", injected, 1), encoding="utf-8")
    page.open(path)
    page.until("document.querySelectorAll('#plan-table tbody').length")
    assert page.evaluate("window.owned") is None
    assert page.evaluate("getComputedStyle(document.body).display") == "block"
    assert not [url for url in page.requests() if url.startswith("http")]
    assert len([text for text in page.complaints() if "Content Security Policy" in text]) >= 3
    refused = page.evaluate("(() => { try { document.body.innerHTML = 'x'; return false; } catch { return true; } })()")
    assert refused


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["tpch", "topics", "hostile"])
def test_no_page_is_wider_than_the_screen(
    page: Page, reports: dict[str, Path], name: str, size: str, scheme: str, tmp_path: Path
) -> None:
    page.size(*SIZES[size])
    page.scheme(scheme)
    page.open(reports[name])
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    assert page.evaluate("innerWidth") == SIZES[size][0]
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 26)"
    assert dark == (scheme == "dark")
    page.screenshot(tmp_path / "shot.png")
    assert (tmp_path / "shot.png").stat().st_size > 5_000
    page.scheme("light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_no_owners_page_is_wider_than_the_screen(page: Page, tmp_path: Path, size: str, scheme: str) -> None:
    data = hostile_report()
    rows = tuple(replace(row, owner=HOSTILE[-1]) for row in data.rows)
    held = [Held(name, HOSTILE[-1], date(2026, 11, 1), date(2026, 12, 1)) for name in HOSTILE]
    pages = (one,) = owner_pages(replace(data, rows=rows), 14, held=held)
    (tmp_path / one.file).write_text(render_owner(one, data, 1.0), encoding="utf-8")
    (tmp_path / "index.html").write_text(render_owners(pages, data), encoding="utf-8")
    page.size(*SIZES[size])
    page.scheme(scheme)
    for file in (one.file, "index.html"):
        page.open(tmp_path / file)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
        assert page.evaluate(CONTRAST) == {}
        assert page.complaints() == []
        assert page.requests() == [(tmp_path / file).as_uri()]
    page.scheme("light")


def test_a_command_is_copied_from_an_owners_page_as_it_is(page: Page, tmp_path: Path) -> None:
    data = hostile_report()
    row = replace(data.gone[0], id="two  spaces", owner="ana")
    (one,) = owner_pages(replace(data, rows=(row,)), 14)
    (tmp_path / one.file).write_text(render_owner(one, data, 1.0), encoding="utf-8")
    page.open(tmp_path / one.file)
    page.evaluate("document.querySelector('summary').click()")
    copied = page.evaluate(
        "(getSelection().selectAllChildren(document.querySelector('.commands code')), `${getSelection()}`)"
    )
    assert copied.endswith(" 'two  spaces'")


CONTRAST = """(() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = (c) => { const [r, g, b] = parse(c).map(v => v / 255).map(v =>
    v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (parse(c)[3] !== 0) return c; } return getComputedStyle(document.body).backgroundColor; };
  const worst = {};
  for (const e of document.querySelectorAll('body *')) {
    const written = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (e.closest('svg') || e.disabled || !e.innerText || !written) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) worst[e.tagName + '.' + e.className + ' ' + e.innerText.slice(0, 30)] = ratio;
  }
  return worst; })()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: Page, reports: dict[str, Path], scheme: str) -> None:
    page.size(*SIZES["desktop"])
    page.scheme(scheme)
    page.open(reports["tpch"])
    page.evaluate("document.querySelector('details').open = true")
    assert page.evaluate(CONTRAST) == {}
    page.scheme("light")


def test_what_can_be_used_has_a_name(plan: Page) -> None:
    unnamed = plan.evaluate(
        "[...document.querySelectorAll('button, input, select, a, summary, [role=region]')].filter(e =>"
        " !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.[0]?.textContent.trim()))"
        ".map(e => e.outerHTML)"
    )
    assert unnamed == []
    assert plan.evaluate("document.querySelectorAll('th:not([scope])').length") == 0


def test_without_scripts_the_page_says_what_to_do(page: Page, reports: dict[str, Path]) -> None:
    page.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open(reports["tpch"])
        text = page.evaluate("document.body.innerText")
    finally:
        page.send("Emulation.setScriptExecutionDisabled", value=False)
    assert "r2d2 plan --state /var/lib/r2d2/state" in text
    assert "finance/lineitem_copy" in text
    assert "Save as CSV" not in text


def test_ten_thousand_datasets_open_and_are_searched_fast(page: Page, reports: dict[str, Path]) -> None:
    page.size(*SIZES["desktop"])
    page.open(reports["large"])
    page.until("performance.getEntriesByName('first-contentful-paint').length")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    started = time.perf_counter()
    search(page, "table_09999")
    found = time.perf_counter() - started
    assert page.evaluate(NAMES) == ["department_199/team_3/table_09999/current"]
    assert page.evaluate("document.querySelectorAll('tbody').length") < 60
    assert paint < 4_000  # 2 s is the aim; a shared machine may be slow
    assert found < 0.4
    assert reports["large"].stat().st_size < 15e6
    assert page.complaints() == []


def saved(downloads: Path) -> list[dict[str, str]]:
    """The one file that was downloaded, which is then removed."""
    deadline = time.monotonic() + 15
    while not (files := list(downloads.glob("*.csv"))):
        assert time.monotonic() < deadline, "nothing was downloaded"
        time.sleep(0.05)
    text = files[0].read_text(encoding="utf-8-sig")
    files[0].unlink()
    return list(csv.DictReader(io.StringIO(text, newline="")))
