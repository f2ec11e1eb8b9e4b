"""Checks of the arrays that metrics take: shape, values, and the first row that is wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from thinkrec.errors import DataError


def check_labels(values: ArrayLike) -> np.ndarray:
    """Labels, int64 (n,), all 0 or 1. Raises DataError naming the first row that is neither."""
    labels = np.asarray(values)
    if labels.ndim != 1:
        raise DataError(f"labels: expected one dimension, got shape {labels.shape}; pass one label per row")
    if not len(labels):
        raise DataError("labels: there are no rows to evaluate; check that the split is not empty")
    wrong = np.flatnonzero(~((labels == 0) | (labels == 1)))
    if len(wrong):
        raise DataError(
            f"labels: row {wrong[0]} holds {labels[wrong[0]]}; every label must be 0 (not liked) or 1 (liked)"
        )
    return labels.astype(np.int64)


def check_scores(values: ArrayLike, n: int, *, what: str = "scores") -> np.ndarray:
    """Finite scores, float64 (n,), one per label. Raises DataError naming the first row that is NaN or infinite."""
    scores = np.asarray(values, dtype=np.float64)
    if scores.shape != (n,):
        raise DataError(
            f"{what}: expected shape ({n},) to match the labels, got {scores.shape}; pass one value per row"
        )
    wrong = np.flatnonzero(~np.isfinite(scores))
    if len(wrong):
        raise DataError(
            f"{what}: row {wrong[0]} is {scores[wrong[0]]} ({len(wrong)} of {n} rows are not finite); "
            "such a row has no rank, so look for the cause in the scorer instead of filling it in"
        )
    return scores


def check_probabilities(values: ArrayLike, n: int) -> np.ndarray:
    """Probabilities, float64 (n,), within 0..1. Raises DataError naming the first row outside."""
    probabilities = check_scores(values, n, what="probabilities")
    wrong = np.flatnonzero((probabilities < 0) | (probabilities > 1))
    if len(wrong):
        raise DataError(
            f"probabilities: row {wrong[0]} is {probabilities[wrong[0]]}, outside 0..1; "
            "apply a sigmoid to raw scores first"
        )
    return probabilities


def encode_users(values: ArrayLike, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct users, ascending, and each row's position among them, int64 (n,). Raises DataError on a wrong shape."""
    users = np.asarray(values)
    if users.shape != (n,):
        raise DataError(f"users: expected shape ({n},) to match the labels, got {users.shape}; pass one user per row")
    distinct, code = np.unique(users, return_inverse=True)
    return distinct, code.reshape(-1).astype(np.int64)
