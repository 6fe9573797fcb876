"""Topics last from run to run, and are read again as they were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.planted.catalogs import catalog_a
from benchmarks.planted.planted import Planted
from benchmarks.planted.scores import adjusted_rand_index
from r2d2.catalog.state import State, open_state
from r2d2.config import SemanticsSettings
from r2d2.errors import NotFound, StateError
from r2d2.model.dataset import Dataset
from r2d2.semantics.embed.embedder import embedder_of
from r2d2.semantics.entities.entities import Catalog
from r2d2.semantics.hierarchy.linkage import linkage_of, linkage_within
from r2d2.semantics.topics.again import in_parts
from r2d2.semantics.topics.grouping import Earlier, extents, group
from r2d2.semantics.topics.kept import below, grouping_of, members_kept, neighbours_kept, newest, topics_kept
from r2d2.semantics.topics.lasting import Extent, lasting_ids
from r2d2.semantics.topics.stage import group_run
from tests.semantics.planted_groups import groups_of
from tests.semantics.small_topics import dataset, lake

HASHING = SemanticsSettings(model="hashing")


@cache
def small() -> Planted:
    """Some families of catalog A."""
    return catalog_a(3)


def some_families(number: int) -> tuple[Dataset, ...]:
    chosen = sorted(set(small().family))[:number]
    return tuple(d for d, family in zip(small().datasets, small().family, strict=True) if family in chosen)


def catalog(datasets: Sequence[Dataset]) -> Catalog:
    known = {dataset.id for dataset in datasets}
    groups = [tuple(name for name in group if name in known) for group in small().duplicates]
    return Catalog(datasets, small().pairs, groups, tuple(small().usages.values()))


@pytest.fixture
def state(tmp_path: Path) -> State:
    return open_state(str(tmp_path / "state"), create=True)


def run(state: State, name: str, datasets: Sequence[Dataset], settings: SemanticsSettings = HASHING) -> tuple[str, ...]:
    with state.locked():
        return group_run(state, name, catalog(datasets), settings).notes


def topic_of(state: State, name: str) -> dict[str, str]:
    return {member.dataset: member.topic for member in members_kept(state, name)}


def test_where_nothing_changed_all_topics_keep_ids_names_and_datasets(state: State) -> None:
    datasets = some_families(8)
    run(state, "first", datasets)
    run(state, "second", datasets)
    assert topics_kept(state, "first") == topics_kept(state, "second")
    assert members_kept(state, "first") == members_kept(state, "second")


def test_where_few_datasets_are_new_the_others_stay_in_their_topics(state: State) -> None:
    datasets = some_families(10)
    late = set(range(7, len(datasets), 40))
    run(state, "first", [d for number, d in enumerate(datasets) if number not in late])
    run(state, "second", datasets)
    before, after = topic_of(state, "first"), topic_of(state, "second")
    assert adjusted_rand_index(list(before.values()), [after[name] for name in before]) >= 0.97
    assert np.mean([after[name] == topic for name, topic in before.items()]) >= 0.95
    grouping = newest(state)
    assert grouping is not None
    assert 0 < grouping.placed <= len(late)  # some are copies of what was there


def test_a_new_dataset_joins_the_topic_of_what_is_like_it(state: State) -> None:
    datasets = some_families(8)
    model = next(d for d in datasets if len(d.leaves) > 12)
    new = replace(model, id="incoming/some export", leaves=model.leaves[1:])
    run(state, "first", datasets)
    run(state, "second", [*datasets, new])
    after = topic_of(state, "second")
    assert after[new.id] == after[model.id]


def test_where_much_is_new_all_is_grouped_anew_and_topics_that_are_still_there_keep_their_ids(state: State) -> None:
    run(state, "first", some_families(6))
    run(state, "second", some_families(12))
    grouping = newest(state)
    assert grouping is not None
    assert grouping.placed == 0
    before, after = topic_of(state, "first"), topic_of(state, "second")
    assert set(before.values()) & set(after.values())
    assert set(after.values()) - set(before.values())


def test_the_states_model_is_used_until_another_one_is_asked_for(state: State) -> None:
    datasets = some_families(4)
    assert run(state, "first", datasets) == ()
    assert run(state, "second", datasets, SemanticsSettings()) == ()
    assert grouping_of(state, "second").model == "hashing"
    (note,) = run(state, "third", datasets, SemanticsSettings(model="static"))
    assert "hashing" in note
    assert grouping_of(state, "third").model == "static"


def test_a_run_without_topics_says_how_to_make_them(state: State) -> None:
    with pytest.raises(NotFound, match="run none has no topics") as raised:
        grouping_of(state, "none")
    assert "r2d2 topics --fresh" in raised.value.hint


def test_a_damaged_grouping_is_an_error_and_no_other_grouping(state: State) -> None:
    run(state, "first", some_families(3))
    row = state.rows("groupings", "first").to_pylist()[0]
    state.write_run("groupings", "first", [row | {"merges": [1, 2, 3]}])
    with pytest.raises(StateError, match="damaged"):
        newest(state)


def test_each_dataset_is_under_one_topic_of_each_level(state: State) -> None:
    datasets = some_families(8)
    run(state, "first", datasets)
    topics, members = topics_kept(state, "first"), members_kept(state, "first")
    held = below(topics, members)
    for level in {topic.level for topic in topics}:
        names = [name for topic in topics if topic.level == level for name in held[topic.topic]]
        assert sorted(names) == sorted(dataset.id for dataset in datasets)


def test_of_topics_with_the_same_datasets_each_keeps_its_own_id() -> None:
    covered = {10: Extent(1, ("a", "b")), 11: Extent(2, ("a", "b")), 12: Extent(3, ("a", "b", "c"))}
    before = {"x": Extent(2, ("a", "b")), "y": Extent(1, ("a", "b")), "z": Extent(3, ("a", "b", "c"))}
    assert lasting_ids(covered, before) == {10: "y", 11: "x", 12: "z"}


def test_no_two_topics_have_one_id_though_they_hold_the_same() -> None:
    ids = lasting_ids({1: Extent(1, ("a",)), 2: Extent(2, ("a",))}, {})
    assert len(set(ids.values())) == 2


def test_a_tree_that_keeps_levels_is_cut_into_these_levels_and_into_any_number_of_parts() -> None:
    found = groups_of("a", 0).aggregation
    tree = linkage_within(found.blended, found.pieces, found.levels)
    for level in found.levels:
        parts = tree.cut(int(level.max()) + 1)[found.pieces]
        assert adjusted_rand_index(parts.tolist(), level.tolist()) == pytest.approx(1)
    assert [int(tree.cut(number).max()) + 1 for number in (1, 7, 60, tree.pieces)] == [1, 7, 60, tree.pieces]
    assert linkage_of(found.blended, found.pieces).pieces == tree.pieces


@pytest.mark.parametrize("table", ["topic_members", "topic_relations", "topics", "groupings"])
def test_a_regrouping_that_is_killed_leaves_no_topics_and_the_next_run_goes_on(
    state: State, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    run(state, "first", some_families(4))

    def killed(self: State, name: str, run_id: str, rows: Any) -> None:
        if name == table and rows:
            raise KeyboardInterrupt
        write(self, name, run_id, rows)

    write = State.write_run
    with monkeypatch.context() as patched:
        patched.setattr(State, "write_run", killed)
        with pytest.raises(KeyboardInterrupt):
            run(state, "first", some_families(4), replace(HASHING, piece=3))
    with pytest.raises(NotFound, match="run first has no topics"):
        grouping_of(state, "first")
    assert run(state, "second", some_families(4)) == ()


@pytest.mark.parametrize("table", ["groupings", "topics"])
def test_where_what_was_found_before_is_damaged_all_is_grouped_anew_and_that_is_said(state: State, table: str) -> None:
    datasets = some_families(4)
    run(state, "first", datasets)
    rows = state.rows(table, "first").to_pylist()
    state.write_run(table, "first", [rows[0] | {"merges": [1, 2, 3]}] if table == "groupings" else rows[:1])
    (note,) = run(state, "second", datasets, replace(HASHING, model="hashing"))
    assert "all was grouped anew" in note
    assert len(topic_of(state, "second")) == len(datasets)


def test_fresh_needs_nothing_that_was_found_before(state: State) -> None:
    run(state, "first", some_families(4))
    rows = state.rows("groupings", "first").to_pylist()
    state.write_run("groupings", "first", [rows[0] | {"glossary": "{"}])
    with state.locked():
        made = group_run(state, "first", catalog(some_families(4)), HASHING, fresh=True)
    assert len(made.notes) == 1
    assert grouping_of(state, "first").model == "hashing"


def flights(like: Sequence[Dataset]) -> list[Dataset]:
    """Other tables in the places of these."""
    return [
        dataset(one.id, ("carrier_code", "tail_number", "gate", f"runway_{chr(97 + n)}")) for n, one in enumerate(like)
    ]


@pytest.mark.parametrize(("every", "anew"), [(2, True), (30, False)])
def test_tables_that_were_written_anew_with_other_columns_are_as_good_as_new(
    state: State, every: int, anew: bool
) -> None:
    before = some_families(8)
    others = [one for one in some_families(20) if one.id not in {old.id for old in before}]
    after = [one if n % every else replace(one, leaves=others[n].leaves) for n, one in enumerate(before)]
    run(state, "first", before)
    run(state, "same", before)
    assert placed(state) == 0
    run(state, "second", after)
    assert (placed(state) == 0) is anew, "few of them are placed one by one"


def placed(state: State) -> int:
    grouping = newest(state)
    assert grouping is not None
    return grouping.placed


def test_another_lake_in_the_same_state_moves_no_topic(state: State) -> None:
    ours, theirs = lake(6), flights(lake(6))
    for name, datasets in (("first", ours), ("other", theirs), ("second", ours)):
        with state.locked():
            group_run(state, name, Catalog(datasets), HASHING, among={"first", "second"} - {name})
    assert topic_of(state, "second") == topic_of(state, "first")


def test_parts_lie_below_the_runs_own_root(state: State, tmp_path: Path) -> None:
    settings = replace(HASHING, topics=True)
    embed = embedder_of(settings).embed
    first = group(Catalog(lake(6)), {}, embed, settings)
    covered = extents(first.aggregation.tree, first.entities)
    before = Earlier(None, {id_: covered[node] for node, id_ in first.ids.items()}, {})
    second = group(Catalog(lake(7)), {}, embed, settings, before)
    root = second.ids[second.aggregation.tree.root]
    for number in (1, 2, 4):
        parts = in_parts(second, Catalog(lake(7)), number)
        assert {part.parent for part in parts} == {root}
        assert root not in {part.topic for part in parts}


def test_neighbours_are_read_as_they_were_found_and_not_those_of_others(state: State) -> None:
    with state.locked():
        made = group_run(state, "first", Catalog(lake(6)), HASHING)
    found = made.grouped.aggregation
    places, scores = neighbours_kept(state, "first", made.grouped.entities.ids) or (None, None)
    assert np.array_equal(places, found.places)
    assert np.array_equal(scores, found.scores)
    assert neighbours_kept(state, "first", made.grouped.entities.ids[1:]) is None
