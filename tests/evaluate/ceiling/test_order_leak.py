"""Earlier labels alone give a UAUC of 1."""

from __future__ import annotations

import numpy as np

from thinkrec.evaluate.ceiling.order_leak import score_by_bisection
from thinkrec.evaluate.metrics.ranking import compute_uauc


def test_scores_that_know_no_item_order_every_user_perfectly() -> None:
    rng = np.random.default_rng(0)
    user, label = np.repeat(np.arange(30), 20), rng.integers(2, size=600)
    assert compute_uauc(user, label, score_by_bisection(user, label)) == 1.0


def test_a_score_does_not_depend_on_its_own_label() -> None:
    user, label = np.zeros(8, dtype=int), np.array([1, 0, 0, 1, 1, 0, 1, 0])
    for row in range(8):
        other = label.copy()
        other[row:] = 1 - other[row:]
        assert score_by_bisection(user, other)[row] == score_by_bisection(user, label)[row]
