"""Embedding tables of a fitted MF or LightGCN: a vector and a bias per user and per item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from thinkrec.collab.trained_ids import IdentityCache, TrainedIds, take_rows
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.data.query import Query

BLOCK = 65_536
"""Rows that are scored at once: their vectors in float64 take 67 MB with 64 numbers each."""


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
    _item_cache: IdentityCache[np.ndarray] = field(default_factory=IdentityCache[np.ndarray], repr=False)
    _user_cache: IdentityCache[np.ndarray] = field(default_factory=IdentityCache[np.ndarray], repr=False)

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

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], ids: TrainedIds) -> EmbeddingTables:
        """Restore what `to_arrays` gave. Raises TypeError where there are other arrays."""
        return cls(ids=ids, **arrays)  # pyright: ignore[reportArgumentType]

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """Scores of rows, float64 (len(rows),)."""
        scores = np.empty(len(rows))
        user_rows, item_rows = self.ids.find_user_rows(ds), self.ids.find_item_rows(ds)
        for first in range(0, len(rows), BLOCK):
            block = rows[first : first + BLOCK]
            user, item = user_rows[ds.interactions.user[block]], item_rows[ds.interactions.item[block]]
            users, items = self._take("users", user), self._take("items", item)
            product = np.einsum("nd,nd->n", users.astype(np.float64), items.astype(np.float64))
            scores[first : first + BLOCK] = product + self._take("user_bias", user) + self._take("item_bias", item)
        return scores

    def encode_users(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """Vectors of the rows' users, float32 (len(rows), dim)."""
        return self._take("users", self.ids.find_user_rows(ds)[ds.interactions.user[rows]])

    def encode_query(self, query: Query) -> np.ndarray:
        """float32 (dim,): by the user's id, whatever the past."""
        return self._take("users", np.array([self.ids.find_user_row(query.user)]))[0]

    def encode_all_users(self, ds: Dataset) -> np.ndarray:
        """Vectors by user code, float32 (n_users of `ds`, dim), not to be written to; made once for a data set."""
        return self._user_cache.get_or_compute(ds, lambda: self._arrange("users", self.ids.find_user_rows(ds)))

    def encode_items(self, ds: Dataset) -> np.ndarray:
        """Vectors of all items, float32 (n_items of `ds`, dim), not to be written to; made once for a data set."""
        return self._item_cache.get_or_compute(ds.items, lambda: self._arrange("items", self.ids.find_item_rows(ds)))

    def _arrange(self, name: str, rows: np.ndarray) -> np.ndarray:
        """A table in the order of other codes: a view of it where that is its own order."""
        table = getattr(self, name)
        same = len(rows) == len(table) and np.array_equal(rows, np.arange(len(table)))
        arranged = table.view() if same else self._take(name, rows)
        arranged.flags.writeable = False
        return arranged

    def _take(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Rows of a table by number; the number behind the last row gives the mean of all."""
        return take_rows(getattr(self, name), rows, self._means[name])

    @cached_property
    def _means(self) -> dict[str, np.ndarray]:
        """The mean row of each table, computed once: a query would wait for a pass through millions of rows."""
        return {name: table.mean(axis=0) for name, table in self.to_arrays().items()}

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The four arrays by name, for a file."""
        return {name: getattr(self, name) for name in ("users", "items", "user_bias", "item_bias")}
