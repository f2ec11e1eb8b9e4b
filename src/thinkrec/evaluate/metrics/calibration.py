"""Calibration of probabilities: the reliability curve and the expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from thinkrec.evaluate.metrics import checks


@dataclass(frozen=True)
class ReliabilityCurve:
    """Rows grouped by predicted probability into bins of equal width; bins without rows are left out."""

    predicted: np.ndarray
    """float64 (m,): mean predicted probability in each bin."""
    observed: np.ndarray
    """float64 (m,): share of liked rows in each bin."""
    count: np.ndarray
    """int64 (m,): rows in each bin; sums to the number of rows."""
    error: float
    """Expected calibration error, 0..1."""


def compute_reliability_curve(label: ArrayLike, probability: ArrayLike, *, bins: int = 10) -> ReliabilityCurve:
    """Reliability curve and expected calibration error from (n,) labels and probabilities.

    ECE = sum_b (n_b / n) |share liked in b - mean probability in b| (Guo et al., ICML 2017). Bin b of B holds
    probabilities in [b / B, (b + 1) / B); 1.0 belongs to the last. Raises DataError naming a row outside 0..1.

    >>> curve = compute_reliability_curve([0, 1, 1, 1], [.1, .1, .9, .9], bins=2)
    >>> curve.observed, round(curve.error, 3)     # |.5 - .1| / 2 + |1 - .9| / 2
    (array([0.5, 1. ]), 0.25)
    """
    if bins < 1:
        raise ValueError(f"bins is {bins}; at least one is needed")
    y = checks.check_labels(label)
    p = checks.check_probabilities(probability, len(y))
    # Edges are computed as b / B, so that a probability such as 0.7 lands in the same bin as its written edge.
    edges = np.arange(1, bins) / bins
    bin_index = np.searchsorted(edges, p, side="right")
    count = np.bincount(bin_index, minlength=bins)
    occupied = count > 0
    count = count[occupied]
    predicted = np.bincount(bin_index, weights=p, minlength=bins)[occupied] / count
    observed = np.bincount(bin_index, weights=y, minlength=bins)[occupied] / count
    error = float((count * np.abs(observed - predicted)).sum() / len(y))
    return ReliabilityCurve(predicted, observed, count, error)


def compute_expected_calibration_error(label: ArrayLike, probability: ArrayLike, *, bins: int = 10) -> float:
    """The expected calibration error alone; see `compute_reliability_curve`."""
    return compute_reliability_curve(label, probability, bins=bins).error
