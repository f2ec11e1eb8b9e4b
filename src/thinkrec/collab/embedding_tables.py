"""What MF and LightGCN come down to once fitted: a vector and a bias per user and per item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thinkrec.collab.trained_ids import TrainedIds, take_rows
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN


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


@dataclass(frozen=True, eq=False)
class Tables:
    """score(u, v) = users[u] . items[v] + user_bias[u] + item_bias[v]. All float32.

    Whoever is asked about is found by id. Users and items that were not in the data of the fit have the mean vector and
    the mean bias.
    """

    users: np.ndarray
    """(n_users, dim)"""
    items: np.ndarray
    """(n_items, dim)"""
    user_bias: np.ndarray
    """(n_users,)"""
    item_bias: np.ndarray
    """(n_items,): the bias that all rows share is part of it."""
    ids: TrainedIds
    """Whose rows these are."""

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
            TrainedIds.of(ds),
        )

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """float64 (len(rows),)."""
        user, item = ds.interactions.user[rows], ds.interactions.item[rows]
        users, items = self.user_vectors(ds, rows).astype(np.float64), self.item_vectors(ds)[item].astype(np.float64)
        product = np.einsum("nd,nd->n", users, items)
        item_bias = _by_place(self.item_bias, self.ids.item_places(ds)[item])
        return product + _by_place(self.user_bias, self.ids.user_places(ds)[user]) + item_bias

    def user_vectors(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """float32 (len(rows), dim)."""
        return _by_place(self.users, self.ids.user_places(ds)[ds.interactions.user[rows]])

    def item_vectors(self, ds: Dataset) -> np.ndarray:
        """float32 (n_items of `ds`, dim)."""
        return _by_place(self.items, self.ids.item_places(ds))

    def arrays(self) -> dict[str, np.ndarray]:
        """The four arrays by name, for a file."""
        return {name: getattr(self, name) for name in ("users", "items", "user_bias", "item_bias")}


def _by_place(table: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Entries of `table` (n, ...) by place; one behind the last row is the mean of all."""
    return take_rows(table, places, table.mean(axis=0))
