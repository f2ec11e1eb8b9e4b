"""Embedding tables of a fitted MF or LightGCN: a vector and a bias per user and per item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thinkrec.collab.trained_ids import TrainedIds, take_rows
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN


def mask_trained_codes(ds: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the users and the items that occur in a train row, bool (n_users,) and bool (n_items,)."""
    train = ds.interactions.split == TRAIN
    users = np.zeros(ds.interactions.n_users, dtype=bool)
    items = np.zeros(len(ds.items), dtype=bool)
    users[ds.interactions.user[train]] = True
    items[ds.interactions.item[train]] = True
    return users, items


def fill_untrained_rows(table: np.ndarray, known: np.ndarray) -> np.ndarray:
    """`table` (n, ...) with the entries that are not `known` (n,) replaced by the mean of those that are."""
    if known.all() or not known.any():
        return table
    result = table.copy()
    result[~known] = table[known].mean(axis=0)
    return result


@dataclass(frozen=True, eq=False)
class EmbeddingTables:
    """score(u, v) = users[u] . items[v] + user_bias[u] + item_bias[v]. All float32.

    Rows are found by id. Users and items that were not in the data of the fit have the mean vector and the mean bias.
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
    """The ids that the rows belong to."""

    @classmethod
    def from_weights(cls, ds: Dataset, users, items, user_bias=None, item_bias=None) -> EmbeddingTables:
        """Tables in which users and items without train rows have the mean vector and the mean bias of the others."""
        known_users, known_items = mask_trained_codes(ds)
        if user_bias is None:
            user_bias = np.zeros(len(users), dtype=np.float32)
        if item_bias is None:
            item_bias = np.zeros(len(items), dtype=np.float32)
        return cls(
            fill_untrained_rows(users, known_users),
            fill_untrained_rows(items, known_items),
            fill_untrained_rows(user_bias, known_users),
            fill_untrained_rows(item_bias, known_items),
            TrainedIds.from_dataset(ds),
        )

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """Scores of rows, float64 (len(rows),)."""
        user, item = ds.interactions.user[rows], ds.interactions.item[rows]
        users, items = self.encode_users(ds, rows).astype(np.float64), self.encode_items(ds)[item].astype(np.float64)
        product = np.einsum("nd,nd->n", users, items)
        item_bias = _take_rows_or_mean(self.item_bias, self.ids.find_item_rows(ds)[item])
        return product + _take_rows_or_mean(self.user_bias, self.ids.find_user_rows(ds)[user]) + item_bias

    def encode_users(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """Vectors of the rows' users, float32 (len(rows), dim)."""
        return _take_rows_or_mean(self.users, self.ids.find_user_rows(ds)[ds.interactions.user[rows]])

    def encode_items(self, ds: Dataset) -> np.ndarray:
        """Vectors of all items, float32 (n_items of `ds`, dim)."""
        return _take_rows_or_mean(self.items, self.ids.find_item_rows(ds))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The four arrays by name, for a file."""
        return {name: getattr(self, name) for name in ("users", "items", "user_bias", "item_bias")}


def _take_rows_or_mean(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows of `table` (n, ...) by number; the number n, one behind the last row, gives the mean of all."""
    return take_rows(table, rows, table.mean(axis=0))
