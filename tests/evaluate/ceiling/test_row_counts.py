"""Users with few and with many rows apart."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.evaluate.ceiling.row_counts import measure_row_counts


def test_users_are_grouped_by_their_rows() -> None:
    user = np.repeat([0, 1, 2, 3], [2, 4, 6, 3])
    label = np.array([1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1])
    score = np.array([0.9, 0.1, 0.1, 0.9, 0.5, 0.2, 6, 5, 4, 3, 2, 1, 1, 2, 3], dtype=float)
    few, many = measure_row_counts(user, label, score, edges=(2, 5, 10))
    assert (few.low, few.high, few.users) == (2, 4, 2)  # the user without dislikes has no AUC
    assert few.uauc == pytest.approx((1 + 0) / 2)
    assert few.error == pytest.approx(np.std([1, 0], ddof=1) / np.sqrt(2))
    assert (many.low, many.high, many.users, many.uauc) == (5, 9, 1, 1.0)
    assert np.isnan(many.error)
