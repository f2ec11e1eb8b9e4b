"""Calibration of log-odds: bins by hand, errors of known sources, intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.equal_mass import assign_equal_mass_bins, compute_probabilities, measure_calibration


def draw_rows(n: int = 6000, users: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Users, labels, and the log-odds they were drawn from."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n) * 1.5
    return rng.integers(users, size=n), (rng.random(n) < compute_probabilities(score)).astype(int), score


def test_bins_have_equal_mass_and_never_part_equal_rows() -> None:
    p = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert assign_equal_mass_bins(p, 3).tolist() == [0, 0, 1, 1, 2, 2]
    assert assign_equal_mass_bins(p[::-1], 3).tolist() == [2, 2, 1, 1, 0, 0]
    # Four equal rows begin in the first bin of three and fill two: the second bin is gone, without a gap.
    assert assign_equal_mass_bins([0.5, 0.5, 0.5, 0.5, 0.9, 0.9], 3).tolist() == [0, 0, 0, 0, 1, 1]
    assert assign_equal_mass_bins([0.5] * 5, 10).tolist() == [0] * 5
    with pytest.raises(ValueError, match="bins is 0"):
        assign_equal_mass_bins(p, 0)


def test_the_error_is_that_of_the_formula() -> None:
    score = np.array([-1.0, -1.0, 2.0, 2.0])
    result = measure_calibration([0, 1, 0, 1], [0, 1, 1, 1], score, bins=2, draws=100)
    low, high = float(compute_probabilities(np.array(-1.0))), float(compute_probabilities(np.array(2.0)))
    assert result.error.value == result.curve.error == pytest.approx((0.5 - low) / 2 + (1 - high) / 2)
    assert result.offset.value == pytest.approx((low + high) / 2 - 0.75)
    assert result.curve.count.tolist() == [2, 2] and result.curve.observed.tolist() == [0.5, 1.0]


def test_true_probabilities_show_no_more_than_noise_and_false_ones_their_fault() -> None:
    user, label, score = draw_rows()
    true = measure_calibration(user, label, score, draws=200)
    assert true.error.value < 2 * true.floor and true.error.low < true.floor
    assert abs(true.slope.value - 1) < 3 * true.slope.error and abs(true.offset.value) < 3 * true.offset.error
    sure = measure_calibration(user, label, 3 * score, draws=200)
    assert sure.slope.value == pytest.approx(true.slope.value / 3) and sure.slope.high < 0.5
    assert sure.error.low > 3 * sure.floor
    shifted = measure_calibration(user, label, score + 1, draws=200)
    assert shifted.offset.low > 0.1 and shifted.error.value == pytest.approx(shifted.offset.value, abs=0.01)
    assert shifted.slope.value == pytest.approx(true.slope.value)


def test_the_slope_is_that_of_a_logistic_regression() -> None:
    user, label, score = draw_rows(800)
    fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(score[:, None], label)
    assert measure_calibration(user, label, score, draws=100).slope.value == pytest.approx(fitted.coef_[0, 0], rel=1e-5)


def test_scores_without_a_slope_have_none() -> None:
    label, user = np.array([0, 1] * 10), np.arange(20)
    constant = measure_calibration(user, label, np.zeros(20), draws=100)
    assert np.isnan(constant.slope.value) and np.isnan(constant.slope.low) and constant.error.value == 0
    parted = measure_calibration(user, label, np.where(label == 1, 2.0, -2.0), draws=100)
    assert np.isnan(parted.slope.value)


def test_the_interval_covers_the_error_of_the_population() -> None:
    """Users differ in what they like: intervals over rows would be too narrow, those over users are not."""
    covered = 0
    rng = np.random.default_rng(1)
    for _ in range(20):
        own = rng.normal(size=60) * 0.8
        user = np.repeat(np.arange(60), 20)
        label = (rng.random(1200) < compute_probabilities(0.5 + own[user])).astype(int)
        offset = measure_calibration(user, label, np.zeros(1200), draws=200).offset
        truth = 0.5 - float(compute_probabilities(0.5 + np.random.default_rng(2).normal(size=200_000) * 0.8).mean())
        covered += offset.low <= truth <= offset.high
    assert covered >= 17


def test_wrong_rows_are_refused() -> None:
    with pytest.raises(DataError, match="labels: row 1"):
        measure_calibration([0, 0], [0, 2], [0.1, 0.2])
    with pytest.raises(DataError, match="row 0 is nan"):
        measure_calibration([0, 0], [0, 1], [np.nan, 0.2])
