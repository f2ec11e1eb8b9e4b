"""Scorers asked about the present: the same number as for a row that is there, whoever else is asked about."""

from __future__ import annotations

import numpy as np
import pytest
from contracts.encoder import fitted, planted

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
from thinkrec.score import candidates
from thinkrec.score.candidates import UserHistory, score_candidates

DS = planted(n_users=40, per_user=24)
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
    return fitted(CONFIGS[request.param], DS)


def before(row: int) -> UserHistory:
    """The user of a row with what came strictly before it, asked at its time."""
    it = DS.interactions
    past = slice(int(it.start[it.user[row]]), row)
    return UserHistory(DS.user_ids[it.user[row]], it.item[past].astype(np.int64), it.label[past], it.timestamp[past],
                   it.split[past], int(it.timestamp[row]))  # fmt: skip


def test_an_open_row_has_the_score_of_the_row_that_came(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    it = DS.interactions
    rows = it.get_split_rows(TEST)[::23]
    wanted = scorer.score(DS, rows)
    for row, score in zip(rows, wanted, strict=True):
        others = np.array([3, 11, it.item[row], 0, 39])
        found = score_candidates(scorer, DS, before(row), others)
        assert found[2] == pytest.approx(score, abs=1e-5)
        # No candidate is part of another's past, and asking in parts changes nothing.
        alone = [score_candidates(scorer, DS, before(row), others[i : i + 1])[0] for i in range(len(others))]
        np.testing.assert_allclose(found, alone, atol=1e-5)
    monkeypatch.setattr(candidates, "ROWS", 2 * (len(before(row).item) + 1))
    np.testing.assert_allclose(score_candidates(scorer, DS, before(row), others), found, atol=1e-5)


def test_the_present_is_after_all_rows_of_the_user(scorer: Scorer) -> None:
    present = UserHistory.from_dataset(DS, 5)
    it = DS.interactions
    assert len(present.item) == 24 and present.user == DS.user_ids[5] and present.now == it.timestamp.max()
    assert len(score_candidates(scorer, DS, present, np.arange(40))) == 40
    assert len(score_candidates(scorer, DS, present, np.arange(0))) == 0


def test_a_history_counts_for_somebody_new(scorer: Scorer) -> None:
    asked = np.arange(40)
    nobody = score_candidates(
        scorer, DS, UserHistory.from_ratings(DS, None, np.zeros(0, np.int64), np.zeros(0, np.int8)), asked
    )
    assert np.isfinite(nobody).all()
    liked = score_candidates(scorer, DS, UserHistory.from_ratings(DS, None, np.arange(8), np.ones(8, np.int8)), asked)
    # Only these read the past; for the others somebody new is the mean user or nobody in particular.
    reads = type(scorer).__name__ in ("SASRec", "GradientBoosting")
    assert (np.abs(liked - nobody) > 1e-6).any() == reads
