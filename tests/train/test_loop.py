"""The training loop and the mixture of rows."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.data.interactions import TRAIN
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import _compute_learning_rate
from thinkrec.train.mixture import (
    sample_reasoning_rows,
    sample_validation_rows,
    select_rows_with_reasons,
    select_strided_rows,
    write_rule_reasons,
)

DS = simulate_catalogue(SimulatorConfig(users=40, items=80, interactions_per_user=(8, 20)), 11).dataset
TRAIN_ROWS = np.flatnonzero(DS.interactions.split == TRAIN)


@pytest.mark.parametrize("stride", [1, 3, 7])
def test_stride_passes_see_every_train_row_once(stride: int) -> None:
    passes = [select_strided_rows(DS, stride, epoch, seed=4) for epoch in range(stride)]
    np.testing.assert_array_equal(np.sort(np.concatenate(passes)), TRAIN_ROWS)


def test_reasoning_rows_make_up_their_share_and_repeat_evenly() -> None:
    pool = np.array([3, 5, 8, 13])
    rows = sample_reasoning_rows(pool, 80, 0.2, epoch=0, seed=1)
    assert len(rows) == 20  # 20 of 100
    assert set(np.unique(rows, return_counts=True)[1]) == {5}
    assert not np.array_equal(rows, sample_reasoning_rows(pool, 80, 0.2, epoch=1, seed=1))
    assert len(sample_reasoning_rows(pool, 80, 0.0, 0, 1)) == 0
    assert len(sample_reasoning_rows(np.zeros(0, dtype=int), 80, 0.2, 0, 1)) == 0


def test_rule_reasons_only_where_the_teacher_agrees_with_the_label() -> None:
    reasons = write_rule_reasons(DS, TRAIN_ROWS, 10, seed=0)
    assert 0.5 < len(reasons) / len(TRAIN_ROWS) < 1.0
    for row, text in reasons.items():
        assert text.startswith("Yes." if DS.interactions.label[row] else "No.")
    np.testing.assert_array_equal(select_rows_with_reasons(DS, reasons), np.sort(list(reasons)))


def test_validation_rows_are_whole_users() -> None:
    rows = DS.interactions.get_split_rows(1)
    kept = sample_validation_rows(DS, rows, len(rows) // 2, seed=0)
    assert 0 < len(kept) <= len(rows) // 2
    users = np.unique(DS.interactions.user[kept])
    np.testing.assert_array_equal(kept, rows[np.isin(DS.interactions.user[rows], users)])
    np.testing.assert_array_equal(sample_validation_rows(DS, rows, 10**6, seed=0), rows)


def test_rate_warms_up_and_ends_near_zero() -> None:
    config = StageConfig(train=("global",), lr=1.0, warmup_steps=10)
    rates = [_compute_learning_rate(step, 100, config) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] < 0.001
    assert max(_compute_learning_rate(step, 10, config) for step in range(10)) == pytest.approx(
        1.0
    )  # warm-up is cut for short stages
