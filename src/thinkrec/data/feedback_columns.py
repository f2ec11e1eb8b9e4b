"""Counts in place of ratings: a column says what was taken, another what was offered or skipped and not taken."""

from __future__ import annotations

import polars as pl

from thinkrec.data.messages import emit_warning, make_type_error, reject_rows, require_columns
from thinkrec.errors import DataError
from thinkrec.io.config import Config
from thinkrec.io.counts import format_count


class FeedbackColumns(Config):
    """Where Yes and No come from in a table of counts, such as plays and skips, or clicks and exposures."""

    positive: str
    """Column of counts; a row is a Yes where it is above 0: plays, purchases, clicks."""
    negative: str
    """Column of counts; a row is a No where it is above 0 and `positive` is not: skips, exposures. Rows in which
    neither is above 0 say nothing; they are dropped and counted."""

    def describe(self) -> str:
        """One sentence for beside every table."""
        return (
            f"Yes is {self.positive} above 0, No is {self.negative} above 0 without {self.positive}: what was not "
            "offered says nothing"
        )


def derive_feedback_labels(table: pl.DataFrame, columns: FeedbackColumns, source: str) -> pl.DataFrame:
    """The table with a column `label`, 1 or 0, without the rows that say nothing; empty counts are 0.

    Raises DataError for a missing column, one that does not hold numbers, a number below 0, a table that has ratings or
    labels beside it, and where one of the two answers never occurs.
    """
    require_columns(table, (columns.positive, columns.negative), source)
    given = [name for name in ("rating", "label") if name in table.columns]
    if given:
        raise DataError(
            f"{source}: `feedback` reads Yes and No from counts, and the table has a column '{given[0]}' too. Drop one "
            "of the two."
        )
    taken, offered = (_parse_counts(table[name], source) > 0 for name in (columns.positive, columns.negative))
    labelled = table.with_columns(taken.cast(pl.Int8).alias("label")).filter(taken | offered)
    if len(labelled) < len(table):
        emit_warning(
            f"{source}: {len(table) - len(labelled):,} of {format_count(len(table), 'row')} left out, with neither "
            f"'{columns.positive}' nor '{columns.negative}' above 0 (feedback)."
        )
    if labelled["label"].n_unique() < 2:
        answer = "Yes" if len(labelled) and labelled["label"][0] else "No"
        raise DataError(
            f"{source}: no row is left that says anything else than {answer}; see '{columns.positive}' and "
            f"'{columns.negative}'."
        )
    return labelled


def _parse_counts(column: pl.Series, source: str) -> pl.Series:
    """Float64 counts, 0 for empty ones. Raises DataError for what is no number, or one below 0."""
    if not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.String, pl.Null)):
        raise make_type_error(column, source, "must hold counts", "Give numbers from 0 on.")
    texts = column.cast(pl.String).str.strip_chars()
    is_empty = texts.is_null() | (texts == "")
    numbers = column.cast(pl.Float64) if column.dtype == pl.Boolean else texts.cast(pl.Float64, strict=False)
    numbers = pl.select(pl.when(is_empty).then(0.0).otherwise(numbers).alias(column.name)).to_series()
    bad = numbers.is_null() | ~numbers.is_finite().fill_null(False) | (numbers < 0).fill_null(True)
    reject_rows(column, bad, source, "must hold counts, numbers from 0 on", "Correct it.")
    return numbers
