"""Times written as text: ISO 8601, usual patterns of other programs, and numbers beside dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product

import polars as pl

from thinkrec.data.messages import emit_warning, format_rows, reject_rows, warn_rows

_DAYS = (
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%m %d, %Y",  # Amazon's reviewTime
    "%m/%d/%Y",
    "%d/%m/%Y",
)
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %I:%M %p", " %I:%M:%S %p")
_PATTERNS = (
    *("".join(parts) for parts in product(_DAYS, _CLOCKS)),
    "%a %b %d %H:%M:%S %z %Y",  # Goodreads and Twitter
    "%a, %d %b %Y %H:%M:%S %z",
)
_COMPACT = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
"""A day as eight digits. As seconds since 1970 these would all lie in August of that year."""
EARLIEST_NUMBER = 10**8
"""Beside dates, smaller numbers are no times: seconds reached this one in 1973."""


def parse_text_times(column: pl.Series, source: str, remedy: str) -> pl.Series:
    """Numbers, where all are (Int64 or Float64), else Datetime in UTC; null where a value was reported as wrong.

    ISO 8601 and the usual patterns are read, those besides ISO with a warning that names the pattern. Numbers beside
    dates count as seconds, milliseconds, microseconds or nanoseconds by their size, with a warning that counts them.
    Raises DataError, or reports, where a value is neither.
    """
    compact = column.str.contains(f"^{_COMPACT.pattern}$").fill_null(False)
    filled = column.is_not_null()
    if not (compact | ~filled).all() or not filled.any():
        for kind in (pl.Int64, pl.Float64):
            numbers = column.cast(kind, strict=False)
            if (numbers.is_not_null() | ~filled).all():
                return numbers
    number = (column.cast(pl.Float64, strict=False).is_not_null() & ~compact).fill_null(False)
    times = [None if is_number else parse_iso_time(text) for text, is_number in zip(column, number, strict=True)]
    open_texts = _fill_by_pattern(times, column, number, source)
    remedy = _describe_date_doubt(open_texts) + remedy if open_texts else remedy
    is_date = pl.Series([time is not None for time in times], dtype=pl.Boolean)
    reject_rows(column, ~(number | is_date), source, "has timestamps that are neither numbers nor dates", remedy)
    dates = pl.Series(column.name, times, dtype=pl.Datetime("us", "UTC"))
    if compact.any():
        warn_rows(column, compact, source, "hold a day written as eight digits", "They are read as these days.")
    return _merge_numbers(column, dates, number, source, remedy) if number.any() else dates


def parse_iso_time(text: str | None) -> datetime | None:
    """A time in UTC; None for what is no ISO 8601."""
    try:
        time = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def find_date_pattern(texts: Sequence[str]) -> str | None:
    """The one pattern that all texts follow; None where none does, or two that mean different times.

    >>> find_date_pattern(["01/30/2024", "02/01/2024"]), find_date_pattern(["01/02/2024"])
    ('%m/%d/%Y', None)
    """
    fitting = _list_date_patterns(texts)
    return fitting[0] if len(fitting) == 1 else None


def _list_date_patterns(texts: Sequence[str]) -> list[str]:
    """The patterns that all texts follow."""
    fitting = [pattern for pattern in _PATTERNS if all(_is_written_by(text, pattern) for text in texts[:20])]
    return [pattern for pattern in fitting if all(_is_written_by(text, pattern) for text in texts)]


def _describe_date_doubt(texts: Sequence[str]) -> str:
    """Why dates that are none in ISO 8601 are not read, with a space behind it; empty where they are no dates."""
    fitting = _list_date_patterns(texts)
    if len(fitting) > 1:
        return f"They may be {' or '.join(fitting)}, and nothing says which: write them as YYYY-MM-DD. "
    shown = texts[:200]
    if texts and sum(any(_is_written_by(text, pattern) for pattern in _PATTERNS) for text in shown) > len(shown) / 2:
        return "The dates are written in several ways: write all of them as YYYY-MM-DD. "
    return ""


def _is_written_by(text: str, pattern: str) -> bool:
    try:
        datetime.strptime(text, pattern)
    except ValueError:
        return False
    return True


def _fill_by_pattern(times: list[datetime | None], column: pl.Series, number: pl.Series, source: str) -> list[str]:
    """Put times that are no ISO 8601 but all follow one pattern in their places, and say which; the texts left over."""
    open_rows = [row for row, time in enumerate(times) if time is None and not number[row] and column[row]]
    pattern = find_date_pattern([column[row] for row in open_rows]) if open_rows else None
    if pattern is None:
        return [column[row] for row in open_rows]
    for row in open_rows:
        time = datetime.strptime(column[row], pattern)
        times[row] = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    mask = pl.zeros(len(column), dtype=pl.Boolean, eager=True).scatter(open_rows, True)
    warn_rows(column, mask, source, f"have a time in the pattern {pattern}", "They are read by it, in UTC.")
    return []


def _merge_numbers(column: pl.Series, dates: pl.Series, number: pl.Series, source: str, remedy: str) -> pl.Series:
    values = column.cast(pl.Float64, strict=False)
    small = number & (values.abs() < EARLIEST_NUMBER)
    reject_rows(column, small.fill_null(False), source, "mixes numbers and dates", remedy)
    size = values.abs()
    per = pl.select(
        pl.when(size < 1e11).then(1e6).when(size < 1e14).then(1e3).when(size < 1e17).then(1.0).otherwise(1e-3)
    ).to_series()
    microseconds = (values * per).cast(pl.Int64, strict=False).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    counted = [
        f"{int(mask.sum())} {what} ({format_rows(column, mask.arg_true()[:1], source, is_explained=False)})"
        for what, mask in (("numbers", number & ~small), ("dates", dates.is_not_null()))
        if mask.any()
    ]
    emit_warning(
        f"{source}: column '{column.name}' mixes {' and '.join(counted)}; all are read as seconds, numbers of 12 "
        "digits and more as milliseconds or finer."
    )
    return pl.select(pl.when(number & ~small).then(microseconds).otherwise(dates)).to_series().alias(column.name)
