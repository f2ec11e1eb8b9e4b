"""Draws: deterministic, shared by all models, and equal to a metric on rows that are really repeated."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import (
    METRICS,
    bootstrap_metrics,
    compute_interval,
    compute_paired_difference,
    draw_user_multiplicities,
    summarise_draws,
)
from thinkrec.evaluate.metrics.ranking import compute_auc, compute_map, compute_ndcg, compute_uauc


def made_up(seed=0, users=40, n=600):
    rng = np.random.default_rng(seed)
    user = rng.integers(0, users, n)
    label = rng.integers(0, 2, n)
    return user, label, label + rng.normal(0, 1.5, n).round(1)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_a_draw_equals_the_metric_on_repeated_users(seed):
    rng = np.random.default_rng(seed)
    user, label, score = rng.integers(0, 6, 30), rng.integers(0, 2, 30), rng.integers(0, 5, 30)
    user = np.unique(user, return_inverse=True)[1]
    found = bootstrap_metrics(user, label, score, draws=3, seed=seed)
    for i, times in enumerate(draw_user_multiplicities(user.max() + 1, 3, seed)):
        # Each copy of a user is a user of its own.
        rows = [(u * 100 + c, y, s) for u, y, s in zip(user, label, score, strict=True) for c in range(times[u])]
        u, y, s = (np.array(column) for column in zip(*rows, strict=True))
        wanted = {
            "auc": compute_auc(y, s),
            "uauc": compute_uauc(u, y, s),
            "ndcg": compute_ndcg(u, y, s),
            "map": compute_map(u, y, s),
        }
        for metric, value in wanted.items():
            assert found.draws[metric][i] == pytest.approx(value, abs=1e-12, nan_ok=True)


def test_draws_depend_on_the_seed_alone_and_keep_the_number_of_users():
    first, again = list(draw_user_multiplicities(50, 4, 3)), list(draw_user_multiplicities(50, 4, 3))
    np.testing.assert_array_equal(first, again)
    assert all(times.sum() == 50 for times in first)
    assert not np.array_equal(first, list(draw_user_multiplicities(50, 4, 4)))


def test_intervals_hold_the_value_and_shrink_with_more_users():
    few = bootstrap_metrics(*made_up(users=20), draws=400)
    many = bootstrap_metrics(*made_up(users=300, n=9000), draws=400)
    for metric in METRICS:
        one, two = compute_interval(few, metric), compute_interval(many, metric)
        assert one.low is not None and one.high is not None and one.error is not None and two.error is not None
        assert one.low < one.value < one.high
        assert two.error < one.error
        assert one.high - one.low == pytest.approx(4 * one.error, rel=0.3)


def test_a_better_model_is_ahead_and_pairing_narrows_the_difference():
    user, label, score = made_up()
    worse = bootstrap_metrics(user, label, score + np.random.default_rng(1).normal(0, 2, len(score)))
    better = bootstrap_metrics(user, label, score)
    found, mirrored = compute_paired_difference(better, worse, "auc"), compute_paired_difference(worse, better, "auc")
    assert found.difference > 0 and found.share_above > 0.95 and found.low < found.difference < found.high
    assert mirrored.difference == -found.difference and mirrored.low == pytest.approx(-found.high)
    assert (better.draws["auc"] - worse.draws["auc"]).std() < np.hypot(
        better.draws["auc"].std(), worse.draws["auc"].std()
    )


def test_a_model_is_not_ahead_of_itself():
    sample = bootstrap_metrics(*made_up(), draws=50)
    pair = compute_paired_difference(sample, sample, "map")
    assert (pair.difference, pair.low, pair.high, pair.share_above) == (0, 0, 0, 0)


def test_samples_over_other_rows_or_draws_are_not_paired():
    user, label, score = made_up()
    sample = bootstrap_metrics(user, label, score, draws=5)
    with pytest.raises(DataError, match="seed"):
        compute_paired_difference(sample, bootstrap_metrics(user, label, score, draws=5, seed=1), "auc")
    with pytest.raises(DataError, match="n_rows"):
        compute_paired_difference(sample, bootstrap_metrics(user[1:], label[1:], score[1:], draws=5), "auc")
    with pytest.raises(DataError, match="positives"):
        compute_paired_difference(sample, bootstrap_metrics(user, 1 - label, score, draws=5), "auc")


def test_undefined_draws_are_left_out():
    sample = bootstrap_metrics([0, 0, 1, 1], [0, 1, 1, 1], [1, 2, 3, 4], draws=200)
    assert np.isnan(sample.draws["uauc"]).any()
    assert compute_interval(sample, "uauc").low == 1.0
    only = bootstrap_metrics([0, 0], [1, 1], [1, 2], draws=5)
    assert np.isnan(compute_interval(only, "auc").value) and np.isnan(
        compute_paired_difference(only, only, "auc").share_above
    )


def test_a_thousand_draws_over_the_ml1m_test_size_take_less_than_three_seconds():
    user, label, score = made_up(users=320, n=7331)
    began = time.process_time()
    bootstrap_metrics(user, label, score, draws=1000)
    assert time.process_time() - began < 3


def test_no_draws_are_refused():
    with pytest.raises(ValueError, match="draws is 0"):
        bootstrap_metrics([0, 0], [0, 1], [1, 2], draws=0)


def test_an_interval_leaves_out_half_of_the_rest_on_each_side():
    found = summarise_draws(0.5, np.arange(101) / 100, level=0.9)
    assert (found.low, found.high) == (pytest.approx(0.05), pytest.approx(0.95))
    assert found.error == pytest.approx(np.std(np.arange(101) / 100, ddof=1))
