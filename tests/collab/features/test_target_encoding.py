"""Target encodings of items by hand: cross-fitted, drawn towards the mean, and the same for data that come later."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.collab.features.past_statistics import assign_user_folds
from thinkrec.collab.features.target_encoding import TargetEncoder
from thinkrec.data.interactions import TRAIN
from thinkrec.testing import plant_dataset

FOLDS, SEED = 3, 5


@pytest.fixture(scope="module")
def fitted():
    ds = plant_dataset()
    return ds, TargetEncoder.from_dataset(ds, folds=FOLDS, seed=SEED, keyword_strength=10.0)


@pytest.mark.parametrize("table", range(FOLDS + 1))
def test_term_rates_and_their_aggregates_by_hand(fitted, table: int) -> None:
    ds, encoder = fitted
    data = ds.interactions
    fold = assign_user_folds(data.n_users, FOLDS, SEED)
    used = (data.split == TRAIN) & (fold[data.user] != table)
    assert used.sum() < (data.split == TRAIN).sum() or table == FOLDS
    item, label = data.item[used], data.label[used]
    mean = (label.sum() + 1) / (len(label) + 2)
    matrix = encoder.terms.build_matrix(ds.items.keywords).toarray() > 0
    rates = [
        (label[matrix[item, term]].sum() + 20 * mean) / (matrix[item, term].sum() + 20)
        for term in range(matrix.shape[1])
    ]
    np.testing.assert_allclose(encoder.term_rates[table], rates)
    for code in range(0, len(ds.items), 7):
        own = np.array(rates)[matrix[code]]
        expected = [own.mean(), own.min(), own.max()] if len(own) else [np.nan] * 3
        np.testing.assert_allclose(encoder.items.targets[table, code], expected)
        likes, count = label[item == code].sum(), (item == code).sum()
        guess = 1 / (1 + np.exp(-encoder.items.keywords[table, code]))
        rate = (likes + 20 * guess) / (count + 20)
        assert encoder.items.best[table, code] == pytest.approx(np.log(rate / (1 - rate)))


def test_a_train_row_reads_the_table_without_its_user(fitted) -> None:
    ds, encoder = fitted
    data = ds.interactions
    rows = np.arange(len(data))
    fold = assign_user_folds(data.n_users, FOLDS, SEED)
    expected = np.where(data.split == TRAIN, fold[data.user], FOLDS)
    np.testing.assert_array_equal(encoder.find_row_tables(ds, rows), expected)
    assert encoder.n_folds == FOLDS


def test_arrays_bring_it_back(fitted) -> None:
    ds, encoder = fitted
    again = TargetEncoder.from_arrays(encoder.to_arrays(), encoder.ids)
    assert again.terms == encoder.terms
    for name in ("rate", "log_count", "keywords", "best", "targets"):
        np.testing.assert_array_equal(getattr(again.encode_items(ds), name), getattr(encoder.encode_items(ds), name))
    with pytest.raises(KeyError, match="weights"):
        TargetEncoder.from_arrays({k: v for k, v in encoder.to_arrays().items() if k != "weights"}, encoder.ids)
