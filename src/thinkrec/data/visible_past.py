"""The visible past of a row: all earlier rows of its user or, in other splits than by time, those it may see.

Where the split is not in time order, a row sees the rows of its own split and of the splits before it.
A train row never sees a validation or test row, and a validation row never a test row, even where those come first:
their labels would otherwise teach, or choose, what they are meant to judge. In a split by time nothing is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class VisiblePast:
    """The visible past of every row as a stretch of one list of row numbers.

    Where the split is in time order the list is 0 .. n - 1. Otherwise it holds three lists one after the other: the
    train rows, the train and validation rows, and all rows, each in row order; a row reads the list of its own split.
    """

    row: np.ndarray
    """int64 (m,): row numbers, m = n or at most 3 n."""
    begin: np.ndarray
    """int64 (n,): where in `row` the past of each row begins."""
    end: np.ndarray
    """int64 (n,): where it ends; there the row itself stands: row[end[r]] == r."""
    owner: np.ndarray
    """int64 (m,): one number per user and list, ascending; entries of one number are one user's."""
    is_complete: bool
    """Whether every row sees all earlier rows of its user."""

    @classmethod
    def from_columns(cls, user: np.ndarray, split: np.ndarray, start: np.ndarray) -> VisiblePast:
        """Compute it from the columns of `Interactions`, sorted by user and time; `start`: int64 (n_users + 1,)."""
        n = len(user)
        first = start[user]
        if not np.any((split[1:] < split[:-1]) & (user[1:] == user[:-1])):
            all_rows = np.arange(n)
            return cls(all_rows, first, all_rows, first, True)
        begin, end = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        rows, owners, offset = [], [], 0
        for level in np.unique(split):
            visible = np.flatnonzero(split <= level)
            before = np.zeros(n + 1, dtype=np.int64)
            np.cumsum(split <= level, out=before[1:])
            mine = np.flatnonzero(split == level)
            begin[mine], end[mine] = offset + before[first[mine]], offset + before[mine]
            rows.append(visible)
            owners.append(offset + before[first[visible]])
            offset += len(visible)
        return cls(np.concatenate(rows), begin, end, np.concatenate(owners), False)

    def count_visible_rows(self, rows: np.ndarray) -> np.ndarray:
        """Number of earlier rows that each row sees, int64 (len(rows),)."""
        return self.end[rows] - self.begin[rows]

    def find_slice(self, row: int, length: int, block: int = 1) -> slice:
        """The part of `row` that holds the last `length` visible rows; see `Interactions.get_history`."""
        begin, end = int(self.begin[row]), int(self.end[row])
        return slice(begin + max(0, (end - begin - length) // block * block), end)

    def to_row_index(self, stretch: slice) -> slice | np.ndarray:
        """Index of the rows of a stretch in a column: a slice where nothing is hidden, else row numbers."""
        return stretch if self.is_complete else self.row[stretch]
