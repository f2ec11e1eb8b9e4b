"""Vectors for the placeholders of prompts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

IN_MEMORY = 256 * 2**20
"""Bytes from which on an array with one entry per row lies in a temporary file that is mapped into memory."""


def create_row_array(n_rows: int, width: int) -> np.ndarray:
    """An empty float32 array (n_rows, width), beyond IN_MEMORY one that the system may write out when it needs room.

    Its file has no name and goes when the array does; it lies where Python's `tempfile` puts files (TMPDIR).
    """
    if n_rows * width * 4 <= IN_MEMORY:
        return np.empty((n_rows, width), dtype=np.float32)
    with tempfile.TemporaryFile(prefix="thinkrec-") as file:
        return np.memmap(file, dtype=np.float32, mode="w+", shape=(n_rows, width))


@dataclass(frozen=True, eq=False)
class RowVectors:
    """Vectors of all rows, float32 (n_rows, d), put together when some are asked for.

    A row's vector is its entries of the `parts` side by side, then the numbers `kind`. Most of it is the vector of its
    user or item, which stands in a table once and not once per row: a row takes its code and a few numbers of its own.
    It is read as an array is, `vectors[rows]`, also by a second index for columns.
    """

    parts: Sequence[tuple[np.ndarray, np.ndarray | None]]
    """Tables (m, width), each with the entry of every row, (n_rows,); None: the row's own number."""
    kind: tuple[float, ...]
    """Last numbers of every vector."""
    n_rows: int
    dtype: np.dtype = field(default_factory=lambda: np.dtype(np.float32), repr=False)

    def __len__(self) -> int:
        """Number of rows."""
        return self.n_rows

    @property
    def shape(self) -> tuple[int, int]:
        """(n_rows, d)."""
        return self.n_rows, sum(table.shape[1] for table, _ in self.parts) + len(self.kind)

    def __getitem__(self, index: Any) -> np.ndarray:
        """float32 (..., d): the vectors of rows, by anything that indexes an array's rows."""
        if isinstance(index, tuple):
            return self[index[0]][(..., *index[1:])]
        joined = None
        end = 0
        for table, entry in self.parts:
            values = table[index] if entry is None else table[entry[index]]
            if joined is None:
                joined = np.empty((*values.shape[:-1], self.shape[1]), dtype=np.float32)
            joined[..., end : end + table.shape[1]] = values
            end += table.shape[1]
        if joined is None:
            count = np.empty(self.n_rows, dtype=bool)[index].shape
            joined = np.empty((*count, self.shape[1]), dtype=np.float32)
        joined[..., end:] = self.kind
        return joined

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All vectors at once."""
        if copy is False:
            raise ValueError("these vectors are put together when they are read: an array of them is a copy")
        return self[:].astype(dtype or self.dtype, copy=False)


@dataclass(frozen=True, eq=False)
class PlaceholderVectors:
    """Collaborative vectors for the prompt's slots, by row of the sorted table."""

    user: RowVectors | np.ndarray
    """float32 (n_rows, d): the row's user as known strictly before the row."""
    item: RowVectors | np.ndarray
    """float32 (n_rows, d): the row's item; on train rows from folds that exclude the row."""


@dataclass(frozen=True, eq=False)
class QueryVectors:
    """The same for one query."""

    user: np.ndarray
    """float32 (d,): the user as known from the query's past."""
    past: np.ndarray
    """float32 (k, d): every item of that past."""
