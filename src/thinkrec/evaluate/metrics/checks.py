"""What every metric asks of its arrays, checked once and reported with the row that breaks it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from thinkrec.errors import DataError


def check_labels(values: ArrayLike) -> np.ndarray:
    """int64 (n,): labels that are all 0 or 1. Raises DataError naming the first row that is neither."""
    found = np.asarray(values)
    if found.ndim != 1:
        raise DataError(f"labels: expected one dimension, got shape {found.shape}; pass one label per row")
    if not len(found):
        raise DataError("labels: there are no rows to evaluate; check that the split is not empty")
    wrong = np.flatnonzero(~((found == 0) | (found == 1)))
    if len(wrong):
        raise DataError(
            f"labels: row {wrong[0]} holds {found[wrong[0]]}; every label must be 0 (not liked) or 1 (liked)"
        )
    return found.astype(np.int64)


def check_scores(values: ArrayLike, n: int, *, what: str = "scores") -> np.ndarray:
    """float64 (n,): finite scores, one per label. Raises DataError naming the first row that is NaN or infinite."""
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (n,):
        raise DataError(f"{what}: expected shape ({n},) to match the labels, got {found.shape}; pass one value per row")
    wrong = np.flatnonzero(~np.isfinite(found))
    if len(wrong):
        raise DataError(
            f"{what}: row {wrong[0]} is {found[wrong[0]]} ({len(wrong)} of {n} rows are not finite); "
            "such a row has no rank, so look for the cause in the scorer instead of filling it in"
        )
    return found


def check_probabilities(values: ArrayLike, n: int) -> np.ndarray:
    """float64 (n,): values within 0..1. Raises DataError naming the first row outside."""
    found = check_scores(values, n, what="probabilities")
    wrong = np.flatnonzero((found < 0) | (found > 1))
    if len(wrong):
        raise DataError(
            f"probabilities: row {wrong[0]} is {found[wrong[0]]}, outside 0..1; apply a sigmoid to raw scores first"
        )
    return found


def encode_users(values: ArrayLike, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct users, ascending, and int64 (n,): each row's user as a place among them. DataError on a wrong shape."""
    found = np.asarray(values)
    if found.shape != (n,):
        raise DataError(f"users: expected shape ({n},) to match the labels, got {found.shape}; pass one user per row")
    distinct, code = np.unique(found, return_inverse=True)
    return distinct, code.reshape(-1).astype(np.int64)
