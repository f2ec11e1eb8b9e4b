"""Candidates: nothing that the user met, merged as said, and the same after saving and loading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, TRAIN
from thinkrec.data.new_items import append_items, find_new_items, separate_items
from thinkrec.data.query import Query
from thinkrec.errors import CheckpointError, DataError
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.retrieve.feedback import ScoreFeedback
from thinkrec.retrieve.generator import STATE, CandidateGenerator, merge_by_rank, merge_round_robin
from thinkrec.retrieve.index import ExactIndex, FaissIndex, measure_index_recall
from thinkrec.retrieve.neighbours import ItemNeighbours
from thinkrec.retrieve.recall import iterate_split_queries, measure_recall
from thinkrec.retrieve.sources import choose_best_unseen
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

ALL = RetrieveConfig(sources=("taste", "prior", "neighbours", "popularity"), candidates=15)


@pytest.fixture(scope="module")
def ds() -> Dataset:
    return simulate_catalogue(SimulatorConfig(users=40, items=80, interactions_per_user=(8, 16)), 5).dataset


@pytest.fixture(scope="module")
def generator(ds: Dataset) -> CandidateGenerator:
    return CandidateGenerator.train(ds, ALL)


def test_no_source_proposes_what_the_user_met(ds: Dataset, generator: CandidateGenerator) -> None:
    for user in range(40):
        query = Query.from_dataset(ds, user)
        for source in generator.sources.values():
            assert not set(source.propose_items(ds, query, 80)) & set(query.items)
        found = generator.propose_candidates(ds, query)
        assert len(found) == len(set(found)) == 15
        assert not set(found) & set(query.items)


def test_a_small_catalogue_needs_no_source(ds: Dataset) -> None:
    query = Query.from_dataset(ds, 3)
    unseen = np.setdiff1d(np.arange(80), query.items)
    nobody = CandidateGenerator(ALL, {})
    assert nobody.propose_candidates(ds, query, len(unseen)).tolist() == unseen.tolist()
    assert not len(nobody.propose_candidates(ds, query, len(unseen) - 1))


def test_a_saved_generator_proposes_the_same(ds: Dataset, generator: CandidateGenerator, tmp_path: Path) -> None:
    generator.save(tmp_path, ds.items.ids)
    loaded = CandidateGenerator.load(tmp_path)
    for user in range(10):
        query = Query.from_dataset(ds, user)
        assert loaded.propose_candidates(ds, query).tolist() == generator.propose_candidates(ds, query).tolist()
    (tmp_path / STATE).write_bytes((tmp_path / STATE).read_bytes()[:-9])
    with pytest.raises(CheckpointError, match="truncated"):
        CandidateGenerator.load(tmp_path)


def test_only_train_rows_are_read(ds: Dataset) -> None:
    data = ds.interactions
    flipped = data.label.copy()
    flipped[data.split != TRAIN] = 1 - flipped[data.split != TRAIN]
    from dataclasses import replace

    other = replace(ds, interactions=replace(data, label=flipped))
    one, two = CandidateGenerator.train(ds, ALL), CandidateGenerator.train(other, ALL)
    query = Query.from_dataset(ds, 3)
    assert one.propose_candidates(ds, query).tolist() == two.propose_candidates(ds, query).tolist()


def test_neighbours_are_shrunk_cosines_of_likes(ds: Dataset) -> None:
    found = ItemNeighbours.train(ds, RetrieveConfig(neighbours=3, neighbour_shrinkage=2.0))
    data = ds.interactions
    liked = np.zeros((len(ds.items), data.n_users))
    chosen = (data.split == TRAIN) & (data.label == 1)
    liked[data.item[chosen], data.user[chosen]] = 1
    both, count = liked @ liked.T, liked.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.nan_to_num(both / np.sqrt(np.outer(count, count)) * both / (both + 2.0))
    np.fill_diagonal(expected, 0)
    for item in range(len(ds.items)):
        np.testing.assert_allclose(found.cosine[item], np.sort(expected[item])[::-1][:3], rtol=1e-5, atol=1e-7)


def test_the_sources_take_turns() -> None:
    lists = [np.array([4, 5, 6]), np.array([5, 9])]
    assert merge_round_robin(lists).tolist() == [4, 5, 9, 6]
    assert merge_by_rank(lists).tolist() == [5, 4, 9, 6]


def test_equal_scores_keep_the_order_of_the_catalogue() -> None:
    assert choose_best_unseen(np.array([1.0, 2, 2, 2, -np.inf]), np.array([1]), 2).tolist() == [2, 3]
    assert choose_best_unseen(np.array([-np.inf]), np.array([], dtype=np.int64), 2).tolist() == []


def test_recall_counts_new_likes_from_earlier_splits(ds: Dataset, generator: CandidateGenerator) -> None:
    for query, liked in iterate_split_queries(ds, TEST):
        assert (query.splits < TEST).all()
        assert not set(liked) & set(query.items)
    results = measure_recall(generator, ds, TEST, [5, 40, 80])
    assert results[0].recall <= results[1].recall <= results[2].recall == 1.0
    assert results[1].low <= results[1].recall <= results[1].high
    assert results[0].users == len(list(iterate_split_queries(ds, TEST)))


def test_feedback_finds_the_best_of_what_was_not_asked(ds: Dataset, generator: CandidateGenerator) -> None:
    feedback = ScoreFeedback.from_generator(generator, ds)
    truth = np.asarray(feedback.keywords.sum(axis=1)).ravel() + feedback.dense.sum(axis=1)
    asked = np.random.default_rng(0).choice(80, 40, replace=False)
    seen = np.setdiff1d(np.arange(80), asked)[:3]
    found = feedback.choose_items(asked, truth[asked], seen, 5)
    assert not set(found) & {*asked.tolist(), *seen.tolist()}
    left = np.setdiff1d(np.arange(80), [*asked, *seen])
    assert truth[found].mean() > np.sort(truth[left])[::-1][:12].mean()


def test_faiss_finds_most_of_what_the_exact_index_finds() -> None:
    pytest.importorskip("faiss", reason="needs thinkrec[retrieve]")
    vectors = np.random.default_rng(0).normal(size=(2000, 16)).astype(np.float32)
    assert ExactIndex(vectors).search(vectors[7], 3).tolist() == np.argsort(-(vectors @ vectors[7]))[:3].tolist()
    assert measure_index_recall(FaissIndex(vectors, 128), vectors, vectors[:20], 50) > 0.9
    assert measure_index_recall(ExactIndex(vectors), vectors, vectors[:20], 50) == 1.0


def test_new_items_stand_behind_the_others_and_can_be_proposed(ds: Dataset, generator: CandidateGenerator) -> None:
    word = ds.items.keywords[0][0]
    more = append_items(ds, [{"item_id": 999, "title": "Later", "keywords": word}])
    assert find_new_items(ds, more) == {80}
    assert more.items.titles[:80] == ds.items.titles
    query = Query.from_dataset(more, 0)
    assert 80 in generator.propose_candidates(more, query, 1000)
    prior = generator.sources["prior"]
    assert prior.propose_items(more, query, 1000).tolist().count(80) == 1  # type: ignore[union-attr]
    with pytest.raises(DataError, match="in the data already"):
        append_items(ds, [{"item_id": ds.items.ids[3], "title": "Again"}])


def test_held_out_items_leave_no_trace_in_training(ds: Dataset) -> None:
    held = separate_items(ds, share=0.2, seed=0)
    names = {held.asked.items.ids[code] for code in held.held_out}
    assert not names & set(held.trained.items.ids)
    assert not set(np.unique(held.asked.interactions.item[held.asked.interactions.split == TRAIN])) & set(held.held_out)
    assert set(held.asked.items.ids) == set(ds.items.ids)
    frame, before = held.asked.to_frame(), ds.to_frame()
    joined = frame.join(before, on="order", suffix="_before")
    assert (joined["item_id"] == joined["item_id_before"]).all()
    assert (joined["label"] == joined["label_before"]).all()
    with pytest.raises(DataError, match="between 0 and 1"):
        separate_items(ds, share=1.0, seed=0)
