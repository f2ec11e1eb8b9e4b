"""The users on a plane, and what the gate does where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from thinkrec.errors import DataError

FUSE, GLOBAL = -1, 0
"""Region codes; a code k > 0 means expert k alone."""


@dataclass(frozen=True)
class UserMap:
    """Two principal components of the user vectors, with the gate's regions on that plane."""

    x: np.ndarray
    """float64 (m,): first component of each shown user."""
    y: np.ndarray
    """float64 (m,): second component."""
    group: np.ndarray
    """int64 (m,): group of each shown user, 0-based; group g is served by expert g + 1."""
    grid: np.ndarray
    """int64 (height, width): region code of each cell, bottom row first."""
    extent: tuple[float, float, float, float]
    """x from, x to, y from, y to, of the grid."""
    counts: dict[int, int]
    """Region code -> users, over all users at their own vectors (not as projected)."""
    explained: float
    """Share of the variance on the plane, 0..1."""


def classify_regions(weights: np.ndarray) -> np.ndarray:
    """Region codes, int64 (m,), of gate weights (m, 1 + n) whose first column is the global adapter."""
    alone = weights.argmax(axis=1)
    return np.where(weights.max(axis=1) > 1 - 1e-6, alone, FUSE).astype(np.int64)


def build_user_map(
    vectors: np.ndarray,
    group: np.ndarray,
    gate: Callable[[np.ndarray], np.ndarray],
    *,
    width: int = 96,
    height: int = 64,
    limit: int = 2000,
    seed: int = 0,
) -> UserMap:
    """Project user vectors (m, dim) to their first two principal components, with the gate's region of each cell.

    `gate` maps vectors (rows, dim) to weights (rows, 1 + n), the global adapter first. Cells of the grid are mapped
    back into the space of the vectors, so the shading is the gate on that plane; users lie off it, and `counts` are
    therefore taken at their true vectors. At most `limit` users are kept for drawing, chosen by `seed`.
    Raises DataError if there are fewer than two dimensions or the arrays do not match.
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    group = np.asarray(group, dtype=np.int64)
    if vectors.ndim != 2 or vectors.shape[1] < 2 or not len(vectors) or group.shape != (len(vectors),):
        raise DataError(
            f"user map: needs vectors (m, dim >= 2) and one group each, got {vectors.shape} and {group.shape}"
        )
    if not np.isfinite(vectors).all():
        raise DataError("user map: a user vector holds NaN or infinity; check the encoder")
    middle = vectors.mean(axis=0)
    spread, axes = np.linalg.eigh(np.cov(vectors.T, bias=True))
    plane = axes[:, [-1, -2]].T
    plane *= np.sign(plane[np.arange(2), np.abs(plane).argmax(axis=1)])[:, None]  # an eigenvector's sign is arbitrary
    flat = (vectors - middle) @ plane.T
    low, high = flat.min(axis=0), flat.max(axis=0)
    margin = np.maximum(0.06 * (high - low), 1e-6)
    low, high = low - margin, high + margin
    across = low[0] + (np.arange(width) + 0.5) / width * (high[0] - low[0])
    up = low[1] + (np.arange(height) + 0.5) / height * (high[1] - low[1])
    cells = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    codes, times = np.unique(classify_regions(np.asarray(gate(vectors))), return_counts=True)
    drawn = np.arange(len(flat))
    if len(flat) > limit:
        drawn = np.sort(np.random.default_rng(seed).choice(len(flat), size=limit, replace=False))
    total = float(spread.sum())
    return UserMap(
        x=flat[drawn, 0],
        y=flat[drawn, 1],
        group=group[drawn],
        grid=classify_regions(np.asarray(gate(middle + cells @ plane))).reshape(height, width),
        extent=(float(low[0]), float(high[0]), float(low[1]), float(high[1])),
        counts={int(code): int(n) for code, n in zip(codes, times, strict=True)},
        explained=float(spread[-2:].sum()) / total if total > 0 else 1.0,
    )
