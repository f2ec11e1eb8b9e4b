"""Reasons from a table, matched to rows by `order`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from thinkrec.data.columns import require_columns
from thinkrec.data.dataset import Dataset
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError


def written_reasons(ds: Dataset, path: Path) -> dict[int, str]:
    """Row number -> reason, for every row of the table at `path` (columns `order` and `reason`).

    Raises DataError where an `order` is unknown, or a reason opens with another verdict than the row's label.
    """
    table = read_table(path)
    require_columns(table, ("order", "reason"), str(path))
    rows = ds.interactions.find(table["order"].to_numpy())
    if (rows < 0).any():
        raise DataError(f"{path}: order {table['order'][int(np.argmin(rows))]} is no row of the data; check the table")
    found = {int(row): str(text) for row, text in zip(rows, table["reason"], strict=True)}
    for row, text in found.items():
        verdict = "Yes." if ds.interactions.label[row] else "No."
        if not text.startswith(verdict):
            order = int(ds.interactions.order[row])
            raise DataError(f"{path}: the reason of order {order} does not begin with {verdict!r}, its row's label")
    return found
