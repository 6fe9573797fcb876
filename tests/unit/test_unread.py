"""Whose metadata a run with limits reads: text by what it may save, within half of the limit; footers always."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from r2d2.catalog.listing import Candidate
from r2d2.config import RetentionSettings
from r2d2.containment.budget import Budget
from r2d2.model.dataset import DataFile
from r2d2.retention.unread import FOOTER_WORK, without_unread

DEAR = RetentionSettings(storage_price_factor=1e9)


def listed(name: str, *sizes: int, format_: str = "csv", status: str = "ok") -> Candidate:
    files = tuple(DataFile(f"/lake/{name}/{number}", size, 1, "") for number, size in enumerate(sizes))
    return Candidate(name, format_, f"/lake/{name}", files=files, bytes=sum(sizes), status=status)


def read(
    candidates: Sequence[Candidate],
    budget: Budget,
    known: Collection[str] = (),
    settings: RetentionSettings = DEAR,
    failed: Collection[tuple[str, str]] = (),
) -> list[str]:
    found = without_unread(candidates, known, failed, budget, settings)
    assert [candidate.id for candidate in found] == [candidate.id for candidate in candidates]
    return [candidate.id for candidate in found if candidate.status == "ok"]


def test_without_limits_all_is_read() -> None:
    candidates = [listed("a", 10**12), listed("b", 1, status="archived")]
    assert without_unread(candidates, (), (), Budget(), DEAR) == tuple(candidates)


def test_text_takes_half_of_the_bytes_and_footers_none() -> None:
    candidates = [listed("a", 30), listed("b", 30), listed("c", 30), listed("p", 10**9, format_="parquet")]
    assert read(candidates, Budget(max_bytes=120)) == ["a", "b", "p"]


def test_what_is_known_is_free_so_that_the_next_run_goes_on() -> None:
    candidates = [listed(name, 30, 10) for name in "abcde"]
    known: set[str] = set()
    rounds = []
    while len(rounds) < 5:
        found = read(candidates, Budget(max_bytes=160), known)
        rounds.append(len(found))
        known |= {file.path for each in candidates if each.id in found for file in each.files}
    assert rounds == [2, 4, 5, 5, 5]


def test_a_dataset_of_which_only_some_files_are_known_costs_the_others() -> None:
    assert read([listed("a", 90, 5)], Budget(max_bytes=10), {"/lake/a/0"}) == ["a"]


def test_one_that_fits_into_the_whole_limit_only_is_read_if_nothing_else_is() -> None:
    large, larger = listed("a", 80), listed("b", 90)
    assert read([large, larger], Budget(max_bytes=100)) == ["b"]
    assert read([large, larger, listed("c", 10)], Budget(max_bytes=100)) == ["c"]
    assert read([listed("d", 101)], Budget(max_bytes=100)) == []


def test_what_may_save_most_for_its_price_comes_first_and_what_can_not_pay_last() -> None:
    settings = RetentionSettings(storage_classes={"cold*": "STANDARD_IA"})  # half the price to keep, and reading costs
    candidates = [listed("cold", 10**9), listed("tiny", 10), listed("warm", 10**9)]
    assert read(candidates, Budget(max_bytes=2 * 10**9 + 10), (), settings) == ["warm"]
    assert read(candidates, Budget(max_bytes=4 * 10**9), (), settings) == ["cold", "warm"]
    assert read(candidates, Budget(max_bytes=4 * 10**9 + 20), (), settings) == ["cold", "tiny", "warm"]


def test_what_could_not_be_read_before_comes_last_lest_no_run_gets_further() -> None:
    candidates = [replace(listed("large", 50), version="v1"), listed("small", 40)]
    assert read(candidates, Budget(max_bytes=100)) == ["large"]
    assert read(candidates, Budget(max_bytes=100), failed={("large", "v1")}) == ["small"]
    assert read(candidates, Budget(max_bytes=100), failed={("large", "v0")}) == ["large"]
    assert read(candidates, Budget(max_bytes=180), failed={("large", "v1")}) == ["large", "small"]


def test_a_limit_of_time_holds_for_text_and_footers() -> None:
    budget = Budget(deadline=1.0, clock=lambda: 0.0)  # half a second's work planned, half of that for metadata
    room = int(budget.work_left / 2)
    assert read([listed("p", *[1] * (room // FOOTER_WORK), format_="parquet")], budget) == ["p"]
    assert read([listed("p", *[1] * (room // FOOTER_WORK), format_="parquet"), listed("t", room)], budget) == ["p"]
    assert read([listed("q", *[1] * (2 * room // FOOTER_WORK + 1), format_="parquet")], budget) == []
    assert read([listed("t", room // 2), listed("u", room)], budget) == ["u"]


def test_after_its_time_a_run_reads_no_metadata_but_what_is_known() -> None:
    budget = Budget(deadline=0.0, clock=lambda: 0.0)
    assert read([listed("a", 1), listed("b", 1)], budget, {"/lake/b/0"}) == ["b"]


def test_what_takes_no_part_anyway_keeps_its_reason() -> None:
    archived = replace(listed("a", 10, status="archived"), reason="why")
    (found,) = without_unread([archived], (), (), Budget(max_bytes=1), DEAR)
    assert found == archived
    (unread,) = without_unread([listed("b", 10)], (), (), Budget(max_bytes=1), DEAR)
    assert (unread.status, "the same command goes on" in unread.reason) == ("unread", True)
