"""Distances between groups: by hand, and found where planted alone."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.errors import DataError
from thinkrec.evaluate.group_distance import (
    UserPreferences,
    compute_distances,
    count_preferences,
    measure_group_distance,
)


def make_dataset(taste: float, generosity: float, users: int = 40, seed: int = 0) -> Dataset:
    """Even users like items with the keyword `a` more by `taste`, others less; they like all more by `generosity`."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        side = 0.5 if user % 2 == 0 else -0.5
        for place, item in enumerate(rng.permutation(40)[:30].tolist()):
            chance = 0.5 + side * generosity + side * taste * (1 if item < 20 else -1)
            split = "test" if place == 29 else "valid" if place == 28 else "train"
            rows.append((user, item, int(rng.random() < chance), place, split))
    frame = pl.DataFrame(rows, schema=["user_id", "item_id", "label", "timestamp", "split"], orient="row")
    items = {"item_id": list(range(40)), "title": [f"t{i}" for i in range(40)]}
    items["keywords"] = [["A"] if i < 20 else ["b"] for i in range(40)]
    return Dataset.from_tables(frame, pl.DataFrame(items))


def measure(ds: Dataset, draws: int = 200):
    preferences = count_preferences(ds, np.arange(len(ds.user_ids)), np.arange(len(ds.interactions)))
    labels = np.array([int(user) % 2 for user in ds.user_ids])
    return measure_group_distance(preferences, labels, draws=draws)[0]


def test_preferences_are_counted_per_user_and_keyword() -> None:
    ds = make_dataset(0.4, 0.0, users=4)
    rows = np.flatnonzero(ds.interactions.user != 3)
    counted = count_preferences(ds, np.array([2, 0]), rows)
    assert set(counted.keywords) == {"a", "b"} and counted.counts.shape == (2, 2)
    data, a = ds.interactions, counted.keywords.index("a")
    mine = (data.user == 2) & (data.item < 20)
    assert counted.counts[0, a] == mine.sum() and counted.likes[0, a] == data.label[mine].sum()
    assert counted.totals[1].tolist() == [30, data.label[data.user == 0].sum()]
    assert count_preferences(ds, np.array([0]), rows, most=1).counts.shape == (1, 1)
    with pytest.raises(DataError, match="no row is of a user in a group"):
        count_preferences(ds, np.array([3]), rows)


def test_distances_by_hand() -> None:
    # Two users: like rates 4/4 and 1/4 on w0, 2/4 and 2/4 on w1, w2 has too few rows of the second.
    counts, likes = np.array([[4.0, 4, 4], [4, 4, 1]]), np.array([[4.0, 2, 4], [1, 2, 0]])
    totals = np.array([[8.0, 6], [8, 3]])
    preferences = UserPreferences(["w0", "w1", "w2"], counts, likes, totals)
    rates, tastes, keywords = compute_distances(preferences, np.eye(2), min_rows=4)
    # Overall rates are .75 and .375: |.75 - .375| on w0, |0 - .375| on w1.
    assert (rates, tastes, keywords) == (pytest.approx(0.75 / 2), pytest.approx(0.375), 2)
    assert np.isnan(compute_distances(preferences, np.eye(2), min_rows=5)[0])


def test_taste_is_found_where_planted_and_generosity_is_not_taken_for_it() -> None:
    apart = measure(make_dataset(0.6, 0.0))
    assert apart["tastes"].p < 0.02 and apart["tastes"].low > apart["tastes"].random_high
    assert apart["rates"].p < 0.02
    generous = measure(make_dataset(0.0, 0.5))
    assert generous["rates"].p < 0.02 and generous["tastes"].p > 0.05
    alike = measure(make_dataset(0.0, 0.0))
    assert alike["rates"].p > 0.05 and alike["rates"].random_low <= alike["rates"].value <= alike["rates"].random_high


def test_what_cannot_be_compared_is_refused() -> None:
    ds = make_dataset(0.0, 0.0, users=4)
    preferences = count_preferences(ds, np.arange(4), np.arange(len(ds.interactions)))
    with pytest.raises(DataError, match="ask for two or more"):
        measure_group_distance(preferences, np.zeros(4, dtype=int), draws=100)
    with pytest.raises(DataError, match="lower --min-rows"):
        measure_group_distance(preferences, np.array([0, 1, 0, 1]), min_rows=500, draws=100)
