"""Single columns of a table that came in: parse them, or say which rows are wrong and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

import polars as pl

from thinkrec.errors import DataError

TITLE_LIMIT = 200
"""Longest title in characters (Unicode code points); the rest is cut off."""
KEYWORD_LIMIT = 80
"""Longest keyword in characters (Unicode code points); the rest is cut off."""

_SHOWN = 5
_BLANK = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")
_TEXT = (pl.String, pl.Categorical, pl.Enum)
# Far beyond any clock, yet far enough from the ends of int64 that differences of two times cannot overflow.
_TIME_LIMIT = 2**62


class DataWarning(UserWarning):
    """Something in a table was accepted, but its owner will want to know."""


def require_columns(df: pl.DataFrame, names: Iterable[str], source: str) -> None:
    """Raise DataError if one of `names` is missing from the table or the table has no rows."""
    for name in names:
        if name not in df.columns:
            found = ", ".join(df.columns) or "none"
            raise DataError(
                f"{source}: column '{name}' is missing (columns found: {found}). "
                "Add it, or rename the column that holds it."
            )
    if df.height == 0:
        raise DataError(
            f"{source}: the table has no rows. Check that this is the right file and that it was written in full."
        )


def refuse_rows(column: pl.Series, bad: pl.Series, source: str, what: str, remedy: str) -> None:
    """Raise DataError where the mask `bad` is set (or null); names the first few rows, counted from 1, and values."""
    rows = bad.fill_null(True).arg_true()
    if not len(rows):
        return
    shown = [f"row {row + 1}: {_short(column[row])}" for row in rows[:_SHOWN].to_list()]
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    raise DataError(
        f"{source}: column '{column.name}' {what} ({'; '.join(shown)}{more}; rows counted from 1). {remedy}"
    )


def parse_ids(column: pl.Series, source: str) -> pl.Series:
    """Ids as Int64 or String. Raises DataError on null or empty ids and on any other type."""
    if column.dtype.is_integer():
        if column.dtype == pl.UInt64:
            refuse_rows(
                column, column > 2**63 - 1, source, "has ids beyond 64-bit signed integers", "Give them as text."
            )
        parsed = column.cast(pl.Int64)
    elif column.dtype in _TEXT:
        parsed = column.cast(pl.String)
    else:
        refuse_rows(column, column.is_null(), source, "has empty ids", "Give every row an id or drop the row.")
        raise _wrong_type(
            column, source, "ids must be whole numbers or text", "Cast the column to integers or to text."
        )
    empty = parsed.is_null() if parsed.dtype == pl.Int64 else parsed.is_null() | (parsed == "")
    refuse_rows(column, empty, source, "has empty ids", "Give every row an id or drop the row.")
    return parsed


def parse_ratings(column: pl.Series, source: str) -> pl.Series:
    """Ratings as finite Float64. Raises DataError on null, NaN, infinite values and on text that is no number."""
    if not (column.dtype.is_numeric() or column.dtype == pl.String):
        raise _wrong_type(column, source, "ratings must be numbers", "Cast the column to float.")
    parsed = column.cast(pl.Float64, strict=False)
    refuse_rows(
        column, ~parsed.is_finite(), source, "has ratings that are not finite numbers", "Correct or drop these rows."
    )
    return parsed


def parse_labels(column: pl.Series, source: str) -> pl.Series:
    """Labels as Int8 0 or 1, from numbers, booleans, or the same as text. Raises DataError on anything else."""
    remedy = "Use 1 for liked and 0 for not, or give a 'rating' column and a threshold."
    if column.dtype == pl.String:
        words = column.str.strip_chars().str.to_lowercase()
        number = words.replace({"true": "1", "false": "0"}).cast(pl.Float64, strict=False)
    elif column.dtype.is_numeric() or column.dtype == pl.Boolean:
        number = column.cast(pl.Float64)
    else:
        raise _wrong_type(column, source, "labels must be 0 or 1", remedy)
    refuse_rows(column, ~number.is_in([0.0, 1.0]), source, "has labels other than 0 and 1", remedy)
    return number.cast(pl.Int8)


def parse_order(column: pl.Series, source: str) -> pl.Series:
    """Row order as unique Int64. Raises DataError on null, repeated or non-integer values."""
    remedy = "Give every row its own whole number, or leave the column out to use the place of the row in the table."
    if not (column.dtype.is_integer() or column.dtype == pl.String):
        raise _wrong_type(column, source, "order must hold whole numbers", remedy)
    parsed = column.cast(pl.Int64, strict=False)
    refuse_rows(column, parsed.is_null(), source, "has values that are not whole numbers", remedy)
    refuse_rows(column, parsed.is_duplicated(), source, "has repeated values", remedy)
    return parsed


def parse_times(column: pl.Series, source: str) -> tuple[pl.Series, pl.Series]:
    """Timestamps as (whole, fraction): Int64 and Float64 in [0, 1), their sum the exact time.

    Numbers keep their unit. Dates, datetimes (UTC unless they name a zone) and ISO 8601 text become seconds since 1970.
    Raises DataError on null, NaN or infinite times and on text that is neither a number nor a date.
    """
    remedy = "Give a number (seconds since 1970, UTC), a datetime or an ISO 8601 date, or drop these rows."
    refuse_rows(column, column.is_null(), source, "has empty timestamps", remedy)
    kind = column.dtype
    exact = _text_times(column, source, remedy) if kind == pl.String else column
    if exact.dtype == pl.Date or isinstance(exact.dtype, pl.Datetime):
        ticks = exact.cast(pl.Datetime("us")) if exact.dtype == pl.Date else exact
        if isinstance(ticks.dtype, pl.Datetime) and ticks.dtype.time_zone is not None:
            ticks = ticks.dt.convert_time_zone("UTC")
        per = 1_000_000_000 if isinstance(ticks.dtype, pl.Datetime) and ticks.dtype.time_unit == "ns" else 1_000_000
        count = ticks.dt.epoch("ns" if per == 1_000_000_000 else "us")
        return count // per, (count % per).cast(pl.Float64) / per
    if exact.dtype.is_float():
        refuse_rows(column, ~exact.is_finite(), source, "has timestamps that are not finite numbers", remedy)
        refuse_rows(column, exact.abs() >= _TIME_LIMIT, source, "has timestamps beyond any clock", remedy)
        floor = exact.cast(pl.Float64).floor()
        return floor.cast(pl.Int64), exact.cast(pl.Float64) - floor
    if exact.dtype.is_integer():
        outside = (exact >= _TIME_LIMIT) | (exact <= -_TIME_LIMIT) if exact.dtype in (pl.Int64, pl.UInt64) else None
        if outside is not None:
            refuse_rows(column, outside, source, "has timestamps beyond any clock", remedy)
        return exact.cast(pl.Int64), pl.zeros(len(exact), pl.Float64, eager=True)
    raise _wrong_type(column, source, "timestamps must be numbers or dates", remedy)


def parse_text(column: pl.Series, source: str) -> pl.Series:
    """A text column as String, empty values kept null. Raises DataError on any other type."""
    if column.dtype == pl.Null or column.dtype in _TEXT:
        return column.cast(pl.String)
    raise _wrong_type(column, source, "must hold text", "Cast the column to text.")


def parse_keywords(column: pl.Series, source: str) -> list[tuple[str, ...]]:
    """Keywords per row, cleaned, in their order, without repeats; see `clean_keywords` for text. Raises DataError."""
    texts = column.dtype == pl.Null or column.dtype in _TEXT
    lists = isinstance(column.dtype, pl.List) and (column.dtype.inner == pl.Null or column.dtype.inner in _TEXT)
    if not (texts or lists):
        remedy = "Give a list of strings, or one text with | or , between the keywords."
        raise _wrong_type(column, source, "must hold keywords", remedy)
    return [clean_keywords(value) for value in column.to_list()]


def clean_line(text: str | None, limit: int) -> str:
    """One line of at most `limit` characters: control characters and runs of white space become one space."""
    return _BLANK.sub(" ", text or "").strip()[:limit].rstrip()


def clean_keywords(value: str | Iterable[str | None] | None) -> tuple[str, ...]:
    """Keywords as clean, distinct, non-empty lines in their order.

    One text is cut at every | if it has one, else at every comma.
    """
    if isinstance(value, str):
        value = value.split("|" if "|" in value else ",")
    lines = (clean_line(part, KEYWORD_LIMIT) for part in value or ())
    return tuple(dict.fromkeys(line for line in lines if line))


def _text_times(column: pl.Series, source: str, remedy: str) -> pl.Series:
    for kind in (pl.Int64, pl.Float64):
        numbers = column.cast(kind, strict=False)
        if numbers.null_count() == 0:
            return numbers
    number = column.cast(pl.Float64, strict=False).is_not_null()
    times = [_iso(text) for text in column.to_list()]
    is_date = pl.Series([time is not None for time in times], dtype=pl.Boolean)
    refuse_rows(column, ~(number | is_date), source, "has timestamps that are neither numbers nor dates", remedy)
    refuse_rows(column, ~is_date, source, "mixes numbers and dates", remedy)
    return pl.Series(column.name, times, dtype=pl.Datetime("us", "UTC"))


def _iso(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _wrong_type(column: pl.Series, source: str, what: str, remedy: str) -> DataError:
    sample = column.drop_nulls()
    seen = f" (row {int(column.is_not_null().arg_max() or 0) + 1}: {_short(sample[0])})" if len(sample) else ""
    return DataError(f"{source}: column '{column.name}' has type {column.dtype}{seen}; {what}. {remedy}")


def _short(value: object) -> str:
    text = repr(value.to_list() if isinstance(value, pl.Series) else value)
    return text if len(text) <= 40 else text[:37] + "..."
