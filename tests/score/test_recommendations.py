"""Lists out of the whole catalogue: the ranker's best of what is proposed, and all of it in a small catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.errors import DataError
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.retrieve.generator import CandidateGenerator
from thinkrec.score.answers import Ranked
from thinkrec.score.recommendations import CatalogueSearch, check_counts
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue


@pytest.fixture(scope="module")
def ds() -> Dataset:
    return simulate_catalogue(SimulatorConfig(users=40, items=80, interactions_per_user=(8, 16)), 5).dataset


class CodeRanker:
    """Scores an item by its code, and remembers what it was asked."""

    def __init__(self, ds: Dataset) -> None:
        self.ds = ds
        self.asked: list[list[int]] = []

    def build_query(self, user: Any, history: Any, threshold: Any) -> Query:
        return Query.from_dataset(self.ds, user)

    def score_queries(self, queries: Sequence[Query]) -> list[np.ndarray]:
        self.asked += [query.candidates.tolist() for query in queries]
        return [query.candidates.astype(np.float64) for query in queries]

    def build_ranking(self, query: Query, scores: np.ndarray, top: int | None, reasons: bool, writer: Any) -> list:
        best = np.argsort(-scores)[:top]
        return [Ranked(int(query.candidates[i]), "", float(scores[i]), 0.5, is_new=scores[i] == 79) for i in best]


def open_search(ds: Dataset, **changes: Any) -> tuple[CodeRanker, CatalogueSearch]:
    config = RetrieveConfig(sources=("taste", "prior", "neighbours"), **changes)
    ranker = CodeRanker(ds)
    return ranker, CatalogueSearch(ranker, CandidateGenerator.train(ds, config))


def test_a_small_catalogue_is_ranked_whole(ds: Dataset) -> None:
    _, search = open_search(ds)
    queries = [Query.from_dataset(ds, user) for user in range(3)]
    for query, answers in zip(queries, search.recommend_items(queries, 5), strict=True):
        unseen = np.setdiff1d(np.arange(80), query.items)
        assert [entry.item for entry in answers] == unseen[::-1][:5].tolist()
        assert [entry.score for entry in answers] == unseen[::-1][:5].tolist()
        assert {entry.candidates for entry in answers} == {len(unseen)}
        assert [entry.is_new for entry in answers] == [entry.item == 79 for entry in answers]


def test_a_small_catalogue_is_asked_about_at_once(ds: Dataset) -> None:
    """Nothing is guessed in rounds where all unseen items are candidates, and none where one more is not."""
    ranker, search = open_search(ds, rounds=2, first_share=0.5)
    query = Query.from_dataset(ds, 4)
    unseen = np.setdiff1d(np.arange(80), query.items)
    search.recommend_items([query], 3, candidates=len(unseen))
    assert [asked for asked in ranker.asked if asked] == [unseen.tolist()]
    ranker.asked.clear()
    search.recommend_items([query], 3, candidates=len(unseen) - 1)
    assert len(ranker.asked[0]) == round((len(unseen) - 1) / 2)


def test_without_rounds_the_proposals_alone_are_ranked(ds: Dataset) -> None:
    ranker, search = open_search(ds, rounds=0)
    query = Query.from_dataset(ds, 4)
    proposed = search.generator.propose_candidates(ds, query, 12)
    (answers,) = search.recommend_items([query], 3, candidates=12)
    assert [entry.item for entry in answers] == np.sort(proposed)[::-1][:3].tolist()
    assert ranker.asked == [proposed.tolist()]


def test_rounds_ask_about_others_and_never_more_than_said(ds: Dataset) -> None:
    ranker, search = open_search(ds, rounds=2, first_share=0.5)
    query = Query.from_dataset(ds, 4)
    (answers,) = search.recommend_items([query], 3, candidates=20)
    assert [len(asked) for asked in ranker.asked] == [10, 5, 5]
    every = [code for asked in ranker.asked for code in asked]
    assert len(set(every)) == 20 and not set(every) & set(query.items.tolist())
    assert [entry.item for entry in answers] == sorted(every)[::-1][:3]
    assert {entry.candidates for entry in answers} == {20}


def test_counts_that_cannot_be_are_refused(ds: Dataset) -> None:
    check_counts(5, 5)
    with pytest.raises(DataError, match="k is 0"):
        check_counts(0, 5)
    with pytest.raises(DataError, match="4 candidates are too few for 5"):
        open_search(ds)[1].recommend_items([Query.from_dataset(ds, 0)], 5, candidates=4)
