from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from r2d2.model.funnel import Funnel
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.report import render as module
from r2d2.report.bars import savings_parts
from r2d2.report.data import ACTIONS, ReportData, build_report
from r2d2.report.near_misses import NearMisses
from r2d2.report.render import render
from r2d2.report.wire import embedded
from r2d2.units import human_bytes, money
from r2d2.visible import shell_word, visible
from tests.report_fakes import (
    HOSTILE,
    dataset,
    decided_report,
    hostile_report,
    large_report,
    plan_of,
    run_facts,
    tpch_report,
)
from tests.sampling import FULL


class Parsed(HTMLParser):
    """Tags with their attributes, the text, and the contents of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.raw: list[tuple[str, str]] = []
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style"):
            self.raw.append((self._open, data))
        else:
            self.text.append(data)

    def ids(self) -> list[str]:
        return [a["id"] or "" for _, a in self.tags if "id" in a]

    def data(self) -> Any:
        return json.loads(self.raw[1][1])


@pytest.fixture(scope="module")
def tpch() -> ReportData:
    return tpch_report()


@pytest.fixture(scope="module")
def hostile() -> Parsed:
    return Parsed(render(hostile_report()))


def test_the_headline_says_what_is_saved_and_that_nothing_was_deleted(tpch: ReportData) -> None:
    text = " ".join("".join(Parsed(render(tpch)).text).split())
    money_and_bytes = (
        f"{money(tpch.saving_per_month, 'USD')} a month and {human_bytes(tpch.bytes_retired)} can be saved"
    )
    assert money_and_bytes in text
    assert f"by retiring {len(tpch.with_action('retire'))} of {len(tpch.rows)} datasets" in text
    assert "Nothing was deleted" in text
    assert "/data/lake" in text
    assert "Storage prices are multiplied by 1,000" in text


def test_what_is_decided_is_said_below_the_headline_and_what_is_to_stay_is_not_the_first_to_go(
    tpch: ReportData,
) -> None:
    data = decided_report()
    page = render(data)
    text = " ".join("".join(Parsed(page).text).split())
    assert f"by retiring {len(data.gone)} of {len(data.rows)} datasets." in text
    said = "1 of these is approved, 2 were rejected and stay, 1 is retired already (as of 2026-11-28 01:30 UTC)."
    assert said in text
    first = page.partition("Retire first</h3>")[2].partition("</table>")[0]
    assert [row.anchor in first for row in data.gone[:5]] == [True, False, False, False, True]
    assert "47 more in" in text
    assert "Left out: 2 rejected, 1 retired already." in text
    assert 'id="decision"' in page
    assert 'id="decision"' not in render(tpch)


def test_what_takes_no_part_and_what_shares_files_is_said_with_the_reason() -> None:
    datasets = [
        dataset("whole", shared_with=("clone",)),
        dataset("clone", shared_with=("whole",)),
        dataset("lost", status="unprovable", reason="part-3.parquet changed while it was read"),
    ]
    funnel = Funnel(datasets=3, usable=2, unusable={"unprovable": 1}, candidates=2, shared=2)
    page = Parsed(render(build_report(run_facts(), datasets, [], [], NearMisses(), plan_of(datasets, {}), funnel)))
    text = " ".join(" ".join(page.text).split())
    assert "2 of them usable (1 takes no part: 1 unprovable)" in text
    assert "2 pairs whose schema fits hold files in common: such pairs are not compared" in text
    assert "Shares files with others" in text
    assert "holds files that are also in clone" in text
    assert "part-3.parquet changed while it was read" in text
    rows = [dict(zip(page.data()["rowFields"], row, strict=True)) for row in page.data()["rows"]]
    assert {row["name"]: (row["shared"], row["sharedCount"]) for row in rows} == {
        "whole": (["clone"], 1),
        "clone": (["whole"], 1),
        "lost": ([], 0),
    }


def test_a_part_of_the_result_says_so_at_the_top(tpch: ReportData) -> None:
    limited = dataclasses.replace(tpch.funnel, limit="max_bytes", not_compared={"limit": 3, "value": 2}, undecided=5)
    text = render(dataclasses.replace(tpch, funnel=limited))
    assert "a part of the result: for lack of bytes (--max-bytes) 3 pairs were not compared" in text
    assert "2 of them because they could not save money, 3 because of the run's limit" in text
    assert "a part of the result" not in render(tpch)


def test_the_page_has_its_sections_ids_once_and_no_dead_link(tpch: ReportData) -> None:
    page = Parsed(render(tpch))
    ids = page.ids()
    assert len(ids) == len(set(ids))
    assert {"savings", "funnel", "graph", "plan", "problems", "near", "settings"} <= set(ids)
    anchors = {row[0] for row in page.data()["rows"]}
    targets = {(a["href"] or "")[1:] for tag, a in page.tags if tag == "a"}
    assert targets <= set(ids) | anchors


def test_the_embedded_data_equals_the_model(tpch: ReportData) -> None:
    data = Parsed(render(tpch)).data()
    rows = [dict(zip(data["rowFields"], row, strict=True)) for row in data["rows"]]
    assert [row["name"] for row in rows] == [row.id for row in tpch.rows]
    assert [row["bytes"] for row in rows] == [row.bytes for row in tpch.rows]
    assert sum(row["saving"] for row in rows) == pytest.approx(tpch.saving_per_month)
    edges = [dict(zip(data["edgeFields"], edge, strict=True)) for edge in data["edges"]]
    assert [(rows[e["parent"]]["name"], rows[e["child"]]["name"]) for e in edges] == [
        (e.parent, e.child) for e in tpch.edges
    ]
    assert [data["texts"][e["how"]] for e in edges] == [e.how for e in tpch.edges]
    assert [[rows[i]["name"] for i in group] for group in data["groups"]] == [list(g) for g in tpch.groups]


def test_the_policy_allows_exactly_this_script_and_this_style(tpch: ReportData) -> None:
    page = Parsed(render(tpch))
    policy = next(a["content"] or "" for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    for kind, text in (page.raw[0], page.raw[2]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("make", [tpch_report, hostile_report])
def test_nothing_in_the_page_loads_styles_or_handles_inline(make: Any) -> None:
    for tag, attributes in Parsed(render(make())).tags:
        assert not {"src", "srcset", "style", "action", "data"} & attributes.keys(), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith(("#", "data:,"))


def test_hostile_names_add_no_element(hostile: Parsed, tpch: ReportData) -> None:
    assert [tag for tag, _ in hostile.tags].count("script") == 4
    assert {tag for tag, _ in hostile.tags} <= {tag for tag, _ in Parsed(render(tpch)).tags}


def test_hostile_names_are_shown_with_what_is_invisible_spelled_out(hostile: Parsed) -> None:
    names = {row[1] for row in hostile.data()["rows"]}
    assert {visible(name) for name in HOSTILE} <= names
    assert "rtl‹U+202E›gnp.exe‹U+2066›" in names
    assert "new‹U+000A›line‹U+000D›‹U+0009›tab" in names
    assert "not utf8 ‹byte FF›‹byte 80›" in names
    text = "".join(hostile.text)
    assert HOSTILE[1] in text
    assert "{{ 7 * 7 }}" in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff\x00-\x08\x1b]", text)


def test_json_in_a_script_can_not_end_it() -> None:
    text = str(embedded(["</script>", "<!--", "\u2028\u2029", "]]>", "&lt;"]))
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == ["</script>", "<!--", "\u2028\u2029", "]]>", "&lt;"]


def test_a_report_of_nothing_renders() -> None:
    plan = Plan((), 0.0, 0, "none", True)
    text = "".join(Parsed(render(build_report(run_facts(), [], [], [], NearMisses(), plan, Funnel()))).text)
    assert "Nothing to retire among 0 datasets" in text
    assert "None: every dataset could be read" in text


def test_numbers_that_are_none_or_infinite_render(tpch: ReportData) -> None:
    row = dataclasses.replace(tpch.rows[0], rebuild_seconds=float("inf"), rows=None)
    page = Parsed(render(dataclasses.replace(tpch, rows=(row, *tpch.rows[1:]))))
    first = dict(zip(page.data()["rowFields"], page.data()["rows"][0], strict=True))
    assert first["seconds"] is None
    assert first["rows"] is None


@pytest.mark.parametrize("datasets", [1_000, pytest.param(10_000, marks=FULL)])
def test_a_page_has_no_more_than_1500_bytes_a_dataset_with_five_edges(datasets: int) -> None:
    data = large_report(datasets, 5 * datasets)
    assert (len(data.rows), len(data.edges)) == (datasets, 5 * datasets)
    page = len(render(data).encode()) - len(render(large_report(50, 0)).encode())
    assert page < 1_500 * datasets


@pytest.mark.parametrize("name", HOSTILE)
def test_a_word_for_the_shell_is_visible_and_gives_the_name_back(name: str) -> None:
    word = shell_word(name)
    assert visible(word) == word
    if "\x00" in name:
        return  # no argument of a program can hold it
    back = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True).stdout
    assert back == name.encode("utf-8", "surrogateescape")


def test_visible_leaves_ordinary_text_alone_and_handles_lone_surrogates() -> None:
    assert visible("orders/2024 – été 数据 🐘") == "orders/2024 – été 数据 🐘"
    assert visible("\ud800\u3164\u00a0") == "‹U+D800›‹U+3164›‹U+00A0›"
    assert shell_word("\ud800") == r"$'\xed\xa0\x80'"


def test_every_action_of_a_plan_has_its_words_and_what_all_of_them_save_adds_up() -> None:
    idle = (Action.KEEP, Action.STOP_PRODUCER)
    datasets = [dataset(action.value) for action in Action]
    lines = [PlannedDataset(a.value, a, None, 0.0 if a in idle else 2.0, 0.0, 0.0, "so") for a in Action]
    data = build_report(run_facts(), datasets, [], [], NearMisses(), Plan(tuple(lines), 6.0, 20, "", True), Funnel())
    assert sum(part.saving for part in savings_parts(data)) == data.saving_per_month
    page = render(data)
    assert all(f"</span>{words}</th>" in page for action, words in ACTIONS.items() if action != "none")
    assert "can be saved by retiring 2 of 5 datasets, and moving 1 to colder classes." in page
    script = (Path(module.__file__).parent / "templates" / "report.js").read_text("utf-8")
    assert all(f'"{words}"' in script for words in ACTIONS.values())
