"""How well one reason cites what moved the score of its row, as a number by which reasons of a row are compared."""

from __future__ import annotations

import math

import numpy as np

from thinkrec.evaluate.faithfulness.cited_lines import CitedLines
from thinkrec.evaluate.faithfulness.measures import TIE, compute_correlation_terms
from thinkrec.score.deciding_lines import compute_strengths
from thinkrec.score.line_effects import LineEffects


def compute_agreement(effects: LineEffects, lines: CitedLines) -> float:
    """Correlation, over a row's history lines, of being cited with moving the score, from -1 to 1.

    Cited: 1 with the side of the line's own label, -1 with the other one, 0 not at all. Moving the score: how far the
    line moves it the way its label says (`compute_strengths`). So likes are not better to cite than dislikes, weak
    lines are worse than strong ones, and so is to leave strong ones out. NaN where a reason cites no line or all of
    them alike, and where no two effects differ by more than TIE.

    >>> effects = LineEffects(0.0, np.arange(4), np.array([1, 1, 0, 0]), np.array([0.8, 0.0, -0.8, 0.0]), np.zeros(4))
    >>> compute_agreement(effects, CitedLines(np.array([1, 0, -1, 0])))
    1.0
    >>> compute_agreement(effects, CitedLines(np.array([0, 1, 0, -1])))
    -1.0
    >>> compute_agreement(effects, CitedLines(np.array([1, 1, -1, -1])))
    nan
    """
    strengths = compute_strengths(effects)
    if not len(strengths) or np.ptp(strengths) <= TIE:
        return math.nan
    terms = compute_correlation_terms(lines.directions * (2 * effects.labels.astype(np.float64) - 1), strengths)
    spread = math.sqrt(terms.first * terms.second)
    return terms.product / spread if spread > 0 else math.nan
