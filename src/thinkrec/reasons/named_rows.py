"""The rows of a data set that a table names."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.data.columns import require_columns
from thinkrec.data.dataset import Dataset
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError, DataWarning
from thinkrec.reasons.matching import match_rows


def draw_rows(rows: np.ndarray, n: int | None, seed: int) -> np.ndarray:
    """int64: `n` of the rows drawn by seed, in the order of the data, whatever order they came in; None: all as given.

    Raises DataError where there are fewer.
    """
    if n is None:
        return rows
    if n > len(rows):
        raise DataError(f"{n} rows were asked for, and the table names {len(rows)}; ask for at most as many")
    return np.sort(np.random.default_rng(seed).permutation(np.sort(rows))[:n])


def read_named_rows(path: Path, split: str | None, ds: Dataset) -> np.ndarray:
    """int64: rows of the data named by the column `order` of a table, only those of `split` if given."""
    table, source = read_table(path), str(path)
    require_columns(table, ("order", "split") if split else ("order",), source)
    if split is not None:
        table = table.filter(pl.col("split").cast(pl.String) == split)
    if table.is_empty():
        raise DataError(f"{source} names no row" + (f" of split {split!r}; look at its column split" if split else ""))
    matched = match_rows(ds, table, source)
    lacking = int((matched.rows < 0).sum())
    if lacking:
        first = table["order"][int(np.argmin(matched.rows))]
        raise DataError(
            f"{source}: {lacking} of {table.height} rows are not in the run's data (the first: order {first}), by user "
            "and item; take them out, or give the table that the run was trained on"
        )
    moved = int(matched.moved.sum())
    if moved:
        text = f"{source}: {moved} of {table.height} rows were found by user and item: `order` names other rows."
        warnings.warn(text, DataWarning, stacklevel=2)
    return matched.rows
