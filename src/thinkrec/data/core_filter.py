"""Interactions that are left out because of the other table, or because a user or an item has too few of them."""

from __future__ import annotations

from typing import Literal

import polars as pl

from thinkrec.data.messages import emit_warning, format_rows, report_dropped
from thinkrec.data.row_problems import Problem, get_collected, get_row_numbers
from thinkrec.errors import DataError

UnknownItems = Literal["raise", "drop"]
"""raise: a row with an item that the items table lacks is an error. drop: such rows are left out, and counted."""


def drop_unknown_items(rows: pl.DataFrame, source: str, item_source: str) -> pl.DataFrame:
    """Interactions with a column `item` (codes, null for unknown ones) without those of unknown items; says how many.

    Raises DataError where no row is left.
    """
    unknown = rows["item"].is_null()
    if not unknown.any():
        return rows
    places = unknown.arg_true()
    what = f"column 'item_id' names items that {item_source} does not have ({format_rows(rows['item_id'], places)})"
    if unknown.all():
        raise DataError(
            f"{source}: no row is left: {what}. Check that both tables are of one catalogue, and whether one writes "
            "its ids in another way."
        )
    items = rows["item_id"].filter(unknown).n_unique()
    if get_collected() is not None:
        numbers = tuple(get_row_numbers(places[:5].to_list(), rows.height))
        remedy = "Add the items there, or say `unknown_items: drop`."
        report_dropped(Problem(source, "item_id", len(places), numbers, what, remedy))
    else:
        emit_warning(
            f"{source}: {len(places)} of {rows.height} rows are left out (unknown_items: drop): they name {items} "
            f"items that {item_source} does not have ({format_rows(rows['item_id'], places)})."
        )
    return rows.filter(~unknown)


def keep_core_rows(rows: pl.DataFrame, min_user_rows: int, min_item_rows: int, source: str) -> pl.DataFrame:
    """Interactions of users and items that have enough of them: the k-core, where both numbers are k.

    Users and items with too few rows are left out in turn until all that stay have enough, since either takes rows from
    the other; says how many. Raises DataError where nothing is left.
    """
    if min_user_rows <= 1 and min_item_rows <= 1:
        return rows
    remaining_rows = rows
    while True:
        before = remaining_rows.height
        remaining_rows = remaining_rows.filter(pl.len().over("user_id") >= min_user_rows)
        remaining_rows = remaining_rows.filter(pl.len().over("item_id") >= min_item_rows)
        if remaining_rows.height == before:
            break
    asked = f"min_user_rows {min_user_rows}, min_item_rows {min_item_rows}"
    if remaining_rows.is_empty():
        raise DataError(f"{source}: no row is left of {rows.height} by {asked}. Lower them.")
    if remaining_rows.height < rows.height:
        users, items = (rows[name].n_unique() - remaining_rows[name].n_unique() for name in ("user_id", "item_id"))
        emit_warning(
            f"{source}: {rows.height - remaining_rows.height} of {rows.height} rows, {users} users and {items} items "
            f"with rows are left out, which have too few ({asked})."
        )
    return remaining_rows
