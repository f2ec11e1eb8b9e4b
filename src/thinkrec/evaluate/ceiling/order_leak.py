"""How much the earlier labels of the evaluated rows give away about UAUC, when each row may see those before it."""

from __future__ import annotations

import numpy as np


def score_by_bisection(user: np.ndarray, label: np.ndarray) -> np.ndarray:
    """float64 (n,): scores with a UAUC of 1 that know nothing but the earlier labels of the user's evaluated rows.

    Each row is put between the lowest score of the liked and the highest of the other rows before it; then, whatever
    its own label is, no pair with an earlier row of the other label is lost. `user`, `label` (n,): rows in time order.
    So UAUC of scores that may move with every label has no ceiling but 1, and is a measure of knowledge only for scores
    that do not bend away from what was just seen.

    A user with very many rows meets the end of floating point: halves of halves are then equal, and count half a win.
    """
    scores = np.zeros(len(label))
    for code in np.unique(user):
        low, high = 0.0, 1.0
        for row in np.flatnonzero(user == code):
            scores[row] = (low + high) / 2
            low, high = (low, scores[row]) if label[row] == 1 else (scores[row], high)
    return scores
