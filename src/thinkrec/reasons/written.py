"""Reasons from a table, matched to rows by `order`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.data.columns import parse_order, refuse_rows, require_columns
from thinkrec.data.dataset import Dataset
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.teacher.answer import verdict, word


def written_reasons(ds: Dataset, path: Path, *, unhinted: bool = False) -> dict[int, str]:
    """Row number -> reason, for every row of the table at `path` (columns `order` and `reason`).

    Args:
        unhinted: take only rows that the column `hinted` does not mark as written knowing the outcome.

    Raises DataError where an `order` is unknown or `hinted` is needed and missing, or where a reason opens with another
    verdict than the row's label.
    """
    table, source = read_table(path), str(path)
    require_columns(table, ("order", "reason", "hinted") if unhinted else ("order", "reason"), source)
    order = parse_order(table["order"], source)
    rows = ds.interactions.find(order.to_numpy())
    if (rows < 0).any():
        raise DataError(f"{path}: order {order[int(np.argmin(rows))]} is no row of the data; check the table")
    refuse_rows(table["reason"], table["reason"].is_null(), source, "has no reason", "Fill in or drop these rows.")
    if unhinted:
        kept = ~_flags(table["hinted"], source)
        rows, table = rows[kept.to_numpy()], table.filter(kept)
    found = {int(row): str(text) for row, text in zip(rows, table["reason"], strict=True)}
    for row, text in found.items():
        label = bool(ds.interactions.label[row])
        opening = f"{word(label)}."
        if not text.startswith(opening) or verdict(text, [ds.items.titles[ds.interactions.item[row]]]) != label:
            order = int(ds.interactions.order[row])
            raise DataError(f"{path}: the reason of order {order} does not begin with {opening!r}, its row's label")
    return found


def _flags(column: pl.Series, source: str) -> pl.Series:
    """True and false, also where a text file spells them out. Raises DataError on anything else."""
    if column.dtype == pl.Boolean:
        found = column
    else:
        known = {"true": True, "1": True, "false": False, "0": False}
        text = column.cast(pl.String).str.to_lowercase()
        found = text.replace_strict(known, default=None, return_dtype=pl.Boolean)
    refuse_rows(column, found.is_null(), source, "is neither true nor false", "Correct these rows.")
    return found
