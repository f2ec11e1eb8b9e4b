"""Reliability of log-odds in bins of equal mass: curve, expected calibration error, offset and slope, over draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from thinkrec.evaluate.metrics import checks
from thinkrec.evaluate.metrics.bootstrap import Estimate, draw_user_multiplicities, summarise_draws
from thinkrec.evaluate.metrics.calibration import ReliabilityCurve

SIMULATIONS = 200
"""Draws of labels behind the error that a calibrated scorer would show."""
_PART = 50
"""Draws of users whose slopes are fitted together: (50, rows) weights at a time."""
_STEPS = 25


@dataclass(frozen=True)
class Calibration:
    """How far the probabilities 1 / (1 + exp(-score)) are from the shares that were liked."""

    curve: ReliabilityCurve
    low: np.ndarray
    """float64 (m,): lower end of the interval of the share liked in each bin."""
    high: np.ndarray
    """float64 (m,): upper end."""
    error: Estimate
    """Expected calibration error; its interval is the reflected one (see `measure_calibration`)."""
    floor: float
    """The mean error of a scorer with these probabilities whose rows are liked exactly that often."""
    offset: Estimate
    """Mean probability minus like rate: above 0, likes are promised that do not come."""
    slope: Estimate
    """b of logit P(like) = a + b score: below 1 the scores are too far from zero, above 1 too near."""


def compute_probabilities(score: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-score)), without overflow.

    >>> compute_probabilities(np.array([-1000.0, 0.0]))
    array([0. , 0.5])
    """
    return 0.5 * (1 + np.tanh(np.asarray(score, dtype=np.float64) / 2))


def assign_equal_mass_bins(probability: ArrayLike, bins: int) -> np.ndarray:
    """The bin of each row, int64 (n,), 0 .. at most bins - 1 without gaps: n / bins rows each, as far as ties allow.

    Rows of equal probability are never parted, so that a constant scorer has one bin.

    >>> assign_equal_mass_bins([.4, .1, .3, .2, .2], 2)
    array([1, 0, 1, 0, 0])
    """
    if bins < 1:
        raise ValueError(f"bins is {bins}; at least one is needed")
    p = np.asarray(probability, dtype=np.float64)
    # A row belongs to the bin in which the first of its equals stands.
    place = np.searchsorted(np.sort(p), p, side="left")
    return np.unique(place * bins // max(len(p), 1), return_inverse=True)[1].reshape(-1)


def measure_calibration(
    user: ArrayLike, label: ArrayLike, score: ArrayLike, *, bins: int = 10, draws: int = 1000, seed: int = 0
) -> Calibration:
    """Calibration of (n,) log-odds, with 95 % intervals over draws of users; bins stay those of all rows.

    ECE = sum_b (n_b / n) |share liked in b - mean probability in b|, with bins of equal mass (Nixon et al., CVPR
    workshops 2019). A sum of absolute values can only grow with noise, so a draw of users has a larger error than the
    rows it is drawn from. The interval of the error is therefore the reflected one, [2 v - q(.975), 2 v - q(.025)] cut
    at 0 (Davison & Hinkley 1997, section 5.2), and `floor` says what noise alone would show. The other intervals are
    percentiles. Slope and its draws: maximum likelihood, NaN where the scores are all equal or part the labels.

    Raises DataError naming a bad row.
    """
    y = checks.check_labels(label)
    s = checks.check_scores(score, len(y))
    distinct, code = checks.encode_users(user, len(y))
    p = compute_probabilities(s)
    which = assign_equal_mass_bins(p, bins)
    tables = [
        _aggregate_by_user(code, which, values, len(distinct)) for values in (np.ones(len(y)), p, y.astype(float))
    ]
    times = np.stack(list(draw_user_multiplicities(len(distinct), draws, seed))).astype(np.float64)
    drawn = np.stack([times @ table for table in tables])
    count, predicted, observed = (table.sum(axis=0) for table in tables)
    error = float(_compute_error(count, predicted, observed))
    with np.errstate(invalid="ignore"):
        low, high = np.nanquantile(drawn[2] / drawn[0], (0.025, 0.975), axis=0)
    total = drawn[0].sum(axis=1)
    offset = (drawn[1].sum(axis=1) - drawn[2].sum(axis=1)) / total
    slopes = fit_slopes(s, y, lambda part: times[part][:, code], draws)
    return Calibration(
        ReliabilityCurve(predicted / count, observed / count, count.astype(np.int64), error),
        low,
        high,
        _compute_reflected_interval(error, _compute_error(*drawn)),
        _simulate_floor(p, which, count, predicted, seed),
        summarise_draws(float(p.mean() - y.mean()), offset),
        summarise_draws(float(fit_slopes(s, y, lambda part: np.ones((1, len(y))), 1)[0]), slopes),
    )


def fit_slopes(score: np.ndarray, label: np.ndarray, weigh: Callable[[slice], np.ndarray], draws: int) -> np.ndarray:
    """Slopes b of the weighted logistic regressions logit P(like) = a + b score, float64 (draws,), by Newton's method.

    Args:
        score: float64 (n,).
        label: int64 (n,).
        weigh: gives the weights float64 (k, n) of a slice of the draws.
        draws: number of regressions.
    """
    if not score.std() > 0:
        return np.full(draws, np.nan)
    # Scores of about unit size keep Newton's first steps short, whatever the scorer's scale; that of all rows is a
    # start close to the others.
    scale = float(score.std())
    x, out = score / scale, np.empty(draws)
    start = _fit_part(x, label, np.ones((1, len(x))), (0.0, 0.0))
    if not np.isfinite(start).all():
        start = np.zeros((2, 1))
    for first in range(0, draws, _PART):
        part = slice(first, min(first + _PART, draws))
        out[part] = _fit_part(x, label, weigh(part), (start[0, 0], start[1, 0]))[1] / scale
    return out


def _fit_part(x: np.ndarray, y: np.ndarray, weight: np.ndarray, start: tuple[float, float]) -> np.ndarray:
    """float64 (2, k): a and b of each row of weights; NaN where the labels have no finite slope."""
    a, b = (np.full(len(weight), value) for value in start)
    db = np.zeros(len(weight))
    for _ in range(_STEPS):
        p = compute_probabilities(a[:, None] + b[:, None] * x)
        residual, curvature = weight * (y - p), weight * p * (1 - p)
        g0, g1 = residual.sum(axis=1), residual @ x
        h00, h01, h11 = curvature.sum(axis=1), curvature @ x, curvature @ (x * x)
        determinant = h00 * h11 - h01 * h01
        with np.errstate(divide="ignore", invalid="ignore"):
            da, db = (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
        a, b = a + da, b + db
        if np.nanmax(np.abs(db), initial=0) < 1e-9:
            break
    # Labels that a score parts have no finite slope.
    return np.where(np.abs(db) < 1e-6, (a, b), np.nan)


def _aggregate_by_user(code: np.ndarray, which: np.ndarray, values: np.ndarray, n_users: int) -> np.ndarray:
    """float64 (n_users, m): sums of values per user and bin."""
    m = int(which.max()) + 1
    return np.bincount(code * m + which, weights=values, minlength=n_users * m).reshape(n_users, m)


def _compute_error(count: np.ndarray, predicted: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """ECE along the last axis, from the sums in each bin."""
    return np.abs(observed - predicted).sum(axis=-1) / count.sum(axis=-1)


def _simulate_floor(p: np.ndarray, which: np.ndarray, count: np.ndarray, predicted: np.ndarray, seed: int) -> float:
    rng = np.random.default_rng(seed)
    errors = []
    for _ in range(SIMULATIONS):
        liked = np.bincount(which, weights=rng.random(len(p)) < p, minlength=len(count))
        errors.append(_compute_error(count, predicted, liked))
    return float(np.mean(errors))


def _compute_reflected_interval(value: float, draws: np.ndarray) -> Estimate:
    low, high = np.quantile(draws, (0.025, 0.975))
    spread = float(draws.std(ddof=1)) if len(draws) > 1 else float("nan")
    return Estimate(value, max(0.0, float(2 * value - high)), max(0.0, float(2 * value - low)), spread)
