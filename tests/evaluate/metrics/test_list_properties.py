"""Coverage, novelty and diversity by hand."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.evaluate.metrics.list_properties import (
    compute_coverage,
    compute_diversity,
    compute_item_information,
    compute_novelty,
)


def test_coverage_counts_an_item_once() -> None:
    assert compute_coverage([np.array([3, 4]), np.array([4, 3])], 8) == 0.25
    assert compute_coverage([], 8) == 0.0


def test_what_few_met_is_news() -> None:
    information = compute_item_information(np.array([1, 0]), 3)
    assert information == pytest.approx([1.0, 2.0])
    assert compute_novelty([np.array([0, 1]), np.array([], dtype=int)], information) == pytest.approx(
        [1.5, np.nan], nan_ok=True
    )


def test_equal_items_are_no_choice() -> None:
    words = [("sea", "war"), ("sea", "war"), ("sea", "moss"), (), ()]
    lists = [np.array([0, 1]), np.array([0, 2]), np.array([0, 3]), np.array([3, 4]), np.array([0])]
    assert compute_diversity(lists, words) == pytest.approx([0.0, 2 / 3, 1.0, np.nan, np.nan], nan_ok=True)
