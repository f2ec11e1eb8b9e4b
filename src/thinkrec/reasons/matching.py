"""Matching of a table of reasons to rows of the data: by `order`, checked and corrected by user and item.

`order` is a position in a table. Where rows were added, taken out or put in another order since, it names another row;
the ids beside it show that.
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
    """Row numbers for the lines of a table, and which of them were matched otherwise than by `order`."""

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
    nowhere = np.zeros(len(rows), dtype=bool)
    checked = set(IDS) <= set(table.columns)
    if (rows < 0).all() if checked else (rows < 0).any():
        hint = "" if checked else ", or give it user_id and item_id, by which rows are found that have moved"
        raise DataError(f"{source}: order {order[int(np.argmin(rows))]} is no row of the data; check the table{hint}")
    if not checked:
        return RowMatches(rows, nowhere, nowhere, has_ids=False)
    named = pl.DataFrame({name: parse_ids(table[name], source).cast(pl.String) for name in IDS})
    known = _build_id_table(ds, np.maximum(rows, 0))
    same = (
        (rows >= 0)
        & (named["user_id"] == known["user_id"]).to_numpy()
        & (named["item_id"] == known["item_id"]).to_numpy()
    )
    lost = np.flatnonzero(~same)
    matched, is_ambiguous = np.where(same, rows, -1), nowhere.copy()
    if len(lost):
        all_rows = _build_id_table(ds, np.arange(len(ds.interactions))).with_row_index("row")
        pairs = all_rows.group_by(IDS).agg(pl.col("row").first(), pl.len().alias("count"))
        candidates = named[lost].join(pairs, on=IDS, how="left", maintain_order="left")
        count = candidates["count"].fill_null(0).to_numpy()
        matched[lost] = np.where(count == 1, candidates["row"].fill_null(0).to_numpy().astype(np.int64), -1)
        is_ambiguous[lost] = count > 1
        _, first = np.unique(matched, return_index=True)
        is_repeated = (matched >= 0) & ~np.isin(np.arange(len(matched)), first)
        is_repeated |= np.isin(matched, matched[same]) & ~same & (matched >= 0)
        matched, is_ambiguous = np.where(is_repeated, -1, matched), is_ambiguous | is_repeated
    return RowMatches(matched, ~same & (matched >= 0), is_ambiguous, has_ids=True)


def _build_id_table(ds: Dataset, rows: np.ndarray) -> pl.DataFrame:
    """User and item ids of rows, as text: one table may hold numbers where the other has the same as text."""
    return ds.to_frame(rows).select(pl.col(IDS).cast(pl.String))
