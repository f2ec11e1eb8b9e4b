"""Rules that say which rows are for training, validation and test; all but `ByColumn` cut by time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Literal

import polars as pl
from pydantic import AfterValidator, Field, model_validator

from thinkrec.data.interactions import SPLITS
from thinkrec.errors import DataError
from thinkrec.io.config import Config


def _to_utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _check_month(text: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text) or text.startswith("0000"):
        raise ValueError(f"'{text}' is not a month; write YYYY-MM")
    return text


Moment = Annotated[datetime, AfterValidator(_to_utc)]
"""A date or time; UTC unless it names a zone."""


class ByColumn(Config):
    """The table says it itself, in a column `split` with train, valid and test."""

    by: Literal["column"] = "column"
    """Which rule this is."""


class ByDates(Config):
    """Cut at two dates; timestamps are seconds since 1970, UTC."""

    by: Literal["dates"] = "dates"
    """Which rule this is."""
    valid_from: Moment
    """First moment of the validation rows."""
    test_from: Moment
    """First moment of the test rows."""
    start: Moment | None = None
    """Rows before this moment are dropped; null keeps all."""
    end: Moment | None = None
    """Rows at or after this moment are dropped; null keeps all."""

    @model_validator(mode="after")
    def _check_order(self) -> ByDates:
        times = [time for time in (self.start, self.valid_from, self.test_from, self.end) if time is not None]
        if any(a >= b for a, b in pairwise(times)):
            raise ValueError("start, valid_from, test_from and end must follow each other in time")
        return self


class ByMonths(Config):
    """Whole calendar months in UTC; rows outside them are dropped. The defaults are the ThinkRec paper's for ML-1M."""

    by: Literal["months"] = "months"
    """Which rule this is."""
    start: Annotated[str, AfterValidator(_check_month)] = "2001-06"
    """First training month, YYYY-MM."""
    train: int = Field(default=10, ge=1)
    """Number of training months."""
    valid: int = Field(default=5, ge=1)
    """Number of validation months."""
    test: int = Field(default=5, ge=1)
    """Number of test months."""

    @model_validator(mode="after")
    def _check_edges(self) -> ByMonths:
        self.compute_edges()
        return self

    def compute_edges(self) -> tuple[datetime, datetime, datetime, datetime]:
        """Start of train, of valid, of test, and the end, in UTC."""
        year, month = (int(part) for part in self.start.split("-"))
        first = year * 12 + month - 1
        counts = (0, self.train, self.train + self.valid, self.train + self.valid + self.test)
        months = [divmod(first + count, 12) for count in counts]
        a, b, c, d = (datetime(year, month + 1, 1, tzinfo=UTC) for year, month in months)
        return a, b, c, d


class ByFractions(Config):
    """Cut at global time quantiles. Rows of one moment never part, so the shares are exact only up to ties."""

    by: Literal["fractions"] = "fractions"
    """Which rule this is."""
    valid: float = Field(default=0.1, gt=0, lt=1)
    """Share of the rows, just before the test rows, for validation."""
    test: float = Field(default=0.1, gt=0, lt=1)
    """Share of the rows, the last in time, for test."""

    @model_validator(mode="after")
    def _check_training_share(self) -> ByFractions:
        if self.valid + self.test >= 1:
            raise ValueError("valid + test must stay below 1, so that training rows remain")
        return self


Split = Annotated[ByColumn | ByDates | ByMonths | ByFractions, Field(discriminator="by")]
"""Any of the rules; in a recipe `by` says which."""


def assign_split(frame: pl.DataFrame, split: Split, *, source: str = "interactions") -> pl.DataFrame:
    """Canonical interactions with a column `split` (String), in their order, without rows outside the rule's window.

    A column `split` that the frame already had counts for `ByColumn` alone; other rules replace it.

    Raises:
        DataError: if `ByColumn` finds no column, or if one of the three splits would have no rows.
    """
    match split:
        case ByColumn():
            if "split" not in frame.columns:
                raise DataError(
                    f"{source}: column 'split' is missing. Add it, or choose a split by dates, months or fractions."
                )
            out = frame
        case ByDates():
            out = _split_at_dates(frame, split.start, split.valid_from, split.test_from, split.end)
        case ByMonths():
            out = _split_at_dates(frame, *split.compute_edges())
        case ByFractions():
            times, n = frame["timestamp"].sort(), frame.height
            last = round(n * split.test)
            before = round(n * (split.valid + split.test))
            # With so few rows that a share rounds to none, cutting after the last moment leaves that split empty.
            after = int(times[-1]) + 1 if n else 0
            out = _label_splits(
                frame, int(times[n - before]) if before else after, int(times[n - last]) if last else after
            )
        case _:
            raise DataError(
                f"{source}: split is {split!r}, no rule; give ByColumn(), ByDates(...), ByMonths(...) or "
                "ByFractions(...)."
            )
    present = set(out["split"].unique().to_list())
    empty = [name for name in SPLITS if name not in present]
    if empty:
        raise DataError(
            f"{source}: the split by {split.by} leaves no rows for {', '.join(empty)}. {_describe_time_range(frame)} "
            "Choose a split that cuts inside this range."
        )
    return out


def _split_at_dates(
    frame: pl.DataFrame, start: datetime | None, valid_from: datetime, test_from: datetime, end: datetime | None
) -> pl.DataFrame:
    time = pl.col("timestamp")
    if start is not None:
        frame = frame.filter(time >= _to_seconds(start))
    if end is not None:
        frame = frame.filter(time < _to_seconds(end))
    return _label_splits(frame, _to_seconds(valid_from), _to_seconds(test_from))


def _label_splits(frame: pl.DataFrame, valid_from: float, test_from: float) -> pl.DataFrame:
    time = pl.col("timestamp")
    split = pl.when(time >= test_from).then(pl.lit("test")).when(time >= valid_from).then(pl.lit("valid"))
    return frame.with_columns(split.otherwise(pl.lit("train")).alias("split"))


def _to_seconds(time: datetime) -> float:
    return time.timestamp()


def _describe_time_range(frame: pl.DataFrame) -> str:
    if not frame.height:
        return "The table has no rows."
    first, last = int(frame["timestamp"].min()), int(frame["timestamp"].max())  # pyright: ignore[reportArgumentType]
    text = (
        f"The data run from {_format_time(first)} to {_format_time(last)} (timestamps {first} to {last}, "
        f"{frame.height} rows)."
    )
    # Seconds reach this number in the year 5138, milliseconds reached it in 1973.
    return text + " These look like milliseconds: divide them by 1000." if last > 10**11 else text


def _format_time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return "beyond the calendar"
