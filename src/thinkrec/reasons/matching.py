"""Which rows of the data a table of reasons is about: by `order`, checked and mended by user and item.

`order` is a place in a table. Where rows were added, taken out or put in another order since, it names another row; the
ids beside it tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from thinkrec.data.columns import parse_ids, parse_order
from thinkrec.data.dataset import Dataset
from thinkrec.errors import DataError

IDS = ("user_id", "item_id")


@dataclass(frozen=True)
class RowMatches:
    """Row numbers for the lines of a table, and what had to be done to find them."""

    rows: np.ndarray
    """int64 (m,): the row of each line; -1 where the data has none, or several that it may be."""
    moved: np.ndarray
    """bool (m,): found by user and item, since `order` names another row by now."""
    ambiguous: np.ndarray
    """bool (m,): the user has several rows with the item, and `order` names none of them; or an earlier line has the
    row already."""
    has_ids: bool
    """Whether the table has ids to check by."""


def match_rows(ds: Dataset, table: pl.DataFrame, source: str) -> RowMatches:
    """The rows that the lines of a table with `order`, and best `user_id` and `item_id`, are about.

    Raises DataError for an `order` that is repeated or no whole number, for one that the data does not have in a table
    without ids, and where the data has none of them at all.
    """
    order = parse_order(table["order"], source)
    rows = ds.interactions.find_rows(order.to_numpy())
    none = np.zeros(len(rows), dtype=bool)
    checked = set(IDS) <= set(table.columns)
    if (rows < 0).all() if checked else (rows < 0).any():
        hint = "" if checked else ", or give it user_id and item_id, by which rows are found that have moved"
        raise DataError(f"{source}: order {order[int(np.argmin(rows))]} is no row of the data; check the table{hint}")
    if not checked:
        return RowMatches(rows, none, none, has_ids=False)
    named = pl.DataFrame({name: parse_ids(table[name], source).cast(pl.String) for name in IDS})
    known = _build_id_table(ds, np.maximum(rows, 0))
    same = (rows >= 0) & (named["user_id"] == known["user_id"]).to_numpy() & (
        named["item_id"] == known["item_id"]
    ).to_numpy()
    lost = np.flatnonzero(~same)
    found, several = np.where(same, rows, -1), none.copy()
    if len(lost):
        every = _build_id_table(ds, np.arange(len(ds.interactions))).with_row_index("row")
        pairs = every.group_by(IDS).agg(pl.col("row").first(), pl.len().alias("count"))
        asked = named[lost].join(pairs, on=IDS, how="left", maintain_order="left")
        count = asked["count"].fill_null(0).to_numpy()
        found[lost] = np.where(count == 1, asked["row"].fill_null(0).to_numpy().astype(np.int64), -1)
        several[lost] = count > 1
        _, first = np.unique(found, return_index=True)
        again = (found >= 0) & ~np.isin(np.arange(len(found)), first)
        again |= np.isin(found, found[same]) & ~same & (found >= 0)
        found, several = np.where(again, -1, found), several | again
    return RowMatches(found, ~same & (found >= 0), several, has_ids=True)


def _build_id_table(ds: Dataset, rows: np.ndarray) -> pl.DataFrame:
    """(user_id, item_id) of rows, as text: one table may hold numbers where the other has the same as text."""
    return ds.to_frame(rows).select(pl.col(IDS).cast(pl.String))
