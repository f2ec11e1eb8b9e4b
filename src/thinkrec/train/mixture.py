"""Which rows a pass over the data takes, and with which reasons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.teacher.rule_reasons import argue_row
from thinkrec.train.config import StageConfig


def select_strided_rows(ds: Dataset, stride: int, epoch: int, seed: int) -> np.ndarray:
    """Every `stride`-th train row of each user, offset by user and epoch: `stride` passes see every row once."""
    interactions = ds.interactions
    rows = np.flatnonzero(interactions.split == TRAIN)
    position = interactions.past.count_visible_rows(rows)
    offset = np.random.default_rng(seed).integers(stride, size=interactions.n_users)
    return rows[(position + offset[interactions.user[rows]] + epoch) % stride == 0]


def sample_reasoning_rows(
    pool: np.ndarray, n_rating: int, share: float, epoch: int, seed: int, stream: int = 1
) -> np.ndarray:
    """Rows with a reason, as many as make up `share` of the pass together with `n_rating` rating rows.

    Each row of the pool is drawn equally often but for one: whole shuffled passes, then a remainder. `stream`: another
    number draws other rows.
    """
    wanted = round(n_rating * share / (1 - share))
    if not len(pool) or not wanted:
        return np.zeros(0, dtype=np.int64)
    rng = np.random.default_rng((seed, epoch, stream))
    passes = [rng.permutation(pool) for _ in range(-(-wanted // len(pool)))]
    return np.concatenate(passes)[:wanted]


def draw_stage_rows(
    ds: Dataset, pool: np.ndarray, stage: StageConfig, share: float, epoch: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rating rows and reasoning rows (from `pool`) of one pass of a stage; `share` is the recipe's `reasons.share`."""
    rating = select_strided_rows(ds, stage.subsample_stride, epoch, seed)
    own = share if stage.reason_share is None else stage.reason_share
    return rating, sample_reasoning_rows(pool, len(rating), own, epoch, seed)


def write_rule_reasons(ds: Dataset, rows: np.ndarray, history: int, seed: int) -> dict[int, str]:
    """The rule-based teacher's prose for those rows on which its own verdict agrees with the label."""
    reasons = {}
    for row in rows:
        argument = argue_row(ds, int(row), history, np.random.default_rng((seed, int(row))))
        if argument.verdict == bool(ds.interactions.label[row]):
            reasons[int(row)] = argument.text
    return reasons


def sample_validation_rows(ds: Dataset, rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most about `most` of `rows`: whole users in random order, so that per-user metrics keep their meaning."""
    users = ds.interactions.user[rows]
    order = np.random.default_rng(seed).permutation(np.unique(users))
    counts = np.bincount(users, minlength=ds.interactions.n_users)[order]
    chosen = order[: max(1, int(np.searchsorted(np.cumsum(counts), most, side="right")))]
    return rows[np.isin(users, chosen)]


def select_rows_with_reasons(ds: Dataset, reasons: Mapping[int, str]) -> np.ndarray:
    """int64: train rows that have a reason, in row order."""
    split = ds.interactions.split
    return np.array(sorted(row for row in reasons if split[row] == TRAIN), dtype=np.int64)
