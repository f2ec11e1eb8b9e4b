"""Windows of a user's past as a sequence model reads them; each row has its step in one window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thinkrec.data.dataset import Dataset


@dataclass(frozen=True)
class Windows:
    """Sequences for some rows. Encoding step p of a window has read its first p entries, so step 0 has read none."""

    item: np.ndarray
    """int64 (n_windows, length): item codes, oldest first, padded with n_items."""
    label: np.ndarray
    """int64 (n_windows, length): labels of the entries, 0 in the padding."""
    window: np.ndarray
    """int64 (n_rows,): the window of each row."""
    place: np.ndarray
    """int64 (n_rows,): the step whose encoding is the user strictly before the row."""

    def iterate_batches(self, size: int) -> Iterator[np.ndarray]:
        """Yield window numbers, `size` at a time."""
        for begin in range(0, len(self.item), size):
            yield np.arange(begin, min(begin + size, len(self.item)))


@dataclass(frozen=True)
class UserSequences:
    """The visible earlier rows (see `Interactions.past`) that a sequence model reads: all, or the liked ones."""

    item: np.ndarray
    """int64 (n_read,): item codes of the rows that are read, in the order of `VisiblePast.row`."""
    label: np.ndarray
    """int64: their labels."""
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
            item[is_read].astype(np.int64),
            label[is_read].astype(np.int64),
            first,
            before[past.end] - first,
            len(ds.items),
        )

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
        index = (keys // (length + 1))[:, None] + np.arange(length)
        inside = np.arange(length) < (keys % (length + 1))[:, None]
        index = np.where(inside, index, 0)
        if len(self.item) == 0:
            empty = np.zeros(index.shape, dtype=np.int64)
            return Windows(empty + self.padding, empty, window, step)
        return Windows(
            np.where(inside, self.item[index], self.padding),
            np.where(inside, self.label[index], 0),
            window,
            step,
        )
