"""Windows of a user's past as a sequence model reads them; each row has its step in one window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query


@dataclass(frozen=True)
class Windows:
    """Sequences for some rows. Encoding step p of a window has read its first p entries, so step 0 has read none.

    A window is a stretch of `sequences`, 16 bytes; its entries are read when a batch needs them (`read`), since those
    of all windows of many rows would take 16 bytes a row and step.
    """

    sequences: UserSequences
    begin: np.ndarray
    """int64 (n_windows,): where in `sequences.item` each window begins."""
    count: np.ndarray
    """int64 (n_windows,): how many entries it has, at most `length`."""
    length: int
    """Steps of a window."""
    window: np.ndarray
    """int64 (n_rows,): the window of each row."""
    place: np.ndarray
    """int64 (n_rows,): the step whose encoding is the user strictly before the row."""

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.begin)

    def read(self, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Item codes and labels of some windows, int64 (len(group), length) each, oldest first.

        Behind a window's entries stands padding: the item code n_items, and label 0.
        """
        inside = np.arange(self.length) < self.count[group][:, None]
        item, label = np.full(inside.shape, self.sequences.padding, dtype=np.int64), np.zeros(inside.shape, np.int64)
        entries = (self.begin[group][:, None] + np.arange(self.length))[inside]
        item[inside], label[inside] = self.sequences.item[entries], self.sequences.label[entries]
        return item, label

    def iterate_batches(self, size: int) -> Iterator[np.ndarray]:
        """Yield window numbers, `size` at a time."""
        for begin in range(0, len(self), size):
            yield np.arange(begin, min(begin + size, len(self)))


@dataclass(frozen=True)
class UserSequences:
    """The visible earlier rows (see `Interactions.past`) that a sequence model reads: all, or the liked ones."""

    item: np.ndarray
    """int (n_read,): item codes of the rows that are read, in the order of `VisiblePast.row`."""
    label: np.ndarray
    """int (n_read,): their labels."""
    first: np.ndarray
    """int64 (n_rows,): where the user's past begins in `item`, for every row of the data."""
    count: np.ndarray
    """int64 (n_rows,): how many entries the user has strictly before every row of the data."""
    padding: int
    """The item code of padding."""

    @classmethod
    def from_dataset(cls, ds: Dataset, history: str) -> UserSequences:
        """Sequences of a data set; `history`: `liked` reads the liked rows only, `labelled` all rows."""
        data, past = ds.interactions, ds.interactions.past
        item, label = data.item[past.row], data.label[past.row]
        is_read = label == 1 if history == "liked" else np.ones(len(label), dtype=bool)
        before = np.zeros(len(label) + 1, dtype=np.int64)
        np.cumsum(is_read, out=before[1:])
        first = before[past.begin]
        return cls(
            item[is_read],
            label[is_read],
            first,
            before[past.end] - first,
            len(ds.items),
        )

    @classmethod
    def from_query(cls, query: Query, history: str, n_items: int) -> UserSequences:
        """The past of a query, as that of a single row; history: see `from_dataset`."""
        counted = query.labels == 1 if history == "liked" else np.ones(len(query.labels), dtype=bool)
        items, labels = query.items[counted].astype(np.int64), query.labels[counted].astype(np.int64)
        return cls(items, labels, np.zeros(1, dtype=np.int64), np.array([len(items)]), n_items)

    def build_latest_windows(self, rows: np.ndarray, length: int) -> Windows:
        """Windows in which each row reads its own last `length` entries. Rows with the same past share a window."""
        end = self.first[rows] + self.count[rows]
        begin = np.maximum(self.first[rows], end - length)
        return self._build_windows(begin, end, end - begin, length)

    def build_strided_windows(self, rows: np.ndarray, length: int, rng: np.random.Generator) -> Windows:
        """Windows that rows share, so that an epoch reads each entry about twice instead of `length` times.

        A row sees at least its last half `length` entries (or all there are); the cuts move from call to call.
        """
        stride = max(1, length // 2)
        offset = int(rng.integers(stride))
        last = ((self.count[rows] + offset) // stride + 1) * stride - 1 - offset
        begin = self.first[rows] + np.maximum(0, last - length)
        reached = self.first[rows] + self.count[rows]
        # A window ends where its last row needs it to: what follows is nobody's past here.
        # Stretches of different users never begin at the same entry, unless they are empty.
        begins, number = np.unique(begin, return_inverse=True)
        end = np.zeros(len(begins), dtype=np.int64)
        np.maximum.at(end, number, reached)
        return self._build_windows(begin, end[number], reached - begin, length)

    def _build_windows(self, begin: np.ndarray, end: np.ndarray, step: np.ndarray, length: int) -> Windows:
        # One number per stretch, in the order of (begin, end): sorting pairs takes twenty times as long.
        keys, window = np.unique(begin * (length + 1) + (end - begin), return_inverse=True)
        return Windows(self, keys // (length + 1), keys % (length + 1), length, window, step)
