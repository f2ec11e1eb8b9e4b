"""Ways of training that were run with several seeds: their means, and tests of differences between these.

A mean over seeds would be another with other users and with other seeds. Both are sources of variance, told apart here:

- users: the bootstrap of the mean over the seeds as they are. A draw of users counts for all seeds alike.
- seeds: the deviation over seeds, on the users as they are, divided by the root of their number.

The variance of a mean is the sum of both. What a seed does to some users and not to others stands in either part, so
the sum is a little too large rather than too small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import BootstrapResult, compute_paired_difference, summarise_draws


@dataclass(frozen=True)
class SeedMean:
    """One metric of one way of training."""

    value: float
    """Mean over seeds."""
    low: float | None
    """Percentile interval over draws of users, the seeds as they are."""
    high: float | None
    user_error: float
    """Standard deviation over draws of users of the mean over seeds."""
    seed_deviation: float
    """Standard deviation over seeds of one run; NaN for one seed."""
    n_seeds: int


@dataclass(frozen=True)
class MeanDifference:
    """One metric of A minus B, each a mean over its seeds, with a test that it is zero."""

    difference: float
    low: float
    """Interval over users and seeds: difference -+ t times `error`."""
    high: float
    user_error: float
    """Standard deviation of the difference over draws of users, the same draws for both."""
    seed_error: float
    """Standard error of the difference over seeds; a side with one seed adds nothing, since nothing is known of it."""
    error: float
    """Root of the sum of both squares."""
    degrees: float
    """Degrees of freedom of the test (Welch and Satterthwaite)."""
    p_value: float
    """Two-sided, of Student's t = difference / error; NaN where it is not defined."""
    n_seeds: tuple[int, int]
    """Seeds of A and of B."""


def compute_seed_mean(samples: Sequence[BootstrapResult], metric: str, *, level: float = 0.95) -> SeedMean:
    """Mean over seeds of a metric (METRICS); `samples`: one per seed, on the same rows and draws.

    Raises DataError for no sample, or for samples that are not over the same rows and draws.
    """
    values, draws = _collect_draws(samples, metric)
    estimate = summarise_draws(float(values.mean()), draws, level=level)
    user_error = math.nan if estimate.error is None else estimate.error
    deviation = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    return SeedMean(estimate.value, estimate.low, estimate.high, user_error, deviation, len(values))


def compare_seed_means(
    a: Sequence[BootstrapResult], b: Sequence[BootstrapResult], metric: str, *, level: float = 0.95
) -> MeanDifference:
    """A minus B in a metric (METRICS), tested against zero.

    t = difference / sqrt(V_users + V_a / n_a + V_b / n_b), with V_users the variance over draws of users of the
    difference of both means, and V_a, V_b the variances over seeds. Seeds of both sides are not paired: seed 0 of one
    model has nothing in common with seed 0 of another. Degrees of freedom by Welch and Satterthwaite from
    n_users - 1, n_a - 1 and n_b - 1.

    Raises DataError for a side without samples, or for samples that are not over the same rows and draws.
    """
    (x, x_draws), (y, y_draws) = _collect_draws(a, metric), _collect_draws(b, metric)
    compute_paired_difference(a[0], b[0], metric, level=level)  # refuses other rows
    difference = float(x.mean() - y.mean())
    drawn = x_draws - y_draws
    drawn = drawn[~np.isnan(drawn)]
    users = float(drawn.var(ddof=1)) if len(drawn) > 1 else math.nan
    parts = [(users, len(a[0].per_user.user) - 1)]
    parts += [(float(v.var(ddof=1)) / len(v), len(v) - 1) for v in (x, y) if len(v) > 1]
    seeds = sum(part for part, _ in parts[1:])
    error = math.sqrt(users + seeds)
    degrees = _compute_degrees(parts)
    reach = float(stats.t.ppf((1 + level) / 2, degrees)) * error if error > 0 else 0.0
    return MeanDifference(
        difference=difference,
        low=difference - reach,
        high=difference + reach,
        user_error=math.sqrt(users),
        seed_error=math.sqrt(seeds),
        error=error,
        degrees=degrees,
        p_value=_compute_p_value(difference, error, degrees),
        n_seeds=(len(x), len(y)),
    )


def _collect_draws(samples: Sequence[BootstrapResult], metric: str) -> tuple[np.ndarray, np.ndarray]:
    """(values per seed, float64 (n_seeds,); draws of their mean, float64 (n_draws,))."""
    if not samples:
        raise DataError("there is no run to take a mean over; give at least one")
    for other in samples[1:]:
        compute_paired_difference(samples[0], other, metric)  # refuses other rows
    values = np.array([sample.values[metric] for sample in samples])
    return values, np.mean([sample.draws[metric] for sample in samples], axis=0)


def _compute_degrees(parts: Sequence[tuple[float, int]]) -> float:
    """(sum V)^2 / sum(V^2 / d) of (V, d); NaN where all variances are zero or none is defined."""
    below = sum(variance**2 / degrees for variance, degrees in parts if degrees > 0)
    return sum(variance for variance, _ in parts) ** 2 / below if below > 0 else math.nan


def _compute_p_value(difference: float, error: float, degrees: float) -> float:
    if difference == 0.0 and error == 0.0:
        return 1.0  # the same scores on both sides
    if not error > 0 or not degrees > 0 or math.isnan(difference):
        return math.nan
    return float(2 * stats.t.sf(abs(difference) / error, degrees))
