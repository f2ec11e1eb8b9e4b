"""UAUC of users with few and with many rows, and how wide its interval is for the number of users there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from thinkrec.evaluate.metrics.ranking import compute_per_user_metrics


@dataclass(frozen=True)
class RowCountGroup:
    """Users with so many rows."""

    low: int
    high: int | None
    """None: no upper bound."""
    users: int
    """Users with both classes."""
    uauc: float
    error: float
    """Standard error of their UAUC: standard deviation over users / sqrt(users)."""


def measure_row_counts(
    user: np.ndarray, label: np.ndarray, score: np.ndarray, edges: Sequence[int] = (2, 5, 10, 20, 50)
) -> list[RowCountGroup]:
    """One group from each of `edges` to the next; groups without users of both classes are left out."""
    values, groups = compute_per_user_metrics(user, label, score), []
    for low, high in zip(edges, [*(edge - 1 for edge in edges[1:]), None], strict=True):
        inside = (values.rows >= low) & (values.rows <= (high or values.rows.max())) & ~np.isnan(values.auc)
        if inside.any():
            auc = values.auc[inside]
            error = float(auc.std(ddof=1) / np.sqrt(len(auc))) if len(auc) > 1 else float("nan")
            groups.append(RowCountGroup(low, high, len(auc), float(auc.mean()), error))
    return groups
