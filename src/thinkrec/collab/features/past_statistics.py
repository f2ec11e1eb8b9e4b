"""Like rates of items and users per row, cross-fitted: a row's statistics never include its own label.

A train row takes the statistics of its item from the *other* folds; users, not rows, are assigned to folds, so that
nothing of the row's own user is in them either. Validation and test rows take them from all train rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN

STRENGTH = 5.0
"""Pseudo-rows at the mean like rate that are added to an item's own rows."""
USER_STRENGTH = 2.0
"""The same for a user's own rows."""


def compute_logit(rate: np.ndarray) -> np.ndarray:
    """Logit ln(p / (1 - p)), with p clipped to [1e-6, 1 - 1e-6]."""
    clipped = np.clip(rate, 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))


def assign_user_folds(n_users: int, folds: int, seed: int) -> np.ndarray:
    """A random fold per user, int64 (n_users,); folds are of nearly equal sizes."""
    return np.random.default_rng(seed).permutation(np.arange(n_users) % folds)


def assign_row_tables(ds: Dataset, rows: np.ndarray, fold: np.ndarray, folds: int) -> np.ndarray:
    """Which of `folds + 1` tables each row reads, int64 (len(rows),): its user's fold for train rows, else `folds`.

    `fold`: int64 (n_users of `ds`,), the fold of every user code.
    """
    data = ds.interactions
    return np.where(data.split[rows] == TRAIN, fold[data.user[rows]], folds)


@dataclass(frozen=True)
class ItemStatistics:
    """Smoothed like rate and count of every item, per table; table k < folds leaves out the users of fold k."""

    logit: np.ndarray
    """float64 (folds + 1, n_items): logit of (likes + strength * mean) / (count + strength)."""
    log_count: np.ndarray
    """float64 (folds + 1, n_items): ln(1 + count); counts of partial tables are scaled up to the whole."""
    mean: np.ndarray
    """float64 (folds + 1,): smoothed like rate of the rows of each table."""

    @classmethod
    def from_dataset(cls, ds: Dataset, *, folds: int = 10, seed: int = 0, strength: float = STRENGTH) -> ItemStatistics:
        """Count the train rows. `folds` >= 2."""
        data = ds.interactions
        fold = assign_user_folds(data.n_users, folds, seed)
        rates, counts, means = [], [], []
        n_train = max(1, int((data.split == TRAIN).sum()))
        for k in range(folds + 1):
            used = (data.split == TRAIN) & (fold[data.user] != k)
            count = np.bincount(data.item[used], minlength=len(ds.items)).astype(np.float64)
            likes = np.bincount(data.item[used], weights=data.label[used], minlength=len(ds.items))
            mean = (likes.sum() + 1) / (count.sum() + 2)
            rates.append((likes + strength * mean) / (count + strength))
            counts.append(count * n_train / max(1.0, count.sum()))
            means.append(mean)
        return cls(compute_logit(np.stack(rates)), np.log1p(np.stack(counts)), np.array(means))


_UNIT = 2.0**32
"""Steps in 1 of the sums below: fine enough, and 10 million rows of numbers up to 100 stay within 64 bits."""


def compute_range_sums(values: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Sums of values[begin[i] : end[i]] for every i, float64, to the nearest 2^-32 per value.

    Summed in integers, so that a user's sum is the same to the last digit wherever their rows stand and whichever other
    users are in the table.
    """
    total = np.concatenate([[0], np.cumsum(compute_integer_units(values))])
    return convert_units(total[end] - total[begin])


def compute_integer_units(values: np.ndarray) -> np.ndarray:
    """int64: values in units of 2^-32, to the nearest, so that sums of them do not hang on their order."""
    return np.rint(np.asarray(values) * _UNIT).astype(np.int64)


def convert_units(sums: np.ndarray) -> np.ndarray:
    """float64: sums of `compute_integer_units` as numbers again."""
    return sums / _UNIT


PAIRS = 4_000_000
"""Most pairs of a row and a term that are held at once; each takes some 100 bytes."""


def split_user_blocks(owner: np.ndarray, sizes: np.ndarray) -> list[slice]:
    """Slices of the visible past (`VisiblePast.owner`, (m,)) that hold whole users.

    The `sizes` (m,) of a slice add up to at most PAIRS, unless it is one user with more.
    """
    edges = np.concatenate([[0], np.flatnonzero(owner[1:] != owner[:-1]) + 1, [len(owner)]])
    total = np.concatenate([[0], np.cumsum(sizes)])[edges]
    blocks, first = list[slice](), 0
    while len(owner) and first < len(edges) - 1:
        last = max(first + 1, int(np.searchsorted(total, total[first] + PAIRS, side="right")) - 1)
        blocks.append(slice(int(edges[first]), int(edges[last])))
        first = last
    return blocks


def count_past_likes(ds: Dataset, rows: np.ndarray, last: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Likes and count among the user's (at most `last`) visible rows strictly before each row.

    Both are float64 (len(rows),). For the visible rows see `Interactions.past`.
    """
    data, past = ds.interactions, ds.interactions.past
    total = np.concatenate([[0], np.cumsum(data.label[past.row], dtype=np.int64)])
    begin, end = past.begin[rows], past.end[rows]
    if last is not None:
        begin = np.maximum(begin, end - last)
    return (total[end] - total[begin]).astype(np.float64), (end - begin).astype(np.float64)


def compute_past_mean(ds: Dataset, values: np.ndarray, last: int | None = None) -> np.ndarray:
    """Mean of `values` (n,) over the user's (last) visible rows strictly before each row, float64 (n,).

    NaN without a past.
    """
    past = ds.interactions.past
    begin, end = past.begin, past.end
    if last is not None:
        begin = np.maximum(begin, end - last)
    with np.errstate(invalid="ignore", divide="ignore"):
        return compute_range_sums(np.nan_to_num(values[past.row]), begin, end) / (end - begin)


def compute_past_residual(ds: Dataset, expected: np.ndarray, last: int | None = None) -> np.ndarray:
    """Shrunk mean of label - `expected` (n,) over the user's (last) rows strictly before each row, float64 (n,).

    sum of residuals / (count + 3), 0 without a past. `expected`: the chance that anybody likes the row's item. So this
    is the user's bias: a user who likes what few others like is above 0, whatever the quality of the items seen.
    """
    data = ds.interactions
    count = count_past_likes(ds, np.arange(len(data)), last)[1]
    return np.nan_to_num(compute_past_mean(ds, data.label - expected, last)) * count / (count + 3)


def compute_user_logit(
    ds: Dataset, rows: np.ndarray, last: int | None = None, strength: float = USER_STRENGTH, mean: float | None = None
) -> np.ndarray:
    """Smoothed logit of the user's like rate strictly before each row, float64 (len(rows),).

    `mean`: the like rate towards which few rows are shrunk; by default that of all train rows, one number for all.
    """
    data = ds.interactions
    if mean is None:
        train = data.split == TRAIN
        mean = float((data.label[train].sum() + 1) / (train.sum() + 2))
    likes, count = count_past_likes(ds, rows, last)
    return compute_logit((likes + strength * mean) / (count + strength))


def compute_query_statistics(labels: np.ndarray, expected: np.ndarray, recent: int, mean: float) -> np.ndarray:
    """float64 (4,): the user's part of the slot vectors, of a past of k labels (k,) by itself.

    That is `compute_user_logit`, `compute_user_log_count`, and `compute_past_residual` over the whole past and its
    `recent` last entries. expected: float64 (k,).
    """
    likes, count = float(labels.sum(dtype=np.int64)), float(len(labels))
    end = np.array([len(labels)])
    residuals = []
    for begin in (0, max(0, len(labels) - recent)):
        total = compute_range_sums(labels - expected, np.array([begin]), end)[0]
        shown = float(len(labels) - begin)
        residuals.append(total / shown * shown / (shown + 3) if shown else 0.0)
    rate = np.array([(likes + USER_STRENGTH * mean) / (count + USER_STRENGTH)])
    return np.array([compute_logit(rate)[0], np.log1p(np.array([count]))[0], *residuals])


def compute_user_log_count(ds: Dataset, rows: np.ndarray) -> np.ndarray:
    """ln(1 + rows of the user strictly before each row), float64 (len(rows),)."""
    return np.log1p(count_past_likes(ds, rows)[1])
