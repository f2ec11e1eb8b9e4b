"""Values by hand, policies, and what must not change a metric."""

import time
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.ranking import (
    compute_auc,
    compute_map,
    compute_ndcg,
    compute_per_user_metrics,
    compute_tied_share,
    compute_uauc,
    describe_policies,
)

# Few distinct users and scores, so that ties, one-row users and single-class users all occur often.
ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1), st.integers(-4, 4)), min_size=1, max_size=40)


def columns(rows):
    return tuple(np.array(column) for column in zip(*rows, strict=True))


def everything(user, label, score):
    return [
        compute_auc(label, score),
        compute_uauc(user, label, score),
        compute_ndcg(user, label, score),
        compute_map(user, label, score),
        compute_map(user, label, score, denominator="min"),
    ]


def test_values_by_hand():
    user = [7] * 4
    label, score = [0, 1, 1, 0], [0.9, 0.8, 0.3, 0.1]
    assert compute_auc(label, score) == 0.5
    found = compute_per_user_metrics(user, label, score)
    assert found.auc[0] == 0.5
    assert found.ndcg[0] == pytest.approx((1 / np.log2(3) + 1 / np.log2(4)) / (1 + 1 / np.log2(3)))
    assert found.ap[0] == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_the_two_denominators_differ_only_where_a_user_has_more_than_k_liked_rows():
    label, score = [1] * 8, np.arange(8)
    assert compute_map([0] * 8, label, score, k=5) == 5 / 8
    assert compute_map([0] * 8, label, score, k=5, denominator="min") == 1.0
    assert "min(5" in describe_policies(5, "min")["map"] and "all liked" in describe_policies()["map"]


def test_equal_scores_count_their_expected_value_whatever_the_row_order():
    for label in ([1, 0], [0, 1]):
        assert compute_ndcg([0, 0], label, [0.5, 0.5]) == pytest.approx((1 + 1 / np.log2(3)) / 2)
        assert compute_map([0, 0], label, [0.5, 0.5]) == pytest.approx((1 + 1 / 2) / 2)
        assert compute_uauc([0, 0], label, [0.5, 0.5]) == 0.5
    # One of three tied places lies beyond the cut: the liked row is shown in two orders of three, at rank 1 or 2.
    assert compute_ndcg([0] * 3, [0, 0, 1], [1, 1, 1], k=2) == pytest.approx((1 + 1 / np.log2(3)) / 3)
    assert compute_map([0] * 3, [0, 0, 1], [1, 1, 1], k=2) == pytest.approx((1 + 1 / 2) / 3)


def slowly(label, score, k, denominator):
    """(NDCG@k, AP@k) of one user: the mean over all orders of the rows in which no score rises."""
    found = []
    for order in permutations(range(len(label))):
        if any(score[a] < score[b] for a, b in pairwise(order)):
            continue
        ranked = [label[row] for row in order][:k]
        gain = sum(y / np.log2(i + 2) for i, y in enumerate(ranked))
        precision = sum(y * sum(ranked[: i + 1]) / (i + 1) for i, y in enumerate(ranked))
        liked = sum(label)
        ideal = sum(1 / np.log2(i + 2) for i in range(min(k, liked)))
        divisor = liked if denominator == "all" else min(k, liked)
        found.append((gain / ideal, precision / divisor) if liked else (0.0, 0.0))
    return np.mean(found, axis=0)


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2)), min_size=2, max_size=6),
    st.integers(1, 6),
    st.sampled_from(["all", "min"]),
)
def test_ndcg_and_map_are_means_over_all_orders_of_equal_scores(rows, k, denominator):
    label, score = columns(rows)
    # Other users around, so that nothing leaks from one to the next.
    user = np.array([3, 3, *[5] * len(rows), 9, 9])
    found = compute_per_user_metrics(user, [1, 0, *label, 0, 1], [2, 2, *score, 1, 1], k=k, denominator=denominator)
    np.testing.assert_allclose((found.ndcg[1], found.ap[1]), slowly(label, score, k, denominator), rtol=1e-12)
    clash = any(label[a] != label[b] and score[a] == score[b] for a in range(len(rows)) for b in range(a))
    assert found.tied.tolist() == [True, clash, True]


def test_the_share_of_tied_users_is_over_users_with_both_classes():
    user, label = [0, 0, 1, 1, 2, 2, 3], [1, 0, 1, 0, 1, 1, 1]
    assert compute_tied_share(compute_per_user_metrics(user, label, [5, 5, 5, 6, 7, 7, 7])) == 0.5
    assert compute_tied_share(compute_per_user_metrics(user, label, range(7))) == 0
    assert np.isnan(compute_tied_share(compute_per_user_metrics([0, 1], [1, 0], [2, 2])))


def test_users_may_be_named_by_text():
    found = compute_per_user_metrics(["b", "a", "b"], [1, 0, 0], [2.0, 1.0, 1.0])
    assert found.user.tolist() == ["a", "b"]
    assert found.rows.tolist() == [1, 2]
    assert found.auc[1] == 1.0 and np.isnan(found.auc[0])


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_single_class_users_are_dropped_from_uauc(rows):
    user, label, score = columns(rows)
    rates = {u: label[user == u].mean() for u in set(user.tolist())}
    both = np.isin(user, [u for u, rate in rates.items() if 0 < rate < 1])
    if both.any():
        assert compute_uauc(user, label, score) == compute_uauc(user[both], label[both], score[both])
    else:
        assert np.isnan(compute_uauc(user, label, score))


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_one_row_users_are_dropped_from_ndcg_and_map(rows):
    user, label, score = columns(rows)
    alone = [99, 100]
    wide = (np.append(user, alone), np.append(label, [1, 0]), np.append(score, [0, 3]))
    assert compute_ndcg(*wide) == pytest.approx(compute_ndcg(user, label, score), nan_ok=True)
    assert compute_map(*wide) == pytest.approx(compute_map(user, label, score), nan_ok=True)


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_users_without_a_liked_row_count_zero(rows):
    user, label, score = columns(rows)
    before = compute_per_user_metrics(user, label, score)
    after = (np.append(user, [99, 99]), np.append(label, [0, 0]), np.append(score, [1, 2]))
    counted = int((~np.isnan(before.ndcg)).sum())
    assert compute_ndcg(*after) == pytest.approx(np.nansum(before.ndcg) / (counted + 1))
    assert compute_map(*after) == pytest.approx(np.nansum(before.ap) / (counted + 1))


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_a_monotone_transform_of_the_scores_changes_nothing(rows):
    user, label, score = columns(rows)
    np.testing.assert_array_equal(everything(user, label, score), everything(user, label, np.exp(score / 3) * 2 - 7))


@settings(deadline=None, max_examples=60)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_metric(rows, random):
    user, label, score = columns(rows)
    shuffled = list(rows)
    random.shuffle(shuffled)
    np.testing.assert_array_equal(everything(user, label, score), everything(*columns(shuffled)))


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_reversing_the_scores_mirrors_auc(rows):
    _, label, score = columns(rows)
    np.testing.assert_allclose(
        compute_auc(label, score) + compute_auc(label, -score), np.nan if label.min() == label.max() else 1.0
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_refused_by_row(bad):
    with pytest.raises(DataError, match="row 2"):
        compute_uauc([0, 0, 0], [0, 1, 1], [0.1, 0.2, bad])


@pytest.mark.parametrize(
    ("user", "label", "score", "words"),
    [
        ([0, 0], [0, 2], [0.1, 0.2], "row 1 holds 2"),
        ([0, 0], [0, np.nan], [0.1, 0.2], "row 1"),
        ([0], [0, 1], [0.1, 0.2], "users: expected shape"),
        ([0, 0], [0, 1], [0.1], "scores: expected shape"),
        ([], [], [], "no rows"),
        ([[0]], [[0]], [[0.1]], "one dimension"),
    ],
)
def test_wrong_arrays_are_refused(user, label, score, words):
    with pytest.raises(DataError, match=words):
        compute_per_user_metrics(user, label, score)


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="k is 0"):
        compute_ndcg([0, 0], [0, 1], [1, 2], k=0)
    with pytest.raises(ValueError, match="denominator"):
        compute_per_user_metrics([0, 0], [0, 1], [1, 2], denominator="some")  # pyright: ignore[reportArgumentType]


def test_one_class_over_all_rows_is_not_defined():
    assert np.isnan(compute_auc([1, 1], [0.1, 0.2]))


def test_seven_thousand_rows_take_milliseconds():
    rng = np.random.default_rng(0)
    user, label, score = rng.integers(0, 320, 7331), rng.integers(0, 2, 7331), rng.random(7331)
    took = []
    for _ in range(5):
        began = time.process_time()
        compute_per_user_metrics(user, label, score)
        took.append(time.process_time() - began)
    assert min(took) < 0.1
