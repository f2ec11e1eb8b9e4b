"""Keywords that a table of items has as columns of 0 and 1, one per keyword, such as MovieLens' `u.item`."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from thinkrec.data.messages import reject_rows
from thinkrec.errors import DataError
from thinkrec.io.counts import format_count

_NO, _YES = ("0", "0.0", "false", "no", ""), ("1", "1.0", "true", "yes")


def join_flag_columns(df: pl.DataFrame, flags: Mapping[str, str | int], source: str) -> pl.DataFrame:
    """The table with a column `keywords` (List(String)) in place of columns of flags.

    Args:
        df: items under our names.
        flags: keyword -> the column whose 1 gives it to an item, by name or by its place from 1 in `df`.
        source: the table in messages.

    Raises DataError for a column that the table does not have or that holds anything but 0 and 1 (also true and false,
    yes and no, empty), naming the rows, and where the table has keywords already.
    """
    if not flags:
        return df
    if "keywords" in df.columns:
        raise DataError(
            f"{source}: `flags` makes keywords of columns, and the table has a column 'keywords' already. Drop one."
        )
    names = {keyword: _find_flag_column(df, theirs, source) for keyword, theirs in flags.items()}
    values = {keyword: _parse_flags(df[name], source) for keyword, name in names.items()}
    parts = [
        pl.when(pl.col(keyword)).then(pl.lit([keyword])).otherwise(pl.lit([], dtype=pl.List(pl.String)))
        for keyword in values
    ]
    keywords = pl.DataFrame(values).select(pl.concat_list(parts).alias("keywords"))["keywords"]
    return df.drop(set(names.values())).with_columns(keywords)


def is_flag_column(column: pl.Series) -> bool:
    """Whether a column holds 0 and 1, and both, or one of them alone in text or whole numbers."""
    if column.dtype.is_nested() or column.dtype == pl.Object or column.null_count():
        return False
    return set(column.cast(pl.String).str.to_lowercase().unique().to_list()) <= {"0", "1", "true", "false"}


def _parse_flags(column: pl.Series, source: str) -> pl.Series:
    """Whether each row has the keyword, Boolean (n,)."""
    if column.dtype.is_nested() or column.dtype == pl.Object:
        raise DataError(f"{source}: column '{column.name}' has type {column.dtype}; a flag is 0 or 1. Correct `flags`.")
    text = column.cast(pl.String).str.strip_chars().str.to_lowercase().fill_null("")
    known = text.is_in([*_YES, *_NO])
    reject_rows(column, ~known, source, "is a flag and has values other than 0 and 1", "Correct them, or `flags`.")
    return text.is_in(list(_YES))


def _find_flag_column(df: pl.DataFrame, theirs: str | int, source: str) -> str:
    if isinstance(theirs, int):
        if not 1 <= theirs <= df.width:
            raise DataError(
                f"{source}: `flags` names place {theirs}, but the table has {format_count(df.width, 'column')}."
            )
        return df.columns[theirs - 1]
    if theirs not in df.columns:
        columns = ", ".join(df.columns)
        raise DataError(
            f"{source}: `flags` names {theirs!r}, which the table does not have (columns found: {columns})."
        )
    return theirs
