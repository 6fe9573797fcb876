"""Similarity: what tells most counts most, both parts are cosines, and neighbours are those with the highest sums."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from r2d2.semantics.base_relations import Kind, Relations
from r2d2.semantics.embed.embedder import unit
from r2d2.semantics.embed.hashing import HashingEmbedder
from r2d2.semantics.entities.entities import Catalog, Entities, entities_of
from r2d2.semantics.neighbours.inverted import recall
from r2d2.semantics.similarity import near as nearby
from r2d2.semantics.similarity import specificity as specificities
from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.similarity.counted import counted
from r2d2.semantics.similarity.dense import meaning_of
from r2d2.semantics.similarity.graph import graph_of
from r2d2.semantics.similarity.lexical import lexical, pieces_of
from r2d2.semantics.similarity.near import near
from r2d2.semantics.similarity.specificity import specificity
from r2d2.semantics.similarity.tokens import Tokens
from r2d2.semantics.similarity.weights import idf, presence, scaled, unit_rows
from r2d2.semantics.tree import Floats
from tests.sampling import examples
from tests.semantics.small_topics import dataset, lake

_EMBED = HashingEmbedder().embed
_SEEDS = st.integers(0, 2**32 - 1)


def entities() -> Entities:
    return entities_of(Catalog(lake(6)), {})


def lengths(rows: Floats) -> Floats:
    return np.asarray(np.linalg.norm(rows, axis=1))


def random_blended(seed: int, rows: int) -> Blended:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((rows, 5)).astype(np.float32)
    spelled = csr_array((rng.random((rows, 9)) < 0.3).astype(np.float32))
    return Blended(vectors / lengths(vectors)[:, None], unit_rows(spelled))


def test_tokens_are_counted_by_row() -> None:
    matrix, words = counted([["a", "b", "a"], [], ["c"]])
    assert words == ("a", "b", "c")
    assert matrix.toarray().tolist() == [[2, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert presence(matrix).toarray().tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert counted([])[0].shape == (0, 0)


def test_what_all_have_weighs_nothing_and_what_few_have_weighs_most() -> None:
    held, _ = counted([["id", "a"], ["id", "a"], ["id", "b"]])
    every, two, one = idf(held)
    assert every == 0 < two < one


def test_a_word_of_tables_that_have_else_nothing_in_common_keeps_less_of_its_weight() -> None:
    subjects = ["order cart price", "patient ward blood", "sensor volt watt", "ship port deck"]
    rows = [[*text.split(), *(["payload"] if i % 3 == 0 else [])] for text in subjects for i in range(6)]
    held, words = counted(rows)
    kept = dict(zip(words, specificity(presence(held)), strict=True))
    assert kept["payload"] < 0.5 < kept["order"]


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=6), max_size=12))
def test_specificity_is_a_share(rows: list[list[str]]) -> None:
    held, words = counted(rows)
    found = specificity(presence(held))
    assert found.shape == (len(words),)
    assert ((found > 0) & (found <= 1 + 1e-6)).all()


@settings(max_examples=examples(200), deadline=None)
@given(_SEEDS, st.integers(0, 12), st.integers(1, 300))
def test_specificity_is_that_of_all_pairs_of_entities_in_whatever_blocks(seed: int, wide: int, products: int) -> None:
    held = csr_array((np.random.default_rng(seed).random((30, 12)) < 0.4).astype(np.float32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(specificities, "_WIDE", wide)
        patch.setattr(specificities, "_WIDER", 0)
        patch.setattr(specificities, "_PRODUCTS", products)
        patch.setattr(specificities, "_AT_ONCE", 2)
        found = specificity(held)
    assert found == pytest.approx(_specificity_by_pairs(held.toarray()), abs=1e-4)
    assert found == pytest.approx(specificity(held), abs=1e-5)


def _specificity_by_pairs(held: Floats) -> Floats:
    """As it is defined: twice the mean cosine of a token's entities without it, as a share of the usual one."""
    often, found = held.sum(axis=0), np.ones(held.shape[1])
    for _ in range(2):
        rows = held * np.log((1 + len(held)) / (1 + often)) * found
        rows = rows / np.maximum(np.sqrt((rows**2).sum(axis=1, keepdims=True)), 1e-12)
        alike = np.zeros(held.shape[1])
        for token in range(held.shape[1]):
            of_token = np.delete(rows, token, axis=1)[held[:, token] > 0]
            products = of_token @ of_token.T
            alike[token] = (products.sum() - np.trace(products)) / max(often[token] * (often[token] - 1), 1)
        share = np.clip(alike / np.median(alike[often >= 3]), 0.05, 1)
        found = (share * np.maximum(often - 1, 0) + 1) / np.maximum(often, 1)
    return found


@pytest.mark.parametrize("tables", [1, 12])
def test_wide_tables_take_no_square_of_their_words(tables: int) -> None:
    """Of 5,000 words in one table some 0.8 GB."""
    words = [f"w{number}" for number in range(5000)]
    held = presence(counted([*[words] * tables, *(words[at : at + 8] for at in range(0, 800, 5))])[0])
    tracemalloc.start()
    specificity(held)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6


def test_pieces_of_a_word_tell_its_ends() -> None:
    assert pieces_of("amt") == ("^am", "amt", "mt$", "am", "mt")
    assert pieces_of("客") == ("^客$",)


def test_both_parts_have_rows_of_length_one() -> None:
    found = entities()
    tokens = Tokens.of(found)
    assert lengths(meaning_of(found, tokens, _EMBED).dense) == pytest.approx(1, abs=1e-4)
    assert lengths(lexical(tokens).toarray()) == pytest.approx(1, abs=1e-4)


def test_tables_of_one_subject_are_more_alike_than_those_of_two() -> None:
    found = entities()
    tokens = Tokens.of(found)
    both = Blended(meaning_of(found, tokens, _EMBED).dense, lexical(tokens))
    alike = both.between(slice(0, len(found)), both)
    subject = np.asarray([name.split("/")[0] for name in found.ids])
    same = subject[:, None] == subject[None]
    assert alike[same].min() > alike[~same].max()


def test_a_prefix_and_a_date_do_not_make_tables_alike() -> None:
    tables = [*lake(6), dataset("x/stg_order_final_2024", ["id"]), dataset("x/stg_patient_final_2024", ["id"])]
    tables += [dataset(f"x/stg_{word}_final_2024", ["id", f"{word}_a"]) for word in ("sensor", "apple", "pear", "fig")]
    found = entities_of(Catalog(tables), {})
    tokens = Tokens.of(found)
    both = Blended(meaning_of(found, tokens, _EMBED).dense, lexical(tokens))
    at = found.entity_of
    alike = both.between(slice(0, len(found)), both)
    staged, order = at["x/stg_order_final_2024"], at["orders/order_0"]
    assert alike[staged, order] > alike[staged, at["x/stg_patient_final_2024"]]


def test_a_table_of_which_nothing_is_known_is_like_nothing() -> None:
    found = entities_of(Catalog([*lake(), dataset("123", [])]), {})
    tokens = Tokens.of(found)
    row = found.entity_of["123"]
    assert lengths(meaning_of(found, tokens, _EMBED).dense)[row] == 0
    assert np.isfinite(meaning_of(found, tokens, _EMBED).dense).all()
    assert lengths(lexical(tokens).toarray())[row] == 0


@settings(max_examples=examples(100), deadline=None)
@given(_SEEDS, st.integers(1, 30), st.integers(0, 40))
def test_neighbours_are_the_most_similar_others_best_first(seed: int, rows: int, number: int) -> None:
    both = random_blended(seed, rows)
    places, scores = near(both, number)
    alike = both.dense @ both.dense.T + (both.lexical @ both.lexical.T).toarray()
    assert places.shape == scores.shape == (rows, min(number, rows - 1))
    for row in range(rows):
        others = np.delete(alike[row], row)
        assert row not in places[row]
        assert len(set(places[row].tolist())) == places.shape[1]
        assert scores[row] == pytest.approx(np.sort(others)[::-1][: places.shape[1]], abs=1e-5)


def grouped_blended(rows: int, seed: int = 0) -> Blended:
    """Rows about some subjects; the last is one of which nothing is known."""
    draw = np.random.default_rng(seed)
    subject = draw.integers(rows // 20, size=rows)
    dense = draw.normal(size=(rows // 20, 32))[subject] + draw.normal(scale=0.4, size=(rows, 32))
    words = np.hstack([subject[:, None] * 8 + draw.integers(8, size=(rows, 5)), draw.integers(rows, size=(rows, 2))])
    lexical = csr_array((np.ones(words.size), (np.arange(rows).repeat(7), words.ravel())), dtype=np.float32)
    known = (np.arange(rows) < rows - 1).astype(np.float32)
    return Blended(unit(np.asarray(dense * known[:, None], np.float32)), unit_rows(scaled(lexical.T, known).T.tocsr()))


@pytest.mark.parametrize("number", [3, 15])
def test_candidates_from_an_index_hold_nearly_all_of_the_nearest(number: int) -> None:
    both = grouped_blended(3000)
    wanted = near(both, number)
    places, scores = near(both, number, exact_up_to=100)
    few = min(number, 10)
    assert recall(scores[:, :few], wanted[1][:, :few]) >= 0.95
    assert scores[:, 0] == pytest.approx(np.max(scores, axis=1))
    true = [both.between(np.asarray([row]), both)[0, others] for row, others in enumerate(places)]
    assert scores == pytest.approx(np.asarray(true), abs=1e-5)
    assert not np.any(places == np.arange(3000)[:, None])
    assert places.min() >= 0
    assert not scores[-1].any()


def test_where_no_candidates_are_enough_all_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    both = grouped_blended(300)
    monkeypatch.setattr(nearby, "_projected", lambda both, draw: draw.normal(size=(len(both), 4)).astype(np.float32))
    assert np.array_equal(near(both, 5, exact_up_to=100)[1], near(both, 5)[1])


@settings(max_examples=examples(50), deadline=None)
@given(_SEEDS, st.integers(2, 20), st.integers(1, 5))
def test_centroids_are_the_directions_of_means(seed: int, rows: int, groups: int) -> None:
    both, labels = random_blended(seed, rows), np.arange(rows, dtype=np.int32) % min(groups, rows)
    found = both.centroids(labels)
    for group in range(len(found)):
        mean = both.dense[labels == group].mean(axis=0)
        assert found.dense[group] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-4)
    assert ((np.abs(lengths(found.lexical.toarray()) - 1) < 1e-4) | (lengths(found.lexical.toarray()) == 0)).all()


def test_a_graph_is_symmetric_and_has_no_loops_and_owners_are_no_link() -> None:
    places, scores = np.asarray([[1], [2], [1], [2]], np.int32), np.asarray([[0.5], [1.5], [0.7], [-1]], np.float32)
    rows = ([0, 0, 3], [3, 2, 3], [Kind.CONTAINS, Kind.OWNER, Kind.CONTAINS])
    ends = [np.asarray(row, np.int32) for row in rows]
    graph = graph_of(4, places, scores, Relations(*ends, np.asarray([7, 1, 1], np.float32))).toarray()
    assert np.array_equal(graph, graph.T)
    assert not graph.diagonal().any()
    assert (graph[0, 1], graph[1, 2], graph[0, 3], graph[0, 2]) == (0.5, 1.5, 1.0, 0.0)
