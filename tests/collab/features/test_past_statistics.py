from __future__ import annotations

import numpy as np
import pytest

from thinkrec.collab.features.past_statistics import (
    ItemStatistics,
    assign_row_tables,
    assign_user_folds,
    compute_past_residual,
    compute_user_log_count,
    compute_user_logit,
    count_past_likes,
)
from thinkrec.data.interactions import TEST, TRAIN, VALID
from thinkrec.testing import flip_labels, plant_dataset


def item_logit(ds, rows, folds=10, seed=0, strength=5.0):
    """The logit of each row's item from the table that the row reads, and its ln(1 + count)."""
    found = ItemStatistics.from_dataset(ds, folds=folds, seed=seed, strength=strength)
    place = (
        assign_row_tables(ds, rows, assign_user_folds(ds.interactions.n_users, folds, seed), folds),
        ds.interactions.item[rows],
    )
    return found.logit[place], found.log_count[place]


def test_folds_are_even_and_seeded():
    folds = assign_user_folds(23, 5, seed=3)
    assert sorted(np.bincount(folds)) == [4, 4, 5, 5, 5]
    np.testing.assert_array_equal(folds, assign_user_folds(23, 5, seed=3))
    assert not np.array_equal(folds, assign_user_folds(23, 5, seed=4))


@pytest.mark.parametrize("split", [TRAIN, VALID, TEST])
def test_item_logit_by_hand(split):
    ds = plant_dataset()
    data = ds.interactions
    rows = data.get_split_rows(split)[::50]
    fold = assign_user_folds(data.n_users, 4, 7)
    found, counts = item_logit(ds, rows, folds=4, seed=7, strength=3.0)
    for row, value, log_count in zip(rows, found, counts, strict=True):
        used = data.split == TRAIN
        if split == TRAIN:
            used = used & (fold[data.user] != fold[data.user[row]])
        mean = (data.label[used].sum() + 1) / (used.sum() + 2)
        own = data.label[used & (data.item == data.item[row])]
        rate = (own.sum() + 3 * mean) / (len(own) + 3)
        assert value == pytest.approx(np.log(rate / (1 - rate)))
        assert log_count == pytest.approx(np.log1p(len(own) * (data.split == TRAIN).sum() / used.sum()))


def test_no_label_of_the_own_user_is_in_a_train_rows_item_logit():
    ds = plant_dataset()
    train = ds.interactions.get_split_rows(TRAIN)
    own = train[ds.interactions.user[train] == 9]
    changed = flip_labels(ds, own)
    np.testing.assert_array_equal(item_logit(changed, own)[0], item_logit(ds, own)[0])
    assert not np.array_equal(item_logit(changed, train)[0], item_logit(ds, train)[0])


def test_held_out_labels_are_in_no_item_logit():
    ds = plant_dataset()
    rows = np.arange(len(ds.interactions))
    changed = flip_labels(ds, np.flatnonzero(ds.interactions.split != TRAIN))
    np.testing.assert_array_equal(item_logit(changed, rows)[0], item_logit(ds, rows)[0])


def test_user_statistics_by_hand():
    ds = plant_dataset()
    data = ds.interactions
    rows = np.array([data.start[4], data.start[4] + 1, data.start[4] + 20])
    past = data.label[data.start[4] : rows[2]]
    likes, count = count_past_likes(ds, rows)
    assert count.tolist() == [0, 1, 20] and likes.tolist() == [0, data.label[rows[0]], past.sum()]
    assert count_past_likes(ds, rows, last=5)[0][2] == past[-5:].sum()
    rate = (past[-5:].sum() + 2 * 0.5) / 7
    assert compute_user_logit(ds, rows, last=5, mean=0.5)[2] == pytest.approx(np.log(rate / (1 - rate)))
    assert compute_user_logit(ds, rows, mean=0.5)[0] == pytest.approx(0.0)
    np.testing.assert_allclose(compute_user_log_count(ds, rows), np.log1p([0, 1, 20]))


def test_user_statistics_end_before_the_row():
    ds = plant_dataset()
    row = int(ds.interactions.start[6] + 10)
    changed = flip_labels(ds, np.arange(row, ds.interactions.start[7]))
    for last in (None, 3):
        before = compute_user_logit(ds, np.array([row]), last=last, mean=0.5)
        np.testing.assert_array_equal(compute_user_logit(changed, np.array([row]), last=last, mean=0.5), before)


def test_excess_is_generosity_beyond_what_items_promise():
    ds = plant_dataset()
    data = ds.interactions
    first = int(data.start[4])
    expected = np.linspace(0.1, 0.9, len(data))
    found, recent = compute_past_residual(ds, expected), compute_past_residual(ds, expected, 4)
    surplus = data.label - expected
    assert found[first] == 0
    assert found[first + 1] == pytest.approx(surplus[first] / 4)
    assert found[first + 20] == pytest.approx(surplus[first : first + 20].sum() / 23)
    assert recent[first + 20] == pytest.approx(surplus[first + 16 : first + 20].sum() / 7)
    changed = compute_past_residual(flip_labels(ds, np.arange(first + 20, data.start[5])), expected)
    np.testing.assert_array_equal(changed[first : first + 21], found[first : first + 21])
    assert changed[first + 21] != found[first + 21]
