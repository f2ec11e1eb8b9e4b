"""The calibration error against values by hand."""

import numpy as np
import pytest

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.calibration import compute_expected_calibration_error, compute_reliability_curve


def test_value_by_hand():
    label = [0, 0, 1, 1, 1]
    probability = [0.15, 0.15, 0.15, 0.8, 0.9]
    # Bin .1-.2: three rows, |1/3 - .15|; bin .8-.9: one row, |1 - .8|; bin .9-1: one row, |1 - .9|.
    wanted = (3 * abs(1 / 3 - 0.15) + 0.2 + 0.1) / 5
    assert compute_expected_calibration_error(label, probability) == pytest.approx(wanted)
    found = compute_reliability_curve(label, probability)
    assert found.count.tolist() == [3, 1, 1]
    np.testing.assert_allclose(found.predicted, [0.15, 0.8, 0.9])


def test_edges_belong_to_the_bin_above_and_one_to_the_last():
    found = compute_reliability_curve([0, 0, 1, 1], [0.0, 0.1, 0.7, 1.0], bins=10)
    np.testing.assert_allclose(found.predicted, [0.0, 0.1, 0.7, 1.0])


def test_probabilities_that_are_true_have_a_small_error():
    rng = np.random.default_rng(0)
    p = rng.random(50_000)
    label = (rng.random(50_000) < p).astype(int)
    assert compute_expected_calibration_error(label, p) < 0.01
    assert compute_expected_calibration_error(label, 1 - p) == pytest.approx(0.5, abs=0.02)


def test_wrong_probabilities_are_refused_by_row():
    with pytest.raises(DataError, match="row 1"):
        compute_reliability_curve([0, 1], [0.5, 1.2])
    with pytest.raises(DataError, match="row 0"):
        compute_reliability_curve([0, 1], [np.nan, 0.2])
    with pytest.raises(ValueError, match="bins"):
        compute_reliability_curve([0, 1], [0.5, 0.2], bins=0)
