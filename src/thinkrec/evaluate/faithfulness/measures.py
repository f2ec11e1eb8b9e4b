"""Counts of one row behind the measures of faithfulness: cited lines beside uncited ones, and correlations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TIE = 1e-4
"""Differences of effects up to this, in logits, are ties: scores in 32 bits differ by some 1e-5 with the batch."""


@dataclass(frozen=True)
class PairedLines:
    """Cited lines of one row, each compared with the uncited line of the same label nearest in place."""

    wins: float
    """Cited lines that move the score further in their stated direction; a tie counts half."""
    gain: float
    """Sum over the pairs of how much further, in logits."""
    pairs: int
    """Cited lines with such an uncited line."""
    alone: int
    """Cited lines without one, left out."""


def compare_with_uncited(effects: np.ndarray, labels: np.ndarray, directions: np.ndarray) -> PairedLines:
    """Compare the effects (h,) of cited lines with those of uncited ones; `directions` (h,) as in `CitedLines`.

    Of two uncited lines that are equally near, each counts half. If which lines are cited has nothing to do with the
    effects, a win has the chance .5: both lines have the same label and the same direction is asked of both.

    >>> effects = np.array([0.5, 0.1, -0.3, 0.2])
    >>> labels, directions = np.array([1, 1, 0, 1]), np.array([1, 0, -1, 0])
    >>> compare_with_uncited(effects, labels, directions)
    PairedLines(wins=1.0, gain=0.4, pairs=1, alone=1)
    """
    places = np.arange(len(effects))
    wins = gain = 0.0
    pairs = alone = 0
    for line in np.flatnonzero(directions):
        others = places[(labels == labels[line]) & (directions == 0)]
        if not len(others):
            alone += 1
            continue
        distance = np.abs(others - line)
        nearest = others[distance == distance.min()]
        ahead = directions[line] * (effects[line] - effects[nearest])
        wins += float(np.where(np.abs(ahead) <= TIE, 0.5, ahead > 0).mean())
        gain += float(ahead.mean())
        pairs += 1
    return PairedLines(wins, gain, pairs, alone)


@dataclass(frozen=True)
class CorrelationTerms:
    """Sums over the lines of one row, about the row's own means; over rows they add up to a pooled correlation."""

    product: float
    first: float
    second: float


def compute_correlation_terms(first: np.ndarray, second: np.ndarray) -> CorrelationTerms:
    """Sums of (x - mean x)(y - mean y), (x - mean x)^2 and (y - mean y)^2 over the lines (h,) of one row.

    >>> compute_correlation_terms(np.array([1.0, 0.0]), np.array([3.0, 1.0]))
    CorrelationTerms(product=1.0, first=0.5, second=2.0)
    """
    if not len(first):
        return CorrelationTerms(0.0, 0.0, 0.0)
    x, y = first - first.mean(), second - second.mean()
    return CorrelationTerms(float(x @ y), float(x @ x), float(y @ y))
