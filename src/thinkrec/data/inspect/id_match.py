"""Which column of the interactions holds the ids of the items: the one whose values stand in the items table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from thinkrec.data.columns import strip_whitespace
from thinkrec.data.inspect.column_guess import ColumnGuess, TableGuess
from thinkrec.io.counts import format_count

LOOKED_AT = 5_000
"""Rows by which two columns are compared."""
_ENOUGH = 0.5
"""Share of known ids from which a guess by name is left alone."""


def describe_alike_ids(ids: Sequence[Any], noun: str) -> str | None:
    """A sentence on ids that differ from another one by case alone; None where there are none."""
    spellings: dict[str, list[str]] = {}
    for id_ in ids:
        spellings.setdefault(str(id_).casefold(), []).append(str(id_))
    alike = [names for names in spellings.values() if len(names) > 1]
    if not alike:
        return None
    count = format_count(sum(map(len, alike)), f"{noun} has", f"{noun}s have")
    return (
        f"{count} an id that differs from another one by case alone, such as {alike[0][0]!r} and {alike[0][1]!r}: each "
        f"counts as a {noun} of its own. Write ids alike where they are one."
    )


def match_id_columns(
    rows: pl.DataFrame, items: pl.DataFrame, of_rows: TableGuess, of_items: TableGuess
) -> tuple[TableGuess, TableGuess]:
    """Both guesses, with another column of ids where the guessed ones hardly meet and two others do.

    Such as `asin`, the variant, beside `parent_asin`, under which Amazon 2023 lists a product.
    """
    chosen = _get_column(of_rows, "item_id"), _get_column(of_items, "item_id")
    share = compute_share_known(rows[chosen[0]], items[chosen[1]])
    if share >= _ENOUGH:
        return of_rows, of_items
    best = max(_list_pairs(rows, items, of_rows, of_items), key=lambda pair: pair[0], default=(0.0, *chosen))
    if best[0] < share + 0.4:
        return of_rows, of_items
    why = f"{best[0]:.0%} of its values are ids of the items table ('{best[2]}'), {share:.0%} of '{chosen[0]}'"
    changed_rows = _replace_column(of_rows, best[1], why)
    return changed_rows, _replace_column(of_items, best[2], f"it has the values of '{best[1]}' of the interactions")


def compute_share_known(named: pl.Series, known: pl.Series) -> float:
    """Share of the first values of one column that stand in another one, as text."""
    sample = _to_text(named.head(LOOKED_AT)).drop_nulls()
    return float(sample.is_in(_to_text(known).drop_nulls().implode()).mean() or 0)  # pyright: ignore[reportArgumentType]


def _list_pairs(
    rows: pl.DataFrame, items: pl.DataFrame, of_rows: TableGuess, of_items: TableGuess
) -> Iterator[tuple[float, str, str]]:
    """(share, column of interactions, column of items) of every two columns that can be ids."""
    taken = {column.theirs for column in of_rows.columns if column.ours != "item_id"}
    taken_there = {column.theirs for column in of_items.columns if column.ours != "item_id"}
    ids = [name for name in items.columns if name not in taken_there and _is_distinct(items[name])]
    for name in rows.columns:
        if name in taken or rows[name].dtype.is_nested() or rows[name].dtype == pl.Object:
            continue
        yield from ((compute_share_known(rows[name], items[other]), name, other) for other in ids)


def _is_distinct(column: pl.Series) -> bool:
    plain = not column.dtype.is_nested() and column.dtype != pl.Object
    return plain and len(column) > 1 and not column.null_count() and column.n_unique() > 0.9 * len(column)


def _to_text(column: pl.Series) -> pl.Series:
    return strip_whitespace(column.cast(pl.String))


def _get_column(guess: TableGuess, ours: str) -> str:
    return next(column.theirs for column in guess.columns if column.ours == ours)


def _replace_column(guess: TableGuess, theirs: str, why: str) -> TableGuess:
    if _get_column(guess, "item_id") == theirs:
        return guess
    changed = ColumnGuess("item_id", theirs, why)
    columns = tuple(changed if column.ours == "item_id" else column for column in guess.columns)
    return TableGuess(guess.role, columns, guess.missing)
