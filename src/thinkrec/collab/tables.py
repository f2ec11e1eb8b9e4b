"""What MF and LightGCN come down to once fitted: a vector and a bias per user and per item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.rows import TRAIN
from thinkrec.errors import DataError


def seen(ds: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """bool (n_users,) and bool (n_items,): who and what occurs in a train row."""
    train = ds.interactions.split == TRAIN
    users = np.zeros(ds.interactions.n_users, dtype=bool)
    items = np.zeros(len(ds.items), dtype=bool)
    users[ds.interactions.user[train]] = True
    items[ds.interactions.item[train]] = True
    return users, items


def filled(table: np.ndarray, known: np.ndarray) -> np.ndarray:
    """`table` (n, ...) with the entries that are not `known` (n,) replaced by the mean of those that are."""
    if known.all() or not known.any():
        return table
    result = table.copy()
    result[~known] = table[known].mean(axis=0)
    return result


@dataclass(frozen=True)
class Tables:
    """score(u, v) = users[u] . items[v] + user_bias[u] + item_bias[v]. All float32."""

    users: np.ndarray
    """(n_users, dim)"""
    items: np.ndarray
    """(n_items, dim)"""
    user_bias: np.ndarray
    """(n_users,)"""
    item_bias: np.ndarray
    """(n_items,): the bias that all rows share is part of it."""

    @classmethod
    def fill(cls, ds: Dataset, users, items, user_bias=None, item_bias=None) -> Tables:
        """Users and items without train rows get the mean vector and the mean bias of the others."""
        known_users, known_items = seen(ds)
        if user_bias is None:
            user_bias = np.zeros(len(users), dtype=np.float32)
        if item_bias is None:
            item_bias = np.zeros(len(items), dtype=np.float32)
        return cls(
            filled(users, known_users),
            filled(items, known_items),
            filled(user_bias, known_users),
            filled(item_bias, known_items),
        )

    def check(self, ds: Dataset) -> None:
        """Raises DataError if `ds` does not have the items, or lacks users, of the data that was fitted."""
        fitted, given = (len(self.users), len(self.items)), (ds.interactions.n_users, len(ds.items))
        if given[0] < fitted[0] or given[1] != fitted[1]:
            raise DataError(
                f"the data has {given[0]} users and {given[1]} items, but the encoder was fitted on {fitted[0]} and"
                f" {fitted[1]}. Fit the encoder on this data."
            )

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """float64 (len(rows),)."""
        self.check(ds)
        user, item = ds.interactions.user[rows], ds.interactions.item[rows]
        users = self.user_vectors(ds, rows).astype(np.float64)
        product = np.einsum("nd,nd->n", users, self.items[item].astype(np.float64))
        return product + _of_users(self.user_bias, user) + self.item_bias[item]

    def user_vectors(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """float32 (len(rows), dim)."""
        self.check(ds)
        return _of_users(self.users, ds.interactions.user[rows])

    def arrays(self) -> dict[str, np.ndarray]:
        """The four arrays by name, for a file."""
        return {name: getattr(self, name) for name in ("users", "items", "user_bias", "item_bias")}


def _of_users(table: np.ndarray, user: np.ndarray) -> np.ndarray:
    """Entries of `table` (n_users, ...) by user code; codes beyond it, users who came after the fit, get the mean."""
    return np.concatenate([table, table.mean(axis=0, keepdims=True)])[np.minimum(user, len(table))]
