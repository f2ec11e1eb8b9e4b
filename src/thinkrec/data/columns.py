"""Parsers of single columns of an input table: values of one type, or an error that names the wrong rows."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import polars as pl

from thinkrec.data.keywords import KEYWORD_LIMIT, clean_keywords, parse_keywords
from thinkrec.data.markup import clean_line
from thinkrec.data.messages import find_similar_column, make_type_error, reject_rows, require_columns, warn_rows
from thinkrec.data.time_texts import parse_text_times
from thinkrec.errors import DataError, DataWarning

# Importers take everything about single columns from here, also what other files of this folder define.
__all__ = [
    "KEYWORD_LIMIT",
    "NO_VALUE",
    "TITLE_LIMIT",
    "DataWarning",
    "check_threshold",
    "clean_keywords",
    "clean_line",
    "find_similar_column",
    "parse_ids",
    "parse_keywords",
    "parse_labels",
    "parse_order",
    "parse_ratings",
    "parse_text",
    "parse_times",
    "reject_rows",
    "require_columns",
    "strip_whitespace",
]

TITLE_LIMIT = 200
"""Longest title in characters (Unicode code points); the rest is cut off."""
NO_VALUE = ("nan", "NaN", "NAN", "None", "NONE", "null", "NULL", "Null", "N/A", "n/a", "#N/A", "<NA>", "NaT", "<null>")
"""How programs write a missing value as text."""

_TEXT = (pl.String, pl.Categorical, pl.Enum)
# White space and characters without width: zero-width ones and the byte-order mark.
_AROUND = " \t\r\n\f\v\u0085\u00a0\u2028\u2029\u3000\u200b\u200e\u200f\u2060\ufeff"
# Far beyond any clock, yet far enough from the ends of int64 that differences of two times cannot overflow.
_TIME_LIMIT = 2**62
_YES, _NO = ("true", "yes", "y", "t", "liked"), ("false", "no", "n", "f", "disliked")
_WHOLE = r"^(0|-?[1-9][0-9]{0,17})(\.0+)?$"


def strip_whitespace(column: pl.Series) -> pl.Series:
    """Text without white space and characters that do not show at its ends."""
    return column.str.strip_chars(_AROUND)


def parse_ids(column: pl.Series, source: str) -> pl.Series:
    """Ids as Int64, String or Categorical (as which they came). Raises DataError on null or empty ids and other types.

    Invisible characters at the ends of text are cut off, and whole numbers written as 12.0 become integers; a warning
    counts either.
    """
    empty = "Give every row an id or drop the row."
    kind = column.dtype
    if kind.is_integer():
        reject_rows(column, column.is_null(), source, "has empty ids", empty)
        parsed = column.cast(pl.Int64, strict=False)
        reject_rows(column, parsed.is_null(), source, "has ids beyond 64-bit signed integers", "Give them as text.")
        return parsed
    if kind.is_float() or kind.is_decimal():
        number = column.cast(pl.Float64)
        reject_rows(column, number.is_null() | number.is_nan(), source, "has empty ids", empty)
        broken = (number != number.floor()) | (number.abs() >= 2**53)
        what = f"has type {kind} and ids that are no whole numbers"
        reject_rows(column, broken, source, what, "Ids must be whole numbers or text: cast the column to either.")
        note = "They are read as whole numbers; where an empty cell made them so, check what became of it."
        warn_rows(column, number.is_finite(), source, "have a whole id with a point", note)
        return number.cast(pl.Int64, strict=False)
    if kind not in _TEXT:
        reject_rows(column, column.is_null(), source, "has empty ids", empty)
        raise make_type_error(
            column, source, "ids must be whole numbers or text", "Cast the column to integers or to text."
        )
    if kind == pl.Categorical and _has_clean_ids(column.unique().cast(pl.String)):
        return column
    texts = column.cast(pl.String)
    parsed = strip_whitespace(texts)
    reject_rows(column, parsed.is_null() | (parsed == ""), source, "has empty ids", empty)
    warn_rows(column, parsed != texts, source, "have white space around the id", "It is cut off.")
    if parsed.str.contains(_WHOLE).all() and parsed.str.contains(".", literal=True).any():
        note = "They are read as whole numbers; where an empty cell made them so, check what became of it."
        warn_rows(column, parsed.str.contains(".", literal=True), source, "have a whole id with a point", note)
        return parsed.str.replace(r"\.0+$", "").cast(pl.Int64)
    note = "They count as one and the same id; drop these rows if an id was missing there."
    warn_rows(column, parsed.is_in(NO_VALUE), source, "have an id that programs write for a missing value", note)
    return parsed


def _has_clean_ids(distinct: pl.Series) -> bool:
    """Whether there is nothing to say of ids, all text: none is empty, looks like a number or a missing value."""
    if distinct.null_count() or (distinct == "").any() or distinct.is_in(NO_VALUE).any():
        return False
    return not (strip_whitespace(distinct) != distinct).any() and not distinct.str.contains(_WHOLE).all()


def check_threshold(threshold: Any, source: str) -> float:
    """The threshold of ratings as a finite number. Raises DataError on anything else."""
    number = isinstance(threshold, Real) and not isinstance(threshold, bool)
    if not number or not math.isfinite(threshold):
        value = repr(threshold) if isinstance(threshold, str) else threshold
        raise DataError(
            f"{source}: column 'rating' needs a finite threshold, not {value}. "
            "Give one number; liked means rating > threshold."
        )
    return float(threshold)


def parse_ratings(column: pl.Series, source: str) -> pl.Series:
    """Ratings as finite Float64. Raises DataError on null, NaN, infinite values and on text that is no number."""
    text = column.dtype in _TEXT
    if not (column.dtype.is_numeric() or text):
        raise make_type_error(column, source, "ratings must be numbers", "Cast the column to float.")
    remedy = 'Correct or drop these rows, or name values that mean "not rated" in `missing`.'
    plain = strip_whitespace(column.cast(pl.String)) if text else column
    if text and (commas := plain.str.contains(r"^-?\d+,\d+$").fill_null(False)).any():
        warn_rows(column, commas, source, "have a decimal comma", "It is read as a point.")
        plain = plain.str.replace(r"^(-?\d+),(\d+)$", "$1.$2")
    parsed = plain.cast(pl.Float64, strict=False)
    reject_rows(column, ~parsed.is_finite(), source, "has ratings that are not finite numbers", remedy)
    return parsed


def parse_labels(column: pl.Series, source: str) -> pl.Series:
    """Labels as Int8 0 or 1, from numbers, booleans, the same as text, or yes and no. Raises DataError otherwise."""
    remedy = "Use 1 for liked and 0 for not, or give a 'rating' column and a threshold."
    if column.dtype in _TEXT:
        words = strip_whitespace(column.cast(pl.String)).str.to_lowercase()
        known = {word: "1" for word in _YES} | {word: "0" for word in _NO}
        number = words.replace(known).cast(pl.Float64, strict=False)
    elif column.dtype.is_numeric() or column.dtype == pl.Boolean:
        number = column.cast(pl.Float64)
    else:
        raise make_type_error(column, source, "labels must be 0 or 1", remedy)
    if set(number.drop_nulls().unique().to_list()) == {-1.0, 1.0}:
        remedy = "Write 0 in place of -1 for what was not liked."
    known = number.is_in([0.0, 1.0])
    reject_rows(column, ~known, source, "has labels other than 0 and 1", remedy)
    number = pl.select(pl.when(known).then(number.alias(column.name))).to_series()
    return number.cast(pl.Int8)


def parse_order(column: pl.Series, source: str) -> pl.Series:
    """Row order as unique Int64. Raises DataError on null, repeated or non-integer values."""
    remedy = "Give every row its own whole number, or leave the column out to use the place of the row in the table."
    if not (column.dtype.is_integer() or column.dtype == pl.String):
        raise make_type_error(column, source, "order must hold whole numbers", remedy)
    parsed = (strip_whitespace(column) if column.dtype == pl.String else column).cast(pl.Int64, strict=False)
    reject_rows(column, parsed.is_null(), source, "has values that are not whole numbers", remedy)
    reject_rows(column, parsed.is_duplicated(), source, "has repeated values", remedy)
    return parsed


def parse_times(column: pl.Series, source: str) -> tuple[pl.Series, pl.Series]:
    """Timestamps as (whole, fraction): Int64 and Float64 in [0, 1), their sum the exact time.

    Numbers keep their unit. Dates, datetimes (UTC unless they name a zone) and ISO 8601 text become seconds since 1970.
    Raises DataError on null, NaN or infinite times and on text that is neither a number nor a date.
    """
    remedy = "Give a number (seconds since 1970, UTC), a datetime or an ISO 8601 date, or drop these rows."
    reject_rows(column, column.is_null(), source, "has empty timestamps", remedy)
    text = column.dtype in _TEXT
    exact = parse_text_times(strip_whitespace(column.cast(pl.String)), source, remedy) if text else column
    if exact.dtype == pl.Date or isinstance(exact.dtype, pl.Datetime):
        ticks = exact.cast(pl.Datetime("us")) if exact.dtype == pl.Date else exact
        if isinstance(ticks.dtype, pl.Datetime) and ticks.dtype.time_zone is not None:
            ticks = ticks.dt.convert_time_zone("UTC")
        per = 1_000_000_000 if isinstance(ticks.dtype, pl.Datetime) and ticks.dtype.time_unit == "ns" else 1_000_000
        count = ticks.dt.epoch("ns" if per == 1_000_000_000 else "us")
        return count // per, (count % per).cast(pl.Float64) / per
    if exact.dtype.is_float() or exact.dtype.is_decimal():
        number = exact.cast(pl.Float64)
        reject_rows(column, ~number.is_finite(), source, "has timestamps that are not finite numbers", remedy)
        reject_rows(column, number.abs() >= _TIME_LIMIT, source, "has timestamps beyond any clock", remedy)
        floor = number.floor()
        return floor.cast(pl.Int64, strict=False), number - floor
    if exact.dtype.is_integer():
        whole = exact.cast(pl.Int64, strict=False)
        outside = whole.is_null() | (whole >= _TIME_LIMIT) | (whole <= -_TIME_LIMIT)
        reject_rows(column, outside, source, "has timestamps beyond any clock", remedy)
        return whole, pl.zeros(len(exact), pl.Float64, eager=True)
    raise make_type_error(column, source, "timestamps must be numbers or dates", remedy)


def parse_text(column: pl.Series, source: str) -> pl.Series:
    """A text column as String, empty values kept null. Raises DataError on any other type."""
    if column.dtype == pl.Null or column.dtype in _TEXT:
        return column.cast(pl.String)
    raise make_type_error(column, source, "must hold text", "Cast the column to text.")
