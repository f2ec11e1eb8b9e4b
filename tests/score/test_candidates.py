"""Scorers asked about the present: the same number as for a row that is there, whoever else is asked about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from thinkrec.collab import (
    EncoderTrainingConfig,
    GradientBoostingConfig,
    ItemBaselineConfig,
    LightGCNConfig,
    MFConfig,
    RandomConfig,
    SASRecConfig,
    Scorer,
)
from thinkrec.data.interactions import TEST
from thinkrec.data.query import Query
from thinkrec.score import candidates
from thinkrec.score.candidates import score_candidates, score_single_candidates
from thinkrec.testing import fit_scorer, plant_dataset

DS = plant_dataset(n_users=40, per_user=24)
SHORT = EncoderTrainingConfig(epochs=2)
CONFIGS = {
    "mf": MFConfig(dim=4, biases=True, training=SHORT),
    "lightgcn": LightGCNConfig(dim=4, training=SHORT),
    "sasrec": SASRecConfig(dim=8, training=SHORT),
    "boosting": GradientBoostingConfig(trees=8, n_seeds=1),
    "prior": ItemBaselineConfig(source="both"),
    "random": RandomConfig(),
}


@pytest.fixture(scope="module", params=CONFIGS)
def scorer(request: pytest.FixtureRequest) -> Scorer:
    return fit_scorer(CONFIGS[request.param], DS)


def ask(scorer: Scorer, query: Query, items: np.ndarray) -> np.ndarray:
    return score_candidates(scorer, DS, replace(query, candidates=items))


def test_an_open_row_has_the_score_of_the_row_that_came(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    it = DS.interactions
    rows = it.get_split_rows(TEST)[::23]
    wanted = scorer.score(DS, rows)
    for row, score in zip(rows, wanted, strict=True):
        others = np.array([3, 11, it.item[row], 0, 39])
        found = ask(scorer, Query.from_row(DS, int(row)), others)
        assert found[2] == pytest.approx(score, abs=1e-5)
        # No candidate is part of another's past, and asking in parts changes nothing.
        alone = [ask(scorer, Query.from_row(DS, int(row)), others[i : i + 1])[0] for i in range(len(others))]
        np.testing.assert_allclose(found, alone, atol=1e-5)
    monkeypatch.setattr(candidates, "ROWS", 2 * (len(Query.from_row(DS, int(row)).items) + 1))
    np.testing.assert_allclose(ask(scorer, Query.from_row(DS, int(row)), others), found, atol=1e-5)


def test_the_present_is_after_all_rows_of_the_user(scorer: Scorer) -> None:
    present = Query.from_dataset(DS, 5)
    it = DS.interactions
    assert len(present.items) == 24 and present.user == DS.user_ids[5] and present.time == it.timestamp.max()
    assert len(ask(scorer, present, np.arange(40))) == 40
    assert len(ask(scorer, present, np.arange(0))) == 0


def test_a_history_counts_for_somebody_new(scorer: Scorer) -> None:
    asked = np.arange(40)
    nobody = ask(scorer, Query.from_ratings(DS, None, np.zeros(0, np.int64), np.zeros(0, np.int8)), asked)
    assert np.isfinite(nobody).all()
    liked = ask(scorer, Query.from_ratings(DS, None, np.arange(8), np.ones(8, np.int8)), asked)
    # Only these read the past; for the others somebody new is the mean user or nobody in particular.
    reads = type(scorer).__name__ in ("SASRec", "GradientBoosting")
    assert (np.abs(liked - nobody) > 1e-6).any() == reads


def test_questions_of_many_users_are_answered_together_as_one_by_one(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = [Query.from_row(DS, int(row)) for row in DS.interactions.get_split_rows(TEST)[::17]]
    queries[1] = queries[1].erase_ratings(np.array([3, 5]))
    newcomer = Query.from_ratings(DS, None, np.arange(8), np.ones(8, np.int8))
    queries.insert(2, replace(newcomer, candidates=np.array([9])))
    queries.append(replace(Query.from_ratings(DS, None, np.arange(0), np.ones(0, np.int8)), candidates=np.array([4])))
    wanted = [score_candidates(scorer, DS, query)[0] for query in queries]
    np.testing.assert_allclose(score_single_candidates(scorer, DS, queries), wanted, atol=1e-5)
    monkeypatch.setattr(candidates, "ROWS", 60)
    np.testing.assert_allclose(score_single_candidates(scorer, DS, queries), wanted, atol=1e-5)
    assert score_single_candidates(scorer, DS, []).shape == (0,)
