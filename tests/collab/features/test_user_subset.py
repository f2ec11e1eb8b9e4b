"""Some users' rows by themselves have the features that they have among all rows."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.collab import GradientBoosting, GradientBoostingConfig, boosting, describe_scorer
from thinkrec.collab.features import tree_features
from thinkrec.collab.features.user_subset import sample_users, split_into_user_blocks, take_user_rows
from thinkrec.data.interactions import TRAIN, VALID
from thinkrec.testing import plant_dataset

FEW = GradientBoostingConfig(trees=12, n_seeds=1, min_leaf_rows=10, folds=3, item_logit_weights=(0.0,))


@pytest.fixture(scope="module")
def ds():
    return plant_dataset(per_user=20)


def test_features_of_some_users_are_those_among_all(ds):
    learned = tree_features.FeatureStatistics.from_dataset(ds, folds=3)
    whole = tree_features.build_features(ds, learned).values
    users = np.random.default_rng(0).random(ds.interactions.n_users) < 0.3
    part, rows = take_user_rows(ds, users)
    assert 0 < len(rows) < len(whole) / 2 and np.array_equal(ds.interactions.user[rows], part.interactions.user)
    np.testing.assert_array_equal(tree_features.build_features(part, learned).values, whole[rows])


def test_users_are_drawn_until_there_are_enough_rows_of_each_split(ds):
    data = ds.interactions
    chosen = sample_users(ds, 100, (TRAIN, VALID), 1)
    counts = [int((data.split[chosen[data.user]] == split).sum()) for split in (TRAIN, VALID)]
    assert all(count >= 100 for count in counts) and min(counts) < 130
    assert not np.array_equal(chosen, sample_users(ds, 100, (TRAIN, VALID), 2))
    assert sample_users(ds, 10**9, (TRAIN,), 1).all()


@pytest.mark.parametrize("most", [1, 70, 10**9])
def test_blocks_hold_every_user_once(ds, most):
    rows = np.arange(5, len(ds.interactions), 7)
    masks = list(split_into_user_blocks(ds, rows, most))
    assert (np.sum(masks, axis=0) == np.isin(np.arange(ds.interactions.n_users), ds.interactions.user[rows])).all()
    sizes = np.diff(ds.interactions.start)
    assert all(sizes[mask].sum() <= most or mask.sum() == 1 for mask in masks)
    assert len(masks) == 1 if most > 10**6 else len(masks) > 10


def test_scores_by_blocks_of_users_are_the_same_to_the_last_bit(ds, monkeypatch):
    scorer = GradientBoosting(FEW)
    scorer.fit(ds, seed=0)
    rows = np.random.default_rng(0).permutation(len(ds.interactions))[:500]
    whole = scorer.score(ds, rows)
    monkeypatch.setattr(boosting, "BLOCK", 100)
    np.testing.assert_array_equal(scorer.score(ds, rows), whole)


def test_drawn_rows_are_said_and_none_are_drawn_where_all_fit(ds):
    logs, scores = {}, {}
    for most in (None, 10**9, 300):
        scorer = GradientBoosting(FEW.model_copy(update={"max_train_rows": most}))
        logs[most] = scorer.fit(ds, seed=4)[0]
        scores[most] = scorer.score(ds, np.arange(len(ds.interactions)))
    n = [int((ds.interactions.split == split).sum()) for split in (TRAIN, VALID)]
    assert logs[None] == logs[10**9] and [logs[None]["train_rows"], logs[None]["valid_rows"]] == n
    assert "seed" not in logs[None]
    assert 300 <= logs[300]["train_rows"] < n[0] and logs[300]["seed"] == 4
    assert [logs[300]["of_train_rows"], logs[300]["of_valid_rows"]] == n
    np.testing.assert_array_equal(scores[None], scores[10**9])
    assert np.abs(scores[300] - scores[None]).max() > 0.1


def test_scorers_of_an_earlier_version_are_what_they_were():
    assert "max_train_rows" not in describe_scorer(FEW)["config"]
    assert describe_scorer(FEW.model_copy(update={"max_train_rows": 5}))["config"]["max_train_rows"] == 5
