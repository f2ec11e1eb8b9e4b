from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from thinkrec.collab import GradientBoostingConfig
from thinkrec.collab.features import tree_features
from thinkrec.collab.features.keyword_terms import KeywordVocabulary
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.collab.gradient_boosting import TreeEnsemble
from thinkrec.data.interactions import TEST, TRAIN, VALID
from thinkrec.testing import COLD_ITEM, COLD_USERS, check_scorer, flip_labels, plant_dataset


def built(ds, **options) -> tree_features.FeatureTable:
    """The features of a data set by its own train rows."""
    return tree_features.build_features(ds, tree_features.FeatureStatistics.from_dataset(ds, **options))


def test_contract(tmp_path):
    check_scorer(GradientBoostingConfig(trees=12, n_seeds=2, lr=0.2, max_leaves=4, min_leaf_rows=10, folds=3), tmp_path)


@pytest.mark.parametrize("split", [TRAIN, VALID, TEST])
def test_features_know_nothing_of_the_row_or_what_comes_after(split):
    ds = plant_dataset()
    data = ds.interactions
    base = built(ds, folds=3).values
    for user in (2, 31, 70):
        own = np.arange(data.start[user], data.start[user + 1])
        row = own[data.split[own] == split][3]
        changed = built(flip_labels(ds, np.arange(row, own[-1] + 1)), folds=3).values
        kept = row + 1 if split == TRAIN else row
        np.testing.assert_allclose(changed[own[0] : row + 1], base[own[0] : row + 1], rtol=1e-6, atol=1e-9)
        assert not np.allclose(changed[kept:], base[kept:], equal_nan=True)


def test_features_of_test_rows_ignore_all_labels_at_or_after_them():
    ds = plant_dataset()
    data = ds.interactions
    row = int(data.start[4] - 2)
    assert data.split[row] == TEST
    later = np.flatnonzero((data.split == TEST) & (data.timestamp >= data.timestamp[row]))
    base, changed = built(ds, folds=3).values, built(flip_labels(ds, later), folds=3).values
    np.testing.assert_allclose(changed[row], base[row], rtol=1e-6, atol=1e-9)


def test_features_of_train_rows_ignore_held_out_labels():
    ds = plant_dataset()
    data = ds.interactions
    train = (data.split == TRAIN) & (data.user < COLD_USERS[0])
    changed = built(flip_labels(ds, np.flatnonzero(data.split != TRAIN)), folds=3)
    np.testing.assert_allclose(changed.values[train], built(ds, folds=3).values[train], rtol=1e-6, atol=1e-9)


def test_the_usual_year_is_that_of_train_rows():
    ds = plant_dataset()
    data, found = ds.interactions, []
    assert COLD_ITEM in data.item and COLD_ITEM not in data.item[data.split == TRAIN]
    for year in (1900, 2020):
        titles = [f"Item {i} ({1980 + i})" if i % 2 else f"Item {i}" for i in range(len(ds.items))]
        titles[COLD_ITEM] = f"Item ({year})"
        table = built(dataclasses.replace(ds, items=dataclasses.replace(ds.items, titles=titles)), folds=3)
        found.append(table.values[data.split == TRAIN, table.names.index("year_from_past")])
    np.testing.assert_array_equal(*found)


def test_labels_of_test_rows_change_no_digit_of_other_rows():
    ds = plant_dataset()
    data = ds.interactions
    others = flip_labels(ds, data.get_split_rows(TEST))
    base, changed = (built(d, folds=3).values[data.split != TEST] for d in (ds, others))
    np.testing.assert_array_equal(base, changed)
    slots = [
        SlotEncoder.from_dataset(d, None, statistics=True, votes=True, seed=3).encode_rows(d) for d in (ds, others)
    ]
    for name in ("user", "item"):
        base, changed = (getattr(one, name)[data.split != TEST] for one in slots)
        np.testing.assert_array_equal(base, changed)


def test_features_are_named_and_work_without_keywords_years_or_pauses():
    ds = plant_dataset()
    bare = dataclasses.replace(
        ds, items=dataclasses.replace(ds.items, keywords=[()] * len(ds.items), titles=["same"] * len(ds.items))
    )
    found = built(bare)
    assert found.values.shape == (len(ds.interactions), len(found.names)) and len(set(found.names)) == len(found.names)
    assert not np.isinf(found.values).any()
    rate = found.values[:, found.names.index("item_rate")]
    assert np.isfinite(rate).all() and np.unique(rate).size > 10
    vocabulary = KeywordVocabulary.from_keywords(bare.items.keywords)
    assert vocabulary.build_matrix(bare.items.keywords).shape == (
        len(ds.items),
        0,
    )


def test_a_feature_worked_by_hand():
    ds = plant_dataset()
    data = ds.interactions
    found = built(ds, folds=3)
    row = int(data.start[3] + 12)
    past = data.label[data.start[3] : row]
    column = {name: found.values[row, k] for k, name in enumerate(found.names)}
    assert column["user_rate_all"] == pytest.approx(past.mean())
    assert column["user_rate_3"] == pytest.approx(past[-3:].mean())
    assert column["last_label"] == past[-1]
    assert column["item_year"] == 1950 + data.item[row]
    words = set(ds.items.keywords[data.item[row]])
    terms = KeywordVocabulary.from_keywords(ds.items.keywords).build_matrix(ds.items.keywords)
    shared = [(terms[data.item[row]].multiply(terms[data.item[other]])).sum() for other in range(data.start[3], row)]
    assert len(words) == 3
    assert column["affinity_rate"] == pytest.approx(np.dot(shared, past) / np.sum(shared))
    assert np.isnan(found.values[data.start[3], found.names.index("user_rate_all")])


def test_trees_give_the_scores_of_scikit_learn():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5))
    x[rng.random(x.shape) < 0.1] = np.nan
    y = (np.nan_to_num(x[:, 0]) + np.isnan(x[:, 1]) + rng.normal(size=400) > 0).astype(int)
    models = [
        HistGradientBoostingClassifier(max_iter=20, random_state=seed, max_features=0.5).fit(x, y) for seed in (0, 1)
    ]
    expected = np.mean([model.decision_function(x) for model in models], axis=0)
    np.testing.assert_allclose(TreeEnsemble.from_models(models, 20).score(x), expected, rtol=1e-9, atol=1e-9)
    staged = np.mean([list(model.staged_decision_function(x))[6] for model in models], axis=0)
    np.testing.assert_allclose(TreeEnsemble.from_models(models, 7).score(x), staged, rtol=1e-9, atol=1e-9)
