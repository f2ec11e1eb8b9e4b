"""Interactions as one sorted columnar table; a history is a view into it, never a list of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thinkrec.data.visible_past import VisiblePast
from thinkrec.io.counts import format_count

TRAIN, VALID, TEST = 0, 1, 2
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Interactions:
    """Rows sorted by (user, timestamp, order). All arrays but `start` have one entry per row.

    A *row number* is a position in this table. Where the split is in time order, a user's past is the slice that ends
    at the row; see `past` for other splits.
    """

    user: np.ndarray
    """int32 (n,): dense user code."""
    item: np.ndarray
    """int32 (n,): dense item code."""
    label: np.ndarray
    """int8 (n,): 1 liked, 0 not."""
    timestamp: np.ndarray
    """int64 (n,): time of the interaction; any unit, only its order matters."""
    split: np.ndarray
    """int8 (n,): TRAIN, VALID or TEST."""
    order: np.ndarray
    """int64 (n,): the row's position in the input table; unique; breaks ties in time."""
    start: np.ndarray
    """int64 (n_users + 1,): user u owns rows start[u] .. start[u + 1] - 1."""

    @classmethod
    def build(cls, user, item, label, timestamp, split, order, *, n_users: int) -> Interactions:
        """Sort rows by (user, timestamp, order) and index them by user. Arguments: equal-length arrays."""
        user = np.asarray(user, dtype=np.int32)
        timestamp = np.asarray(timestamp, dtype=np.int64)
        order = np.asarray(order, dtype=np.int64)
        by = np.lexsort((order, timestamp, user))
        start = np.zeros(n_users + 1, dtype=np.int64)
        np.cumsum(np.bincount(user, minlength=n_users), out=start[1:])
        return cls(
            user=user[by],
            item=np.asarray(item, dtype=np.int32)[by],
            label=np.asarray(label, dtype=np.int8)[by],
            timestamp=timestamp[by],
            split=np.asarray(split, dtype=np.int8)[by],
            order=order[by],
            start=start,
        )

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.user)

    def __repr__(self) -> str:
        """Counts, not the arrays: Interactions(90 rows of 7 users: 60 train, 20 valid, 10 test)."""
        counts = ", ".join(f"{(self.split == code).sum():,} {name}" for code, name in enumerate(SPLITS))
        return f"Interactions({format_count(len(self), 'row')} of {format_count(self.n_users, 'user')}: {counts})"

    @property
    def n_users(self) -> int:
        """Number of users, those without rows included."""
        return len(self.start) - 1

    @cached_property
    def past(self) -> VisiblePast:
        """The earlier rows that each row may see."""
        return VisiblePast.from_columns(self.user, self.split, self.start)

    def get_history(self, row: int, length: int, block: int = 1) -> slice | np.ndarray:
        """Index of the last `length` visible rows of the same user strictly before `row`, or of all there are.

        Oldest first; a slice, or row numbers (int64) where the split is not in time order. A train row sees train rows,
        a validation row no test row. With `block` > 1 the oldest of them is only changed after so many rows: up to
        `block` - 1 more are shown, and the histories of rows in between begin alike.
        """
        return self.past.to_row_index(self.past.find_slice(int(row), length, block))

    def get_history_rows(self, row: int, length: int, block: int = 1) -> np.ndarray:
        """The rows of `get_history` as row numbers, int64 (k,)."""
        return self.past.row[self.past.find_slice(int(row), length, block)]

    def get_split_rows(self, split: int) -> np.ndarray:
        """Row numbers of a split, int64 (m,), in `order` order."""
        rows = np.flatnonzero(self.split == split)
        return rows[np.argsort(self.order[rows], kind="stable")]

    def find_rows(self, order: np.ndarray) -> np.ndarray:
        """Row numbers of the given `order` values, int64 (m,); -1 where no row has such a value.

        Files about some rows (reasons, predictions) name them by `order`.
        """
        order = np.asarray(order, dtype=np.int64)
        by = np.argsort(self.order)
        position = np.minimum(np.searchsorted(self.order, order, sorter=by), max(len(self) - 1, 0))
        if not len(self):
            return np.full(len(order), -1, dtype=np.int64)
        candidates = by[position]
        return np.where(self.order[candidates] == order, candidates, -1)
