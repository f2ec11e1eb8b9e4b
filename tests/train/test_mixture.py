"""Which rows a pass takes, counted by hand on the tiny data."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.train.config import StageConfig
from thinkrec.train.mixture import (
    draw_stage_rows,
    sample_reasoning_rows,
    sample_validation_rows,
    select_rows_with_reasons,
    select_strided_rows,
)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_pass_takes_every_so_many_rows_of_each_user(tiny_dataset: Dataset, stride: int) -> None:
    data = tiny_dataset.interactions
    passes = [select_strided_rows(tiny_dataset, stride, epoch, 0) for epoch in range(stride)]
    np.testing.assert_array_equal(np.sort(np.concatenate(passes)), np.flatnonzero(data.split == TRAIN))
    for rows in passes:
        for user in range(data.n_users):
            positions = data.past.count_visible_rows(rows[data.user[rows] == user])
            assert set(np.diff(positions)) <= {stride}


@pytest.mark.parametrize(("n_rating", "share", "expected"), [(30, 0.25, 10), (10, 0.5, 10), (7, 0.0, 0), (9, 0.1, 1)])
def test_reasons_make_up_their_share_of_the_pass(n_rating: int, share: float, expected: int) -> None:
    pool = np.arange(100, 104)
    rows = sample_reasoning_rows(pool, n_rating, share, epoch=0, seed=0)
    assert len(rows) == expected
    counts = [int((rows == row).sum()) for row in pool]
    assert max(counts) - min(counts) <= 1, "none is drawn twice more often than another"
    assert len(sample_reasoning_rows(pool[:0], n_rating, share, epoch=0, seed=0)) == 0


@pytest.mark.parametrize(("own", "share"), [(None, 0.5), (0.0, 0.5), (0.75, 0.0)])
def test_a_stage_may_have_a_share_of_its_own(tiny_dataset: Dataset, own: float | None, share: float) -> None:
    stage, pool = StageConfig(train=("global",), subsample_stride=2, reason_share=own), np.arange(3)
    rating, reasoning = draw_stage_rows(tiny_dataset, pool, stage, share, 1, 0)
    np.testing.assert_array_equal(rating, select_strided_rows(tiny_dataset, 2, 1, 0))
    used = share if own is None else own
    assert len(reasoning) == round(len(rating) * used / (1 - used))
    np.testing.assert_array_equal(reasoning, sample_reasoning_rows(pool, len(rating), used, 1, 0))


def test_validation_rows_are_all_rows_of_some_users(tiny_dataset: Dataset) -> None:
    data = tiny_dataset.interactions
    rows = np.arange(len(data))
    sample = sample_validation_rows(tiny_dataset, rows, 13, 0)
    assert len(sample) <= 13
    for user in set(data.user[sample].tolist()):
        assert (data.user[sample] == user).sum() == (data.user == user).sum()
    np.testing.assert_array_equal(sample_validation_rows(tiny_dataset, rows, 1000, 0), rows)
    assert len(sample_validation_rows(tiny_dataset, rows, 1, 0)) > 0, "one user at least"


def test_only_train_rows_teach_by_their_reasons(tiny_dataset: Dataset) -> None:
    split = tiny_dataset.interactions.split
    rows = np.arange(len(split))[::-1]
    selected = select_rows_with_reasons(tiny_dataset, {int(row): "x" for row in rows})
    assert selected.tolist() == np.flatnonzero(split == TRAIN).tolist()
