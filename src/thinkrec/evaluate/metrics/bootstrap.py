"""Bootstrap over users: draws with replacement, the same draws for every model that is compared.

A draw gives each user a multiplicity; a metric is then recomputed with every row (AUC) or user (UAUC, NDCG, MAP)
counted that often. Users are drawn rather than rows because the rows of one user are not independent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics import checks
from thinkrec.evaluate.metrics.ranking import (
    Denominator,
    PerUserMetrics,
    compute_auc,
    compute_mean,
    compute_per_user_metrics,
)

METRICS = ("auc", "uauc", "ndcg", "map")


@dataclass(frozen=True)
class BootstrapResult:
    """One model's four metrics, on the rows as they are and on every draw."""

    values: dict[str, float]
    """Metric (METRICS) -> its value on the rows as they are."""
    draws: dict[str, np.ndarray]
    """Metric -> float64 (n_draws,); NaN where a draw leaves the metric undefined."""
    per_user: PerUserMetrics
    """The per-user values behind UAUC, NDCG and MAP."""
    n_rows: int
    n_draws: int
    seed: int
    k: int
    denominator: Denominator


@dataclass(frozen=True)
class Estimate:
    """A value with its interval. The last three are None where none is known, such as for a published figure."""

    value: float
    low: float | None = None
    high: float | None = None
    error: float | None = None
    """Standard error: the standard deviation over draws."""


@dataclass(frozen=True)
class PairedDifference:
    """A difference between two models on the same draws."""

    difference: float
    low: float
    high: float
    share_above: float
    """Share of draws on which the difference is above zero, 0..1. Draws that tie exactly do not count as above."""


def draw_user_multiplicities(n_users: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Yield `draws` arrays, int64 (n_users,), each summing to n_users. Depends on nothing but the three arguments."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        yield np.bincount(rng.integers(n_users, size=n_users), minlength=n_users)


def bootstrap_metrics(
    user: ArrayLike,
    label: ArrayLike,
    score: ArrayLike,
    *,
    k: int = 5,
    denominator: Denominator = "all",
    draws: int = 1000,
    seed: int = 0,
) -> BootstrapResult:
    """All four metrics with `draws` user draws. Arguments: equal-length (n,) arrays. Raises DataError naming a bad row.

    Scores are sorted once; a draw then costs one cumulative sum over the rows.
    """
    if draws < 1:
        raise ValueError(f"draws is {draws}; at least one is needed")
    y = checks.check_labels(label)
    s = checks.check_scores(score, len(y))
    distinct, code = checks.encode_users(user, len(y))
    values = compute_per_user_metrics(user, y, s, k=k, denominator=denominator)
    weighted_auc = _WeightedAuc.from_scores(code, y, s)
    table = np.column_stack((values.auc, values.ndcg, values.ap))
    counted = (~np.isnan(table)).astype(np.float64)
    table = np.nan_to_num(table)
    out = np.empty((4, draws))
    for i, times in enumerate(draw_user_multiplicities(len(distinct), draws, seed)):
        out[0, i] = weighted_auc(times)
        total = times @ counted
        out[1:, i] = np.divide(times @ table, total, out=np.full(3, np.nan), where=total > 0)
    exact = (compute_auc(y, s), compute_mean(values.auc), compute_mean(values.ndcg), compute_mean(values.ap))
    return BootstrapResult(
        values=dict(zip(METRICS, exact, strict=True)),
        draws=dict(zip(METRICS, out, strict=True)),
        per_user=values,
        n_rows=len(y),
        n_draws=draws,
        seed=seed,
        k=k,
        denominator=denominator,
    )


def compute_interval(sample: BootstrapResult, metric: str, *, level: float = 0.95) -> Estimate:
    """Percentile interval of a metric (one of METRICS) and its standard error; undefined draws are left out."""
    return summarise_draws(sample.values[metric], sample.draws[metric], level=level)


def compute_paired_difference(
    a: BootstrapResult, b: BootstrapResult, metric: str, *, level: float = 0.95
) -> PairedDifference:
    """`a` minus `b` on the same draws. Raises DataError if the two samples are not over the same rows and draws."""
    _check_same_rows(a, b)
    return summarise_difference_draws(
        a.values[metric] - b.values[metric], a.draws[metric] - b.draws[metric], level=level
    )


def summarise_draws(value: float, draws: np.ndarray, *, level: float = 0.95) -> Estimate:
    """A value with the percentile interval and standard error of its draws, float64 (n_draws,); NaN is left out."""
    low, high = _compute_percentiles(draws, level)
    return Estimate(value, low, high, _compute_standard_error(draws))


def summarise_difference_draws(value: float, draws: np.ndarray, *, level: float = 0.95) -> PairedDifference:
    """A difference with its percentile interval and share above zero from draws, float64 (n_draws,), NaN left out."""
    defined = draws[~np.isnan(draws)]
    low, high = _compute_percentiles(draws, level)
    share = float((defined > 0).mean()) if len(defined) else float("nan")
    return PairedDifference(value, low, high, share)


@dataclass(frozen=True)
class _WeightedAuc:
    """AUC under user multiplicities, over rows sorted by score once."""

    user: np.ndarray
    """int64 (n,): user of each sorted row."""
    negative: np.ndarray
    """int64 (n,): 1 where the sorted row is not liked."""
    liked_index: np.ndarray
    """int64 (P,): positions of the liked rows among the sorted rows."""
    n_below: np.ndarray
    """int64 (P,): number of sorted rows with a strictly lower score than each liked row."""
    n_up_to: np.ndarray
    """int64 (P,): number of sorted rows with a score lower than or equal to that of each liked row."""

    @classmethod
    def from_scores(cls, code: np.ndarray, y: np.ndarray, s: np.ndarray) -> _WeightedAuc:
        by = np.argsort(s, kind="stable")
        ordered = s[by]
        liked = np.flatnonzero(y[by])
        return cls(
            user=code[by],
            negative=1 - y[by],
            liked_index=liked,
            n_below=np.searchsorted(ordered, ordered[liked], side="left"),
            n_up_to=np.searchsorted(ordered, ordered[liked], side="right"),
        )

    def __call__(self, times: np.ndarray) -> float:
        weight = times[self.user]
        negatives = np.zeros(len(weight) + 1, dtype=np.int64)
        np.cumsum(weight * self.negative, out=negatives[1:])
        weight = weight[self.liked_index]
        pairs = int(weight.sum()) * int(negatives[-1])
        # A negative below counts twice, a tied one once: the sum is an integer and half of it the number of wins.
        twice = int(weight @ (negatives[self.n_below] + negatives[self.n_up_to]))
        return twice / (2 * pairs) if pairs else float("nan")


def _compute_percentiles(draws: np.ndarray, level: float) -> tuple[float, float]:
    defined = draws[~np.isnan(draws)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def _compute_standard_error(draws: np.ndarray) -> float:
    defined = draws[~np.isnan(draws)]
    return float(defined.std(ddof=1)) if len(defined) > 1 else float("nan")


def _check_same_rows(a: BootstrapResult, b: BootstrapResult) -> None:
    for name in ("n_rows", "n_draws", "seed", "k", "denominator"):
        if getattr(a, name) != getattr(b, name):
            raise DataError(
                f"paired comparison: {name} is {getattr(a, name)} for the first model and {getattr(b, name)} for the "
                "second; score both on the same rows and draw with the same settings"
            )
    for name in ("user", "rows", "positives"):
        if not np.array_equal(getattr(a.per_user, name), getattr(b.per_user, name)):
            raise DataError(
                f"paired comparison: the two models differ in '{name}' per user; score both on the same rows and labels"
            )
