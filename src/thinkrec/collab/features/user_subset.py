"""The rows of some users alone: what is computed of a row from its user's past is the same as among all rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import Interactions

COLUMNS = ("user", "item", "label", "timestamp", "split", "order")


def take_user_rows(ds: Dataset, users: np.ndarray) -> tuple[Dataset, np.ndarray]:
    """The data set with the rows of some users alone, and their row numbers in `ds`, int64, ascending.

    `users`: bool (n_users,). Codes and ids of users and items stay as they are.
    """
    data = ds.interactions
    rows = np.flatnonzero(users[data.user])
    start = np.zeros(data.n_users + 1, dtype=np.int64)
    np.cumsum(np.where(users, np.diff(data.start), 0), out=start[1:])
    columns = {name: getattr(data, name)[rows] for name in COLUMNS}
    return replace(ds, interactions=Interactions(**columns, start=start)), rows


def sample_users(ds: Dataset, most: int, splits: tuple[int, ...], seed: int) -> np.ndarray:
    """Whole users drawn by seed until they have `most` rows in each of the splits, bool (n_users,).

    All users where there are no more rows; one more user than fits, so that no split is without rows.
    """
    data = ds.interactions
    order = np.random.default_rng(seed).permutation(data.n_users)
    chosen = np.zeros(data.n_users, dtype=bool)
    for split in splits:
        total = np.cumsum(np.bincount(data.user[data.split == split], minlength=data.n_users)[order])
        chosen[order[: int(np.searchsorted(total, most)) + 1]] = True
    return chosen


def split_into_user_blocks(ds: Dataset, rows: np.ndarray, most: int) -> Iterator[np.ndarray]:
    """Masks of users, bool (n_users,), that together are the users of `rows`, each once.

    The users of a mask have at most `most` rows of any kind, unless it is one user with more.
    """
    data = ds.interactions
    users = np.unique(data.user[rows])
    total = np.concatenate([[0], np.cumsum(np.diff(data.start)[users])])
    first = 0
    while first < len(users):
        last = max(first + 1, int(np.searchsorted(total, total[first] + most, side="right")) - 1)
        mask = np.zeros(data.n_users, dtype=bool)
        mask[users[first:last]] = True
        yield mask
        first = last
