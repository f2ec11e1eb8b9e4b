"""Scores by vectors are those of the scorer, or are not used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from thinkrec.collab import build_scorer
from thinkrec.collab.item_priors import ItemBaselineConfig
from thinkrec.collab.mf import MFConfig
from thinkrec.collab.sasrec import SASRecConfig
from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.score.candidates import score_candidates
from thinkrec.score.catalogue_scores import CatalogueScorer
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

FAST = {"epochs": 2}


@pytest.fixture(scope="module")
def small() -> Dataset:
    return simulate_catalogue(SimulatorConfig(users=20, items=40, interactions_per_user=(8, 16)), 5).dataset


def ask(ds: Dataset) -> list[Query]:
    return [Query.from_dataset(ds, user, np.arange(user % 3, len(ds.items))) for user in range(8)]


@pytest.mark.parametrize(
    "config",
    [
        MFConfig.model_validate({"dim": 4, "biases": True, "training": FAST}),
        SASRecConfig.model_validate({"dim": 8, "training": FAST}),
    ],
)
def test_vectors_give_the_plain_scores_up_to_a_constant(config: MFConfig | SASRecConfig, small: Dataset) -> None:
    scorer = build_scorer(config)
    scorer.fit(small, seed=0)
    fast, queries = CatalogueScorer(scorer, small), ask(small)
    for query, scores in zip(queries, fast.score_queries(queries), strict=True):
        plain = score_candidates(scorer, small, query)
        assert np.ptp(scores - plain) < 1e-4
    assert fast.uses_vectors


class Bent:
    """An encoder whose score is no inner product."""

    dim = 2

    def fit(self, ds: Dataset, *, seed: int, progress: bool = False) -> list:
        return []

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Bent:
        return cls()

    def encode_items(self, ds: Dataset) -> np.ndarray:
        return np.random.default_rng(0).normal(size=(len(ds.items), 2)).astype(np.float32)

    def encode_users(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        return np.stack([np.full(2, 1.0 + hash(ds.user_ids[u]) % 7) for u in ds.interactions.user[rows]])

    def encode_query(self, ds: Dataset, query: Query) -> np.ndarray:
        return np.full(2, 1.0 + hash(query.user) % 7)

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        product = (self.encode_users(ds, rows) * self.encode_items(ds)[ds.interactions.item[rows]]).sum(1)
        return np.sin(product)


def test_vectors_that_are_not_the_score_are_not_used(small: Dataset) -> None:
    fast, queries = CatalogueScorer(Bent(), small), ask(small)
    first = fast.score_queries(queries[:1])[0]  # one user alone decides nothing
    assert first == pytest.approx(score_candidates(Bent(), small, queries[0]))
    for query, scores in zip(queries, fast.score_queries(queries), strict=True):
        assert scores == pytest.approx(score_candidates(Bent(), small, query))
    assert not fast.uses_vectors


def test_a_scorer_without_vectors_is_asked_plainly(small: Dataset) -> None:
    scorer = build_scorer(ItemBaselineConfig())
    scorer.fit(small, seed=0)
    fast = CatalogueScorer(scorer, small)
    queries = [replace(query, candidates=np.array([3, 1])) for query in ask(small)]
    assert len({tuple(scores) for scores in fast.score_queries(queries)}) == 1
    assert not fast.uses_vectors
