"""Pages for owners and the summary: what they say, and that no name leads them astray."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape

import pytest

from r2d2.config import RecoverySettings
from r2d2.model.plan import Action, PlannedDataset
from r2d2.model.receipt import Review
from r2d2.recovery.records.decisions import Decisions, Ending
from r2d2.report.data import DatasetRow, ReportData
from r2d2.report.owners import MOST, NOBODY, Held, OwnerPage, owner_pages, sentence
from r2d2.report.render import render_owner, render_owners
from r2d2.report.standing import Stand, Standing, standing
from r2d2.report.summary import code, markdown
from tests.report_fakes import HOSTILE, decided_report, hostile_report, tpch_report, with_trends


def owned(data: ReportData, **owners: int) -> ReportData:
    """The rows that can go, so many for each owner; the rest is nobody's."""
    names = [owner for owner, number in owners.items() for _ in range(number)]
    gone = {row.id: owner for row, owner in zip(data.gone, names, strict=False)}
    return replace(data, rows=tuple(replace(row, owner=gone.get(row.id, "")) for row in data.rows))


def test_each_owner_has_a_page_and_every_dataset_that_can_go_is_on_one() -> None:
    data = owned(tpch_report(), ana=25, ben=1)
    pages = {page.title: page for page in owner_pages(data, 14)}
    assert pages.keys() == {"ana", "ben", NOBODY}
    ana = pages["ana"]
    assert (len(ana.items), ana.more[0]) == (MOST, 5)
    assert [item.row.saving_per_month for item in ana.items] == sorted(
        (row.saving_per_month for row in data.gone if row.owner == "ana"), reverse=True
    )[:MOST]
    assert sum(len(page.items) + page.more[0] for page in pages.values()) == len(data.gone)
    assert sum(page.saving for page in pages.values()) == pytest.approx(data.saving_per_month)
    assert ana.deadline == date(2026, 12, 8)


@pytest.mark.parametrize(
    ("readers", "said"),
    [
        (None, "no log says who reads it"),
        (0, "nobody was seen reading it"),
        (1, "1 person reads it"),
        (4, "4 people read it"),
        (20, "20 people or more read it"),
    ],
)
def test_a_dataset_is_told_in_a_sentence(readers: int | None, said: str) -> None:
    data = tpch_report()
    row = replace(data.gone[0], readers=readers, rebuild_seconds=360.0, saving_per_month=1.2)
    assert sentence(row, data) == (
        f"Every row is in {row.parent}, {said}, it is back in 6 min 0 s, and it saves 1.20 USD a month."
    )


def test_what_saves_too_little_is_one_line() -> None:
    data = tpch_report()
    kept = "kept: saves 0.01 USD a month, less than retention.min_saving of 5.00 USD"
    rows = [replace(row, owner="ana", action="keep", parent=None, reason=kept) for row in data.gone[:3]]
    small = replace(data, rows=tuple(rows))
    (page,) = owner_pages(small, 14)
    assert (page.items, page.small) == ((), 3)
    text = render_owner(page, small, 5.0)
    assert "3 more datasets would save less than 5.00 USD a month each, and are kept without asking" in text
    assert "Nothing of yours is worth retiring" in text


def test_what_is_decided_is_counted_and_what_lapsed_is_asked_again_with_the_reason() -> None:
    data = owned(tpch_report(), ana=5)
    names = [row.id for row in data.gone[:5]]
    why = "ben had approved it, and that counts no more: it is 91 days old"
    stood = dict(zip(names, (Stand.APPROVED, Stand.RETIRED, Stand.RETIRED), strict=False))
    rows = (replace(row, stand=stood.get(row.id, Stand.OPEN)) for row in data.rows)
    data = replace(data, rows=tuple(replace(row, stand_note=why if row.id == names[3] else "") for row in rows))
    pages = owner_pages(data, 14)
    (ana,) = (page for page in pages if page.owner == "ana")
    assert [item.row.id for item in ana.items] == names[3:]
    assert ana.decided == {Stand.APPROVED: 1, Stand.RETIRED: 2}
    assert ana.saving == pytest.approx(sum(row.saving_per_month for row in data.gone[3:5]))
    text = render_owner(ana, data, 0.0)
    assert f"{why}." in text
    assert "Decided already: 1 approved, 2 retired." in text
    index = render_owners(pages, data)
    assert f'href="{ana.file}"' in index
    assert re.search(r"wait for decisions on 57 datasets", index)


def test_what_lies_in_quarantine_is_listed_with_the_way_back_also_where_no_plan_has_it_any_more() -> None:
    data = owned(tpch_report(), ana=2)
    went, due = date(2026, 11, 1), date(2026, 12, 1)
    held = [
        Held("old/late", "ana", went, date(2026, 12, 9)),
        Held("-a b\n", "ana", went, due),
        Held("old/of nobody's", "", went, due),
        Held("old/of_ben", "ben", went, due),
    ]
    pages = {page.title: page for page in owner_pages(data, 14, held=held)}
    assert pages.keys() == {"ana", "ben", NOBODY}
    assert [each.dataset for each in pages["ana"].held] == ["-a b\n", "old/late"]
    text = render_owner(pages["ana"], data, 0.0)
    state = "/var/lib/r2d2/state"
    assert "2 datasets of yours were retired and can be given back at once" in text
    assert f"<code>r2d2 restore --state {state} -- $&#39;-a b\\x0a&#39;</code>" in text
    assert f"<code>r2d2 restore --state {state} old/late</code>" in text
    assert '<td class="num">2026-11-01</td><td class="num">2026-12-09</td>' in text
    ben = render_owner(pages["ben"], data, 0.0)
    assert "Nothing of yours is left to decide on." in ben
    assert "1 dataset of yours was retired" in ben
    index = render_owners(tuple(pages.values()), data)
    assert "In quarantine</th>" in index
    assert re.search(r"<bdi>ben</bdi>.*<td class=\"num\">1</td></tr>", index)


def test_how_a_dataset_stands_follows_from_the_decisions_on_it() -> None:
    entry = PlannedDataset("d", Action.RETIRE, "p", 1.0, 1.0, 1.0, "why", version="1")
    at = datetime(2026, 11, 1, tzinfo=UTC)
    made = Review("d", True, "ana", "n", at, 1, "1", "p", "1", action="retire", rebuild_seconds=1.0, rebuild_cost=1.0)
    decisions = Decisions({}, {}, RecoverySettings(), now=datetime(2026, 11, 2, tzinfo=UTC))
    assert standing(decisions, entry) == Standing()
    approved = replace(decisions, newest={"d": made})
    assert standing(approved, entry) == Standing(Stand.APPROVED)
    assert standing(replace(decisions, newest={"d": replace(made, approved=False)}), entry) == Standing(Stand.REJECTED)
    later = datetime(2026, 11, 2, tzinfo=UTC)
    assert standing(replace(approved, ended={"d": Ending(later, 9, "retired")}), entry) == Standing(Stand.RETIRED)
    back = standing(replace(approved, ended={"d": Ending(later, 9, "given back")}), entry)
    assert back.stand is Stand.OPEN
    assert back.note.endswith("counts no more: the dataset was given back on 2026-11-02")


def test_hostile_names_run_nothing_and_name_no_other_file() -> None:
    data = hostile_report()
    rows = tuple(replace(row, owner=HOSTILE[n % len(HOSTILE)]) for n, row in enumerate(data.rows))
    pages = owner_pages(replace(data, rows=rows), 14)
    files = [page.file for page in pages]
    assert len(set(files)) == len(files)
    assert all(re.fullmatch(r"[a-z0-9-]{1,49}\.html", file) for file in files)
    for text in (render_owners(pages, data), *(render_owner(page, data, 0.0) for page in pages)):
        assert "<script" not in text
        assert "<img" not in text
        assert "script-src &#39;none&#39;" in text or "script-src 'none'" in text
    slashes = replace(rows[0], owner="../../etc/passwd", action="retire")
    (page,) = owner_pages(replace(data, rows=(slashes,)), 14)
    assert page.file.startswith("etc-passwd-")


def test_each_dataset_has_its_commands_and_a_shell_reads_its_name_as_it_is() -> None:
    data = hostile_report()
    gone = [row.id for row in data.gone if "\0" not in row.id]  # no file is called so, and no command can be given it
    names = ["-a b", "two  spaces", "line\nbreak", *gone]
    rows = [replace(data.gone[0], id=name, owner=f"{n}") for n, name in enumerate(names)]
    for name, page in zip(names, sorted(owner_pages(replace(data, rows=tuple(rows)), 14), key=number), strict=True):
        commands = re.findall("<code>(r2d2 (?:review approve|review reject|explain) .*?)</code>", page_of(page, data))
        assert len(commands) == 3
        for command in commands:
            words = shell_words(unescape(command))
            assert words[-1] == name
            assert words[words.index("--state") + 1] == data.run.state
            assert ("--" in words) == name.startswith("-")


def number(page: OwnerPage) -> int:
    return int(page.owner)


def page_of(page: OwnerPage, data: ReportData) -> str:
    return render_owner(page, data, 0.0)


def shell_words(command: str) -> list[str]:
    """What bash takes a command for."""
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True)
    return [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]


def test_the_summary_says_what_can_be_saved_and_what_first() -> None:
    data = with_trends(tpch_report())
    text = markdown(data)
    assert text.startswith("### R2D2: 20.76 USD a month and 1.00 GB can be saved by retiring 60 of 70 datasets\n")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == 10
    assert rows[0] == "| `finance/lineitem_copy` | `warehouse/lineitem` | 4.80 USD | 35 s |"
    assert "| and 50 more | | " in text
    assert "- since the run of 2026-11-17: datasets +1, bytes +1.00 GB" in text


def test_the_summary_leaves_out_what_is_to_stay_and_says_what_is_decided() -> None:
    data = decided_report()
    text = markdown(data)
    assert text.startswith(markdown(tpch_report()).splitlines()[0])  # the plan's figures are the plan's
    assert (
        "\n1 of these is approved, 2 were rejected and stay, 1 is retired already (as of 2026-11-28 01:30 UTC).\n"
        in text
    )
    names = re.findall("^. `(.*?)`", text, re.MULTILINE)
    assert names == [data.gone[0].id, *(row.id for row in data.gone[4:13])]
    assert "| and 47 more | | " in text
    assert "- left out: 2 rejected, 1 retired already" in text


def test_nothing_in_a_name_ends_its_place_in_the_summary() -> None:
    text = markdown(hostile_report())
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 5 for line in table)
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize("name", ["a`b", "``", "`x", "a|b", "plain", "<script>", "a ``` b"])
def test_a_code_span_is_ended_by_nothing_in_it(name: str) -> None:
    span = code(name)
    fence = re.match("`+", span)
    assert fence is not None
    inner = span[len(fence[0]) : -len(fence[0])]
    assert span.endswith(fence[0])
    assert fence[0] not in re.findall("`+", inner)
    assert inner.strip().replace("\\|", "|") == name


def test_a_run_with_nothing_to_retire_says_so() -> None:
    data = tpch_report()
    rows: tuple[DatasetRow, ...] = tuple(replace(row, action="keep", parent=None) for row in data.rows)
    assert markdown(replace(data, rows=rows)).startswith("### R2D2: nothing to retire among 70 datasets\n")


def test_what_is_due_comes_before_what_is_not_for_now() -> None:
    day = date(2026, 12, 1)
    held = [Held("a", "ana", day, None), Held("b", "ana", day, day), Held("c", "ana", day, None)]
    pages = owner_pages(tpch_report(), 14, held)
    (ana,) = (page for page in pages if page.owner == "ana")
    assert [each.dataset for each in ana.held] == ["b", "a", "c"]
