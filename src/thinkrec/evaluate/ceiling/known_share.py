"""UAUC as a function of how much of what moves a user's opinions is known, on the row counts of a split."""

from __future__ import annotations

import numpy as np

from thinkrec.evaluate.metrics.ranking import compute_uauc


def simulate_uauc(
    user: np.ndarray, label: np.ndarray, share: float, *, draws: int = 20, seed: int = 0
) -> tuple[float, float]:
    """Mean and standard deviation over draws of the UAUC of somebody who knows a share of what decides.

    Within a user z = sqrt(share) s + sqrt(1 - share) e with independent standard normal s and e; the user's likes are
    the rows with the largest z, as many as in `label`; s is what is known. Between users nothing is assumed, since UAUC
    does not compare them. `user`, `label` (n,): only the numbers of rows and likes of each user count.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; it is between 0 and 1")
    _, code = np.unique(user, return_inverse=True)
    likes = np.bincount(code, weights=label)
    start = np.cumsum(np.bincount(code)) - np.bincount(code)
    rng, values = np.random.default_rng(seed), []
    owner = np.sort(code)
    for _ in range(draws):
        known, hidden = rng.standard_normal((2, len(owner)))
        total = np.sqrt(share) * known + np.sqrt(1 - share) * hidden
        rank = np.empty(len(owner), dtype=np.int64)
        rank[np.lexsort((-total, owner))] = np.arange(len(owner))
        values.append(compute_uauc(owner, (rank - start[owner] < likes[owner]).astype(np.int64), known))
    return float(np.mean(values)), float(np.std(values))


def find_known_share(user: np.ndarray, label: np.ndarray, uauc: float, *, draws: int = 20, seed: int = 0) -> float:
    """The share at which `simulate_uauc` gives a UAUC, by bisection to .002; 0 for one of at most 1/2."""
    low, high = 0.0, 1.0
    while high - low > 0.002:
        middle = (low + high) / 2
        below = simulate_uauc(user, label, middle, draws=draws, seed=seed)[0] < uauc
        low, high = (middle, high) if below else (low, middle)
    return (low + high) / 2 if uauc > 0.5 else 0.0
