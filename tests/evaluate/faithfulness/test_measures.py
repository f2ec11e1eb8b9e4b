"""Pairs of cited and uncited lines, and correlations, by hand."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from thinkrec.evaluate.faithfulness import measures
from thinkrec.evaluate.faithfulness.measures import compare_with_uncited, compute_correlation_terms


def test_examples_hold() -> None:
    assert doctest.testmod(measures).failed == 0


@pytest.mark.parametrize(
    ("effects", "labels", "directions", "wins", "gain", "pairs", "alone"),
    [
        # Two uncited likes are equally near the second line: one is beaten, one is not.
        ([0.5, 0.3, 0.1], [1, 1, 1], [0, 1, 0], 0.5, 0.0, 1, 0),
        # The nearest counts, not the one that would be beaten.
        ([0.0, 0.5, 0.3], [1, 1, 1], [0, 0, 1], 0.0, -0.2, 1, 0),
        # Against: more negative wins.
        ([-0.6, -0.1], [0, 0], [-1, 0], 1.0, 0.5, 1, 0),
        # A false side: the like is said to speak against, and speaks for.
        ([0.6, 0.1], [1, 1], [-1, 0], 0.0, -0.5, 1, 0),
        # Ties count half, also those of rounding.
        ([0.2, 0.20005], [1, 1], [1, 0], 0.5, -0.00005, 1, 0),
        # No uncited line of the label.
        ([0.6, 0.1, 0.3], [1, 1, 0], [1, 1, 0], 0.0, 0.0, 0, 2),
        ([], [], [], 0.0, 0.0, 0, 0),
    ],
)
def test_pairs(effects, labels, directions, wins, gain, pairs, alone) -> None:
    found = compare_with_uncited(np.array(effects), np.array(labels), np.array(directions))
    assert (found.wins, found.pairs, found.alone) == (wins, pairs, alone)
    assert found.gain == pytest.approx(gain)


def test_a_citation_that_knows_nothing_wins_half_of_the_time() -> None:
    rng, wins, pairs = np.random.default_rng(0), 0.0, 0
    for _ in range(3000):
        labels = rng.integers(0, 2, size=8)
        # Likes speak for, dislikes against, as in any model that reads labels.
        effects = (2 * labels - 1) * rng.exponential(size=8)
        directions = np.where(rng.random(8) < 0.4, 2 * labels - 1, 0)
        found = compare_with_uncited(effects, labels, directions)
        wins, pairs = wins + found.wins, pairs + found.pairs
    assert wins / pairs == pytest.approx(0.5, abs=0.02)


def test_correlation_terms_are_about_the_rows_own_means() -> None:
    found = compute_correlation_terms(np.array([1.0, 0.0, -1.0]), np.array([5.0, 2.0, 2.0]))
    assert (found.product, found.first, found.second) == (3.0, 2.0, 6.0)
    empty = compute_correlation_terms(np.zeros(0), np.zeros(0))
    assert (empty.product, empty.first, empty.second) == (0.0, 0.0, 0.0)
