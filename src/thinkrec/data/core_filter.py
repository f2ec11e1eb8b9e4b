"""Interactions that are left out because of the other table, or because a user or an item has too few of them."""

from __future__ import annotations

from typing import Literal

import polars as pl

from thinkrec.data.messages import emit_warning, format_rows, make_row_problem, report_dropped
from thinkrec.data.row_problems import get_collected
from thinkrec.data.row_trace import keep_rows
from thinkrec.errors import DataError
from thinkrec.io.counts import choose_form, format_count

UnknownItems = Literal["raise", "drop"]
"""raise: a row with an item that the items table lacks is an error. drop: such rows are left out, and counted."""


def drop_unknown_items(
    rows: pl.DataFrame,
    unknown: pl.Series,
    item_ids: pl.Series,
    source: str,
    item_source: str,
    *,
    key: str | None = "unknown_items: drop",
) -> pl.DataFrame:
    """Interactions without those of items that the items table does not have; says how many.

    Args:
        rows: interactions with `item_id`.
        unknown: Boolean (n,), of which rows the item is unknown.
        item_ids: all known ids.
        source: the interactions, as messages call them.
        item_source: the items, likewise.
        key: the setting that asks for it; None where nobody has to.

    Raises DataError where no row is left.
    """
    if not unknown.any():
        return rows
    places = unknown.arg_true()
    near = describe_near_ids(rows["item_id"].filter(unknown), item_ids)
    first = format_rows(rows["item_id"], places, source)
    what = f"column 'item_id' names items that {item_source} does not have ({first})"
    if unknown.all():
        raise DataError(
            f"{source}: no row is left: {what}.{near} Check that both tables are of one catalogue, and whether one "
            "writes its ids in another way."
        )
    items = rows["item_id"].filter(unknown).n_unique()
    if get_collected() is not None:
        remedy = f"{near} Add the items there, or say `unknown_items: drop`.".strip()
        report_dropped(make_row_problem(rows["item_id"], places, source, what, remedy))
    else:
        emit_warning(
            f"{source}: {len(places):,} of {format_count(rows.height, 'row')} {choose_form(len(places), 'is', 'are')} "
            f"left out{f' ({key})' if key else ''}: {choose_form(len(places), 'it names', 'they name')} "
            f"{format_count(items, 'item')} that {item_source} does not have ({first}).{near}"
        )
    keep_rows(source, ~unknown)
    return rows.filter(~unknown)


def describe_near_ids(unknown: pl.Series, known: pl.Series) -> str:
    """A sentence, with a space before it, on unknown ids that are known in another spelling; empty where none are.

    Spreadsheets cut zeros off the front of ISBNs, and the last letter of one may be x or X.
    """
    plain = _normalise_ids(unknown)
    near = plain.is_in(_normalise_ids(known).drop_nulls().implode()).fill_null(False)
    if not near.any():
        return ""
    example = unknown.filter(near)[0]
    return (
        f" {int(near.sum()):,} of these rows {choose_form(int(near.sum()), 'names', 'name')} an item that is there in "
        f"another spelling, such as {example!r}: the "
        "tables differ in zeros in front, case, hyphens or spaces. Write ids alike in both."
    )


def _normalise_ids(ids: pl.Series) -> pl.Series:
    return ids.cast(pl.String).str.to_lowercase().str.replace_all(r"[-\s]", "").str.strip_chars_start("0")


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
            f"{source}: {rows.height - remaining_rows.height:,} of {format_count(rows.height, 'row')}, "
            f"{format_count(users, 'user')} and {format_count(items, 'item')} with rows are left out, which have too "
            f"few ({asked})."
        )
    return remaining_rows
