"""Means over seeds and their differences: by hand, and how often a test calls a difference real where there is none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import METRICS, BootstrapResult, bootstrap_metrics, draw_user_multiplicities
from thinkrec.evaluate.metrics.seed_means import compare_seed_means, compute_seed_mean

RNG = np.random.default_rng(0)
USER, LABEL = RNG.integers(0, 40, 800), RNG.integers(0, 2, 800)
TIMES = np.stack(list(draw_user_multiplicities(40, 100, 3))) / 40
BASE = bootstrap_metrics(USER, LABEL, LABEL + RNG.normal(size=800), draws=100, seed=3)


def run(noise: float, seed: int, draws: int = 200) -> BootstrapResult:
    scores = LABEL + np.random.default_rng(seed).normal(0, noise, len(LABEL))
    return bootstrap_metrics(USER, LABEL, scores, draws=draws, seed=1)


def made_up(values: np.ndarray) -> BootstrapResult:
    """A run whose every metric is the mean of the 40 values, one per user."""
    return replace(
        BASE, values=dict.fromkeys(METRICS, float(values.mean())), draws=dict.fromkeys(METRICS, TIMES @ values)
    )


def test_a_mean_has_users_and_seeds_apart() -> None:
    runs = [run(1.0, seed) for seed in range(3)]
    mean = compute_seed_mean(runs, "uauc")
    values = [sample.values["uauc"] for sample in runs]
    draws = np.mean([sample.draws["uauc"] for sample in runs], axis=0)
    assert mean.value == pytest.approx(np.mean(values))
    assert mean.seed_deviation == pytest.approx(np.std(values, ddof=1))
    assert mean.user_error == pytest.approx(np.std(draws, ddof=1))
    assert (mean.low, mean.high) == pytest.approx(tuple(np.quantile(draws, (0.025, 0.975))))
    assert mean.n_seeds == 3
    assert math.isnan(compute_seed_mean(runs[:1], "uauc").seed_deviation)


def test_a_difference_by_hand() -> None:
    a, b = [run(1.0, seed) for seed in range(3)], [run(1.2, 10 + seed) for seed in range(2)]
    test = compare_seed_means(a, b, "auc")
    x, y = ([sample.values["auc"] for sample in side] for side in (a, b))
    drawn = np.mean([s.draws["auc"] for s in a], axis=0) - np.mean([s.draws["auc"] for s in b], axis=0)
    users, ours, theirs = np.var(drawn, ddof=1), np.var(x, ddof=1) / 3, np.var(y, ddof=1) / 2
    assert test.difference == pytest.approx(np.mean(x) - np.mean(y))
    assert test.user_error**2 == pytest.approx(users)
    assert test.seed_error**2 == pytest.approx(ours + theirs)
    total = users + ours + theirs
    degrees = total**2 / (users**2 / 39 + ours**2 / 2 + theirs**2 / 1)
    assert test.degrees == pytest.approx(degrees)
    assert test.p_value == pytest.approx(2 * stats.t.sf(abs(test.difference) / math.sqrt(total), degrees))
    assert test.high - test.difference == pytest.approx(stats.t.ppf(0.975, degrees) * math.sqrt(total))
    assert (test.low < 0 < test.high) == (test.p_value > 0.05)
    reverse = compare_seed_means(b, a, "auc")
    assert (reverse.difference, reverse.p_value) == pytest.approx((-test.difference, test.p_value))


def test_where_nothing_differs_one_in_twenty_is_called_real_and_not_more() -> None:
    """Users, seeds, and what a seed does to single users all vary; A and B are ways of training of equal worth."""
    rng = np.random.default_rng(5)
    by_both, by_users = 0, 0
    for _ in range(400):
        sides = [[made_up(0.1 * rng.normal() + 0.3 * rng.normal(size=40)) for _ in range(3)] for _ in range(2)]
        test = compare_seed_means(sides[0], sides[1], "uauc")
        by_both += test.p_value < 0.05
        by_users += 2 * stats.norm.sf(abs(test.difference) / test.user_error) < 0.05
    assert 2 <= by_both <= 28, "400 tests of nothing: about 20 or fewer"
    assert by_users > 100, "users alone would call many of them real"


def test_a_difference_that_is_there_is_seen() -> None:
    better, worse = [run(0.5, seed) for seed in range(3)], [run(2.0, 10 + seed) for seed in range(3)]
    test = compare_seed_means(better, worse, "auc")
    assert test.p_value < 0.001 and test.low > 0


def test_equal_scores_are_no_difference_and_one_seed_leaves_its_part_out() -> None:
    a = run(1.0, 0)
    same = compare_seed_means([a], [a], "auc")
    assert (same.difference, same.p_value, same.low, same.high) == (0.0, 1.0, 0.0, 0.0)
    alone = compare_seed_means([a], [run(1.1, 7)], "auc")
    assert alone.seed_error == 0.0 and alone.error == alone.user_error and alone.degrees == pytest.approx(39)
    assert alone.n_seeds == (1, 1)


def test_what_cannot_be_compared_is_refused() -> None:
    a = run(1.0, 0)
    other = bootstrap_metrics(USER[:700], LABEL[:700], LABEL[:700] * 1.0, draws=200, seed=1)
    with pytest.raises(DataError, match="no run"):
        compare_seed_means([a], [], "auc")
    with pytest.raises(DataError, match="paired comparison"):
        compare_seed_means([a], [other], "auc")
    with pytest.raises(DataError, match="paired comparison"):
        compute_seed_mean([a, run(1.0, 1, draws=100)], "auc")


def test_what_is_not_defined_has_no_test() -> None:
    one_class = bootstrap_metrics(USER, np.ones(800, int), RNG.normal(size=800), draws=100)
    test = compare_seed_means([one_class], [one_class], "uauc")
    assert math.isnan(test.difference) and math.isnan(test.p_value)
