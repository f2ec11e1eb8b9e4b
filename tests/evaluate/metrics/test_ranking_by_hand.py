"""A ranking that is neither symmetric nor complete above the cut, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.evaluate.metrics.ranking import compute_map, compute_ndcg, compute_per_user_metrics


def test_a_ranking_with_liked_rows_above_and_below_the_cut() -> None:
    # User 1 down the ranking: liked, not, not, liked, liked. User 2: not, liked. The rows come in another order.
    rows = [(1, 1, 0.9), (2, 1, 0.1), (1, 0, 0.7), (1, 1, 0.2), (2, 0, 0.8), (1, 0, 0.5), (1, 1, 0.3)]
    user, label, score = (np.array(column) for column in zip(*rows, strict=True))
    found = compute_per_user_metrics(user, label, score, k=3)
    assert found.user.tolist() == [1, 2]
    assert found.positives.tolist() == [3, 1]
    # AUC: of 3 x 2 pairs the first liked row wins two, the others none.
    np.testing.assert_allclose(found.auc, [2 / 6, 0])
    # DCG: rank 1 alone; ideal: ranks 1, 2, 3. User 2: rank 2; ideal: rank 1.
    np.testing.assert_allclose(found.ndcg, [1 / (1 + 1 / np.log2(3) + 1 / 2), 1 / np.log2(3)])
    # One hit at rank 1 of three liked rows; one hit at rank 2 of one.
    np.testing.assert_allclose(found.ap, [1 / 3, 1 / 2])
    assert compute_ndcg(user, label, score, 3) == pytest.approx(found.ndcg.mean())
    # At 4 the second liked row of user 1 is in: precision 2 / 4 there.
    assert compute_map(user, label, score, 4) == pytest.approx(((1 + 2 / 4) / 3 + 1 / 2) / 2)
    assert compute_map(user, label, score, 2, denominator="min") == pytest.approx((1 / 2 + 1 / 2) / 2)
