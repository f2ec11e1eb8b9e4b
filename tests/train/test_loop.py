"""The training loop and the mixture of rows."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.data.interactions import TRAIN
from thinkrec.simulate.simulator import WorldConfig, simulate
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import _rate
from thinkrec.train.mixture import reason_pool, reasoning_rows, rule_reasons, strided_rows, validation_rows

DS = simulate(WorldConfig(users=40, items=80, rows_per_user=(8, 20)), 11).dataset
TRAIN_ROWS = np.flatnonzero(DS.interactions.split == TRAIN)


@pytest.mark.parametrize("stride", [1, 3, 7])
def test_stride_passes_see_every_train_row_once(stride: int) -> None:
    passes = [strided_rows(DS, stride, epoch, seed=4) for epoch in range(stride)]
    np.testing.assert_array_equal(np.sort(np.concatenate(passes)), TRAIN_ROWS)


def test_reasoning_rows_make_up_their_share_and_repeat_evenly() -> None:
    pool = np.array([3, 5, 8, 13])
    rows = reasoning_rows(pool, 80, 0.2, epoch=0, seed=1)
    assert len(rows) == 20  # 20 of 100
    assert set(np.unique(rows, return_counts=True)[1]) == {5}
    assert not np.array_equal(rows, reasoning_rows(pool, 80, 0.2, epoch=1, seed=1))
    assert len(reasoning_rows(pool, 80, 0.0, 0, 1)) == 0
    assert len(reasoning_rows(np.zeros(0, dtype=int), 80, 0.2, 0, 1)) == 0


def test_rule_reasons_only_where_the_teacher_agrees_with_the_label() -> None:
    reasons = rule_reasons(DS, TRAIN_ROWS, 10, seed=0)
    assert 0.5 < len(reasons) / len(TRAIN_ROWS) < 1.0
    for row, text in reasons.items():
        assert text.startswith("Yes." if DS.interactions.label[row] else "No.")
    np.testing.assert_array_equal(reason_pool(DS, reasons), np.sort(list(reasons)))


def test_validation_rows_are_whole_users() -> None:
    rows = DS.interactions.rows(1)
    kept = validation_rows(DS, rows, len(rows) // 2, seed=0)
    assert 0 < len(kept) <= len(rows) // 2
    users = np.unique(DS.interactions.user[kept])
    np.testing.assert_array_equal(kept, rows[np.isin(DS.interactions.user[rows], users)])
    np.testing.assert_array_equal(validation_rows(DS, rows, 10**6, seed=0), rows)


def test_rate_warms_up_and_ends_near_zero() -> None:
    config = StageConfig(train=("global",), lr=1.0, warmup=10)
    rates = [_rate(step, 100, config) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] < 0.001
    assert max(_rate(step, 10, config) for step in range(10)) == pytest.approx(1.0)  # warm-up is cut for short stages
