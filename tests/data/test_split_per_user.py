"""Splits per user and at random: who lies where, seeds, and that no test label is seen by training."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from thinkrec.collab import GradientBoosting, ItemBaseline
from thinkrec.collab.mf import MF
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, TRAIN
from thinkrec.data.split import ByDates, ByLast, ByRandom, assign_split


def build(split, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    n = 400
    rows = pl.DataFrame(
        {
            "user_id": rng.integers(0, 20, n),
            "item_id": rng.integers(0, 30, n),
            "label": rng.integers(0, 2, n),
            "timestamp": rng.integers(10**9, 2 * 10**9, n),
        }
    )
    items = pl.DataFrame({"item_id": range(30), "title": [f"t{i}" for i in range(30)]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Dataset.from_tables(rows, items, split=split, duplicates="keep")


def test_last_takes_the_last_rows_of_each_user() -> None:
    table = build(ByLast(valid=2, test=1)).interactions
    for user in range(table.n_users):
        split = table.split[table.start[user] : table.start[user + 1]]
        assert split.tolist() == [0] * (len(split) - 3) + [1, 1, 2]


def test_short_users_train_and_later_training_is_said() -> None:
    frame = pl.DataFrame(
        {"user_id": [1, 1, 2, 2, 2, 3, 3, 3], "timestamp": [1, 2, 1, 2, 3, 7, 8, 9], "order": range(8)}
    )
    with pytest.warns(match="1 user has too few rows|20% of the train|of the train rows come after"):
        out = assign_split(frame, ByLast())
    assert out["split"].to_list() == ["train", "train", "train", "valid", "test", "train", "valid", "test"]


def test_random_follows_its_seed() -> None:
    one, same, other = (build(ByRandom(seed=seed)).interactions.split for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert (one == TEST).sum() == 40


def test_rest_is_cut_in_half_in_order() -> None:
    from datetime import UTC, datetime

    frame = pl.DataFrame({"user_id": [1] * 6, "timestamp": [0, 10, 10, 10, 10, 10], "order": range(6)})
    out = assign_split(frame, ByDates(valid_from=datetime.fromtimestamp(5, UTC), test_from=None))
    assert out["split"].to_list() == ["train", "valid", "valid", "valid", "test", "test"]


@pytest.mark.parametrize("split", [ByLast(valid=2, test=2), ByRandom(), ByRandom(per_user=True, test=0.2)])
def test_no_test_label_reaches_training(split) -> None:
    ds = build(split)
    table = ds.interactions
    flipped = replace(
        ds, interactions=replace(table, label=np.where(table.split == TEST, 1 - table.label, table.label))
    )
    train = np.flatnonzero(table.split == TRAIN)
    for scorer in (ItemBaseline, GradientBoosting, MF):
        scores = []
        for data in (ds, flipped):
            fitted = scorer()
            fitted.fit(data, seed=0)
            scores.append(fitted.score(data, train))
        assert np.array_equal(*scores), scorer.__name__
